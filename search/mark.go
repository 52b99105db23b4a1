package search

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"vigil/audit/tables"
	"vigil/trail"
)

// Mark is a place in a log: what stands before it has been handed out. The zero
// value is its start.
type Mark struct {
	Position trail.Position `json:"position"`
	// Given are events with records behind the place that were handed out too, as
	// "NODE SEC.MMM:SERIAL".
	Given []string `json:"given,omitempty"`
}

// Bounds of a mark: how long an event that does not end by itself may still get
// records, and how many events may stand in Given.
const (
	unsettled = 3 * time.Second
	maxGiven  = 4096
)

// ScanSince is Scan of one log from a mark on, the oldest event first. It returns the
// mark for the next time. An event that may still get records is left for then.
// Options.Newest is not obeyed. If the file that the mark is in is no longer there, all
// files are read, and Skipped.Gone counts it.
func ScanSince(ctx context.Context, l Log, o Options, from Mark, visit func(*Event) error) (Mark, Stats, error) {
	if l.Stream != nil {
		return from, Stats{}, fmt.Errorf("read log %s: a stream has no places to go on from", l.Name)
	}
	query := o.Query
	o.Query, o.Newest = nil, false // what does not match yet may do so when it is whole
	set := o.settle(1)
	src, err := newSource(0, l, set)
	if err != nil {
		return from, Stats{}, err
	}
	m := &marker{from: from.Position, now: time.Now()}
	if err := m.find(src); err != nil {
		return from, Stats{}, err
	}
	src.mark = m
	given := map[string]bool{}
	for _, id := range from.Given {
		given[id] = true
	}
	match := query.Matcher()
	e := newEngine(src)
	matched := uint64(0)
	err = e.run(ctx, func(ev *Event) error {
		if given[named(ev)] {
			m.gave(ev)
			return nil
		}
		if !m.settled(ev) {
			return nil
		}
		m.gave(ev)
		if match != nil && !match.Match(&ev.Event) {
			return nil
		}
		matched++
		return visit(ev)
	})
	stats := e.stats
	stats.Matched = matched
	if err != nil {
		return from, stats, err
	}
	return m.next(src), stats, nil
}

// marker finds where a scan begins, and from where the next one is to go on.
type marker struct {
	from   trail.Position
	offset int64 // in the first file that is read
	now    time.Time
	held   bool           // an event was left for the next time
	begin  int64          // where in the log the first of those begins
	hold   trail.Position // the same
	recent []recent       // events handed out, the last ones
	last   *input
	start  int64 // where in last the reading began
}

type recent struct {
	name string
	end  int64
}

func named(e *Event) string { return string(e.Node) + " " + e.ID.String() }

// find drops the files before that of the mark.
func (m *marker) find(s *source) error {
	if m.from.IsZero() {
		return nil
	}
	for _, exact := range []bool{true, false} {
		for i, f := range s.files {
			who, size, err := identify(f.path)
			if err != nil {
				continue // it will be met again
			}
			same := m.from.Segment
			if who.Sum != same.Sum && same.Sum != 0 || exact && (who.Dev != same.Dev || who.Inode != same.Inode) || !exact && same.Sum == 0 {
				continue
			}
			if size >= 0 && size < m.from.Offset {
				continue
			}
			for _, old := range s.files[:i] {
				s.done.Add(old.info.Size())
			}
			s.files = s.files[i:]
			m.offset = m.from.Offset
			return nil
		}
	}
	s.stats.Skipped.Gone++
	return nil
}

// identify returns who a file of a log is; its size is -1 if it is compressed.
func identify(path string) (trail.Segment, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return trail.Segment{}, 0, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return trail.Segment{}, 0, err
	}
	p, err := unpack(f)
	if err != nil {
		return trail.Segment{}, 0, err
	}
	defer p.close()
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(p.r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return trail.Segment{}, 0, err
	}
	who, err := trail.Identify(f, head[:n])
	size := info.Size()
	if p.unpacks {
		size = -1
	}
	return who, size, err
}

// enter is told of each file that is begun.
func (m *marker) enter(s *source, in *input, f file) error {
	who, _, err := identify(in.name)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	in.who = who
	m.last, m.start = in, m.offset
	at := m.offset
	m.offset = 0
	if at == 0 {
		return nil
	}
	if in.lines == nil {
		var left []span
		for _, part := range in.spans {
			if part.from = max(part.from, at); part.from < part.to {
				left = append(left, part)
			}
		}
		in.spans = left
		return nil
	}
	n, err := io.CopyN(io.Discard, in.lines, at)
	if s.pos += n; err != nil && !errors.Is(err, io.EOF) && !in.packed.damage(err) {
		return fmt.Errorf("read log %s: %w", f.path, err)
	}
	return nil
}

// settled reports whether an event is whole; if it may get more records, it is left
// for the next time.
func (m *marker) settled(e *Event) bool {
	last := e.Records[len(e.Records)-1].Type
	t := e.Records[0].Type
	alone := t == tables.TypeUser || t > tables.TypeLogin && t < tables.TypeSyscall || t >= 2000
	if last == tables.TypeProctitle || alone || m.now.Sub(e.ID.Time()) > unsettled {
		return true
	}
	if !m.held {
		m.held, m.begin = true, e.begin
		m.hold = trail.Position{Segment: e.input.who, Offset: e.begin - e.input.base}
	}
	return false
}

// gave notes an event that was handed out.
func (m *marker) gave(e *Event) {
	if len(m.recent) >= 2*maxGiven {
		m.recent = append(m.recent[:0], m.recent[maxGiven:]...)
	}
	m.recent = append(m.recent, recent{named(e), e.end})
}

// next is the mark for the next time.
func (m *marker) next(s *source) Mark {
	if m.last == nil {
		return Mark{Position: m.from}
	}
	if !m.held {
		end := max(m.last.ended.Load(), m.start)
		if m.last.lines != nil {
			end = s.pos - m.last.base
		}
		return Mark{Position: trail.Position{Segment: m.last.who, Offset: end}}
	}
	mark := Mark{Position: m.hold}
	for _, r := range m.recent {
		if r.end > m.begin {
			mark.Given = append(mark.Given, r.name)
		}
	}
	if len(mark.Given) > maxGiven {
		mark.Given = mark.Given[len(mark.Given)-maxGiven:]
	}
	return mark
}
