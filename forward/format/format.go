package format

import (
	"vigil/audit"
)

// Encoder appends events as lines, each with its newline. It is not safe for
// concurrent use. The event is only read, and not kept.
type Encoder interface {
	Append(dst []byte, e *audit.Event) []byte
}

// Marker is an Encoder that has a place for a name by which receivers tell events
// apart.
type Marker interface {
	// Mark gives the event that is appended next its name, of letters and digits,
	// which is copied.
	Mark(uid []byte)
}

// Names says what users and groups are called on the host that the events come
// from. An encoder asks for the ids that the records themselves give no name for.
type Names interface {
	User(uid uint32) (name string, ok bool)
	Group(gid uint32) (name string, ok bool)
}

// Raw writes an event's records as they stand in the trail.
type Raw struct {
	// Enrichment says that what stands behind the separator is written too.
	// Without it the lines are the kernel's words, byte for byte.
	Enrichment bool
}

// Append appends a line for each record of e.
func (f Raw) Append(dst []byte, e *audit.Event) []byte {
	for _, r := range e.Records {
		dst = r.AppendLine(dst, r.Node)
		if f.Enrichment && len(r.Enrichment) > 0 {
			dst = append(dst, audit.Separator)
			for _, c := range r.Enrichment {
				if c == '\n' || c == 0 || c == audit.Separator {
					c = ' '
				}
				dst = append(dst, c)
			}
		}
		dst = append(dst, '\n')
	}
	return dst
}
