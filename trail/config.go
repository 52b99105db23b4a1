package trail

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultPath is where auditd keeps its log.
const DefaultPath = "/var/log/audit/audit.log"

// Config says where a trail lies and how it is kept. The zero value is valid: it
// appends to DefaultPath without ever rotating.
type Config struct {
	// Path of the live segment; older ones are Path.1 (newest) and up. Empty:
	// DefaultPath.
	Path string
	// Group is the gid that may read the trail. 0: root alone.
	Group int
	// MaxFile is the size in bytes at which a segment is rotated away. 0: never.
	MaxFile int64
	// Files is how many segments are kept, the live one included (auditd's
	// num_logs). Below 2 there is no rotation, unless Full is Keep.
	Files int
	// Needed returns the segments that readers stand in who must still read them, and
	// all that follow: these are not deleted when there are more than Files, up to
	// NeededBytes. One that is not there, as the zero Segment, stands for the oldest. It is called while the writer is
	// locked, must not wait, and returns a list that nobody changes. nil: there are no
	// such readers.
	Needed func() []Segment
	// NeededBytes bounds the bytes of the segments beyond Files that are kept because
	// they are needed.
	NeededBytes int64
	// Full is what happens at MaxFile. Zero value: Rotate.
	Full Full
	// Flush is when the disk is told to make sure. Zero value: IncrementalAsync.
	Flush Flush
	// FlushRecords is the number of records after which the incremental modes
	// sync. 0: 50.
	FlushRecords int
	// FlushEvery is the time after which they sync in any case, while
	// [Writer.Run] runs. 0: 1 s.
	FlushEvery time.Duration
	// Rehash is how many bytes Open reads at most to take up the hash chain.
	// 0: 1 GiB.
	Rehash int64

	// Head returns the first lines of a new segment. It is called while the
	// writer is locked and must not call it. nil: segments begin empty, and
	// nothing seals the end of the one before.
	Head func(NewSegment) Head
	// Notify is told what happened beside the calls: rotations, a file that was
	// moved away, a failed fsync. It is called without the lock, from the
	// goroutine that noticed (a caller's or Run's), and may call the Writer.
	// nil: nobody is told.
	Notify func(Notice)
	// Now is the clock. nil: time.Now.
	Now func() time.Time
}

// Limits of what Config leaves at zero.
const (
	defaultFlushRecords = 50 // freq of auditd's shipped configuration
	defaultFlushEvery   = time.Second
	defaultRehash       = 1 << 30

	// checkEvery is how often the writer looks whether its file is still the one
	// under its name.
	checkEvery = time.Second
)

