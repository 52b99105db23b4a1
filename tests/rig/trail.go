package rig

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Line is one record of a trail, cut with the few lines of code that a reader of auditd's format would write.
// Its slices are views, valid until the next line is read.
type Line struct {
	Number int // from 1, over all segments
	Node   []byte
	Type   []byte
	Stamp  []byte // SEC.MMM:SERIAL
	Serial uint32
	Body   []byte // all after the stamp, without the enrichment
	Extra  []byte // the enrichment after 0x1D; nil when there is none
}

// ErrLine is wrapped by Scan's error when a line is not a record.
var ErrLine = errors.New("not a record")

// Own reports whether the line is the daemon's own word (DAEMON_*, LEDGER), whose serial is not the kernel's.
func (l Line) Own() bool {
	return bytes.HasPrefix(l.Type, []byte("DAEMON_")) || string(l.Type) == "LEDGER"
}

// Scan calls see for every line of the trail: the rotated segments from the oldest, then the live log.
func Scan(log string, see func(Line) error) error {
	n := 0
	for _, path := range Segments(log) {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("scan trail: %w", err)
		}
		n, err = scan(f, n, see)
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("scan trail %s: %w", path, err)
		}
	}
	return nil
}

// Segments names the files of the trail whose live log is given, oldest first. The live log is named even if absent.
func Segments(log string) []string {
	var paths []string
	for i := 1; ; i++ {
		path := log + "." + strconv.Itoa(i)
		if _, err := os.Stat(path); err != nil {
			break
		}
		paths = append([]string{path}, paths...)
	}
	return append(paths, log)
}

// ScanReader calls see for every line of r.
func ScanReader(r io.Reader, see func(Line) error) error {
	_, err := scan(r, 0, see)
	return err
}

func scan(r io.Reader, n int, see func(Line) error) (int, error) {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		text, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return n, nil
		}
		n++
		if err != nil {
			return n, fmt.Errorf("line %d: %w: %.80q", n, err, text)
		}
		line, err := parse(text[:len(text)-1])
		if err != nil {
			return n, fmt.Errorf("line %d: %w: %.80q", n, err, text)
		}
		line.Number = n
		if err := see(line); err != nil {
			return n, err
		}
	}
}

func parse(text []byte) (Line, error) {
	var line Line
	var ok bool
	if rest, found := bytes.CutPrefix(text, []byte("node=")); found {
		if line.Node, text, ok = bytes.Cut(rest, []byte(" ")); !ok {
			return line, ErrLine
		}
	}
	if text, ok = bytes.CutPrefix(text, []byte("type=")); !ok {
		return line, ErrLine
	}
	if line.Type, text, ok = bytes.Cut(text, []byte(" msg=audit(")); !ok || len(line.Type) == 0 {
		return line, ErrLine
	}
	if line.Stamp, text, ok = bytes.Cut(text, []byte("):")); !ok {
		return line, ErrLine
	}
	text = bytes.TrimPrefix(text, []byte(" "))
	line.Body = text
	if body, extra, found := bytes.Cut(text, []byte{0x1d}); found {
		line.Body, line.Extra = body, extra
	}
	_, serial, ok := bytes.Cut(line.Stamp, []byte(":"))
	n, err := strconv.ParseUint(string(serial), 10, 32)
	if !ok || err != nil {
		return line, ErrLine
	}
	line.Serial = uint32(n)
	return line, nil
}

// Field returns the value of the first field of that name in the line's body, quotes kept.
func (l Line) Field(name string) ([]byte, bool) {
	return field(l.Body, name)
}

// ExtraField returns the value of a field of the enrichment.
func (l Line) ExtraField(name string) ([]byte, bool) {
	return field(l.Extra, name)
}

func field(text []byte, name string) ([]byte, bool) {
	key := []byte(name + "=")
	for at := 0; ; {
		i := bytes.Index(text[at:], key)
		if i < 0 {
			return nil, false
		}
		at += i
		if at == 0 || text[at-1] == ' ' || text[at-1] == '\'' {
			value := text[at+len(key):]
			if end := bytes.IndexByte(value, ' '); end >= 0 {
				value = value[:end]
			}
			return value, true
		}
		at += len(key)
	}
}
