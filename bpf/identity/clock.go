package identity

import (
	"time"

	"golang.org/x/sys/unix"
)

// lateTick is how far a stamp may lie before the time that it was taken at, where nothing better bounds it: a tick is 1
// to 10 ms, more when the machine that runs this one takes its processor away.
const lateTick = int64(time.Second)

const maxSpans = 8

// span is a time during which the realtime clock stood offset before the monotonic one: surely from first to last,
// possibly from the last of the span before to the first of the span after.
type span struct {
	offset, first, last int64
}

// clock turns times of the realtime clock, in ns, into such of the monotonic clock, and remembers the steps.
type clock struct {
	// read samples CLOCK_MONOTONIC and the exact difference between the clocks. That changes only when the realtime
	// clock is set: slewing turns both.
	read  func() (mono, offset int64)
	spans [maxSpans]span
	n     int

	base     time.Time // for a cheap look whether the clock was set
	baseMono int64
}

func newClock(read func() (mono, offset int64)) *clock {
	c := &clock{read: read}
	c.sample()
	return c
}

// readClocks takes the difference from the coarse clocks, which are of one tick when they did not move in between:
// then it is exact to the nanosecond.
func readClocks() (mono, offset int64) {
	get := func(id int32) int64 {
		var ts unix.Timespec
		_ = unix.ClockGettime(id, &ts) // cannot fail with these ids
		return ts.Nano()
	}
	for {
		before := get(unix.CLOCK_MONOTONIC_COARSE)
		real := get(unix.CLOCK_REALTIME_COARSE)
		if get(unix.CLOCK_MONOTONIC_COARSE) == before {
			return get(unix.CLOCK_MONOTONIC), real - before
		}
	}
}

// sample notes where the clocks stand.
func (c *clock) sample() {
	// This thread may be taken off its processor between the two. With base first that makes now too late: the other way
	// round events of this moment would lie ahead of it, and nobody would have been there yet.
	base := time.Now()
	mono, offset := c.read()
	for range 3 {
		if time.Since(base) < time.Millisecond {
			break
		}
		base = time.Now()
		mono, offset = c.read()
	}
	c.base, c.baseMono = base, mono
	if c.n > 0 && c.spans[c.n-1].offset == offset {
		c.spans[c.n-1].last = mono
		return
	}
	if c.n == maxSpans {
		copy(c.spans[:], c.spans[1:])
		c.n--
	}
	c.spans[c.n] = span{offset, mono, mono}
	c.n++
}

// now is CLOCK_MONOTONIC, to some hundred ns. It samples the clocks anew when they seem to have moved apart.
func (c *clock) now() int64 {
	t := time.Now()
	mono := t.Sub(c.base)
	if step := t.Round(0).Sub(c.base.Round(0)) - mono; step > 200*time.Microsecond || step < -200*time.Microsecond {
		c.sample()
		return c.baseMono
	}
	return c.baseMono + int64(mono)
}

// possible reports whether span i's offset may have been in force at mono.
func (c *clock) possible(i int, mono int64) bool {
	return (i == 0 || mono >= c.spans[i-1].last) && (i == c.n-1 || mono <= c.spans[i+1].first)
}

// earliest is the monotonic time of a realtime stamp that was taken before at: the earliest, if a step leaves a choice.
func (c *clock) earliest(real, at int64) int64 {
	mono := at
	for i := range c.n {
		if m := real - c.spans[i].offset; c.possible(i, at) && m < mono {
			mono = m
		}
	}
	return mono
}
