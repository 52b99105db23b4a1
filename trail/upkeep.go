package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Run syncs in the background, as the incremental flush modes want it, and looks
// once a second after the live segment, until ctx is done. One Run is enough;
// without it an IncrementalAsync trail is synced by Sync and Close alone.
func (w *Writer) Run(ctx context.Context) error {
	w.setRunning(true)
	defer w.setRunning(false)
	tick := time.NewTimer(w.interval())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			w.flush()
			return nil
		case <-w.kick:
			w.flush()
		case <-tick.C:
			w.tick()
			w.flush()
			tick.Reset(w.interval())
		}
	}
}

func (w *Writer) setRunning(running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = running
}

// interval is how long Run rests.
func (w *Writer) interval() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return min(w.cfg.FlushEvery, checkEvery)
}

// tick looks after the file when nothing is appended.
func (w *Writer) tick() {
	w.mu.Lock()
	defer w.unlock()
	if !w.closed {
		// An error is met again, and reported, by the next append.
		_ = w.ready(w.cfg.Now())
	}
}

// incremental reports whether the flush mode is one that syncs now and then.
func (c Config) incremental() bool { return c.Flush == IncrementalAsync || c.Flush == Incremental }

// due syncs, or has Run sync, as the flush mode says.
func (w *Writer) due() {
	switch {
	case w.cfg.Flush == Incremental:
		w.told(w.syncNow())
	case w.cfg.Flush == IncrementalAsync && w.running:
		w.wakeRun()
	}
}

// wakeRun makes Run flush. It never waits.
func (w *Writer) wakeRun() {
	select {
	case w.kick <- struct{}{}:
	default: // it is woken already
	}
}

// flush syncs what is unsynced. The lock is not held while the disk works, so
// nobody who appends waits for it.
func (w *Writer) flush() {
	w.mu.Lock()
	out, due := w.out, w.cfg.incremental() && w.unsynced > 0 && !w.closed
	retired, doomed := w.takeRetired(), w.takeDoomed()
	if due {
		w.unsynced = 0
		w.stats.Syncs++
	}
	w.mu.Unlock()

	closeAll(doomed)
	err := w.release(retired)
	if due {
		// A file that was closed meanwhile was synced then.
		if e := out.Sync(); !errors.Is(e, os.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	w.mu.Lock()
	defer w.unlock()
	w.told(err)
}

// Sync makes everything appended so far durable.
func (w *Writer) Sync() error {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return ErrClosed
	}
	return errors.Join(w.release(w.takeRetired()), w.syncNow())
}

// syncNow syncs the live segment under the lock.
func (w *Writer) syncNow() error {
	w.unsynced = 0
	w.stats.Syncs++
	return w.out.Sync()
}

// told counts the error of a sync and tells of it.
func (w *Writer) told(err error) {
	if err != nil {
		w.stats.SyncErrors++
		w.note(Notice{What: SyncFailed, Path: w.cfg.Path, Err: err})
	}
}

// retire lets go of a segment that is complete: Run syncs and closes it, so that
// the writer does not wait.
func (w *Writer) retire(f *os.File) {
	w.retired = append(w.retired, f)
	if w.running {
		w.wakeRun()
		return
	}
	w.told(w.release(w.takeRetired()))
}

func (w *Writer) takeRetired() []*os.File {
	files := w.retired
	w.retired = nil
	return files
}

func (w *Writer) takeDoomed() []*os.File {
	files := w.doomed
	w.doomed = nil
	return files
}

// closeAll closes files that nobody will read again.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// release closes retired segments, synced if the flush mode wants it.
func (w *Writer) release(files []*os.File) (err error) {
	if len(files) == 0 {
		return nil
	}
	for _, f := range files {
		if w.cfg.incremental() {
			err = errors.Join(err, f.Sync())
		}
		err = errors.Join(err, f.Close())
	}
	if w.cfg.Flush != None {
		err = errors.Join(err, syncDirectory(w.cfg.Path))
	}
	return err
}

// Reopen looks after the live segment now, as it does by itself every second:
// for a reload right after somebody moved the file away.
func (w *Writer) Reopen() error {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return ErrClosed
	}
	if err := w.look(w.cfg.Now()); err != nil {
		return fmt.Errorf("reopen trail: %w", err)
	}
	return nil
}

// Reconfigure changes how the trail is kept: everything in cfg but Path, Rehash
// and the functions, which stay as they are.
func (w *Writer) Reconfigure(cfg Config) error {
	cfg = cfg.withDefaults()
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return ErrClosed
	}
	if cfg.Path != w.cfg.Path {
		return fmt.Errorf("reconfigure trail: %s cannot become %s while it is open", w.cfg.Path, cfg.Path)
	}
	now := w.cfg.Now()
	if err := w.ready(now); err != nil {
		return fmt.Errorf("reconfigure trail: %w", err)
	}
	old := w.cfg
	cfg.Rehash, cfg.Head, cfg.Notify, cfg.Now, cfg.Needed = old.Rehash, old.Head, old.Notify, old.Now, old.Needed
	if cfg.openFlags() != old.openFlags() || cfg.Group != old.Group {
		if err := w.swap(cfg, now); err != nil {
			return fmt.Errorf("reconfigure trail: %w", err)
		}
	}
	w.cfg = cfg
	w.rotateIfFull(now)
	return nil
}

