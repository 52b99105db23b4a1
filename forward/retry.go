package forward

import (
	"math/rand/v2"
	"time"
)

// Backoff is how long to wait before a batch is sent again.
type Backoff struct {
	First time.Duration // 0: 250 ms
	Max   time.Duration // 0: 30 s
}

func (b Backoff) complete() Backoff {
	if b.First == 0 {
		b.First = 250 * time.Millisecond
	}
	if b.Max == 0 {
		b.Max = 30 * time.Second
	}
	return b
}

// after returns the wait after so many failures in a row: twice as long each time up
// to Max, and of that a random part, at least half, so that a thousand hosts do not
// come back at once.
func (b Backoff) after(failures int) time.Duration {
	d := b.Max
	if shift := failures - 1; shift < 30 && b.First<<shift < b.Max {
		d = b.First << shift
	}
	return d/2 + rand.N(d/2+1)
}

// circuit says whether the far end takes anything. While it does not, one batch at a
// time is tried.
type circuit struct {
	backoff  Backoff
	failures int       // in a row
	since    time.Time // of the first of them
	next     time.Time // no try before
	err      error     // of the last
}

func (c *circuit) closed() bool { return c.failures == 0 }

func (c *circuit) fail(err error, after time.Duration, now time.Time) {
	if c.failures == 0 {
		c.since = now
	}
	c.failures++
	c.err = err
	if after <= 0 {
		after = c.backoff.after(c.failures)
	}
	c.next = now.Add(after)
}

func (c *circuit) succeed() {
	c.failures, c.next, c.since = 0, time.Time{}, time.Time{}
}
