package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// lineHandler writes log messages the way commands say errors: "vigil: warning:
// what: key=value ...". The service manager adds the time.
type lineHandler struct {
	mu    *sync.Mutex
	w     io.Writer
	attrs []slog.Attr
}

func newLineHandler(w io.Writer) *lineHandler {
	return &lineHandler{mu: new(sync.Mutex), w: w}
}

// newLogger writes the daemon's own messages for people: one line each.
func newLogger(w io.Writer) *slog.Logger {
	return slog.New(newLineHandler(w))
}

// Enabled keeps debug messages out.
func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// WithAttrs returns a handler that adds attrs to each message.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.attrs = append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return &next
}

// WithGroup does nothing: a line for people has no groups.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }

// Handle writes one message. The standard library's text handler quotes the values,
// so that none of them can begin a second line. An error comes last and as it was
// made for people: what it shows below its first line, such as a caret under the
// fault, is indented.
func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	var line bytes.Buffer
	line.WriteString("vigil: ")
	switch {
	case r.Level >= slog.LevelError:
		line.WriteString("error: ")
	case r.Level >= slog.LevelWarn:
		line.WriteString("warning: ")
	}
	line.WriteString(indented(r.Message))

	var pairs bytes.Buffer
	var failure error
	text := slog.NewTextHandler(&pairs, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if err, ok := a.Value.Any().(error); ok {
				failure = err
				return slog.Attr{}
			}
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) || a.Value.Any() == nil {
				return slog.Attr{}
			}
			return a
		},
	})
	if err := text.WithAttrs(h.attrs).Handle(ctx, r); err != nil {
		return err
	}
	if values := bytes.TrimSpace(pairs.Bytes()); len(values) > 0 {
		line.WriteString(": ")
		line.Write(values)
	}
	if failure != nil {
		line.WriteString(": " + indented(failure.Error()))
	}
	line.WriteByte('\n')

	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(line.Bytes())
	return err
}

// indented keeps a text of several lines from looking like several messages, and
// its bytes from moving the cursor.
func indented(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c == '\n':
			b.WriteString("\n  ")
		case unicode.IsPrint(c) || c == '\t':
			b.WriteRune(c)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(c), "'"))
		}
	}
	return b.String()
}
