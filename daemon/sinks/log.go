package sinks

import (
	"fmt"

	"golang.org/x/sys/unix"

	"vigil/forward"
	"vigil/trail"
)

// Trail is the trail that the sinks read.
type Trail struct {
	Path string
	// Changed returns a channel that is closed when something is appended after the
	// call.
	Changed func() <-chan struct{}
	// Needs is told where each sink stands.
	Needs *Needs
}

// opener returns what opens the trail for a sink.
func (t Trail) opener(sink string) forward.OpenLog {
	return func(place string) (forward.Log, error) { return t.open(sink, place) }
}

func (t Trail) open(sink, place string) (forward.Log, error) {
	l := &log{trail: t, sink: sink}
	switch place {
	case forward.Newest:
		l.reader = trail.OpenLiveAtEnd(t.Path)
		l.reader.Next() // finds the end
		if err := l.reader.Err(); err != nil {
			return nil, err
		}
		l.at = l.reader.Position()
	default:
		if place != "" {
			at, err := trail.ParsePosition(place)
			if err != nil {
				return nil, err
			}
			l.at = at
		}
		l.reader = trail.OpenLive(t.Path, l.at)
	}
	l.files = []file{{segment: l.at.Segment, base: -l.at.Offset}}
	l.need()
	return l, nil
}

// log is the trail as forward reads it.
type log struct {
	trail  Trail
	sink   string
	reader *trail.LiveReader
	at     trail.Position // after the line read last
	offset int64
	begun  int
	files  []file // of which places may be asked for, in the order of reading
}

// file is a segment that has been read, or begun.
type file struct {
	segment trail.Segment
	base    int64 // the offset of its first byte
	begin   int64 // the offset at which reading it began
}

func (l *log) Next() bool {
	if !l.reader.Next() {
		return false
	}
	at := l.reader.Position()
	newest := &l.files[len(l.files)-1]
	switch same := at.Segment.Dev == l.at.Segment.Dev && at.Segment.Inode == l.at.Segment.Inode; {
	case same && at.Offset > l.at.Offset:
		l.offset += at.Offset - l.at.Offset
		newest.segment = at.Segment // it says more by now
		if l.begun == 0 {
			l.begun = 1
		}
	default:
		line := int64(len(l.reader.Bytes()) + 1)
		l.offset += line
		l.begun++
		l.files = append(l.files, file{segment: at.Segment, base: l.offset - at.Offset, begin: l.offset - line})
	}
	l.at = at
	return true
}

func (l *log) Bytes() []byte { return l.reader.Bytes() }
func (l *log) Offset() int64 { return l.offset }
func (l *log) Files() int    { return l.begun }

func (l *log) Err() error {
	if err := l.reader.Err(); err != nil {
		return fmt.Errorf("read the trail: %w", err)
	}
	return nil
}

// Place returns the place at offset in the newest file that has it.
func (l *log) Place(offset int64) (string, error) {
	for i := len(l.files) - 1; i >= 0; i-- {
		if f := l.files[i]; offset >= f.begin {
			if f.segment == (trail.Segment{}) && offset == f.begin {
				return "", nil // nothing has been read: the start of the trail
			}
			return trail.Position{Segment: f.segment, Offset: offset - f.base}.String(), nil
		}
	}
	return "", fmt.Errorf("find a place in the trail: offset %d was forgotten", offset)
}

func (l *log) Forget(offset int64) {
	n := 0
	for n < len(l.files)-1 && l.files[n+1].begin <= offset {
		n++
	}
	l.files = l.files[:copy(l.files, l.files[n:])]
	l.need()
}

// need says that what lies from the oldest file on may be asked for again.
func (l *log) need() {
	if l.trail.Needs != nil {
		l.trail.Needs.set(l.sink, l.files[0].segment)
	}
}

func (l *log) Lost() (bytes, files int64) {
	lost := l.reader.Stats().Lost
	return lost.Bytes, int64(lost.Segments) + int64(lost.Unknown)
}

// Behind adds up the files from the one being read on.
func (l *log) Behind() int64 {
	files, err := trail.Files(l.trail.Path)
	if err != nil {
		return 0
	}
	behind, found := int64(0), false
	for _, f := range files {
		if found {
			behind += f.Size
		} else if is(f.Path, l.at.Segment) {
			found, behind = true, f.Size-l.at.Offset
		}
	}
	return max(behind, 0)
}

// is reports whether the file at path is a segment.
func is(path string, s trail.Segment) bool {
	var st unix.Stat_t
	return unix.Stat(path, &st) == nil && st.Dev == s.Dev && st.Ino == s.Inode
}

func (l *log) Changed() <-chan struct{} { return l.trail.Changed() }

func (l *log) Close() error { return l.reader.Close() }
