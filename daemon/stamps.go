package daemon

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"vigil/audit"
)

// stamps gives the events that the daemon writes itself their stamps. As in
// auditd, the serials begin at random below 10,000, so that an event of ours
// shares its stamp with one of the kernel's of the same millisecond only by the
// rarest chance (audit-userspace src/auditd-event.c). Safe for concurrent use.
type stamps struct{ serial atomic.Uint32 }

func newStamps() *stamps {
	s := new(stamps)
	s.serial.Store(rand.Uint32N(10_000))
	return s
}

func (s *stamps) next(now time.Time) audit.ID {
	return audit.ID{
		Sec:    now.Unix(),
		Milli:  uint16(now.Nanosecond() / int(time.Millisecond)),
		Serial: s.serial.Add(1),
	}
}
