package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
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

// Handle writes one message as one line: the standard library's text handler
// quotes the values, so that none of them can begin a second line.
func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	var line bytes.Buffer
	line.WriteString("vigil: ")
	switch {
	case r.Level >= slog.LevelError:
		line.WriteString("error: ")
	case r.Level >= slog.LevelWarn:
		line.WriteString("warning: ")
	}
	line.WriteString(r.Message)

	var pairs bytes.Buffer
	text := slog.NewTextHandler(&pairs, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	})
	if err := text.WithAttrs(h.attrs).Handle(ctx, r); err != nil {
		return err
	}
	if pairs.Len() > 1 {
		line.WriteString(": ")
	}
	line.Write(pairs.Bytes())

	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.w.Write(line.Bytes())
	return err
}
