package forward

import (
	"context"
	"fmt"
	"log/slog"

	"vigil/forward/form"
	"vigil/forward/format"
)

// Kind is a kind of sink: what stands behind `type:` in the configuration.
type Kind struct {
	Name    string // as in the configuration
	Summary string // in one line
	// Formats are the forms of events that it takes, the default first.
	Formats []form.Name
	// Options returns a pointer to a new struct of its settings, with their defaults.
	// Its fields bear the tags of package setting, which says how it is decoded.
	Options func() any
	// Check says what cannot be meant in such a struct; nil: all can.
	Check func(options any) error
	// Open makes a sink. It does not connect: a far end that is down is no reason not
	// to start.
	Open func(ctx context.Context, options any, s Setup) (Sink, Encoder, error)
}

// Setup is what a sink is made with beside its own settings.
type Setup struct {
	Name string // of the sink
	// Format encodes events as lines, each with its newline. It is the sink's own.
	Format format.Encoder
	// Form is the name of Format.
	Form    form.Name
	Host    string // this host's name
	Version string // of Vigil
	Log     *slog.Logger
}

// Lines appends what a form makes of an event, with its uid where the form has a place
// for it.
func Lines(dst []byte, f format.Encoder, e Event) []byte {
	if m, ok := f.(format.Marker); ok {
		var uid [2 * len(e.UID)]byte
		m.Mark(e.UID.AppendTo(uid[:0]))
	}
	return f.Append(dst, e.Event)
}

// Settings makes the functions of a Kind from ones that know its struct of settings.
func Settings[T any](defaults T, check func(*T) error, open func(context.Context, *T, Setup) (Sink, Encoder, error)) Kind {
	return Kind{
		Options: func() any { o := defaults; return &o },
		Check: func(options any) error {
			if check == nil {
				return nil
			}
			return check(options.(*T))
		},
		Open: func(ctx context.Context, options any, s Setup) (Sink, Encoder, error) {
			sink, encoder, err := open(ctx, options.(*T), s)
			if err != nil {
				return nil, nil, fmt.Errorf("open sink %s: %w", s.Name, err)
			}
			return sink, encoder, nil
		},
	}
}

// Kinds are kinds of sinks by name.
type Kinds []Kind

// Find returns the kind with a name.
func (k Kinds) Find(name string) (Kind, bool) {
	for i := range k {
		if k[i].Name == name {
			return k[i], true
		}
	}
	return Kind{}, false
}

// Names returns the names of all kinds.
func (k Kinds) Names() []string {
	var names []string
	for i := range k {
		names = append(names, k[i].Name)
	}
	return names
}
