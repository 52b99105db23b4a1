package forward

import (
	"slices"

	"vigil/audit"
)

// maxUnsettled bounds the events that have been read and whose fate is open. Each
// costs 48 bytes. Beyond it nothing more is read.
const maxUnsettled = 1 << 18

// places knows which events have been handed out and not settled, and so from where
// to read if everything were to begin again.
type places struct {
	pending []place
	base    uint64 // number of the first in pending
	done    []ref  // settled, with records after the place to begin from
	// joined are, by the number of an event that stands for others, theirs.
	joined map[uint64][]uint64
	waits  bool // whether events may wait for others to join them
}

// maxSkips bounds what a cursor says of events that were sent before others: more come
// twice after a crash rather than that the cursor grows large.
const maxSkips = 8192

type place struct {
	ref
	settled bool
	passed  bool // it was not to be sent
}

// add takes an event that was handed out and returns its number.
func (p *places) add(r ref) uint64 {
	p.pending = append(p.pending, place{ref: r})
	return p.base + uint64(len(p.pending)) - 1
}

// full reports whether no more may be added for now.
func (p *places) full() bool { return len(p.pending) >= maxUnsettled }

// settle says that nothing more is to become of an event, and of those that it stands
// for.
func (p *places) settle(n uint64) {
	p.pending[n-p.base].settled = true
	if others, ok := p.joined[n]; ok {
		delete(p.joined, n)
		for _, n := range others {
			p.pending[n-p.base].settled = true
		}
	}
}

// pass says that an event is not to be sent.
func (p *places) pass(n uint64) {
	p.settle(n)
	p.pending[n-p.base].passed = true
}

// join says that the first of several events stands for the others.
func (p *places) join(numbers []uint64) {
	if len(numbers) < 2 {
		return
	}
	if p.joined == nil {
		p.joined = make(map[uint64][]uint64)
	}
	p.joined[numbers[0]] = slices.Clone(numbers[1:])
}

// numberBehind returns the number of the event n before the newest one, 0 if there are
// not so many that are not settled.
func (p *places) numberBehind(n int) uint64 {
	if len(p.pending) <= n {
		return 0
	}
	return p.base + uint64(len(p.pending)-n)
}

// advance passes over the events settled, in the order in which they were handed
// out, and reports whether there were any. last is the newest of them.
func (p *places) advance() (last ref, ok bool) {
	n := 0
	for n < len(p.pending) && p.pending[n].settled {
		last, ok = p.pending[n].ref, true
		p.done = append(p.done, last)
		n++
	}
	p.base += uint64(n)
	// What is left is moved only when that costs no more than what was passed over.
	if n >= len(p.pending)-n {
		p.pending = p.pending[:copy(p.pending, p.pending[n:])]
	} else {
		p.pending = p.pending[n:]
	}
	return last, ok
}

// begin returns the offset from which to read again. oldest is where the first event
// begins that has not been handed out.
func (p *places) begin(oldest int64) int64 {
	for i := range p.pending {
		oldest = min(oldest, p.pending[i].first)
	}
	kept := p.done[:0]
	for _, r := range p.done {
		if r.last > oldest {
			kept = append(kept, r)
		}
	}
	p.done = kept
	return oldest
}

// skips returns what must be passed over when reading begins at the offset that
// begin returned.
func (p *places) skips(begin int64) []Skip {
	var s []Skip
	for _, r := range p.done {
		s = append(s, Skip{Event: Stamp{r.id}, Node: r.node, Until: r.last - begin})
	}
	if p.waits {
		s = p.overtaken(s, begin)
	}
	return s
}

// overtaken adds what was sent while events before it wait for others to join them.
func (p *places) overtaken(s []Skip, begin int64) []Skip {
	type key struct {
		id   audit.ID
		node uint64
	}
	open := make(map[key]bool) // a part of an event may be settled, and another not
	for i := range p.pending {
		if e := &p.pending[i]; !e.settled {
			open[key{e.id, e.node}] = true
		}
	}
	for i := 0; i < len(p.pending) && len(s) < maxSkips; i++ {
		if e := &p.pending[i]; e.settled && !e.passed && !open[key{e.id, e.node}] {
			s = append(s, Skip{Event: Stamp{e.id}, Node: e.node, Until: e.last - begin})
		}
	}
	return s
}
