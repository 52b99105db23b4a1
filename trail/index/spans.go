package index

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
)

// Span is a part of a segment, in bytes: the lines that begin in it.
type Span struct{ From, To int64 }

// Slack is how much later than its stamp a record is looked for in a log without
// index: the kernel writes it when the system call returns, and stamps it when that
// begins.
const Slack = 5 * 60 * 1000 // milliseconds

// early is how much earlier than the record before it one may be stamped otherwise.
const early = 10 * 1000

// Index is the index of a trail as it was read.
type Index struct{ entries []entry }

// Load reads the index of the trail whose live segment is path. Without a good one it
// returns an empty Index.
func Load(path string) *Index {
	text, err := os.ReadFile(path + Suffix)
	if err != nil || len(text) > mostRead {
		return &Index{}
	}
	entries, _ := parseAll(text)
	return &Index{entries: entries}
}

// Spans returns the parts of a segment with the given sum that may have lines with
// stamps from first to last, in milliseconds since the epoch, in order. Nothing is
// left out by the index that the segment does not bear out; parts that are not in it
// are searched by halves.
func (x *Index) Spans(sum uint64, f io.ReaderAt, size, first, last int64) []Span {
	var spans []Span
	add := func(s Span) {
		if n := len(spans); n > 0 && spans[n-1].To == s.From {
			spans[n-1].To = s.To
		} else if s.From < s.To {
			spans = append(spans, s)
		}
	}
	at := int64(0)
	gap := func(to int64) {
		if to > at {
			for _, s := range bisect(f, Span{at, to}, first, last) {
				add(s)
			}
		}
	}
	if sum != 0 {
		for _, e := range of(x.entries, sum) {
			if e.to > size || e.from < at {
				continue
			}
			gap(e.from)
			if at = e.to; e.least <= last && e.most >= first || !bornOut(f, e) {
				add(Span{e.from, e.to})
			}
		}
	}
	gap(size)
	return spans
}

// bornOut reports whether the lines where an entry begins and ends are such as it
// says.
func bornOut(f io.ReaderAt, e entry) bool {
	buf := make([]byte, 512)
	lead := min(e.from, 1)
	n, err := f.ReadAt(buf, e.from-lead)
	if err != nil && !errors.Is(err, io.EOF) || lead > 0 && (n == 0 || buf[0] != '\n') {
		return false
	}
	if t, ok := Stamp(buf[lead:n]); !ok || t < e.least || t > e.most {
		return false
	}
	n, err = f.ReadAt(buf[:1], e.to-1)
	return n == 1 && buf[0] == '\n' && (err == nil || errors.Is(err, io.EOF))
}

// bisect finds the part of a span of a log in which stamps from first to last can be,
// if the log is roughly in order; if it is not, that is all of it.
func bisect(f io.ReaderAt, s Span, first, last int64) []Span {
	const step = 64 << 10
	all := []Span{s}
	if s.To-s.From <= 4*step {
		return all
	}
	c := clock{f: f, to: s.To, buf: make([]byte, step)}
	if !c.ordered(s) {
		return all
	}
	from, to := s.From, s.To
	if first > math.MinInt64+early {
		from = c.search(s, func(t int64) bool { return t >= first-early })
		from = max(from-step, s.From)
	}
	if last < math.MaxInt64-Slack {
		to = c.search(s, func(t int64) bool { return t > last+Slack })
		to = min(to+step, s.To)
	}
	if c.failed {
		return all
	}
	if from >= to {
		return nil
	}
	return []Span{{from, to}}
}

// clock tells the time at which a place in a log was written.
type clock struct {
	f      io.ReaderAt
	to     int64
	buf    []byte
	failed bool
}

// at returns the latest stamp of the lines behind a place; those that system calls
// wrote late are earlier. ok is false if there is none.
func (c *clock) at(offset int64) (t int64, ok bool) {
	n, err := c.f.ReadAt(c.buf[:min(int64(len(c.buf)), c.to-offset)], offset)
	if err != nil && !errors.Is(err, io.EOF) {
		c.failed = true
		return 0, false
	}
	text := c.buf[:n]
	if offset > 0 {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	least, most := int64(math.MaxInt64), int64(math.MinInt64)
	scan(text, &least, &most)
	return most, most != math.MinInt64
}

// ordered looks at some places of a span and reports whether time goes forward.
func (c *clock) ordered(s Span) bool {
	const places = 32
	before := int64(math.MinInt64)
	for i := range int64(places) {
		t, ok := c.at(s.From + (s.To-s.From)/places*i)
		if c.failed || !ok || before != math.MinInt64 && t < before-early {
			return false
		}
		before = max(before, t)
	}
	return true
}

// search returns the first place, roughly, of which is says yes.
func (c *clock) search(s Span, is func(t int64) bool) int64 {
	from, to := s.From, s.To
	for to-from > int64(len(c.buf)) {
		middle := from + (to-from)/2
		t, ok := c.at(middle)
		if !ok {
			c.failed = true
			return s.From
		}
		if is(t) {
			to = middle
		} else {
			from = middle
		}
	}
	return to
}
