package ledger

import (
	"math/bits"
	"time"
)

// GapConfig bounds a [Gaps]. Its zero value is valid.
type GapConfig struct {
	// Window is how many serials, from the oldest unsettled to the newest, are
	// looked at together. It is rounded up to a power of two; one serial is one
	// bit of memory. A serial that falls out of the window is settled at once.
	// 0: 1,048,576, ten seconds of the highest rate measured, in 128 KiB.
	Window int
	// Settle is how long after a higher serial one may still come. 0: 3 s.
	Settle time.Duration
}

const (
	defaultWindow = 1 << 20
	defaultSettle = 3 * time.Second

	// marks is into how many steps Settle is divided.
	marks = 32
	// stall is the longest time between two calls of Settle that counts in full.
	// After a longer one the process was stopped: what came meanwhile waits in
	// the socket and is read next, so the clock must not have run.
	stall = 500 * time.Millisecond
	// reported is how many ranges are remembered, to recognise what comes after
	// it was reported missing.
	reported = 64
)

// Gaps finds serials that never came. The kernel's serials are drawn from one
// u32 counter that all records share, begin with 1 at boot and wrap. The records
// of one event have the same one; those of different events interleave, since
// the CPUs queue them in any order.
//
// It is used by one goroutine, allocates nothing after New, and its memory does
// not depend on what it sees.
type Gaps struct {
	settle time.Duration
	emit   func(Missing)

	ring    []uint64 // bit s%len is set if s was seen; all zero outside low..high
	low     uint32   // the oldest serial that is not settled
	high    uint32   // the newest seen
	started bool

	marks    [marks]mark // a queue of what high was when
	first, n int
	running  time.Duration // time that has run, without stalls
	last     time.Time     // of the last Settle

	held    Missing // the last range, if holding
	holding bool
	recent  [reported]span // ranges reported missing
	next    int

	stats GapStats
}

// mark says that high was seen at a time, and not yet at the one before.
type mark struct {
	running time.Duration
	before  time.Time
	wall    time.Time
	high    uint32
}

// span is a range of serials; none if count is 0.
type span struct {
	first uint32
	count uint32
}

// Missing is a range of serials that did not come.
type Missing struct {
	First, Last  uint32
	Since, Until time.Time // when they should have come
}

// Count is the number of serials in the range.
func (m Missing) Count() uint64 { return uint64(m.Last-m.First) + 1 }

// GapStats are the counts of a Gaps.
type GapStats struct {
	Ranges  uint64 // reported ranges
	Missing uint64 // serials in them
	Late    uint64 // of these, serials that came after all
}

// NewGaps returns a Gaps that passes what is missing to emit, from within
// Observe, Settle and Flush.
func NewGaps(cfg GapConfig, emit func(Missing)) *Gaps {
	window := cfg.Window
	if window <= 0 {
		window = defaultWindow
	}
	window = 1 << max(6, bits.Len(uint(min(window, 1<<30)-1)))
	g := &Gaps{settle: cfg.Settle, emit: emit, ring: make([]uint64, window/64)}
	if g.settle <= 0 {
		g.settle = defaultSettle
	}
	return g
}

// Resume makes next the first serial that is expected, as if the ones before had
// come.
func (g *Gaps) Resume(next uint32) {
	clear(g.ring)
	g.low, g.high, g.started = next, next-1, true
	g.first, g.n = 0, 0
}

// Observe takes the serial of a record of the kernel's.
func (g *Gaps) Observe(serial uint32) {
	if !g.started {
		g.Resume(serial)
	}
	if ahead := int32(serial - g.high); ahead > 0 {
		g.advance(serial)
	} else if before(serial, g.low) {
		g.late(serial)
		return
	}
	g.ring[g.word(serial)] |= 1 << (serial & 63)
}

// word is the index of a serial's word in the ring.
func (g *Gaps) word(serial uint32) int { return int(serial>>6) & (len(g.ring) - 1) }

// advance makes serial the newest. What no longer fits into the window is
// settled.
func (g *Gaps) advance(serial uint32) {
	window := uint32(len(g.ring)) * 64
	if serial-g.low >= window {
		oldest := serial - window + 1
		if missing := g.high + 1; before(missing, oldest) { // a jump over the whole window
			g.settleTo(g.high, mark{})
			g.report(missing, oldest-1, mark{})
			g.low = oldest
		} else {
			g.settleTo(oldest-1, mark{})
		}
	}
	g.high = serial
}

