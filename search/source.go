package search

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync/atomic"

	"vigil/trail"
)

// source cuts a log into blocks, in the order in which it is scanned.
type source struct {
	set   *settings
	index int // of the log
	name  string
	live  string
	files []file // those that are left
	cur   *input
	pos   int64        // where in the log cur begins, or ends if the scan goes backwards
	count int          // blocks so far
	done  atomic.Int64 // bytes on the disk that are dealt with
	total int64
	stats Stats
	mark  *marker // nil: all is read
}

// file is one file of a log as it was when the scan began.
type file struct {
	path   string
	stream io.Reader // instead of path
	info   fs.FileInfo
	skip   bool // it cannot have anything in the range
}

// input is a file that is being read.
type input struct {
	name  string
	file  *os.File
	spans []span        // of a plain file, what is left to read, in the order of the scan
	size  int64         // of a plain file
	base  int64         // where in the log its first byte is
	who   trail.Segment // of a scan with a mark
	ended atomic.Int64  // of a plain file: the end of the last whole line that was read
	refs  atomic.Int32  // of a plain file: blocks that are not loaded yet, and the source

	lines  *bufio.Reader // of a stream or a compressed file; nil: plain
	packed *packed       // what lines reads
	stream bool          // not a file that was compressed
	cut    bool          // in a line that is too long
}

// span is a part of a file: the lines that begin in it.
type span struct{ from, to int64 }

// backwards is where positions begin in a scan from the end, so that none is
// negative.
const backwards = 1 << 50

// newSource looks at the files of a log.
func newSource(index int, l Log, set *settings) (*source, error) {
	s := &source{set: set, index: index, name: l.Name, live: l.live}
	if l.Stream != nil {
		s.files = []file{{path: l.Name, stream: l.Stream}}
	} else {
		files, err := l.look()
		if err != nil {
			return nil, err
		}
		s.files = files
		for _, f := range files {
			s.total += f.info.Size()
		}
		s.leaveOut()
	}
	if set.Newest {
		s.pos = backwards
		slices.Reverse(s.files)
	}
	return s, nil
}

// look finds the files of a log and who they are; of one that may be rotated
// meanwhile, until two looks agree.
func (l Log) look() ([]file, error) {
	const attempts = 20
	var before []file
	for range attempts {
		now, err := l.stat()
		if err != nil && (!errors.Is(err, fs.ErrNotExist) || l.live == "") {
			return nil, fmt.Errorf("read log: %w", err)
		}
		if l.live == "" || err == nil && before != nil &&
			slices.EqualFunc(before, now, func(a, b file) bool { return a.path == b.path && os.SameFile(a.info, b.info) }) {
			return now, nil
		}
		before = now
	}
	return nil, fmt.Errorf("read log %s: its files are renamed faster than they can be listed", l.Name)
}

func (l Log) stat() ([]file, error) {
	paths := l.Files
	if l.live != "" {
		var err error
		if paths, err = family(l.live); err != nil {
			return nil, err
		}
	}
	files := make([]file, len(paths))
	for i, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("is a directory")}
		}
		files[i] = file{path: path, info: info}
	}
	return files, nil
}

// claim makes b the next block of the log; false at its end. What a plain file
// holds is only loaded later, by load.
func (s *source) claim(b *block) (bool, error) {
	for {
		if s.cur == nil {
			if len(s.files) == 0 {
				return false, nil
			}
			if err := s.open(); err != nil {
				return false, err
			}
			continue
		}
		b.buf, b.text, b.stats = b.buf[:0], nil, Stats{}
		b.input, b.ordinal, b.cost = s.cur, s.count, blockCost
		var ok bool
		var err error
		if s.cur.lines != nil {
			ok, err = s.fill(b)
		} else {
			ok = s.cut(b)
		}
		if err != nil {
			return false, err
		}
		if ok {
			s.count++
			return true, nil
		}
		s.leave()
	}
}

// open goes on with the next file.
func (s *source) open() error {
	f := s.files[0]
	s.files = s.files[1:]
	if f.skip {
		s.done.Add(f.info.Size())
		return nil
	}
	in, err := s.input(f)
	if err != nil || in == nil {
		return err
	}
	s.stats.Files++
	if s.set.Newest {
		s.pos -= in.size
	}
	in.base = s.pos
	s.cur = in
	if s.mark != nil {
		return s.mark.enter(s, in, f)
	}
	return nil
}

// leave is done with the current file.
func (s *source) leave() {
	in := s.cur
	s.cur = nil
	if in.lines == nil {
		if !s.set.Newest {
			s.pos = in.base + in.size
		}
		in.release()
		return
	}
	s.done.Add(in.packed.took())
	if in.packed.damaged {
		s.stats.Skipped.Damaged++
	}
	in.packed.close()
}

// close ends a scan in the middle of a file.
func (s *source) close() {
	if s.cur != nil {
		s.leave()
	}
}

func (in *input) release() {
	if in.refs.Add(-1) == 0 {
		in.file.Close()
	}
}

