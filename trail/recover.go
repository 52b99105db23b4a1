package trail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"vigil/trail/index"
)

// Recovery is what Open found and did.
type Recovery struct {
	Created bool     // there was no live segment
	Excess  []string // segments removed because they exceeded the limit

	Torn    int64  // bytes after the last newline, the end of a broken write
	NULs    int64  // how many of them were the NUL bytes that a power failure leaves
	Broken  string // the file to which the others were added; empty if none were
	Problem error  // nil, or why they could not be: then Lost has them
	Lost    []byte // at most 64 KiB

	Chain  ChainState
	Ledger []byte // the LEDGER line that the chain goes on from, without newline; nil if none
	Since  int64  // bytes of the trail after it, or since the chain's beginning

	// Tail is the end of the trail: whole lines, at most 64 KiB of them, across
	// segments if the live one has less. The last record of the kernel is in it.
	Tail []byte
}

// ChainState says how the hash chain was taken up.
type ChainState uint8

// How Open took up the chain.
const (
	// ChainResumed: from the last LEDGER line and the bytes after it.
	ChainResumed ChainState = iota
	// ChainNew: there is no LEDGER line. A chain begins with the first byte of
	// the live segment.
	ChainNew
	// ChainUnread: none was found within Config.Rehash bytes. A chain begins
	// there, or at the end of the live segment if that is larger.
	ChainUnread
)

// tailLength is how much of the trail's end Open hands out.
const tailLength = 64 << 10

// Open opens a trail for appending, alone: a *LockedError names who else does. It
// makes what is missing, puts modes right, mends what a crash left behind, and
// takes up the hash chain. Only one line may be torn; complete ones are never
// touched.
func Open(cfg Config) (*Writer, *Recovery, error) {
	cfg = cfg.withDefaults()
	if err := prepareDirectory(cfg); err != nil {
		return nil, nil, err
	}
	f, created, err := openLive(cfg)
	if err != nil {
		return nil, nil, err
	}
	w := &Writer{cfg: cfg, chain: newChain(), index: &index.Writer{}, kick: make(chan struct{}, 1)}
	recovery, err := w.recover(f)
	if err != nil {
		f.Close()
		return nil, nil, fmt.Errorf("open trail %s: %w", cfg.Path, err)
	}
	recovery.Created = created
	return w, recovery, nil
}

// recover brings an opened live segment into order and begins at its end.
func (w *Writer) recover(f *os.File) (*Recovery, error) {
	r := &Recovery{}
	if err := os.Remove(w.cfg.Path + nextSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	size, err := mend(w.cfg, f, r)
	if err != nil {
		return nil, err
	}
	entries, err := listStable(w.cfg.Path)
	if err != nil {
		return nil, err
	}
	r.Excess = removeExcess(w.cfg, entries)
	if len(r.Excess) > 0 {
		if entries, err = listStable(w.cfg.Path); err != nil {
			return nil, err
		}
	}
	repairOld(w.cfg, entries)
	w.index = openIndex(w.cfg, entries)
	w.attach(f, size, w.cfg.Now())
	if err := w.resume(entries, r); err != nil {
		return nil, err
	}
	r.Tail, err = tail(w.cfg.Path, entries)
	return r, err
}

// mend sets the torn end of the live segment aside and returns its new size.
func mend(c Config, f *os.File, r *Recovery) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	end, err := lastNewline(f, size)
	if err != nil || end == size {
		return size, err
	}
	r.Torn = size - end
	text, err := lastText(f, end, size)
	if err != nil {
		return 0, err
	}
	r.NULs = size - text
	if text > end {
		if r.Lost, r.Problem = setAside(c, f, end, text); r.Problem == nil {
			r.Broken = c.Path + brokenSuffix
		}
	}
	if err := f.Truncate(end); err != nil {
		return 0, err
	}
	return end, f.Sync()
}

// block is how much is read at once going backwards.
const block = 64 << 10

// backwards calls visit with the blocks of f between from and to, the last one
// first, until it returns false.
func backwards(f io.ReaderAt, from, to int64, visit func(b []byte, at int64) bool) error {
	buf := make([]byte, block)
	for to > from {
		at := max(from, to-block)
		b := buf[:to-at]
		n, err := f.ReadAt(b, at)
		if n < len(b) && errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF // it shrinks while we read
		}
		if n < len(b) {
			return err
		}
		if !visit(b, at) {
			return nil
		}
		to = at
	}
	return nil
}

// lastNewline returns where the last whole line of the first size bytes ends.
func lastNewline(f io.ReaderAt, size int64) (end int64, err error) {
	err = backwards(f, 0, size, func(b []byte, at int64) bool {
		i := bytes.LastIndexByte(b, '\n')
		if i >= 0 {
			end = at + int64(i) + 1
		}
		return i < 0
	})
	return end, err
}

// lastText returns where the bytes between from and size end if the NUL bytes
// behind them are not counted. A file system that has written the new size but
// not the data leaves such bytes.
func lastText(f io.ReaderAt, from, size int64) (end int64, err error) {
	end = from
	err = backwards(f, from, size, func(b []byte, at int64) bool {
		n := len(bytes.TrimRight(b, "\x00"))
		if n > 0 {
			end = at + int64(n)
		}
		return n == 0
	})
	return end, err
}

