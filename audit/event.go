package audit

import (
	"vigil/audit/tables"
)

// End says why an Assembler held an event for complete.
type End uint8

// The ends of an event.
const (
	EndEOE       End = iota // the kernel's end-of-event record came
	EndProctitle            // PROCTITLE came, the last record that tells something
	EndSingle               // a record of a type that stands alone
	EndTimeout              // nothing more came for a while
	EndEvicted              // too many events were open: this one was the oldest
	EndFlush                // Flush was called
)

// String returns a word for e, such as "timeout".
func (e End) String() string {
	switch e {
	case EndEOE:
		return "eoe"
	case EndProctitle:
		return "proctitle"
	case EndSingle:
		return "single"
	case EndTimeout:
		return "timeout"
	case EndEvicted:
		return "evicted"
	case EndFlush:
		return "flush"
	}
	return "unknown"
}

// Event is the records that share a stamp, in the order in which they came. EOE
// is not among them.
type Event struct {
	ID      ID
	Node    []byte // nil if the records bear none
	Records []Record
	End     End
}

// First returns the first record of type t.
func (e *Event) First(t tables.Type) (Record, bool) {
	for i := range e.Records {
		if e.Records[i].Type == t {
			return e.Records[i], true
		}
	}
	return Record{}, false
}

// Clone returns a copy of e that shares no memory with it.
func (e *Event) Clone() *Event {
	c := &Event{ID: e.ID, End: e.End, Node: append([]byte(nil), e.Node...)}
	if e.Records != nil {
		c.Records = make([]Record, len(e.Records))
	}
	for i, r := range e.Records {
		c.Records[i] = r.Clone()
	}
	return c
}
