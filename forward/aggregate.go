package forward

import (
	"math"
	"time"
)

// Aggregator makes one event of several that repeat each other. It belongs to the
// Runner's goroutine. What it holds is not settled before the event that it became is,
// and is read again if it was not.
type Aggregator interface {
	// Add takes an event, which is valid during the call, with the number by which
	// Aggregate.Numbers names it; false: it is to be sent by itself. Numbers rise.
	Add(e Event, number uint64, now time.Time) bool
	// Next returns an aggregate that has ended, or whose first event has a number
	// below a bound; false: there is none. It is valid until the next call.
	Next(now time.Time, below uint64) (Aggregate, bool)
	// Due is when the next aggregate ends of itself; false: none is open.
	Due() (time.Time, bool)
	// Reset forgets all events.
	Reset()
}

// Aggregate is an event that stands for others.
type Aggregate struct {
	Event   Event
	Numbers []uint64 // of all it stands for, ascending
}

// maxSpan is how many events are read at most from the first of an aggregate on until
// it is sent: after a crash those of them that were sent are passed over one by one
// (see Cursor).
const maxSpan = 4096

// together takes the aggregates that are complete; all, those that are open, too.
func (r *Runner) together(now time.Time, all bool) {
	if r.c.Aggregator == nil {
		return
	}
	below := uint64(math.MaxUint64)
	if !all {
		below = r.places.numberBehind(maxSpan)
	}
	for {
		a, ok := r.c.Aggregator.Next(now, below)
		if !ok {
			return
		}
		r.cursor.Counts.Aggregated += uint64(len(a.Numbers) - 1)
		r.places.join(a.Numbers)
		r.pack(a.Event, ref{}, a.Numbers[0])
	}
}
