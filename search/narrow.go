package search

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"os"

	"vigil/trail"
	"vigil/trail/index"
)

// bounds returns a range in the milliseconds of stamps.
func (r Range) bounds() (first, last int64) {
	first, last = math.MinInt64, math.MaxInt64
	if !r.From.IsZero() {
		first = r.From.UnixMilli()
	}
	if !r.To.IsZero() {
		last = r.To.UnixMilli()
	}
	return first, last
}

// leaveOut marks the files that cannot have anything in the range, by the first
// stamps of the files: a file was written before those after it. Where they are not
// in order, that says nothing.
func (s *source) leaveOut() {
	if s.set.Range == (Range{}) || len(s.files) < 2 {
		return
	}
	first, last := s.set.Range.bounds()
	begins := make([]int64, len(s.files))
	for i, f := range s.files {
		t, ok := firstStamp(f.path)
		if !ok || i > 0 && t < begins[i-1]-aside {
			return
		}
		begins[i] = t
	}
	for i := range s.files {
		before := i+1 < len(begins) && first != math.MinInt64 && begins[i+1] < first-aside
		behind := last < math.MaxInt64-index.Slack && begins[i] > last+index.Slack
		s.files[i].skip = before || behind
	}
}

// aside is how far a record may be out of order, beside being late, in milliseconds.
const aside = 10_000

// firstStamp returns the first stamp in a file; false if there is none near its
// begin.
func firstStamp(path string) (int64, bool) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	p, err := unpack(f)
	if err != nil {
		return 0, false
	}
	defer p.close()
	lines := bufio.NewReaderSize(io.LimitReader(p.r, trail.MaxLine), 4<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if t, ok := index.Stamp(line); ok && bytes.HasSuffix(line, []byte{'\n'}) {
			return t, true
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, false
		}
	}
}

// narrow returns the parts of a plain file that may have something in the range, in
// the order of the scan.
func (s *source) narrow(in *input) []span {
	if in.size == 0 {
		return nil
	}
	if s.set.Range == (Range{}) || s.set.WholeFiles {
		return []span{{0, in.size}}
	}
	x := &index.Index{}
	sum := uint64(0)
	for _, live := range []string{s.live, liveName(in.name)} {
		if live == "" {
			continue
		}
		x = index.Load(live)
		break
	}
	head := make([]byte, 4<<10)
	if n, err := in.file.ReadAt(head, 0); err == nil || errors.Is(err, io.EOF) {
		if who, err := trail.Identify(in.file, head[:n]); err == nil {
			sum = who.Sum
		}
	}
	first, last := s.set.Range.bounds()
	var spans []span
	for _, part := range x.Spans(sum, in.file, in.size, first, last) {
		spans = append(spans, span{part.From, part.To})
	}
	if s.set.Newest {
		for i, j := 0, len(spans)-1; i < j; i, j = i+1, j-1 {
			spans[i], spans[j] = spans[j], spans[i]
		}
	}
	return spans
}