func (c Config) withDefaults() Config {
	if c.Path == "" {
		c.Path = DefaultPath
	}
	if c.FlushRecords <= 0 {
		c.FlushRecords = defaultFlushRecords
	}
	if c.FlushEvery <= 0 {
		c.FlushEvery = defaultFlushEvery
	}
	if c.Rehash <= 0 {
		c.Rehash = defaultRehash
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Full says what happens when the live segment has reached MaxFile.
type Full uint8

// What to do with a full segment.
const (
	Rotate Full = iota // renumber; what exceeds Files is gone
	Keep               // renumber and delete nothing (auditd's keep_logs)
	Ignore             // go on in the same file
)

// Flush says when written lines are made durable.
type Flush uint8

// The flush modes of auditd.conf.
const (
	IncrementalAsync Flush = iota // fsync beside the writer, which never waits
	Incremental                   // fsync by the writer
	None                          // left to the kernel
	Data                          // O_DSYNC
	Sync                          // O_SYNC
)

// Reason says why a new segment was begun.
type Reason uint8

// Why a new segment was begun.
const (
	ReasonFull     Reason = iota // the old one reached MaxFile
	ReasonAsked                  // Rotate was called
	ReasonReplaced               // the old one was renamed or removed by somebody else
)

// String returns "full", "asked" or "replaced".
func (r Reason) String() string {
	switch r {
	case ReasonFull:
		return "full"
	case ReasonAsked:
		return "asked"
	case ReasonReplaced:
		return "replaced"
	}
	return "unknown"
}

// NewSegment is what Head is told of the segment that it begins.
type NewSegment struct {
	Reason Reason
	Number uint64 // of the new segment, as in the ledger
	Closed int64  // size of the one before, in bytes
	Time   time.Time
}

// Head is how a segment begins.
type Head struct {
	Lines   []byte // whole lines, may be empty
	Records int    // how many they are
	Ledger  []byte // a LEDGER line without the trail's own fields, as for [Writer.Seal]; empty: no seal
}

// What says what a Notice is about.
type What uint8

// What a Writer has to tell.
const (
	// Rotated: the live segment was rotated away; Bytes is its size.
	Rotated What = iota
	// RotateFailed: it could not be, and is written on; tried again in a second.
	RotateFailed
	// Renamed: somebody moved the live segment away; a new one was begun.
	Renamed
	// Removed: somebody deleted it; a new one was begun. Bytes is how much is
	// gone; what came since the last look a second before was saved.
	Removed
	// Truncated: somebody cut the live segment; Bytes is how much is gone.
	Truncated
	// Foreign: somebody else wrote Bytes to the live segment. If negative, the
	// amount is not known.
	Foreign
	// SyncFailed: fsync failed; what was written since the one before may not be
	// on the disk although it can be read (fsync(2): the error is told once).
	SyncFailed
	// SaveFailed: lines of a removed segment could not be written again; Bytes
	// is how much of them.
	SaveFailed
	// Mended: a half line that could not be cut off at once has been.
	Mended
)

// String returns the name in lower case with spaces, for messages.
func (w What) String() string {
	switch w {
	case Rotated:
		return "rotated"
	case RotateFailed:
		return "rotation failed"
	case Renamed:
		return "file renamed by another process"
	case Removed:
		return "file removed by another process"
	case Truncated:
		return "file truncated by another process"
	case Foreign:
		return "file written to by another process"
	case SyncFailed:
		return "sync failed"
	case SaveFailed:
		return "saving lines of a removed file failed"
	case Mended:
		return "half a line cut off"
	}
	return "unknown"
}

// Notice is something that happened to the trail beside the calls.
type Notice struct {
	What  What
	Path  string
	Bytes int64
	// Records is how many lines a new segment was begun with, for Rotated,
	// Renamed and Removed.
	Records int
	Err     error // nil, or why something failed
}

// ErrClosed is returned by the methods of a closed Writer.
var ErrClosed = errors.New("trail is closed")

// ErrNoRotation is returned by Rotate for a trail that is to have one file only.
var ErrNoRotation = errors.New("rotate trail: there is room for one file only, so nothing was rotated")

// Errors of calls that no correct caller makes.
var (
	errUnterminated = errors.New("append to trail: BUG: lines do not end with a newline")
	errNotLedger    = errors.New("seal trail: BUG: not the beginning of one LEDGER line")
)

// AppendError is returned by Append and Seal when not all lines are in the
// trail. Those that are can be read and are covered by the chain; the rest is
// the caller's to count as lost or to append again.
type AppendError struct {
	Path  string
	Lines int   // how many whole lines, from the first on, were written
	Bytes int   // their length
	Err   error // why the rest was not
}

func (e *AppendError) Error() string {
	return fmt.Sprintf("append to trail %s: %v", e.Path, e.Err)
}

// Unwrap returns the cause, for errors.Is(err, unix.ENOSPC) and the like.
func (e *AppendError) Unwrap() error { return e.Err }

// Space reports whether the reason is that there is no room: the file system is
// full, a quota or the limit of a file's size is reached.
func (e *AppendError) Space() bool { return noSpace(e.Err) }

func noSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.EFBIG)
}

// UnsafeError is returned by Open for a live segment that is not a plain file
// of the caller's own.
type UnsafeError struct {
	Path string
	Why  string // "is a symbolic link", ...
}

func (e *UnsafeError) Error() string {
	return fmt.Sprintf("open trail %s: it %s: remove it or choose another path", e.Path, e.Why)
}

// LockedError is returned by Open when another process writes to the trail.
type LockedError struct {
	Path    string
	PID     int    // of the holder, 0 if it cannot be seen from here
	Command string // its name, empty if not known
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
		if e.Command != "" {
			who += " (" + e.Command + ")"
		}
	}
	return fmt.Sprintf("open trail %s: %s writes to it: stop it or choose another path", e.Path, who)
}
