package ledger

import (
	"fmt"
	"time"
)

// Reason says how records were lost.
type Reason uint8

// Reasons, in the words of docs/format/ledger.md.
const (
	NoLoss     Reason = iota
	Gap               // serials that never came
	Down              // the same, while no daemon of ours ran
	KernelLost        // the kernel's own counter rose
	Overflow          // the socket's buffer was full in observer mode
	WriteError        // records came and could not be written
	Truncated         // the socket cut records off
	Torn              // events of which some records came and the end did not
	Trail             // bytes of the trail vanished behind the writer's back
	Unsent            // a part of the trail that was deleted before a sink had it
)

// reasonNames is indexed by Reason.
var reasonNames = [...]string{
	NoLoss:     "",
	Gap:        "gap",
	Down:       "down",
	KernelLost: "kernel-lost",
	Overflow:   "enobufs",
	WriteError: "write-error",
	Truncated:  "truncated",
	Torn:       "torn",
	Trail:      "trail",
	Unsent:     "unsent",
}

// String returns the word that stands after reason=.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return "unknown"
}

// MarshalText returns what String returns.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Reason) UnmarshalText(text []byte) error {
	for i, name := range reasonNames {
		if name == string(text) {
			*r = Reason(i)
			return nil
		}
	}
	return fmt.Errorf("parse reason of a loss: unknown word %.40q", text)
}

// Loss is something of the audit stream that is not in the trail.
type Loss struct {
	Reason Reason `json:"reason"`
	// First and Last are the range of kernel serials it lies in, both 0 if not
	// known. Last may be smaller than First: serials wrap.
	First uint32 `json:"first,omitempty"`
	Last  uint32 `json:"last,omitempty"`
	// Count is how much was lost: serials for Gap and Down, records for
	// KernelLost, WriteError and Truncated, events for Torn, times for Overflow,
	// bytes for Trail and Unsent.
	Count uint64 `json:"count"`
	// Sink is the name of the sink that did not get the records, for Unsent: they
	// were in the trail.
	Sink string `json:"sink,omitempty"`
	// Since and Until are the times between which it happened, as far as known.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// known reports whether the range of serials is known.
func (l Loss) known() bool { return l.First != 0 || l.Last != 0 }

// told reports whether the loss accounts for every serial of its range that is
// not in the trail.
func (l Loss) told() bool {
	switch l.Reason {
	case Gap, Down:
		return l.known() && l.Count == uint64(l.Last-l.First)+1
	case WriteError: // the others in its range came and were written
		return l.known()
	}
	return false
}

// merge makes one loss of two with the same reason.
func (l Loss) merge(m Loss) Loss {
	switch {
	case !l.known():
		l.First, l.Last = m.First, m.Last
	case m.known():
		if before(m.First, l.First) {
			l.First = m.First
		}
		if before(l.Last, m.Last) {
			l.Last = m.Last
		}
	}
	l.Count += m.Count
	if l.Since.IsZero() || !m.Since.IsZero() && m.Since.Before(l.Since) {
		l.Since = m.Since
	}
	if m.Until.After(l.Until) {
		l.Until = m.Until
	}
	return l
}

// before compares serials, which wrap.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// KernelCounter follows the kernel's count of lost records, which wraps at 2^32
// and which anybody with the capability may set back to 0 (auditctl
// --reset-lost). Its zero value is ready.
type KernelCounter struct {
	last  uint32
	known bool
}

// Update takes a reading and returns by how much the count has risen since the
// one before. The first reading returns 0: what was lost before is not ours.
func (c *KernelCounter) Update(lost uint32) uint64 {
	defer func() { c.last, c.known = lost, true }()
	if !c.known || lost == c.last {
		return 0
	}
	rise := lost - c.last
	// A counter that went back was reset and has risen to lost since; unless it
	// was so near its end that it wrapped.
	const near = 1 << 28
	if lost < c.last && rise >= near {
		return uint64(lost)
	}
	return uint64(rise)
}

// Reset takes the answer to our own reset, the count that the kernel had then
// (the positive error code of the ack), and returns by how much it had risen.
func (c *KernelCounter) Reset(old uint32) uint64 {
	rise := c.Update(old)
	c.last = 0
	return rise
}
