package config

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward"
	"vigil/forward/aggregate"
	"vigil/forward/all"
	"vigil/forward/form"
	"vigil/forward/redact"
	"vigil/internal/setting"
)

// Sink is a place that events are forwarded to.
type Sink struct {
	Name      string        `yaml:"name" help:"What the sink is called: letters, digits, - and _. Its cursor and its dead letters bear the name."`
	Type      string        `yaml:"type" help:"The kind of sink."`
	Filter    string        `yaml:"filter" help:"Which events, in the filter language; empty: all."`
	Sample    Sample        `yaml:"sample" help:"Which part of those events."`
	Aggregate []Aggregate   `yaml:"aggregate" help:"Rules by which events that repeat each other are sent as one: each is for the events that those before it are not about."`
	Redact    redact.Config `yaml:"redact" help:"What is overwritten in events before they are sent. See docs/forwarding.md."`
	Format    form.Name     `yaml:"format" help:"The form of events; empty: the kind's own."`
	Start     Start         `yaml:"start" help:"oldest | newest: where in the trail a sink begins that is new."`
	Rate      Bytes         `yaml:"rate" help:"Bytes a second that are sent at most; 0: no bound."`
	Backoff   Backoff       `yaml:"retry" help:"How long is waited before something is sent again: twice as long each time."`
	// Options are the settings of the kind, a pointer to its own struct; nil in a
	// sink that has not been read from a file.
	Options any `yaml:"-"`
}

// Sample is a part of the events that a sink wants.
type Sample struct {
	Rate   setting.Share `yaml:"rate" help:"How large a part, like 0.1 or 10%; 1: all. The event's uid decides, so that whoever sends it, and how often, chooses the same."`
	Unless string        `yaml:"unless" help:"Which events are sent all the same, in the filter language; empty: none."`
}

// fault says what cannot be meant, "" if all can.
func (s Sample) fault() string {
	switch {
	case s.Rate == 0:
		return "sample.rate is 0, which leaves out all: write a filter for which events are to be sent, or a rate like 0.1"
	case s.Rate == 1 && s.Unless != "":
		return "sample.unless names exceptions, and there is no sample.rate below 1 that they could be from"
	}
	return filterFault("sample.unless", s.Unless)
}

// Aggregate is a rule by which events that repeat each other are sent as one.
type Aggregate struct {
	Filter     string   `yaml:"filter" help:"Which events, in the filter language; empty: all."`
	By         []string `yaml:"by" help:"The fields that must be the same. Events that lack one of them are sent by themselves."`
	MaxCount   int      `yaml:"max_count" help:"How many events one stands for at most, 2 to 131072; 0: 1024."`
	MaxTime    Duration `yaml:"max_time" help:"How long it is waited for more, 1s to 1h; 0: 15m."`
	MaxSize    Bytes    `yaml:"max_size" help:"How long the list of serials grows, 128 to 128KiB; 0: 8KiB."`
	MaxPending int      `yaml:"max_pending" help:"How many aggregates may be open at a time, 1 to 10240; 0: 1024."`
	SendFirst  bool     `yaml:"send_first" help:"true: the first event is sent at once, and those after it as one."`
}

// Aggregation returns the rules by which the sink's events are put together.
func (s Sink) Aggregation() (rules []aggregate.Rule) {
	for _, a := range s.Aggregate {
		rules = append(rules, aggregate.Rule{
			Filter: a.Filter, By: a.By, MaxCount: a.MaxCount, MaxTime: time.Duration(a.MaxTime), MaxSize: int(a.MaxSize),
			MaxPending: a.MaxPending, SendFirst: a.SendFirst,
		})
	}
	return rules
}

// aggregateFault says what is wrong with the rules, "" if nothing is.
func (s *Sink) aggregateFault() string {
	if len(s.Aggregate) == 0 {
		return ""
	}
	if right := []form.Name{form.Enriched, form.Joined, form.ECS}; !slices.Contains(right, s.Format) {
		return fmt.Sprintf("aggregate: format %q has no place for how many events one stands for: right are enriched, joined, ecs", s.Format)
	}
	if err := aggregate.Check(s.Aggregation()); err != nil {
		return err.Error()
	}
	return ""
}