// cut claims the next part of a plain file.
func (s *source) cut(b *block) bool {
	in := s.cur
	if len(in.spans) == 0 {
		return false
	}
	at := &in.spans[0]
	cell := s.set.cell
	if s.set.Newest {
		end := in.base + at.to
		b.cell = (end - 1) / cell
		b.from = max(at.from, at.to-s.set.block, b.cell*cell-in.base)
		b.size = at.to - b.from
		at.to = b.from
	} else {
		start := in.base + at.from
		b.cell = start / cell
		b.from = at.from
		b.size = min(at.to-at.from, s.set.block, (b.cell+1)*cell-start)
		at.from += b.size
	}
	if at.from >= at.to {
		in.spans = in.spans[1:]
	}
	b.cost += int(b.size)
	in.refs.Add(1)
	return true
}

// fill reads lines of a stream into b.
func (s *source) fill(b *block) (bool, error) {
	in := s.cur
	b.cell = s.pos / s.set.cell
	limit := min(s.set.block, (b.cell+1)*s.set.cell-s.pos)
	for int64(len(b.buf)) < limit {
		line, err := in.lines.ReadSlice('\n')
		if err == nil {
			if !in.cut {
				b.buf = append(b.buf, line...)
			}
			in.cut = false
			continue
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			if !in.cut {
				b.stats.Lines++
				b.stats.Skipped.Long++
			}
			in.cut = true
			continue
		}
		if !errors.Is(err, io.EOF) && !in.packed.damage(err) {
			return false, fmt.Errorf("read log %s: %w", in.name, err)
		}
		if len(line) > 0 && !in.cut {
			s.last(b, line, err)
		}
		break
	}
	b.text, b.at = b.buf, s.pos
	s.pos += int64(len(b.buf))
	s.done.Add(in.packed.took())
	b.cost += cap(b.buf)
	return len(b.buf) > 0 || b.stats.Lines > 0, nil
}

// last takes what follows the last newline of a stream.
func (s *source) last(b *block, line []byte, err error) {
	whole := errors.Is(err, io.EOF) && (s.set.Torn || s.cur.stream)
	if whole {
		b.buf = append(append(b.buf, line...), '\n')
		return
	}
	b.stats.Lines++
	b.stats.Skipped.Torn++
}

// load reads what was claimed of a plain file and finds its lines: those that begin
// in it. It may be called beside claim, for several blocks at once.
func (b *block) load(torn bool) error {
	in := b.input
	if in.lines != nil {
		return nil
	}
	// The byte before tells whether a line begins with the first one.
	lead := min(b.from, 1)
	const most = 4 << 10 // of the last line, at first
	text, err := in.read(b.buf[:0], b.from-lead, b.size+lead+most)
	if err != nil {
		return err
	}
	start := 0
	if lead > 0 {
		if start = bytes.IndexByte(text, '\n') + 1; start == 0 {
			start = len(text) // the inside of a line that is longer than the block
		}
	}
	end := int(lead + b.size)
	if start >= min(end, len(text)) {
		b.buf, b.text = text, nil
		return nil
	}
	// The last line begins before end; where does it end?
	last := end
	if len(text) >= end && text[end-1] != '\n' {
		if text, last, err = b.finish(in, text, end, torn); err != nil {
			return err
		}
	} else if len(text) < end { // the file has become shorter
		last = bytes.LastIndexByte(text, '\n') + 1
	}
	b.buf, b.text = text, text[start:max(start, last)]
	b.at = in.base + b.from - lead + int64(start)
	for end := b.from - lead + int64(last); ; {
		if known := in.ended.Load(); known >= end || in.ended.CompareAndSwap(known, end) {
			break
		}
	}
	return nil
}

// finish reads the last line of a block to its end.
func (b *block) finish(in *input, text []byte, end int, torn bool) ([]byte, int, error) {
	begin := b.from - min(b.from, 1)
	for whole := false; ; {
		if i := bytes.IndexByte(text[end:], '\n'); i >= 0 {
			return text, end + i + 1, nil
		}
		whole = whole || begin+int64(len(text)) >= in.size
		if whole && torn {
			return append(text, '\n'), len(text) + 1, nil
		}
		if whole || len(text)-end >= trail.MaxLine {
			last := bytes.LastIndexByte(text[:end], '\n') + 1
			b.stats.Lines++
			if whole && len(text)-last < trail.MaxLine {
				b.stats.Skipped.Torn++
			} else {
				b.stats.Skipped.Long++
			}
			return text, last, nil
		}
		more, err := in.read(text, begin+int64(len(text)), trail.MaxLine)
		if err != nil {
			return text, 0, err
		}
		whole = len(more) == len(text) // the file has become shorter
		text = more
	}
}

// read appends n bytes of a plain file from an offset on to dst, fewer at its end.
func (in *input) read(dst []byte, from, n int64) ([]byte, error) {
	n = min(n, in.size-from)
	if n <= 0 {
		return dst, nil
	}
	at := len(dst)
	dst = slices.Grow(dst, int(n))[:at+int(n)]
	got, err := in.file.ReadAt(dst[at:], from)
	if err != nil && !errors.Is(err, io.EOF) {
		return dst[:at], fmt.Errorf("read log: %w", err)
	}
	return dst[:at+got], nil
}
