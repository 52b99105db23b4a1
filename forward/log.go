package forward

import (
	"time"

	"vigil/audit"
)

// Log is the trail as a sink reads it. A Log is used by one goroutine at a time.
type Log interface {
	// Next moves to the next line; false if there is none yet, or after an error.
	Next() bool
	// Bytes returns the line without its newline, valid until the next call of Next.
	Bytes() []byte
	// Err returns the error that ended the reading.
	Err() error
	// Offset is the number of bytes from where reading began to the end of the line
	// that Bytes returns: 0 before the first. Lost lines do not count.
	Offset() int64
	// Place returns the place at an offset, in a form that OpenLog takes: any offset
	// between the last one that was given to Forget and Offset.
	Place(offset int64) (string, error)
	// Forget says that no place before offset will be asked for.
	Forget(offset int64)
	// Lost returns how many bytes, and how many files, were deleted before they
	// could be read, since reading began.
	Lost() (bytes, files int64)
	// Files is how many files have been begun: it rises with the first line of one.
	Files() int
	// Behind returns how many bytes of the trail have not been read.
	Behind() int64
	// Changed returns a channel that gets a value, or is closed, when there may be
	// more lines. It is asked for before the last call of Next that returned false.
	Changed() <-chan struct{}
	Close() error
}

// OpenLog opens the trail at a place that Log.Place returned; at its oldest line if
// place is empty, and after its newest line if it is [Newest]. A place that is gone
// is no error: reading goes on after it, and Lost tells.
type OpenLog func(place string) (Log, error)

// Newest is the place after the newest line.
const Newest = "newest"

// Lost is a part of the trail that was gone before a sink had it.
type Lost struct {
	Sink string
	// Bytes and Files that were deleted unread; 0 if that is not known.
	Bytes, Files int64
	// After is the kernel's last event before the range that the sink has read, Before
	// its first one after it; the zero ID if there was none, or is none yet.
	After, Before audit.ID
	Time          time.Time // when it was noticed
}
