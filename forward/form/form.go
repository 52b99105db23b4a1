package form

import (
	"fmt"
	"slices"

	"vigil/forward/form/auoms"
	"vigil/forward/format"
)

// Name is the name of a form.
type Name string

// The forms.
const (
	Raw      Name = "raw"      // the kernel's words byte for byte, a line for each record
	Enriched Name = "enriched" // the same, with what follows the separator, behind a space
	Joined   Name = "joined"   // all records of an event in one line, as Wazuh's decoder wants them
	ECS      Name = "ecs"      // a JSON object in the names of the Elastic Common Schema
	Text     Name = "text"     // a line for people
	CEF      Name = "cef"      // ArcSight's Common Event Format
	LEEF     Name = "leef"     // QRadar's Log Event Extended Format 2.0
	GELF     Name = "gelf"     // Graylog's JSON
	AUOMS    Name = "auoms"    // the lines of Azure's audit agent: an event in one record
	OMS      Name = "oms"      // that agent's JSON
	OCSF     Name = "ocsf"     // a JSON object in the names of the Open Cybersecurity Schema Framework
)

// All returns every form.
func All() []Name { return []Name{Raw, Enriched, Joined, ECS, OCSF, CEF, LEEF, GELF, AUOMS, OMS, Text} }

// From returns every form, beginning with one.
func From(first Name) []Name {
	return append([]Name{first}, slices.DeleteFunc(All(), func(n Name) bool { return n == first })...)
}

// JSON reports whether the form is JSON, a value in a line.
func (n Name) JSON() bool { return n == ECS || n == OCSF || n == GELF || n == OMS }

// Words returns the words that a Name may be.
func (Name) Words() []string {
	var words []string
	for _, n := range All() {
		words = append(words, string(n))
	}
	return words
}

// Config is what forms are made with. The zero value is valid.
type Config struct {
	Host    string       // of events whose records bear no node=
	Names   format.Names // of users and groups; nil: ids stay ids
	Version string       // of Vigil, where a form has a place for it
}

// New returns an encoder of a form.
func New(n Name, c Config) (format.Encoder, error) {
	switch n {
	case Raw:
		return format.Raw{}, nil
	case Enriched:
		return enriched{}, nil
	case Joined:
		return joined{}, nil
	case ECS:
		return format.NewJSON(format.JSONConfig{Host: c.Host, Names: c.Names}), nil
	case Text:
		return format.NewText(format.TextConfig{Names: c.Names}), nil
	case OCSF:
		return newOCSF(c)
	case CEF:
		return newCEF(c)
	case LEEF:
		return newLEEF(c)
	case AUOMS:
		return auoms.NewLine(c.Names), nil
	case OMS:
		return auoms.NewOMS(c.Names), nil
	case GELF:
		return newGELF(c)
	}
	return nil, fmt.Errorf("no format %q", string(n))
}
