package aulog

import (
	"bytes"
	"container/heap"
	"math/bits"

	"vigil/audit"
	"vigil/audit/tables"
)

// pending is the events that are not handed out yet. Stock keeps them in an
// array of slots: a new event takes the first free one, and among events with
// the same stamp, which differ in their node or followed one another, the one
// in the lower slot comes out first.
//
// A record is added to the open event with its stamp and node; only if there is
// none does it begin an event, and only then does time pass: events whose time
// lies eoe seconds or more before are complete. As the lowest event comes out
// first, those are gone at once, so that nothing but the lowest need be looked
// at.
type pending struct {
	eoe     int64
	dialect Dialect

	last *Event // to which a record was added last: the next one likely is its too
	open map[stampKey]*Event

	queue  []*Event // in order of their stamps
	head   int      // of the queue
	heap   eventHeap
	free   slots
	spare  []*Event
	serial uint64
	bytes  int // of the lines that are held
}

// stampKey is what the records of an event share but the node, of which there
// is hardly ever more than one; events that share it are chained.
type stampKey struct {
	id   audit.ID
	node string
}

func newPending(eoe int64, dialect Dialect) *pending {
	return &pending{eoe: eoe, dialect: dialect, open: map[stampKey]*Event{}}
}

// add adds a line and reports whether it has begun an event; then pop may have
// something.
func (p *pending) add(h header, line []byte) (begun bool) {
	e := p.find(h)
	if e == nil {
		if h.typ == tables.TypeEOE {
			return false // of an event of which nothing else was seen, or which is out
		}
		e, begun = p.begin(h), true
	}
	e.append(h.typ, line)
	p.bytes += len(line)
	p.last = e
	return begun
}

func (p *pending) find(h header) *Event {
	if e := p.last; e != nil && !e.ends && e.ID == h.id && sameNode(e.Node, h.node) {
		return e
	}
	if h.node == nil {
		return p.open[stampKey{id: h.id}]
	}
	return p.open[stampKey{h.id, string(h.node)}]
}

func sameNode(a, b []byte) bool { return bytes.Equal(a, b) }

// begin makes room for an event.
func (p *pending) begin(h header) *Event {
	e := p.take()
	e.ID = h.id
	if h.node != nil {
		e.buf = append(e.buf, h.node...)
		e.Node = e.buf[:len(e.buf):len(e.buf)]
	}
	p.serial++
	e.serial, e.slot, e.ends = p.serial, p.free.take(), alone(h.typ, p.dialect)
	if !e.ends {
		p.open[e.key()] = e
	}
	if n := len(p.queue); n == p.head || p.queue[n-1].before(e) {
		p.queue = append(p.queue, e)
	} else {
		heap.Push(&p.heap, e)
	}
	return e
}

func (e *Event) key() stampKey { return stampKey{e.ID, string(e.Node)} }

// pop returns the lowest event if it is complete at the time now, or in any case
// if all are to be handed out. The event is valid until it is given to recycle.
func (p *pending) pop(now int64, all bool) *Event {
	e, fromHeap := p.lowest()
	if e == nil || !all && !e.ends && e.ID.Sec+p.eoe > now {
		return nil
	}
	if fromHeap {
		heap.Pop(&p.heap)
	} else {
		p.queue[p.head] = nil
		if p.head++; p.head == len(p.queue) {
			p.queue, p.head = p.queue[:0], 0
		} else if p.head >= 1024 && p.head*2 > len(p.queue) {
			n := copy(p.queue, p.queue[p.head:])
			clear(p.queue[n:])
			p.queue, p.head = p.queue[:n], 0
		}
	}
	if !e.ends {
		delete(p.open, e.key())
		e.ends = true
	}
	if p.last == e {
		p.last = nil
	}
	p.free.put(e.slot)
	for i := range e.Records {
		p.bytes -= e.Records[i].size()
	}
	return e
}

func (p *pending) lowest() (e *Event, fromHeap bool) {
	if p.head < len(p.queue) {
		e = p.queue[p.head]
	}
	if len(p.heap) > 0 && (e == nil || p.heap[0].before(e)) {
		return p.heap[0], true
	}
	return e, false
}

// take returns an empty event.
func (p *pending) take() *Event {
	if n := len(p.spare); n > 0 {
		e := p.spare[n-1]
		p.spare = p.spare[:n-1]
		*e = Event{Records: e.Records[:0], buf: e.buf[:0]}
		return e
	}
	return new(Event)
}

// spareBytes and spareEvents bound the memory that waits to be used again.
const (
	spareBytes  = 8 << 10
	spareEvents = 1024
)

// recycle takes back an event that was handed out.
func (p *pending) recycle(e *Event) {
	if cap(e.buf) <= spareBytes && len(p.spare) < spareEvents {
		p.spare = append(p.spare, e)
	}
}

// append adds a line to e. Records are views of buf: when buf moves, they stay
// with the old one, which is theirs alone.
func (e *Event) append(t tables.Type, line []byte) {
	if cap(e.buf)-len(e.buf) < len(line) {
		e.buf = make([]byte, 0, max(1024, 2*cap(e.buf), len(line)))
	}
	start := len(e.buf)
	e.buf = append(e.buf, line...)
	text := e.buf[start:len(e.buf):len(e.buf)]
	r := Record{Type: t, Text: text}
	if i := bytes.IndexByte(text, audit.Separator); i >= 0 {
		r.Text, r.Interp = text[:i:i], text[i+1:]
		e.Enriched = true
	}
	e.Records = append(e.Records, r)
}

// before is the order in which events come out.
func (e *Event) before(o *Event) bool {
	switch {
	case e.ID.Sec != o.ID.Sec:
		return e.ID.Sec < o.ID.Sec
	case e.ID.Milli != o.ID.Milli:
		return e.ID.Milli < o.ID.Milli
	case e.ID.Serial != o.ID.Serial:
		return e.ID.Serial < o.ID.Serial
	}
	return e.slot < o.slot
}

type eventHeap []*Event

func (h eventHeap) Len() int           { return len(h) }
func (h eventHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h eventHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)        { *h = append(*h, x.(*Event)) }
func (h *eventHeap) Pop() any {
	old := *h
	n := len(old) - 1
	e := old[n]
	old[n] = nil
	*h = old[:n]
	return e
}

// slots hands out the lowest number that is free.
type slots struct {
	free []uint64 // a bit for each number that was handed out and given back
	low  int      // no word before it has a bit
	next int      // the lowest that was never handed out
}

func (s *slots) take() int {
	for ; s.low < len(s.free); s.low++ {
		if w := s.free[s.low]; w != 0 {
			s.free[s.low] = w & (w - 1)
			return s.low*64 + bits.TrailingZeros64(w)
		}
	}
	s.next++
	return s.next - 1
}

func (s *slots) put(n int) {
	for n/64 >= len(s.free) {
		s.free = append(s.free, 0)
	}
	s.free[n/64] |= 1 << (n % 64)
	s.low = min(s.low, n/64)
}
