package search

// window puts blocks in order and joins the parts of events across them.
//
// A log is divided into cells of 1 MiB, and a block lies in one cell. A part of an
// event is joined to a part in an earlier block if that is in the same cell or the
// one before the event's first cell was met in; so an event may spread over 1 MiB at
// least and 2 MiB at most, whatever the blocks. Of a scan backwards the same holds
// from the end.
type window struct {
	engine *engine
	parsed map[int]*block // that wait for those before them
	next   int            // ordinal of the block that is to be added next
	kept   []*block       // added and not handed on, in the order of the scan
}

// add takes a parsed block.
func (w *window) add(b *block) {
	w.parsed[b.ordinal] = b
	for {
		b, ok := w.parsed[w.next]
		if !ok {
			return
		}
		delete(w.parsed, w.next)
		w.next++
		cell := b.cell
		if len(b.groups) > 0 {
			w.join(b)
			w.kept = append(w.kept, b)
		} else {
			w.engine.release(b)
		}
		for len(w.kept) > 0 && apart(w.kept[0].cell, cell) > 1 {
			w.hand()
		}
	}
}

// flush hands on what is left.
func (w *window) flush() {
	for len(w.kept) > 0 {
		w.hand()
	}
}

// hand hands on the block that was kept longest: no event of it can go on.
func (w *window) hand() {
	b, e := pop(&w.kept), w.engine
	e.match = append(e.match, b)
	if e.visit == nil {
		e.out = append(e.out, b)
	}
	e.wake.Broadcast()
}

func apart(a, b int64) int64 { return max(a-b, b-a) }

// join finds the groups of b that are parts of events met in the blocks kept.
func (w *window) join(b *block) {
	for n := range b.groups {
		g := &b.groups[n]
		node := b.node(g)
		for i := len(w.kept) - 1; i >= 0; i-- {
			k := w.kept[i]
			if !k.spans(g) {
				continue
			}
			m := k.find(g.id, node, w.engine.set.seed)
			if m < 0 {
				continue
			}
			if met := &k.groups[m]; apart(met.origin, b.cell) <= 1 {
				g.origin = met.origin
				if w.engine.set.Newest {
					g.leads(met, b, k, m)
				} else {
					met.leads(g, k, b, int32(n))
				}
			}
			break
		}
	}
}

// leads says that the event of g, in block at, goes on in the group rest, which is
// number n of block to.
func (g *group) leads(rest *group, at, to *block, n int32) {
	rest.continues = true
	g.next, g.rest = to, n
	at.links = append(at.links, to)
	to.refs++
}

// spans reports whether the block can have a group with g's stamp, by the range of
// its stamps.
func (b *block) spans(g *group) bool {
	return len(b.groups) > 0 && !before(g.id, b.least) && !before(b.most, g.id)
}
