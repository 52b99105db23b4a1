package trail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"
)

// Rotate begins a new segment now, whatever the size of the live one. It returns
// ErrNoRotation if there is room for no other file than that.
func (w *Writer) Rotate() error {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return ErrClosed
	}
	if !w.cfg.rotates() {
		return ErrNoRotation
	}
	now := w.cfg.Now()
	if err := w.ready(now); err != nil {
		return err
	}
	return w.rotate(ReasonAsked, now)
}

// rotates reports whether there is room for old segments. Where there is none
// rotating would delete the log.
func (c Config) rotates() bool { return c.Full == Keep || c.Files >= 2 }

// rotateIfFull begins a new segment if the live one has reached its size.
func (w *Writer) rotateIfFull(now time.Time) {
	c := &w.cfg
	if c.MaxFile <= 0 || w.size < c.MaxFile || c.Full == Ignore || !c.rotates() || now.Before(w.retry) {
		return
	}
	if err := w.rotate(ReasonFull, now); err != nil {
		w.retry = now.Add(time.Second)
		w.note(Notice{What: RotateFailed, Path: c.Path, Err: err})
	}
}

// rotate makes the next segment whole under a name beside, moves the old ones up
// and gives it the live one's name. If it cannot be made, nothing has changed.
func (w *Writer) rotate(reason Reason, now time.Time) error {
	highest, err := w.highest()
	if err != nil {
		return fmt.Errorf("rotate trail: %w", err)
	}
	f, next, err := w.begin(reason, now)
	if noSpace(err) && w.cfg.Full != Keep {
		// This rotation would delete the oldest segment anyway, or it is kept for a
		// reader who is slower than the disk is large. Its room helps.
		if os.Remove(w.numbered(w.oldest(highest))) == nil {
			f, next, err = w.begin(reason, now)
		}
	}
	if err != nil {
		return fmt.Errorf("rotate trail: %w", err)
	}
	if err := w.supersede(highest); err != nil {
		f.Close()
		os.Remove(w.cfg.Path + nextSuffix)
		return fmt.Errorf("rotate trail: %w", err)
	}
	w.note(Notice{What: Rotated, Path: w.cfg.Path, Bytes: w.size, Records: next.records})
	w.stats.Rotations++
	w.retire(w.file)
	w.enter(f, next, now)
	return nil
}

// begun is what is known of a segment that has been begun: the chain behind its
// first lines, their size and number.
type begun struct {
	chain   chain
	size    int64
	records int
}

// enter goes on in a segment that has been begun.
func (w *Writer) enter(f *os.File, b begun, now time.Time) {
	w.attach(f, b.size, now)
	w.chain = b.chain
	w.stats.Records += uint64(b.records)
	w.stats.Bytes += uint64(b.size)
	w.unsynced += b.records
	w.wake()
	w.due()
}

// begin makes the next segment under a name of its own and writes its first
// lines.
func (w *Writer) begin(reason Reason, now time.Time) (*os.File, begun, error) {
	name := w.cfg.Path + nextSuffix
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, begun{}, err
	}
	f, err := os.OpenFile(name, w.cfg.openFlags()|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, begun{}, err
	}
	b, err := w.fillHead(f, reason, now)
	if err != nil {
		f.Close()
		os.Remove(name)
		return nil, begun{}, err
	}
	return f, b, nil
}

// fillHead gives a new segment its mode, its lock and its first lines.
func (w *Writer) fillHead(f *os.File, reason Reason, now time.Time) (begun, error) {
	b := begun{chain: w.chain.clone()}
	b.chain.number++
	if err := restrict(f, w.cfg, w.cfg.modes().live); err != nil {
		return b, err
	}
	if err := lock(f, w.cfg.Path); err != nil {
		return b, err
	}
	if w.cfg.Head == nil {
		return b, nil
	}
	head := w.cfg.Head(NewSegment{Reason: reason, Number: b.chain.number, Closed: w.size, Time: now})
	if n := len(head.Lines); n > 0 && head.Lines[n-1] != '\n' {
		return b, errUnterminated
	}
	b.chain.write(head.Lines)
	b.records = head.Records
	text := append(w.line[:0], head.Lines...)
	if len(head.Ledger) > 0 {
		var err error
		if text, err = b.chain.seal(text, head.Ledger); err != nil {
			return b, err
		}
		b.records++
	}
	w.line = text
	if len(text) == 0 {
		return b, nil
	}
	w.stats.Writes++
	var out output = f
	if w.wrap != nil {
		out = w.wrap(f)
	}
	n, err := out.Write(text)
	b.size = int64(n)
	return b, err
}

