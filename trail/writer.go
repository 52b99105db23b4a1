package trail

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"vigil/trail/index"
)

// output is what the writer needs of an open segment. It is a seam, so that the
// tests can make a disk fail.
type output interface {
	io.Writer
	Truncate(size int64) error
	Sync() error
}

// Writer appends to a trail. Its methods may be called from several goroutines.
type Writer struct {
	mu  sync.Mutex
	cfg Config

	file *os.File // the live segment
	out  output   // file, or what a test put before it
	wrap func(*os.File) output

	chain   chain
	index   *index.Writer
	size    int64     // of the live segment, as far as we wrote it
	looked  time.Time // when the file was last seen to be the one under its name
	saved   int64     // its size then
	torn    int64     // where to cut half a line that could not be cut; -1: none
	retry   time.Time // no rotation before
	line    []byte    // scratch for LEDGER lines
	closed  bool
	running bool // Run runs

	unsynced int           // records since the last fsync
	retired  []*os.File    // rotated away, to be synced and closed by Run
	doomed   []*os.File    // deleted, to be closed by Run
	kick     chan struct{} // wakes Run
	changed  chan struct{} // closed at the next append; nil if nobody waits
	notices  []Notice      // to be told when the lock is released
	stats    Stats
}

// Stats are a Writer's counts since Open.
type Stats struct {
	Records     uint64 // as told to Append, LEDGER lines included
	Bytes       uint64
	Writes      uint64 // write(2) calls
	WriteErrors uint64 // appends of which not all went in
	Rotations   uint64
	Syncs       uint64
	SyncErrors  uint64

	Segment  uint64 // number of the live one
	Size     int64  // of the live one, in bytes
	Stream   int64  // stream offset of the next line
	Unsealed int64  // bytes since the last LEDGER line
}

// Append writes whole lines, n records, to the end of the trail with one
// write(2). lines must end with a newline and may be changed after the call. An
// *AppendError says how many of them are in the trail nevertheless; the next
// call tries again by itself, and makes a vanished file anew.
func (w *Writer) Append(lines []byte, n int) error {
	if len(lines) == 0 {
		return nil
	}
	if lines[len(lines)-1] != '\n' {
		return errUnterminated
	}
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return ErrClosed
	}
	now := w.cfg.Now()
	if err := w.ready(now); err != nil {
		return w.failed(lines, 0, err)
	}
	written, err := w.write(lines)
	w.chain.write(lines[:written])
	if err != nil {
		return w.failed(lines, written, err)
	}
	w.wrote(n, now)
	return nil
}

// Seal appends a LEDGER line: prefix, which begins one without newline, and what
// the trail adds to it. From then on the line vouches for all bytes before it.
func (w *Writer) Seal(prefix []byte) error {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return ErrClosed
	}
	now := w.cfg.Now()
	if err := w.ready(now); err != nil {
		return w.failed(nil, 0, err)
	}
	sealed := w.chain.clone()
	line, err := sealed.seal(w.line[:0], prefix)
	if err != nil {
		return err
	}
	w.line = line
	if _, err := w.write(line); err != nil {
		return w.failed(nil, 0, err)
	}
	w.chain = sealed
	w.unsynced += w.cfg.FlushRecords // a seal is worth an fsync
	w.wrote(1, now)
	return nil
}

// ready brings the live segment into a state in which lines can be appended.
func (w *Writer) ready(now time.Time) error {
	if now.Sub(w.looked) >= checkEvery || now.Before(w.looked) {
		if err := w.look(now); err != nil {
			return err
		}
	}
	if w.torn >= 0 {
		if err := w.out.Truncate(w.torn); err != nil {
			return err
		}
		w.note(Notice{What: Mended, Path: w.cfg.Path})
		w.torn = -1
	}
	return nil
}