// setAside appends the bytes of f between from and to to the .broken file. If
// it cannot, it returns the first 64 KiB of them.
func setAside(c Config, f *os.File, from, to int64) (lost []byte, err error) {
	name := c.Path + brokenSuffix
	err = func() error {
		b, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
		if err != nil {
			return err
		}
		defer b.Close()
		if _, err := io.Copy(b, io.NewSectionReader(f, from, to-from)); err != nil {
			return err
		}
		if _, err := b.Write([]byte{'\n'}); err != nil {
			return err
		}
		return b.Sync()
	}()
	if err == nil {
		return nil, nil
	}
	lost = make([]byte, min(to-from, tailLength))
	n, _ := f.ReadAt(lost, from)
	return lost[:n], fmt.Errorf("set torn bytes aside: %w", err)
}

// resume takes up the chain: from the last LEDGER line in the segments, or anew.
func (w *Writer) resume(entries []entry, r *Recovery) error {
	budget := w.cfg.Rehash
	for i := len(entries) - 1; i >= 0; i-- {
		f, err := openEntry(w.cfg.Path, entries[i])
		if err != nil {
			return err
		}
		line, at, read, err := lastLedger(f, entries[i].size, budget)
		f.Close()
		if err != nil {
			return err
		}
		budget -= read
		if line != nil {
			l, _ := parseLink(line)
			w.chain.follow(l, line)
			r.Ledger, r.Chain = bytes.TrimSuffix(line, []byte{'\n'}), ChainResumed
			return w.rehash(entries[i:], at+int64(len(line)), r)
		}
		if budget <= 0 {
			r.Chain = ChainUnread
			break
		}
		r.Chain = ChainNew
	}
	live := entries[len(entries)-1:]
	if w.size > w.cfg.Rehash {
		return nil
	}
	return w.rehash(live, 0, r)
}

// rehash takes the bytes of segments into the chain, of the first one from
// offset on.
func (w *Writer) rehash(entries []entry, offset int64, r *Recovery) error {
	buf := make([]byte, scanBuffer)
	for i, e := range entries {
		f, err := openEntry(w.cfg.Path, e)
		if err != nil {
			return err
		}
		err = hashRange(&w.chain, f, offset, e.size, buf)
		f.Close()
		if err != nil {
			return err
		}
		if i > 0 {
			w.chain.number++
		}
		offset = 0
	}
	r.Since = w.chain.since
	return nil
}

// hashRange takes bytes of a file into a chain.
func hashRange(c *chain, f io.ReaderAt, from, to int64, buf []byte) error {
	for from < to {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), to-from)], from)
		c.write(buf[:n])
		from += int64(n)
		if errors.Is(err, io.EOF) && from < to {
			return io.ErrUnexpectedEOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

// lastLedger returns the last LEDGER line among the first size bytes of a
// segment, with its newline, and where it begins, reading about budget bytes from
// the end. line is nil if there is none.
func lastLedger(f io.ReaderAt, size, budget int64) (line []byte, at, read int64, err error) {
	// Around each block there is room for the start and the end of a line whose
	// "type=LEDGER" is in the block.
	const before, after = maxNode, maxLedger
	buf := make([]byte, before+block+after)
	for to := size; to > 0 && read < budget; to = max(0, to-block) {
		start := max(0, to-block-before)
		b := buf[:min(to+after, size)-start]
		n, err := f.ReadAt(b, start)
		if n < len(b) {
			return nil, 0, read, fmt.Errorf("look for the last LEDGER line: %w", err)
		}
		read += block
		line, i := lastLedgerIn(b, start == 0)
		if line != nil {
			return bytes.Clone(line), start + int64(i), read, nil
		}
	}
	return nil, 0, read, nil
}

// lastLedgerIn returns the last LEDGER line in b, with its newline, and where in
// b it begins. Whether a line begins with b, bol says. Cost is linear in b,
// however many false starts it holds.
func lastLedgerIn(b []byte, bol bool) (line []byte, begin int) {
	for searched := b; ; {
		i := bytes.LastIndex(searched, []byte(ledgerStart))
		if i < 0 {
			return nil, 0
		}
		searched = b[:i]
		lead := b[max(0, i-maxNode):i]
		begin := i - len(lead) + bytes.LastIndexByte(lead, '\n') + 1
		if begin == i-len(lead) && !(begin == 0 && bol) && (begin == 0 || b[begin-1] != '\n') {
			continue // too far from the start of its line
		}
		rest := b[i:min(len(b), i+maxLedger)]
		end := i + bytes.IndexByte(rest, '\n') + 1
		if end == i {
			continue
		}
		if _, ok := parseLink(b[begin:end]); ok {
			return b[begin:end], begin
		}
	}
}

// tail returns the whole lines at the end of the trail, at most tailLength
// bytes.
func tail(path string, entries []entry) ([]byte, error) {
	var lines []byte
	for i := len(entries) - 1; i >= 0 && len(lines) < tailLength; i-- {
		f, err := openEntry(path, entries[i])
		if err != nil {
			return lines, err
		}
		from := max(0, entries[i].size-int64(tailLength-len(lines)))
		part := make([]byte, entries[i].size-from)
		n, err := f.ReadAt(part, from)
		f.Close()
		if err != nil && !errors.Is(err, io.EOF) {
			return lines, err
		}
		part = part[:n]
		part = part[:bytes.LastIndexByte(part, '\n')+1]
		if from > 0 {
			part = part[bytes.IndexByte(part, '\n')+1:]
		}
		lines = append(part, lines...)
	}
	return lines, nil
}