// highest returns the number that the oldest segment has after this rotation.
// Without a limit, only the run of numbers from 1 on moves up (auditd-event.c,
// shift_logs).
func (w *Writer) highest() (int, error) {
	if w.cfg.Full == Keep {
		return w.firstFree()
	}
	if w.cfg.Needed == nil {
		return w.cfg.Files - 1, nil
	}
	entries, err := list(w.cfg.Path)
	if err != nil {
		return 0, err
	}
	return w.cfg.keep(entries, 1), nil
}

// keep returns the highest number that a segment may have: that of the limit, or a
// higher one if it is needed. shift says by how much the numbers are about to rise.
func (c Config) keep(entries []entry, shift int) int {
	limit := c.Files - 1
	if c.Needed == nil {
		return limit
	}
	oldest := -1 // the number of the oldest segment in which somebody stands
	for _, s := range c.Needed() {
		at := slices.IndexFunc(entries, func(e entry) bool { return e.same(s.Dev, s.Inode) })
		if at < 0 { // the oldest was meant, or it is gone: then all that is left is needed
			at = 0
		}
		if len(entries) > 0 {
			oldest = max(oldest, entries[at].number)
		}
	}
	room := c.NeededBytes
	for i := len(entries) - 1; i >= 0; i-- { // the newest first
		e := entries[i]
		if e.number+shift <= limit {
			continue
		}
		if room -= e.size; e.number > oldest || room < 0 {
			break
		}
		limit = e.number + shift
	}
	return limit
}

// firstFree returns the lowest number that no segment has.
func (w *Writer) firstFree() (int, error) {
	for n := 1; ; n++ {
		_, err := os.Lstat(w.numbered(n))
		if errors.Is(err, fs.ErrNotExist) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func (w *Writer) numbered(n int) string { return w.cfg.Path + "." + strconv.Itoa(n) }

// supersede makes the live segment an old one and puts the begun one into its
// place.
func (w *Writer) supersede(highest int) error {
	if err := w.file.Chmod(w.cfg.modes().old); err != nil {
		return err
	}
	if w.cfg.Full != Keep {
		if err := w.discardFrom(highest); err != nil {
			return err
		}
	}
	err := w.shift(highest)
	if err != nil {
		err = errors.Join(err, w.file.Chmod(w.cfg.modes().live))
	}
	return err
}

// oldest returns the highest number up to a limit that a segment has.
func (w *Writer) oldest(limit int) int {
	if free, err := w.firstFree(); err == nil {
		return min(limit, max(free-1, 1))
	}
	return limit
}

// discardFrom removes the segments that would get a higher number than highest.
func (w *Writer) discardFrom(highest int) error {
	last := highest
	if w.cfg.Needed != nil { // there may be more than one
		free, err := w.firstFree()
		if err != nil {
			return err
		}
		last = max(last, free-1)
	}
	for n := last; n >= highest; n-- {
		w.discard(n)
	}
	return nil
}

// discard removes the segment that the ones behind it push out. It is held open
// until Run closes it: freeing its blocks takes milliseconds, and to rename over
// it would make ext4 write the other's out first (ext4(5), auto_da_alloc).
func (w *Writer) discard(number int) {
	f, err := openPlain(w.numbered(number))
	if err != nil {
		return // not there, or left to the rename
	}
	if os.Remove(f.Name()) == nil && w.running {
		w.doomed = append(w.doomed, f)
		w.wakeRun()
		return
	}
	f.Close()
}

// shift renames the segments, the oldest first, and gives the begun one the live
// one's name. With highest 0 no old segment is kept: the live one is replaced.
func (w *Writer) shift(highest int) error {
	for n := highest; n > 1; n-- {
		if err := os.Rename(w.numbered(n-1), w.numbered(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if highest > 0 {
		if err := os.Rename(w.cfg.Path, w.numbered(1)); err != nil {
			return err
		}
	}
	err := os.Rename(w.cfg.Path+nextSuffix, w.cfg.Path)
	if err != nil && highest > 0 {
		err = errors.Join(err, os.Rename(w.numbered(1), w.cfg.Path))
	}
	return err
}
