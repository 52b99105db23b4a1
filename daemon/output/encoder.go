package output

import (
	"vigil/audit"
	"vigil/forward/format"
)

// Options say how events are printed, and which. The zero value is valid.
type Options struct {
	Kind   Kind         // the zero value prints nothing, as None does
	Colour bool         // Text: for a terminal that shows colours
	Host   string       // JSON: host.name where the records bear no node=
	Names  format.Names // of the users and groups where the records do not say; nil: ids stay ids

	// Hide says which events are not printed, called with an event that is valid
	// during the call only; nil: all are.
	Hide func(*audit.Event) bool
	// Selection chooses the events and may give their form; nil: all, in that of
	// Kind.
	Selection *Selection
}

// encoder makes the encoder of a kind; nil for those that print no events. Records
// are printed as they come unless it takes their event to choose them.
func (o Options) encoder() format.Encoder {
	switch o.Kind {
	case JSON:
		return format.NewJSON(format.JSONConfig{Host: o.Host, Names: o.Names})
	case Text:
		return format.NewText(format.TextConfig{Names: o.Names, Color: o.Colour})
	case Raw:
		if o.Selection != nil {
			return format.Raw{Enrichment: true}
		}
	}
	return nil
}
