package aulog

import (
	"bytes"
	"errors"
	"io"
)

// MaxLine is how much of a line is looked at, in bytes. The kernel's records end
// at 8,970 bytes (MAX_AUDIT_MESSAGE_LENGTH); enrichment and attribution add to
// them. What follows is passed over up to the next newline.
const MaxLine = 64 << 10

// blockSize is how much is read at a time.
const blockSize = 256 << 10

// lines cuts a stream into lines, without a copy of them.
type lines struct {
	r     io.Reader
	buf   []byte
	start int // of what has not been handed out
	end   int
	err   error
	skip  bool // the rest of an overlong line is being passed over
	nul   bool // there is a NUL in buf, or was
}

func (l *lines) reset(r io.Reader) {
	if l.buf == nil {
		l.buf = make([]byte, blockSize)
	}
	l.r, l.start, l.end, l.err, l.skip, l.nul = r, 0, 0, nil, false, false
}

// next returns the next line without its newline, valid until the next call, and
// io.EOF behind the last one, which needs no newline.
func (l *lines) next() ([]byte, error) {
	seen := 0 // how much of the line has been searched for a newline
	for {
		if i := bytes.IndexByte(l.buf[l.start+seen:l.end], '\n'); i >= 0 {
			line := l.buf[l.start : l.start+seen+i]
			l.start += seen + i + 1
			if l.skip {
				l.skip, seen = false, 0
				continue
			}
			return l.clip(line), nil
		}
		seen = l.end - l.start
		switch {
		case l.skip:
			l.start, seen = l.end, 0
		case seen > MaxLine:
			line := l.buf[l.start : l.start+MaxLine]
			l.start, l.skip = l.end, true
			return l.clip(line), nil
		}
		if l.err != nil {
			line := l.buf[l.start:l.end]
			l.start = l.end
			if len(line) > 0 && errors.Is(l.err, io.EOF) {
				return l.clip(line), nil
			}
			return nil, l.err
		}
		l.fill()
	}
}

// fill reads more behind what is there, which it moves to the front first.
func (l *lines) fill() {
	if l.start > 0 {
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.start = 0
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.end:])
		l.nul = l.nul || bytes.IndexByte(l.buf[l.end:l.end+n], 0) >= 0
		l.end += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
	}
	l.err = io.ErrNoProgress
}

// clip ends a line at its first NUL, as C does, and at MaxLine.
func (l *lines) clip(line []byte) []byte {
	if len(line) > MaxLine {
		line = line[:MaxLine]
	}
	if !l.nul {
		return line
	}
	if i := bytes.IndexByte(line, 0); i >= 0 {
		line = line[:i]
	}
	return line
}
