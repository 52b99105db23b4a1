package forward

// maxUnsettled bounds the events that have been read and whose fate is open. Each
// costs 48 bytes. Beyond it nothing more is read.
const maxUnsettled = 1 << 18

// places knows which events have been handed out and not settled, and so from where
// to read if everything were to begin again.
type places struct {
	pending []place
	base    uint64 // number of the first in pending
	done    []ref  // settled, with records after the place to begin from
}

type place struct {
	ref
	settled bool
}

// add takes an event that was handed out and returns its number.
func (p *places) add(r ref) uint64 {
	p.pending = append(p.pending, place{ref: r})
	return p.base + uint64(len(p.pending)) - 1
}

// full reports whether no more may be added for now.
func (p *places) full() bool { return len(p.pending) >= maxUnsettled }

// settle says that nothing more is to become of an event.
func (p *places) settle(n uint64) { p.pending[n-p.base].settled = true }

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
	return s
}
