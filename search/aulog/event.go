package aulog

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
)

// NoType is the Type of a record whose name after "type=" is none that audit
// knows.
const NoType tables.Type = 0

// Record is one record of an Event: a view that is valid as long as the Event.
type Record struct {
	Type tables.Type // NoType if the name is not known
	// Text is the line as it stands in the log, without newline and without what
	// the daemon has added to it.
	Text []byte
	// Interp is what the daemon has added, without the separator; nil if the line
	// has no separator.
	Interp []byte
}

// Event is records with the same time, serial and node.
type Event struct {
	ID      audit.ID
	Node    []byte // nil if the lines bear none
	Records []Record
	// Enriched reports whether a record has something after the separator. If so,
	// ausearch --raw ends every line of the event with the separator.
	Enriched bool
	buf      []byte // what Records and Node are views of
	ends     bool   // nothing can be added to it any more
	serial   uint64 // the place in the order of arrival
	slot     int    // stock's place for it, which decides between equal stamps
}

// First returns the first record of type t, nil if there is none.
func (e *Event) First(t tables.Type) *Record {
	for i := range e.Records {
		if e.Records[i].Type == t {
			return &e.Records[i]
		}
	}
	return nil
}

// AuditEvent fills dst with those records of e that audit.ParseLine understands,
// for the packages that interpret events. dst is a view of e, and its memory is
// used again.
func (e *Event) AuditEvent(dst *audit.Event) {
	dst.ID, dst.Node, dst.Records = e.ID, e.Node, dst.Records[:0]
	for i := range e.Records {
		if r, ok := e.Records[i].Audit(); ok {
			dst.Records = append(dst.Records, r)
		}
	}
}

// size is the length of the record's line.
func (r *Record) size() int {
	n := len(r.Text)
	if r.Interp != nil {
		n += 1 + len(r.Interp)
	}
	return n
}

// Audit returns the record as audit knows it, false if it does not.
func (r *Record) Audit() (audit.Record, bool) {
	rec, err := audit.ParseLine(r.Text)
	if err != nil {
		return audit.Record{}, false
	}
	rec.Enrichment = r.Interp
	return rec, true
}

// AppendLine appends the record's line as ausearch --raw prints it, without
// newline. enriched is that of the event.
func (r *Record) AppendLine(dst []byte, enriched bool) []byte {
	dst = append(dst, r.Text...)
	if enriched {
		dst = append(dst, audit.Separator)
		dst = append(dst, r.Interp...)
	}
	return dst
}

// Clone returns a copy of e that is valid as long as the caller likes.
func (e *Event) Clone() *Event {
	c := *e
	c.Node = bytes.Clone(e.Node)
	c.buf = nil
	c.Records = make([]Record, len(e.Records))
	for i, r := range e.Records {
		c.Records[i] = Record{Type: r.Type, Text: bytes.Clone(r.Text), Interp: bytes.Clone(r.Interp)}
	}
	return &c
}
