package trail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxLine is how much of one line readers hand out, in bytes with the newline.
// The longest record of the kernel is 8,970 bytes (MAX_AUDIT_MESSAGE_LENGTH,
// linux/audit.h); enrichment and attribution add a few hundred.
const MaxLine = 64 << 10

// scanBuffer is how much is read at once. It must be larger than MaxLine.
const scanBuffer = 256 << 10

// scanner cuts a file into lines. Its memory is one buffer, whatever the file
// holds.
type scanner struct {
	src      io.ReaderAt
	buf      []byte
	from, to int   // the unread part of buf
	offset   int64 // where buf[from] is in the file
	searched int   // bytes after from in which there is no newline
}

// reset makes the scanner read src from offset on, keeping its buffer.
func (s *scanner) reset(src io.ReaderAt, offset int64) {
	if s.buf == nil {
		s.buf = make([]byte, scanBuffer)
	}
	*s = scanner{src: src, buf: s.buf, offset: offset}
}

// next returns the next piece of the file: a line with its newline, or, if
// ended is false, MaxLine bytes of a line that is longer. The piece is valid
// until the next call. At the end of the file it returns io.EOF, with what
// follows the last newline left in place; the call may be repeated when the
// file has grown.
func (s *scanner) next() (piece []byte, ended bool, err error) {
	for {
		window := s.buf[s.from:s.to]
		if i := bytes.IndexByte(window[s.searched:], '\n'); i >= 0 && s.searched+i < MaxLine {
			return s.take(s.searched + i + 1), true, nil
		}
		if len(window) >= MaxLine {
			return s.take(MaxLine), false, nil
		}
		s.searched = len(window)
		if err := s.fill(); err != nil {
			return nil, false, err
		}
	}
}

func (s *scanner) take(n int) []byte {
	piece := s.buf[s.from : s.from+n : s.from+n]
	s.from += n
	s.offset += int64(n)
	s.searched = 0
	return piece
}

// fill reads more behind what is there.
func (s *scanner) fill() error {
	if len(s.buf)-s.to < MaxLine {
		copy(s.buf, s.buf[s.from:s.to])
		s.from, s.to = 0, s.to-s.from
	}
	n, err := s.src.ReadAt(s.buf[s.to:], s.offset+int64(s.to-s.from))
	s.to += n
	if n > 0 {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read trail: %w", err)
}

// partial returns how many bytes after the last newline have been seen.
func (s *scanner) partial() int { return s.to - s.from }

// rest takes what follows the last newline.
func (s *scanner) rest() []byte { return s.take(s.partial()) }

// forget drops the part of a line that has been read, to be read anew: before
// it is complete a writer may cut it off and write something else.
func (s *scanner) forget() { s.from, s.to, s.searched = 0, 0, 0 }

// sequential makes a stream look like a file that is read from start to end.
type sequential struct {
	r  io.Reader
	at int64
}

func (s *sequential) ReadAt(p []byte, offset int64) (int, error) {
	if offset != s.at {
		return 0, errors.New("BUG: stream is not read in order")
	}
	for empty := 0; ; empty++ {
		n, err := s.r.Read(p)
		s.at += int64(n)
		if n > 0 || err != nil {
			return n, err
		}
		if empty == 100 {
			return 0, io.ErrNoProgress
		}
	}
}
