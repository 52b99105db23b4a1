package form

import (
	"vigil/audit"
)

// enriched writes records as audisp-syslog does in an ENRICHED log: a space where
// the separator is in the trail.
type enriched struct{}

// Append appends a line for each record of e.
func (enriched) Append(dst []byte, e *audit.Event) []byte {
	for _, r := range e.Records {
		dst = append(appendRecord(dst, r), '\n')
	}
	return dst
}

// joined writes the records of an event one after the other in a line.
type joined struct{}

// Append appends one line.
func (joined) Append(dst []byte, e *audit.Event) []byte {
	for i, r := range e.Records {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendRecord(dst, r)
	}
	return append(dst, '\n')
}

// appendRecord appends a record and its enrichment, if it has one.
func appendRecord(dst []byte, r audit.Record) []byte {
	dst = r.AppendLine(dst, r.Node)
	if len(r.Enrichment) == 0 {
		return dst
	}
	dst = append(dst, ' ')
	for _, c := range r.Enrichment {
		if c == '\n' || c == 0 || c == audit.Separator {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}
