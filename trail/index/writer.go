package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// part is how much of a segment one entry is about, and most how much is read to
// make up for entries that are missing.
const (
	part     = 256 << 10
	mostRead = 64 << 20
)

// nextSuffix is what the name of an index has that is being written anew.
const nextSuffix = ".next"

// Config says where an index is kept.
type Config struct {
	Path string      // the trail's live segment; the index is beside it
	Mode fs.FileMode // of the index
	Gid  int         // -1: as it is
	Keep int         // segments that there are at most; 0: any number
}

// Segment is a segment that is there when the index is opened.
type Segment struct {
	Path string
	Sum  uint64
}

// Writer keeps the index of a trail. It is the trail's writer that calls it, under
// its lock. What goes wrong with the index is no reason to stop: then parts of the
// trail are not in it. The zero value keeps none.
type Writer struct {
	cfg     Config
	file    *os.File
	log     io.ReaderAt // the live segment
	sum     func() uint64
	known   uint64 // the live segment's sum, 0 if it is not known yet
	from    int64  // where the next entry begins
	to      int64  // and what was seen of it
	least   int64
	most    int64
	entries []entry // in the file, of the segments that are kept
	sums    []uint64
	size    int64
	buf     []byte
}

// Open opens the index, or makes it, and brings it up to date with the segments that
// there are beside the live one, the oldest first. The error says why there will be
// none; the Writer can be used all the same.
func Open(cfg Config, old []Segment) (*Writer, error) {
	w := &Writer{cfg: cfg}
	f, err := os.OpenFile(cfg.Path+Suffix, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, cfg.Mode)
	if err != nil {
		return w, fmt.Errorf("open index: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err == nil {
		err = errors.Join(f.Chown(-1, cfg.Gid), f.Chmod(cfg.Mode))
	}
	var text []byte
	if err == nil && info.Size() <= mostRead {
		text, err = io.ReadAll(f)
	}
	if err != nil {
		f.Close()
		return w, fmt.Errorf("open index %s: %w", cfg.Path+Suffix, err)
	}
	f.Close()
	all, _ := parseAll(text)
	w.rebuild(all, old)
	err = w.rewrite()
	if cfg.Keep <= 0 {
		w.entries = nil // there is nothing to prune, ever
	}
	return w, err
}

// rebuild takes over what is known of segments that are still there, and reads what is
// not.
func (w *Writer) rebuild(all []entry, old []Segment) {
	left := int64(mostRead)
	made := make([][]entry, len(old))
	for i := len(old) - 1; i >= 0; i-- {
		if old[i].Sum == 0 {
			continue
		}
		made[i] = of(all, old[i].Sum)
		f, err := os.Open(old[i].Path)
		if err != nil {
			continue
		}
		known := int64(0)
		for n, e := range made[i] {
			if e.from != known {
				made[i] = made[i][:n]
				break
			}
			known = e.to
		}
		if info, err := f.Stat(); err == nil && info.Size()-known <= left {
			left -= info.Size() - known
			made[i] = append(made[i], read(f, old[i].Sum, known, info.Size())...)
		}
		f.Close()
	}
	for i := range old {
		w.entries = append(w.entries, made[i]...)
		w.sums = append(w.sums, old[i].Sum)
	}
	w.entries = append(w.entries, pending(all, w.sums)...)
}

// pending returns the entries of segments that are not among those listed: one may be
// the live one.
func pending(all []entry, sums []uint64) []entry {
	seen := map[uint64]bool{}
	for _, s := range sums {
		seen[s] = true
	}
	var out []entry
	for _, e := range all {
		if !seen[e.sum] {
			out = append(out, e)
		}
	}
	return out
}

// read makes the entries of a part of a segment, which begins and ends at a line's
// end.
func read(f io.ReaderAt, sum uint64, from, to int64) []entry {
	var entries []entry
	buf := make([]byte, part+64<<10)
	for from < to {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		whole := bytes.LastIndexByte(buf[:n], '\n') + 1
		if whole == 0 || err != nil && !errors.Is(err, io.EOF) {
			break // what is not in the index is searched
		}
		e := entry{sum: sum, from: from, to: from + int64(whole), least: math.MaxInt64, most: 0}
		scan(buf[:whole], &e.least, &e.most)
		entries = append(entries, e)
		from = e.to
	}
	return entries
}

// scan takes the stamps of lines.
func scan(lines []byte, least, most *int64) {
	for len(lines) > 0 {
		end := bytes.IndexByte(lines, '\n') + 1
		if end == 0 {
			end = len(lines)
		}
		if t, ok := Stamp(lines[:end]); ok {
			*least, *most = min(*least, t), max(*most, t)
		}
		lines = lines[end:]
	}
}

// Begin goes on with another live segment, of which size bytes are there. sum
// returns its sum, or 0 as long as that is not known.
func (w *Writer) Begin(log io.ReaderAt, size int64, sum func() uint64) {
	if w.cfg.Path == "" {
		return
	}
	w.put()
	w.log, w.sum, w.known = log, sum, 0
	w.reset(0)
	w.known = sum()
	held := of(w.entries, w.known)
	if w.cfg.Keep <= 0 && w.known != 0 {
		held = of(Load(w.cfg.Path).entries, w.known)
	}
	if n := len(held); n > 0 && held[n-1].to <= size {
		w.reset(held[n-1].to)
	}
	if size-w.from > mostRead {
		w.reset(size)
		return
	}
	for _, e := range read(log, w.known, w.from, size) {
		w.least, w.most, w.to = min(w.least, e.least), max(w.most, e.most), e.to
		if w.to-w.from >= part {
			w.put()
		}
	}
	if w.to < size {
		w.reset(size)
	}
}

func (w *Writer) reset(at int64) { w.from, w.to, w.least, w.most = at, at, math.MaxInt64, 0 }

// Add takes whole lines that were appended to the live segment at an offset.
func (w *Writer) Add(at int64, lines []byte) {
	if w.cfg.Path == "" || len(lines) == 0 {
		return
	}
	if at != w.to {
		w.moved(at)
	}
	scan(lines, &w.least, &w.most)
	if w.to += int64(len(lines)); w.to-w.from >= part {
		w.put()
	}
}

// moved is told that others have changed the segment, which ends at another place: it
// was cut, or there are lines in it that were not seen here. Of what was said last,
// nothing holds.
func (w *Writer) moved(at int64) {
	from := min(at, w.from)
	if at > w.to {
		from = max(0, w.from-part)
	}
	if w.identity() != 0 {
		w.append(entry{sum: w.known, from: from, to: math.MaxInt64, least: void})
	}
	w.reset(at)
}

func (w *Writer) identity() uint64 {
	if w.known == 0 && w.sum != nil {
		w.known = w.sum()
	}
	return w.known
}

// put writes an entry of what was seen since the last one.
func (w *Writer) put() {
	if w.to > w.from && w.identity() != 0 {
		w.append(entry{sum: w.known, from: w.from, to: w.to, least: w.least, most: w.most})
	}
	w.reset(w.to)
}

// append writes an entry.
func (w *Writer) append(e entry) {
	if w.file == nil || e.sum == 0 {
		return
	}
	if w.cfg.Keep > 0 {
		if n := len(w.sums); n == 0 || w.sums[n-1] != e.sum {
			w.sums = append(w.sums, e.sum)
			w.prune()
		}
		w.entries = append(w.entries, e)
		if w.size > 64<<10 && w.size > 4*int64(len(w.entries))*entrySize {
			_ = w.rewrite() // if it fails there is no index any more
			return
		}
	}
	w.buf = e.appendTo(w.buf[:0])
	if _, err := w.file.Write(w.buf); err != nil {
		// Half an entry would make all behind it unreadable.
		if w.file.Truncate(w.size) != nil {
			w.abandon()
			return
		}
		if _, err := w.file.Seek(w.size, io.SeekStart); err != nil {
			w.abandon()
		}
		return
	}
	w.size += entrySize
}

// prune forgets the segments that rotation has removed.
func (w *Writer) prune() {
	if len(w.sums) <= w.cfg.Keep {
		return
	}
	w.sums = append(w.sums[:0], w.sums[len(w.sums)-w.cfg.Keep:]...)
	kept := w.entries[:0]
	for _, e := range w.entries {
		for _, s := range w.sums {
			if e.sum == s {
				kept = append(kept, e)
				break
			}
		}
	}
	w.entries = kept
}

// rewrite writes the index anew, with what still holds, and puts it in its place.
func (w *Writer) rewrite() error {
	w.abandon()
	name := w.cfg.Path + Suffix
	_ = os.Remove(name + nextSuffix)
	f, err := os.OpenFile(name+nextSuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	text := []byte(magic)
	for _, e := range w.entries {
		text = e.appendTo(text)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chown(-1, w.cfg.Gid), f.Chmod(w.cfg.Mode)); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return fmt.Errorf("write index: %w", err)
	}
	w.file, w.size = f, int64(len(text))
	return nil
}

// abandon leaves the file. What is in it stays right.
func (w *Writer) abandon() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}

// Close writes what is not in the index yet, and closes it.
func (w *Writer) Close() {
	w.put()
	w.abandon()
}