// write puts lines out and returns how many bytes of whole lines are in the
// file; what it took of the line after these is cut off again.
func (w *Writer) write(lines []byte) (int, error) {
	w.stats.Writes++
	n, err := w.out.Write(lines)
	if err != nil {
		n = w.cut(lines, n)
	}
	w.index.Add(w.size, lines[:n])
	w.size += int64(n)
	w.stats.Bytes += uint64(n)
	return n, err
}

// cut removes half a line that a failed write left at the end of the file, and
// returns the length of the whole ones before it.
func (w *Writer) cut(lines []byte, n int) int {
	info, err := w.file.Stat()
	if err != nil {
		w.torn = w.size // whatever there is, it must not stay
		return 0
	}
	// With O_SYNC the error of the disk comes back in place of the count although
	// the bytes are in the file (generic_write_sync, linux/fs.h).
	if grown := info.Size() - w.size; grown >= 0 && grown <= int64(len(lines)) {
		n = int(grown)
	}
	whole := bytes.LastIndexByte(lines[:n], '\n') + 1
	if whole == n {
		return whole
	}
	// If somebody else appends to the same file, the end may not be ours.
	end := info.Size() - int64(n-whole)
	last := make([]byte, n-whole)
	if _, err := w.file.ReadAt(last, end); err == nil && !bytes.Equal(last, lines[whole:n]) {
		return whole
	}
	if err := w.out.Truncate(end); err != nil {
		w.torn = end
	}
	return whole
}

// failed counts an append that did not go in whole and makes its error.
func (w *Writer) failed(lines []byte, written int, err error) error {
	w.stats.WriteErrors++
	whole := bytes.Count(lines[:written], []byte{'\n'})
	w.stats.Records += uint64(whole)
	if written > 0 {
		w.wake()
	}
	return &AppendError{Path: w.cfg.Path, Lines: whole, Bytes: written, Err: unwrapErrno(err)}
}

// wrote does what follows from n records having gone in.
func (w *Writer) wrote(n int, now time.Time) {
	w.stats.Records += uint64(n)
	w.unsynced += n
	w.wake()
	if w.unsynced >= w.cfg.FlushRecords {
		w.due()
	}
	w.rotateIfFull(now)
}

// wake tells who waits on Changed.
func (w *Writer) wake() {
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// Changed returns a channel that is closed when something is appended after the
// call. A reader in the same process gets it, reads until there is no more, and
// only then waits for it.
func (w *Writer) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed == nil {
		w.changed = make(chan struct{})
		if w.closed {
			close(w.changed)
		}
	}
	return w.changed
}

// Stats returns the counts.
func (w *Writer) Stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	s.Segment, s.Size, s.Stream, s.Unsealed = w.chain.number, w.size, w.chain.stream, w.chain.since
	return s
}

// Path returns the name of the live segment.
func (w *Writer) Path() string { return w.cfg.Path }

// Close syncs and closes the trail. Closing it again does nothing.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	w.wake()
	w.index.Close()
	closeAll(w.takeDoomed())
	return errors.Join(w.release(w.takeRetired()), w.syncNow(), w.file.Close())
}

// note keeps a notice until the lock is released.
func (w *Writer) note(n Notice) {
	if w.cfg.Notify != nil {
		w.notices = append(w.notices, n)
	}
}

// unlock releases the lock and then tells what happened under it.
func (w *Writer) unlock() {
	notices, notify := w.notices, w.cfg.Notify
	w.notices = nil
	w.mu.Unlock()
	for _, n := range notices {
		notify(n)
	}
}

// attach makes f the live segment.
func (w *Writer) attach(f *os.File, size int64, now time.Time) {
	w.file, w.out = f, f
	if w.wrap != nil {
		w.out = w.wrap(f)
	}
	w.size, w.saved, w.looked, w.torn = size, size, now, -1
	w.index.Begin(f, size, func() uint64 {
		sum, err := sumOf(f)
		if err != nil {
			return 0 // then the segment is not in the index
		}
		return sum
	})
}

// unwrapErrno takes the bare errno out of an *os.PathError, whose path may be
// that of the file descriptor's first name.
func unwrapErrno(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
