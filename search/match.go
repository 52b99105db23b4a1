package search

import (
	"bytes"
	"slices"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/enrich/attribution"
	"vigil/filter"
)

// matcher makes events of the groups in blocks, for one goroutine.
type matcher struct {
	set   *settings
	match *filter.Matcher        // nil: all are chosen
	known *attribution.Completer // nil: nothing is known of containers
	event Event
	stats Stats
}

func newMatcher(set *settings, log int) *matcher {
	m := &matcher{set: set, match: set.Query.Matcher(), event: Event{Log: log}}
	if set.Containers != nil {
		m.known = set.Containers.Share()
	}
	return m
}

// block finds the events that begin in b and are wanted, and calls visit, if there
// is one, for each.
func (m *matcher) block(n int, b *block, visit func(int, *Event) error) error {
	for i := range b.groups {
		g := &b.groups[i]
		if g.continues || !m.set.Range.has(g.id) {
			continue
		}
		m.stats.Events++
		if !b.candidate(int32(i)) {
			continue
		}
		if m.match != nil {
			m.build(b, int32(i))
			if !m.match.Match(&m.event.Event) {
				continue
			}
		}
		m.stats.Matched++
		if visit == nil {
			b.found = append(b.found, int32(i))
			continue
		}
		if m.match == nil {
			m.build(b, int32(i))
		}
		if err := visit(n, &m.event); err != nil {
			return err
		}
	}
	return nil
}

// hand hands out what was found in b.
func (m *matcher) hand(b *block, visit func(*Event) error) error {
	if m.set.Newest {
		slices.Reverse(b.found)
	}
	for _, i := range b.found {
		m.build(b, i)
		if err := visit(&m.event); err != nil {
			return err
		}
	}
	return nil
}

// take returns the counts since the last call.
func (m *matcher) take() Stats {
	s := m.stats
	m.stats = Stats{}
	return s
}

// candidate reports whether an event has what the plan says that it must have.
func (b *block) candidate(n int32) bool {
	hit, typed := false, false
	for {
		g := &b.groups[n]
		hit, typed = hit || g.hit, typed || g.typed
		if hit && typed {
			return true
		}
		if g.next == nil {
			return false
		}
		b, n = g.next, g.rest
	}
}

// build makes the event that begins with group n.
func (m *matcher) build(b *block, n int32) {
	e := &m.event
	e.Records, e.Lines = e.Records[:0], e.Lines[:0]
	e.ID = b.groups[n].id
	e.Node = b.node(&b.groups[n])
	e.begin, e.input = b.at+int64(b.lines[b.groups[n].first].off), b.input
	for {
		g := &b.groups[n]
		for i := g.first; i >= 0; i = b.lines[i].next {
			l := &b.lines[i]
			r := audit.Record{Type: l.typ, ID: e.ID, Body: b.text[l.body:l.end:l.end]}
			if e.Node != nil {
				at := l.off + uint32(len("node="))
				r.Node = b.text[at : at+g.node : at+g.node]
			}
			if i := bytes.IndexByte(r.Body, audit.Separator); i >= 0 {
				r.Enrichment = r.Body[i+1:]
				r.Body = r.Body[:i:i]
			}
			e.Records = append(e.Records, r)
			e.Lines = append(e.Lines, b.text[l.off:l.end:l.end])
		}
		e.end = b.at + int64(b.lines[g.last].end) + 1
		if g.next == nil {
			break
		}
		b, n = g.next, g.rest
	}
	e.End = end(e.Records)
	if m.known != nil {
		m.known.Complete(&e.Event) // its records are made anew the next time
	}
}

// end says by what an event at rest is known to be whole.
func end(records []audit.Record) audit.End {
	switch {
	case records[len(records)-1].Type == tables.TypeProctitle:
		return audit.EndProctitle
	case len(records) == 1:
		return audit.EndSingle
	}
	return audit.EndTimeout
}

// has is Contains for a stamp.
func (r *Range) has(id audit.ID) bool {
	return (r.From.IsZero() || !id.Time().Before(r.From)) && (r.To.IsZero() || !id.Time().After(r.To))
}
