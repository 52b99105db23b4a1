package aulog

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"vigil/audit"
)

// DefaultTimeout is auditd.conf's end_of_event_timeout if it does not say, in
// seconds.
const DefaultTimeout = 2

// Config says what a Reader reads.
type Config struct {
	// Files are read one after the other, the oldest first; an event may go on in
	// the next one.
	Files []string
	// Stream is read if there are no Files.
	Stream io.Reader
	// Timeout is the number of seconds, on the log's own clock, after which an event
	// is complete. 0: DefaultTimeout.
	Timeout int64
	// Range chooses lines by the second of their stamp. The zero Range: all.
	Range Range
	// OutOfRange is told the stamp of each record that Range leaves out; nil: nobody is.
	OutOfRange func(audit.ID)
	// Dialect says which types of records are events by themselves.
	Dialect Dialect
	// Unfinished leaves events that are not complete when the input ends where they
	// are: a later run, which a checkpoint makes possible, will find them whole.
	Unfinished bool
	// MaxBytes bounds the lines that are held because their events are not complete.
	// Beyond it the lowest event is taken for complete. 0: 128 MiB, which a log at
	// 100,000 records a second does not reach.
	MaxBytes int
	// BadStamp is told the stamp of a line that looks like a record but bears none,
	// of which stock complains; nil: nobody is. The text is valid during the call.
	BadStamp func(stamp []byte)
}

// OpenError is returned by Next when a file cannot be opened.
type OpenError struct {
	Path string
	Err  error
}

// Error says what failed.
func (e *OpenError) Error() string { return fmt.Sprintf("open log %s: %v", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *OpenError) Unwrap() error { return e.Err }

// Reader hands out the events of a log. Use it from one goroutine.
type Reader struct {
	cfg     Config
	lines   lines
	pending *pending
	file    *os.File
	source  int    // of Files
	id      FileID // of the file that was opened last
	opened  bool
	now     int64
	ready   bool // pending may have a complete event
	done    bool
	last    *Event

	first    audit.ID // of the first record that was read
	hasFirst bool
}

// NewReader returns a Reader.
func NewReader(cfg Config) *Reader {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 128 << 20
	}
	r := &Reader{cfg: cfg, pending: newPending(cfg.Timeout, cfg.Dialect), source: -1}
	if len(cfg.Files) == 0 && cfg.Stream != nil {
		r.lines.reset(cfg.Stream)
	}
	return r
}

// Next returns the next event, valid until the next call. The error is io.EOF
// behind the last one, an *OpenError, or that of reading.
func (r *Reader) Next() (*Event, error) {
	if r.last != nil {
		r.pending.recycle(r.last)
		r.last = nil
	}
	for {
		if r.pending.bytes > r.cfg.MaxBytes {
			r.last = r.pending.pop(r.now, true)
			return r.last, nil
		}
		if r.ready || r.done {
			if e := r.pending.pop(r.now, r.done && !r.cfg.Unfinished); e != nil {
				r.last = e
				return e, nil
			}
			r.ready = false
			if r.done {
				return nil, io.EOF
			}
		}
		if err := r.more(); err != nil {
			return nil, err
		}
	}
}

// more takes in one line.
func (r *Reader) more() error {
	if r.lines.r == nil {
		return r.open()
	}
	line, err := r.lines.next()
	switch {
	case err == nil:
		r.take(line)
		return nil
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("read log: %w", err)
	}
	r.lines.r = nil
	if r.file != nil {
		_ = r.file.Close() // it was only read
		r.file = nil
	}
	return nil
}

// open opens the next file. When there is none left, all events are complete.
func (r *Reader) open() error {
	if r.source+1 >= len(r.cfg.Files) {
		r.done = true
		return nil
	}
	r.source++
	path := r.cfg.Files[r.source]
	f, err := os.Open(path)
	if err != nil {
		var pathError *os.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err
		}
		return &OpenError{Path: path, Err: err}
	}
	r.file = f
	r.id, r.opened = identify(f), true
	r.lines.reset(f)
	return nil
}

// FileID says which file it is, whatever its name.
type FileID struct{ Dev, Inode uint64 }

// identify returns the zero FileID if the system does not say.
func identify(f *os.File) FileID {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return FileID{}
	}
	return FileID{Dev: st.Dev, Inode: st.Ino}
}

// Identify returns which file a path names.
func Identify(path string) (FileID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return FileID{}, fmt.Errorf("identify log %s: %w", path, err)
	}
	return FileID{Dev: st.Dev, Inode: st.Ino}, nil
}

// Last returns which file was opened last, false if none was.
func (r *Reader) Last() (FileID, bool) {
	return r.id, r.opened
}

// take adds a line to its event if it is a record of the range.
func (r *Reader) take(line []byte) {
	h, stamp, v := parseHeader(line)
	switch {
	case v == badStamp && r.cfg.BadStamp != nil:
		r.cfg.BadStamp(stamp)
		return
	case v != isRecord:
		return
	}
	if !r.hasFirst {
		r.first, r.hasFirst = h.id, true
	}
	switch {
	case !r.cfg.Range.Holds(h.id.Sec):
		if r.cfg.OutOfRange != nil {
			r.cfg.OutOfRange(h.id)
		}
	default:
		if r.pending.add(h, line) {
			r.now, r.ready = h.id.Sec, true
		}
	}
}

// First returns the stamp of the first record that was read, be it in the range or
// not; false if there is none yet.
func (r *Reader) First() (audit.ID, bool) { return r.first, r.hasFirst }

// Source returns the file that is being read, as an index into the inputs: where
// stock was when it completed the event that Next returned last.
func (r *Reader) Source() int { return max(r.source, 0) }

// Close closes the file that is being read.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	f := r.file
	r.file = nil
	return f.Close()
}

// Range is a span of time in seconds since the epoch, both ends inclusive; 0 is
// an open end, as in stock.
type Range struct{ Start, End int64 }

// Holds reports whether a second lies in the range.
func (r Range) Holds(sec int64) bool {
	return (r.Start == 0 || sec >= r.Start) && (r.End == 0 || sec <= r.End)
}