// swap opens the live segment a second time, with other flags and modes, and
// lets go of the first.
func (w *Writer) swap(cfg Config, now time.Time) error {
	if err := prepareDirectory(cfg); err != nil {
		return err
	}
	// A flock belongs to the open file, so the old one stands in our way.
	if err := unix.Flock(int(w.file.Fd()), unix.LOCK_UN); err != nil {
		return err
	}
	f, _, err := openLive(cfg)
	if err != nil {
		return errors.Join(err, lock(w.file, w.cfg.Path))
	}
	if entries, err := list(cfg.Path); err == nil {
		repairOld(cfg, entries)
		w.index.Close()
		w.index = openIndex(cfg, entries)
	}
	old, size := w.file, w.size
	w.attach(f, size, now)
	w.retire(old)
	return nil
}

// look finds out whether the live segment is still the one under its name, as
// large as we left it, and goes on in a proper one if it is not. It returns an
// error only if there is nowhere to write to.
func (w *Writer) look(now time.Time) error {
	own, err := w.file.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(w.cfg.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		// Whatever keeps us from looking need not keep us from writing.
		w.looked = now
		return nil
	}
	if err == nil && os.SameFile(named, own) {
		w.compareSize(own.Size())
		w.looked, w.saved = now, w.size
		return nil
	}
	return w.leave(own, now)
}

// compareSize reports what others did to the live segment.
func (w *Writer) compareSize(actual int64) {
	switch {
	case actual > w.size && w.torn < 0:
		w.note(Notice{What: Foreign, Path: w.cfg.Path, Bytes: actual - w.size})
		w.size = actual
	case actual < w.size:
		w.note(Notice{What: Truncated, Path: w.cfg.Path, Bytes: w.size - actual})
		w.size, w.torn = actual, -1
		w.trim()
	}
}

// trim removes half a line from the end of a segment that somebody cut, so that
// the next one begins on a line of its own.
func (w *Writer) trim() {
	end, err := lastNewline(w.file, w.size)
	if err != nil || end == w.size {
		return
	}
	_, _ = setAside(w.cfg, w.file, end, w.size)
	if w.out.Truncate(end) == nil {
		w.size = end
	}
}

// leave goes on in a new segment because ours is not under its name any more.
func (w *Writer) leave(own os.FileInfo, now time.Time) error {
	removed := links(own) == 0
	old, from, to := w.file, w.saved, w.size
	records, err := w.replace(now)
	if err != nil {
		if removed {
			return err
		}
		// The file has another name now. Better there than nowhere.
		w.looked = now
		w.note(Notice{What: RotateFailed, Path: w.cfg.Path, Err: err})
		return nil
	}
	if removed {
		w.note(Notice{What: Removed, Path: w.cfg.Path, Bytes: from, Records: records})
		w.save(old, from, to)
	} else {
		w.note(Notice{What: Renamed, Path: w.cfg.Path, Bytes: to, Records: records})
	}
	w.retire(old)
	return nil
}

// replace begins a segment where there is none, or where somebody put another
// file, and returns how many records it begins with. An empty file gives way
// (logrotate's create); anything else moves up with the old segments.
func (w *Writer) replace(now time.Time) (records int, err error) {
	if err := prepareDirectory(w.cfg); err != nil {
		return 0, err
	}
	f, next, err := w.begin(ReasonReplaced, now)
	if err != nil {
		return 0, err
	}
	highest := 0
	if info, e := os.Lstat(w.cfg.Path); e == nil && (!info.Mode().IsRegular() || info.Size() > 0) {
		highest, err = w.firstFree() // whatever it is, nothing is deleted for it
	}
	if err == nil {
		err = w.shift(highest)
	}
	if err != nil {
		f.Close()
		os.Remove(w.cfg.Path + nextSuffix)
		return 0, err
	}
	w.enter(f, next, now)
	return next.records, nil
}

// save writes lines of a removed segment again: those that were appended since
// it was last seen in its place.
func (w *Writer) save(old *os.File, from, to int64) {
	const most = 1 << 20
	buf := make([]byte, min(most, max(to-from, 0)))
	for from < to {
		n, err := old.ReadAt(buf[:min(most, to-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			w.note(Notice{What: SaveFailed, Path: w.cfg.Path, Bytes: to - from, Err: err})
			return
		}
		whole := bytes.LastIndexByte(buf[:n], '\n') + 1
		if whole == 0 {
			err = fmt.Errorf("no whole line in %d bytes", n)
		} else {
			var written int
			written, err = w.write(buf[:whole])
			w.chain.write(buf[:written])
			from += int64(written)
		}
		if err != nil {
			w.note(Notice{What: SaveFailed, Path: w.cfg.Path, Bytes: to - from, Err: err})
			return
		}
	}
}

// links is the number of names that a file has.
func links(info os.FileInfo) uint64 {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 1
	}
	return uint64(stat.Nlink)
}
