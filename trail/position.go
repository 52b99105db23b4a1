package trail

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Segment says which file of a trail is meant, whatever it is called by now.
type Segment struct {
	Dev   uint64
	Inode uint64
	// Sum is taken from the first line, which bears a time stamp: inodes are used
	// again, and differ in a restored copy. 0 while the segment has no line.
	Sum uint64
	// Number in the ledger, 0 if not known, as in a log that auditd wrote.
	Number uint64
	// Base is the stream offset of the segment's first byte, if Number is known.
	// It is negative where a chain began in the middle of this segment.
	Base int64
}

// Position is a place in a trail: the start of the line that is to be read
// next. The zero value is the start of the trail, wherever that is by now.
type Position struct {
	Segment Segment
	Offset  int64 // in bytes, from the start of the segment
}

// IsZero reports whether p is the start of the trail.
func (p Position) IsZero() bool { return p == Position{} }

// positionVersion begins the text form of docs/format/trail.md.
const positionVersion = "t1"

// String returns the text form, without spaces; "-" for the zero value.
func (p Position) String() string {
	if p.IsZero() {
		return "-"
	}
	s := p.Segment
	return fmt.Sprintf("%s:%x:%d:%016x:%d:%d:%d", positionVersion, s.Dev, s.Inode, s.Sum, s.Number, s.Base, p.Offset)
}

// MarshalText returns what String returns.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Position) UnmarshalText(text []byte) error {
	parsed, err := ParsePosition(string(text))
	if err == nil {
		*p = parsed
	}
	return err
}

// ParsePosition reads the text form of a position.
func ParsePosition(text string) (Position, error) {
	if text == "-" {
		return Position{}, nil
	}
	parts := strings.Split(text, ":")
	if len(parts) != 7 || parts[0] != positionVersion {
		return Position{}, fmt.Errorf("parse trail position %.100q: not of the form %s:dev:inode:sum:number:base:offset", text, positionVersion)
	}
	var p Position
	var err error
	number := func(part string, base int) (v uint64) {
		if err == nil {
			v, err = strconv.ParseUint(part, base, 64)
		}
		return v
	}
	signed := func(part string) (v int64) {
		if err == nil {
			v, err = strconv.ParseInt(part, 10, 64)
		}
		return v
	}
	p.Segment = Segment{Dev: number(parts[1], 16), Inode: number(parts[2], 10), Sum: number(parts[3], 16), Number: number(parts[4], 10), Base: signed(parts[5])}
	p.Offset = signed(parts[6])
	if err == nil && p.Offset < 0 {
		err = errors.New("negative offset")
	}
	if err != nil {
		return Position{}, fmt.Errorf("parse trail position %.100q: %w", text, err)
	}
	return p, nil
}

// Bounds of what is read from the start of a segment to tell which it is.
const (
	sumLength  = 4096    // of the first line
	headLength = 1 << 16 // in which the first LEDGER line is looked for
)

// identify reads who a segment is from its file and its first lines.
func identify(f *os.File) (Segment, error) {
	head := make([]byte, headLength)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Segment{}, err
	}
	return Identify(f, head[:n])
}

// Identify returns who a segment is, given its file and what it begins with, of
// which 64 KiB are enough: of a file that was compressed, what that unpacks to.
func Identify(f *os.File, head []byte) (Segment, error) {
	var s Segment
	var err error
	if s.Dev, s.Inode, err = fileIdentity(f); err != nil {
		return Segment{}, err
	}
	s.Sum = firstLineSum(head)
	for offset := int64(0); ; {
		end := bytes.IndexByte(head, '\n') + 1
		if end == 0 {
			return s, nil
		}
		if l, ok := parseLink(head[:end]); ok {
			s.Number, s.Base = l.number, l.bytes-offset
			return s, nil
		}
		head, offset = head[end:], offset+int64(end)
	}
}

// firstLineSum returns the Sum of a segment that begins with head: 0 while its
// first line is neither complete nor long enough.
func firstLineSum(head []byte) uint64 {
	end := bytes.IndexByte(head, '\n') + 1
	switch {
	case end == 0 && len(head) < sumLength:
		return 0
	case end == 0 || end > sumLength:
		end = sumLength
	}
	sum := sha256.Sum256(head[:end])
	return binary.BigEndian.Uint64(sum[:])
}

// sumOf reads the Sum of a segment.
func sumOf(f io.ReaderAt) (uint64, error) {
	head := make([]byte, sumLength)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return firstLineSum(head[:n]), nil
}

// find returns the segment of a snapshot that s means, -1 if there is none.
func find(entries []entry, s Segment) int {
	i := slices.IndexFunc(entries, func(e entry) bool {
		// A position taken in an empty segment has no sum: the inode must do.
		return e.same(s.Dev, s.Inode) && (e.sum == s.Sum || s.Sum == 0)
	})
	if i < 0 && s.Sum != 0 {
		i = slices.IndexFunc(entries, func(e entry) bool { return e.sum == s.Sum })
	}
	return i
}
