package daemon

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/enrich"
	"vigil/enrich/attribution"
	"vigil/ledger"
	"vigil/trail"
)

// scribe makes the lines of the trail: those of the kernel's records and those
// of the daemon's own. Safe for concurrent use.
type scribe struct {
	node   []byte        // nil: lines have no node=
	names  *enrich.Names // nil: RAW
	stamps *stamps
	ledger *ledger.Ledger
}

// appendText appends a record's line, without newline.
func (s *scribe) appendText(dst []byte, r audit.Record) []byte {
	dst = r.AppendLine(dst, s.node)
	if s.names != nil {
		dst = enrich.AppendSuffix(dst, r, s.names)
	}
	return dst
}

// appendOwn appends the line of a record that the daemon writes about itself.
func (s *scribe) appendOwn(dst []byte, t tables.Type, text string, now time.Time) []byte {
	return append(s.appendText(dst, audit.Record{Type: t, ID: s.stamps.next(now), Body: []byte(text)}), '\n')
}

// appendContainer appends a CONTAINER line, with newline.
func (s *scribe) appendContainer(dst []byte, c *attribution.Container, now time.Time) []byte {
	r := audit.Record{Type: tables.TypeContainer, ID: s.stamps.next(now), Body: attribution.AppendContainer(nil, c)}
	return append(r.AppendLine(dst, s.node), '\n')
}

// seal is a LEDGER line as trail.Writer.Seal wants it.
func (s *scribe) seal(op ledger.Op, loss ledger.Loss, now time.Time) []byte {
	return s.ledger.Line(s.stamps.next(now), op, loss).Append(nil)
}

// head is how a new segment begins: with auditd's record if somebody asked for
// the rotation, and with the seal of the segment before.
func (s *scribe) head(segment trail.NewSegment, asked actor) trail.Head {
	head := trail.Head{Ledger: s.seal(ledger.Segment, ledger.Loss{}, segment.Time)}
	if segment.Reason == trail.ReasonAsked {
		head.Lines = s.appendOwn(nil, tables.TypeDaemonRotate, rotateText(asked), segment.Time)
		head.Records = 1
	}
	return head
}

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
