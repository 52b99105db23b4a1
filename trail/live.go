package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// LiveReader reads a trail and goes on with what is appended. Next returns
// false when there is no more yet; it may be called again after a wait (see
// [Writer.Changed] and [Watch]):
//
//	for {
//		changed := writer.Changed()
//		for r.Next() {
//			use(r.Bytes())
//		}
//		if r.Err() != nil {
//			return r.Err()
//		}
//		<-changed
//	}
//
// It follows rotations, several between two calls too, by the identity of the
// files. What was deleted before it could be read is counted in Stats().Lost. A
// LiveReader is used by one goroutine.
type LiveReader struct {
	path  string
	from  Position // where to begin, while nothing has been opened
	toEnd bool     // begin at the end instead
	begun bool
	lines lineReader
	err   error
}

// OpenLive reads the trail whose live segment is path, from a position on; the
// zero Position is the oldest line there is. If the position's segment is gone,
// reading begins with the one after it. The trail need not exist yet.
func OpenLive(path string, from Position) *LiveReader {
	return &LiveReader{path: path, from: from}
}

// OpenLiveAtEnd reads only what is appended after the first call of Next.
func OpenLiveAtEnd(path string) *LiveReader {
	return &LiveReader{path: path, toEnd: true}
}

// Next moves to the next line. It returns false if there is none yet, or after
// an error.
func (r *LiveReader) Next() bool {
	for r.err == nil {
		if r.lines.open {
			more, err := r.lines.next()
			if more {
				return true
			}
			if err != nil {
				r.err = err
				return false
			}
		}
		moved, err := r.move()
		if err != nil {
			r.err = err
		}
		if !moved {
			return false
		}
	}
	return false
}

// Bytes returns the line without its newline, of a longer one than MaxLine its
// first MaxLine bytes. It is valid until the next call of Next.
func (r *LiveReader) Bytes() []byte { return r.lines.line }

// Err returns the error that ended the reading: a disk's. A missing file is none.
func (r *LiveReader) Err() error { return r.err }

// Position returns the place after the line that Bytes returns.
func (r *LiveReader) Position() Position {
	if !r.begun {
		return r.from
	}
	return r.lines.position()
}

// Stats returns what was passed over or lost so far.
func (r *LiveReader) Stats() ReaderStats { return r.lines.stats }

// Close closes the file being read.
func (r *LiveReader) Close() error {
	if r.err == nil {
		r.err = ErrClosed
	}
	return r.lines.close()
}

// move goes to where there may be more: further in the same file, or to the next
// segment. false: there is no more yet.
func (r *LiveReader) move() (bool, error) {
	if !r.lines.open {
		return r.begin()
	}
	own, err := r.lines.file.Stat()
	if err != nil {
		return false, fmt.Errorf("read trail: %w", err)
	}
	if own.Size() < r.lines.at {
		return true, r.lines.rewind() // truncated
	}
	if own.Size() > r.lines.scan.offset+int64(r.lines.scan.partial()) {
		return true, nil
	}
	// The writer may yet cut off what is there of a line and begin it anew.
	if !r.lines.cut {
		r.lines.scan.forget()
	}
	live, err := os.Lstat(r.path)
	if err != nil || os.SameFile(live, own) || live.Size() == 0 {
		// Still being written; or rotated away by somebody, and the writer has not
		// gone on elsewhere yet.
		return false, nil
	}
	return r.follow(own)
}

// begin opens the first segment to be read.
func (r *LiveReader) begin() (bool, error) {
	entries, err := snapshot(r.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	i, offset := 0, int64(0)
	switch {
	case r.toEnd:
		i = len(entries) - 1
		offset = entries[i].size
	case !r.from.IsZero():
		if i = find(entries, r.from.Segment); i >= 0 {
			offset = r.from.Offset
			break
		}
		i = after(r.path, entries, r.from.Segment)
		r.lines.vanished(r.from)
	}
	return r.enter(entries[i], offset)
}

// enter opens a segment. One that is gone by now makes the caller try again
// later.
func (r *LiveReader) enter(e entry, offset int64) (bool, error) {
	f, err := openEntry(r.path, e)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if r.toEnd && !r.begun {
		if offset, err = lastNewline(f, offset); err != nil {
			return false, errors.Join(err, f.Close())
		}
	}
	r.begun = true
	return true, r.lines.enter(f, offset)
}

// follow goes from a segment that has a successor, and so is complete, to that
// one. The caller has read it to its end before it looked whether there is a
// successor; what was appended in between is read first.
func (r *LiveReader) follow(own os.FileInfo) (bool, error) {
	now, err := r.lines.file.Stat()
	if err != nil {
		return false, fmt.Errorf("read trail: %w", err)
	}
	if now.Size() > own.Size() {
		return true, nil
	}
	entries, err := snapshot(r.path)
	if err != nil || len(entries) == 0 {
		return false, nil // renamed meanwhile: look again at the next call
	}
	dev, inode := identity(own)
	next := indexOf(entries, dev, inode) + 1
	if next == len(entries) {
		return false, nil // the live one again
	}
	if next == 0 { // it is not in the list
		next = r.successor(entries, now)
	}
	r.lines.stats.Torn += now.Size() - r.lines.at
	return r.enter(entries[next], 0)
}

// successor returns the segment to be read after one that is no longer listed.
func (r *LiveReader) successor(entries []entry, own os.FileInfo) int {
	if r.lines.segment.Number != 0 {
		return after(r.path, entries, r.lines.segment)
	}
	if links(own) > 0 {
		// Moved away under a name that is not ours, as logrotate does with dates:
		// it was the live one, so what follows is the live one now.
		return len(entries) - 1
	}
	return 0 // deleted as the oldest
}

// Watch returns a channel that gets a value when something in the directory of
// the trail changes, for a LiveReader in another process than the writer's. It
// has room for one value, so a change that comes while the last one is being
// dealt with is not missed. The channel is closed when ctx is done or the watch
// breaks; then poll.
func Watch(ctx context.Context, path string) (<-chan struct{}, error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch trail: %w", err)
	}
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		return nil, errors.Join(fmt.Errorf("watch trail: %w", err), watcher.Close())
	}
	changed := make(chan struct{}, 1)
	go func() {
		defer close(changed)
		defer watcher.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case _, ok := <-watcher.Events:
				if !ok {
					return
				}
			case _, ok := <-watcher.Errors:
				if !ok {
					return // an overflow of the queue is a change too
				}
			}
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return changed, nil
}