// filterFault says what is wrong with a filter, "" if nothing is.
func filterFault(key, text string) string {
	if text == "" {
		return ""
	}
	c, err := filter.Parse(text)
	if err == nil {
		_, err = filter.Compile(c, field.Standard())
	}
	if err != nil {
		return key + ": " + err.Error()
	}
	return ""
}

// Backoff is the wait between tries.
type Backoff struct {
	First Duration `yaml:"first" help:"The first time."`
	Max   Duration `yaml:"max" help:"At most."`
}

// Start is where a new sink begins.
type Start string

// The starts.
const (
	Oldest Start = "oldest"
	Newest Start = "newest"
)

// Words returns the words that a Start may be.
func (Start) Words() []string { return []string{"oldest", "newest"} }

// Kind returns the kind of the sink. A Sink that was read from a file has one.
func (s Sink) Kind() (forward.Kind, bool) { return all.Kinds().Find(s.Type) }

// newSink is a sink with its defaults.
func newSink(kind forward.Kind) Sink {
	return Sink{Type: kind.Name, Sample: Sample{Rate: 1}, Aggregate: []Aggregate{}, Redact: redact.Config{Rules: []redact.Rule{}, Fields: []string{}}, Format: kind.Formats[0], Start: Oldest, Options: kind.Options()}
}

// sink reads a sink: which keys are right depends on its type.
func (d *decoder) sink(n *yaml.Node, v reflect.Value) error {
	if n.Kind != yaml.MappingNode {
		return d.fail(n, "a sink wants keys with values, like `{ name: siem, type: syslog, address: \"tls://siem.example\" }`")
	}
	kinds := all.Kinds()
	word := mappingValue(n, "type")
	if word == nil || word.Kind != yaml.ScalarNode {
		return d.fail(n, "a sink has no type: right are %s", strings.Join(kinds.Names(), ", "))
	}
	kind, ok := kinds.Find(word.Value)
	if !ok {
		return d.fail(word, "%s", unknown("type of sink", word.Value, kinds.Names()))
	}
	s := newSink(kind)
	if err := d.mappings(n, kind.Name+" sink", reflect.ValueOf(&s).Elem(), reflect.ValueOf(s.Options).Elem()); err != nil {
		return err
	}
	// Some options stand for a form.
	if o, ok := s.Options.(interface{ Form() form.Name }); ok && mappingValue(n, "format") == nil && o.Form() != "" {
		s.Format = o.Form()
	}
	if fault := s.fault(kind); fault != "" {
		return d.fail(n, "sink %q: %s", s.Name, fault)
	}
	v.Set(reflect.ValueOf(s))
	return nil
}

// fault says what cannot be meant, "" if all can.
func (s *Sink) fault(kind forward.Kind) string {
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`).MatchString(s.Name) {
		return fmt.Sprintf("name %q: write 1 to 64 letters, digits, - and _", s.Name)
	}
	if !slices.Contains(kind.Formats, s.Format) {
		var right []string
		for _, f := range kind.Formats {
			right = append(right, string(f))
		}
		return fmt.Sprintf("format %q is not one that a %s sink takes: right are %s", s.Format, kind.Name, strings.Join(right, ", "))
	}
	if fault := cmp.Or(filterFault("filter", s.Filter), s.Sample.fault(), s.aggregateFault()); fault != "" {
		return fault
	}
	if err := s.Redact.Check(); err != nil {
		return err.Error()
	}
	if err := kind.Check(s.Options); err != nil {
		return err.Error()
	}
	return ""
}

// mappingValue is what stands behind a key; nil if it is not there.
func mappingValue(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// checkSinks finds sinks that cannot be beside each other.
func (c *Config) checkSinks() string {
	seen := make(map[string]bool)
	for _, s := range c.Sinks {
		if seen[s.Name] {
			return fmt.Sprintf("two sinks are called %q", s.Name)
		}
		seen[s.Name] = true
	}
	if len(c.Sinks) > 0 && !c.Trail.Write {
		return "there are sinks, and trail.write is false: sinks read the trail"
	}
	return ""
}
