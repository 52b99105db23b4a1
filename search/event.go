package search

import (
	"bytes"

	"vigil/audit"
)

// Event is an audit event with the lines that it was made of. It and all that it
// refers to are valid during the visit only; see Clone.
type Event struct {
	audit.Event

	// Lines are the lines of Records, one each, as they stand in the log, without
	// newline.
	Lines [][]byte
	// Log is the index of the log in which the event stands.
	Log int

	begin, end int64 // where in the log its first line begins, and its last one ends
	input      *input
}

// Clone returns a copy of e that shares no memory with it.
func (e *Event) Clone() *Event {
	c := &Event{Log: e.Log, Lines: make([][]byte, len(e.Lines))}
	c.ID, c.End = e.ID, e.End
	c.Records = make([]audit.Record, len(e.Records))
	for i, line := range e.Lines {
		c.Lines[i] = append([]byte(nil), line...)
		r, err := audit.ParseLine(c.Lines[i])
		if err != nil {
			panic("BUG: a line that was a record is none: " + err.Error())
		}
		r.Enrichment = bytes.Clone(e.Records[i].Enrichment) // it may have been completed
		c.Records[i] = r
		if i == 0 {
			c.Node = r.Node
		}
	}
	return c
}
