package trail

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// Reader walks lines from the oldest to the newest that there are:
//
//	for r.Next() {
//		use(r.Bytes())
//	}
//	if err := r.Err(); err != nil {
//		...
//	}
//
// Half a line at the end of a segment is passed over and counted in Stats. A
// Reader is used by one goroutine.
type Reader struct {
	path    string
	entries []entry // still to be read
	from    Position
	lines   lineReader
	err     error
	stream  bool // reads an io.Reader
	done    bool
}

// ReaderStats are what a reader saw that was not a whole line of at most MaxLine
// bytes.
type ReaderStats struct {
	Long int   // lines longer than MaxLine, handed out cut
	Torn int64 // bytes at ends of segments that no newline follows
	Lost Lost  // what was gone before it could be read
}

// Lost says how much of a trail a reader did not see because it was deleted
// first.
type Lost struct {
	Segments int64 // segments that are gone in whole or in part
	Bytes    int64
	Unknown  int64 // times that something was lost and could not be counted
}

// IsZero reports that nothing was lost.
func (l Lost) IsZero() bool { return l == Lost{} }

// OpenReader reads the trail whose live segment is path, from a position on; the
// zero Position is its start. It reads what is there, also while somebody
// writes and rotates.
func OpenReader(path string, from Position) (*Reader, error) {
	entries, err := snapshot(path)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	r := &Reader{path: path, entries: entries}
	if from.IsZero() {
		return r, nil
	}
	i := find(entries, from.Segment)
	if i < 0 {
		i = after(path, entries, from.Segment)
		r.lines.vanished(from)
	} else {
		r.from, r.lines.before = from, from
	}
	r.entries = entries[i:]
	return r, nil
}

// NewReader reads the lines of a stream, like standard input or one file. The
// last line need not end with a newline. Position counts from the stream's start.
func NewReader(r io.Reader) *Reader {
	reader := &Reader{stream: true}
	reader.lines.scan.reset(&sequential{r: r}, 0)
	reader.lines.open = true
	return reader
}

// Next moves to the next line. It returns false at the end and after an error.
func (r *Reader) Next() bool {
	for r.err == nil && !r.done {
		if !r.lines.open {
			r.advance()
			continue
		}
		more, err := r.lines.next()
		switch {
		case more:
			return true
		case err != nil:
			r.err = err
		case r.stream:
			r.done = true
			return r.lines.last()
		default:
			r.lines.stats.Torn += r.lines.leftover()
			r.err = r.lines.close()
		}
	}
	return false
}

// advance opens the next segment, or finds that there is none.
func (r *Reader) advance() {
	if len(r.entries) == 0 {
		r.done = true
		return
	}
	e := r.entries[0]
	r.entries = r.entries[1:]
	f, err := openEntry(r.path, e)
	if errors.Is(err, fs.ErrNotExist) {
		r.lines.missed = true // rotated out before we came to it
		return
	}
	if err == nil {
		err = r.lines.enter(f, r.offset(e))
	}
	r.err = err
}

// offset is where reading of a segment begins: not at its start only in the
// segment of the position that was asked for.
func (r *Reader) offset(e entry) int64 {
	from := r.from
	r.from = Position{}
	return min(from.Offset, e.size)
}

// Bytes returns the line without its newline, of a longer one than MaxLine its
// first MaxLine bytes. It is valid until the next call of Next.
func (r *Reader) Bytes() []byte { return r.lines.line }

// Err returns the error that ended the reading, nil at the end of the trail.
func (r *Reader) Err() error { return r.err }

// Position returns the place after the line that Bytes returns.
func (r *Reader) Position() Position { return r.lines.position() }

// Stats returns what was passed over so far.
func (r *Reader) Stats() ReaderStats { return r.lines.stats }

// Close closes the file being read.
func (r *Reader) Close() error {
	r.done = true
	return r.lines.close()
}
