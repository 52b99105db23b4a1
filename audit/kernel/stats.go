package kernel

import (
	"sync/atomic"
	"time"
)

// Stats is what a Source has counted since Open.
type Stats struct {
	Mode Mode // Daemon or Observer, as it is now
	Why  string

	Records   uint64 // messages that Read has returned
	Datagrams uint64 // everything that arrived, records or not
	Bytes     uint64 // of Datagrams, headers included

	// Overruns counts what the kernel had for us and could not deliver, because
	// the receive buffer was full (ENOBUFS). For an observer each is a record
	// lost. For a daemon each is a delivery that failed after 100 ms and is
	// tried again: not a loss in itself, but from the fifth in a row on the
	// kernel drops what it cannot deliver, uncounted, whole events and single
	// records of them, unless it was booted with audit=1.
	Overruns     uint64
	LastOverrun  time.Time // zero if there was none
	ObserverLost uint64    // those of the overruns that are records lost

	Foreign    uint64 // datagrams from somebody else than the kernel, ignored
	Truncated  uint64 // datagrams longer than the buffer, cut
	Malformed  uint64 // datagrams that cannot be messages, ignored
	Other      uint64 // replies and probes, not records, ignored
	Duplicates uint64 // records seen by multicast already when the registration came back, dropped

	Stalls        uint64 // times the reader was late by a second or more, or overrun
	Pokes         uint64 // messages of our own sent to get the kernel's queues moving
	Taken         uint64 // times another process took the registration
	Registrations uint64 // times we registered

	ReceiveBuffer int // bytes the socket was granted
	Queued        int // bytes waiting in it when last looked at, with the kernel's overhead
	QueuedMost    int // the most ever seen
}

// counters is Stats under way. The reader writes most of it, once a batch; the
// watcher and Stats run beside it.
type counters struct {
	records, datagrams, bytes                        atomic.Uint64
	overruns, observerLost                           atomic.Uint64
	lastOverrun                                      atomic.Int64 // Unix nanoseconds
	foreign, truncated, malformed, other, duplicates atomic.Uint64
	stalls, pokes, taken, registrations              atomic.Uint64
	unicast                                          atomic.Uint64 // records that were not READLOG copies
	receiveBuffer, queued, queuedMost                atomic.Int64
}

// Stats returns the counts. Safe to call beside Read.
func (s *Source) Stats() Stats {
	n := &s.n
	st := Stats{
		Mode: s.Mode(), Why: s.Why(),
		Records: n.records.Load(), Datagrams: n.datagrams.Load(), Bytes: n.bytes.Load(),
		Overruns: n.overruns.Load(), ObserverLost: n.observerLost.Load(),
		Foreign: n.foreign.Load(), Truncated: n.truncated.Load(), Malformed: n.malformed.Load(),
		Other: n.other.Load(), Duplicates: n.duplicates.Load(),
		Stalls: n.stalls.Load(), Pokes: n.pokes.Load(), Taken: n.taken.Load(), Registrations: n.registrations.Load(),
		ReceiveBuffer: int(n.receiveBuffer.Load()), Queued: int(n.queued.Load()), QueuedMost: int(n.queuedMost.Load()),
	}
	if t := n.lastOverrun.Load(); t != 0 {
		st.LastOverrun = time.Unix(0, t)
	}
	return st
}

// tally is what one Read counts, before it is added to counters.
type tally struct {
	records, datagrams, bytes, unicast               uint64
	foreign, truncated, malformed, other, duplicates uint64
}

func (n *counters) add(t tally) {
	add := func(c *atomic.Uint64, v uint64) {
		if v != 0 {
			c.Add(v)
		}
	}
	add(&n.records, t.records)
	add(&n.datagrams, t.datagrams)
	add(&n.bytes, t.bytes)
	add(&n.unicast, t.unicast)
	add(&n.foreign, t.foreign)
	add(&n.truncated, t.truncated)
	add(&n.malformed, t.malformed)
	add(&n.other, t.other)
	add(&n.duplicates, t.duplicates)
}