// Settle reports the serials that have been overdue for long enough. It is to be
// called several times a second, after what there was to read has been
// observed. now is a wall clock with a monotonic part.
func (g *Gaps) Settle(now time.Time) {
	if !g.last.IsZero() {
		g.running += min(max(now.Sub(g.last), 0), stall)
	}
	previous := g.last
	g.last = now
	for g.n > 0 && g.running-g.marks[g.first].running >= g.settle {
		m := g.marks[g.first]
		g.first, g.n = (g.first+1)%marks, g.n-1
		if !before(m.high, g.low) {
			g.settleTo(m.high, m)
		}
	}
	g.passEnded()
	if !g.started || g.n == marks {
		return
	}
	if g.n == 0 && before(g.high, g.low) {
		return // nothing has come that is not settled
	}
	newest := g.marks[(g.first+g.n+marks-1)%marks]
	if g.n > 0 && (newest.high == g.high || g.running-newest.running < g.settle/(marks-1)) {
		return
	}
	if g.n > 0 {
		previous = newest.wall
	}
	g.marks[(g.first+g.n)%marks] = mark{running: g.running, before: previous, wall: now, high: g.high}
	g.n++
}

// Flush settles everything, for the end: what has not come by now is missing.
func (g *Gaps) Flush(now time.Time) {
	if g.started && !before(g.high, g.low) {
		g.settleTo(g.high, mark{before: g.last, wall: now})
	}
	g.pass()
	g.first, g.n = 0, 0
}

// settleTo reports what is missing from low to last, and forgets these serials.
func (g *Gaps) settleTo(last uint32, when mark) {
	if before(last, g.low) {
		return
	}
	left := uint64(last-g.low) + 1
	missing, open := uint32(0), false
	for s := g.low; left > 0; {
		at := g.word(s)
		word := g.ring[at] >> (s & 63)
		run := min(uint64(64-s&63), left)
		if word&1 == 1 {
			run = min(run, uint64(bits.TrailingZeros64(^word)))
			if open {
				g.report(missing, s-1, when)
			}
			open = false
		} else {
			run = min(run, uint64(bits.TrailingZeros64(word)))
			if !open {
				missing, open = s, true
			}
		}
		g.ring[at] &^= ones(run) << (s & 63)
		s += uint32(run)
		left -= run
	}
	if open {
		g.report(missing, last, when)
	}
	g.low = last + 1
}

// ones has the lowest n bits set.
func ones(n uint64) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<n - 1
}

// report takes a range that is missing. One that the border of the window cut in
// two is put together again: it is held until it cannot go on.
func (g *Gaps) report(first, last uint32, when mark) {
	m := Missing{First: first, Last: last, Since: when.before, Until: when.wall}
	if m.Until.IsZero() { // settled before its time
		m.Until = g.last
	}
	g.stats.Missing += m.Count()
	g.recent[g.next] = span{first: first, count: last - first + 1}
	g.next = (g.next + 1) % reported
	if g.holding && g.held.Last+1 == first && before(g.held.First, last) {
		g.held.Last, g.held.Until = last, m.Until
		return
	}
	g.pass()
	g.held, g.holding = m, true
}

// pass hands out the range that is held.
func (g *Gaps) pass() {
	if g.holding {
		g.holding = false
		g.stats.Ranges++
		g.emit(g.held)
	}
}

// passEnded hands out the range that is held if the serial after it has come.
func (g *Gaps) passEnded() {
	if g.held.Last+1 != g.low {
		g.pass()
	}
}

// late takes a serial that is settled already: a further record of an event that
// has come, or one that was reported missing.
func (g *Gaps) late(serial uint32) {
	for i := range g.recent {
		r := &g.recent[i]
		at := serial - r.first
		if at >= r.count {
			continue
		}
		g.stats.Late++
		// Its other records must not count again: what is left is the part after
		// it, and the one before takes the place of the oldest range.
		rest := span{first: serial + 1, count: r.count - at - 1}
		*r = span{first: r.first, count: at}
		if rest.count > 0 {
			if at > 0 {
				r = &g.recent[g.next]
				g.next = (g.next + 1) % reported
			}
			*r = rest
		}
		return
	}
}

// High returns the newest serial seen, false if there is none.
func (g *Gaps) High() (uint32, bool) { return g.high, g.started }

// Stats returns the counts.
func (g *Gaps) Stats() GapStats { return g.stats }
