package sinks

import (
	"context"
	"fmt"
	"time"

	"vigil/audit"
	"vigil/daemon/config"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward"
	"vigil/forward/aggregate"
	"vigil/forward/form"
)

// open makes the far end of a sink.
func (c Config) open(ctx context.Context, s config.Sink) (forward.Sink, forward.Encoder, error) {
	kind, ok := s.Kind()
	if !ok {
		return nil, nil, fmt.Errorf("open sink %s: there is no type %q", s.Name, s.Type)
	}
	lines, err := form.New(s.Format, form.Config{Host: c.Host, Names: c.Names, Version: c.Version})
	if err != nil {
		return nil, nil, fmt.Errorf("open sink %s: %w", s.Name, err)
	}
	sink, encoder, err := kind.Open(ctx, s.Options, forward.Setup{
		Name: s.Name, Format: lines, Form: s.Format, Host: c.Host, Version: c.Version, Log: c.Log,
	})
	if err != nil {
		return nil, nil, err
	}
	return sink, c.redacted(s, encoder), nil
}

// runner makes what brings the trail's events to a sink.
func (c Config) runner(ctx context.Context, s config.Sink) (*forward.Runner, error) {
	want, err := c.want(s.Filter)
	if err != nil {
		return nil, fmt.Errorf("open sink %s: %w", s.Name, err)
	}
	sample, err := c.sample(s.Sample)
	if err != nil {
		return nil, fmt.Errorf("open sink %s: %w", s.Name, err)
	}
	var aggregator forward.Aggregator
	if rules := s.Aggregation(); len(rules) > 0 {
		if aggregator, err = aggregate.New(rules, field.Config{Names: c.Names}); err != nil {
			return nil, fmt.Errorf("open sink %s: %w", s.Name, err)
		}
	}
	sink, encoder, err := c.open(ctx, s)
	if err != nil {
		return nil, err
	}
	start := ""
	if s.Start == config.Newest {
		start = forward.Newest
	}
	runner, err := forward.New(forward.Config{
		Name: s.Name, Sink: sink, Encoder: encoder, Open: c.Trail.opener(s.Name), Host: c.Machine, Start: start,
		Cursor: forward.CursorPath(c.StateDir, s.Name), Dead: forward.DeadLetterPath(c.StateDir, s.Name),
		Want: want, Sample: sample, Aggregator: aggregator, Rate: int(s.Rate), OnLost: c.OnLost, Log: c.Log,
		Backoff: forward.Backoff{First: time.Duration(s.Backoff.First), Max: time.Duration(s.Backoff.Max)},
	})
	if err != nil {
		return nil, joinClose(err, sink)
	}
	return runner, nil
}

func joinClose(err error, sink forward.Sink) error {
	if closing := sink.Close(); closing != nil {
		return fmt.Errorf("%w; close: %w", err, closing)
	}
	return err
}

// sample makes what says which events are in a sample; nil: all are.
func (c Config) sample(s config.Sample) (func(forward.Event) bool, error) {
	if s.Rate >= 1 {
		return nil, nil
	}
	always, err := c.want(s.Unless)
	if err != nil {
		return nil, err
	}
	return func(e forward.Event) bool {
		return e.UID.Draw() < float64(s.Rate) || always != nil && always(e.Event)
	}, nil
}

// want compiles a filter; nil takes all.
func (c Config) want(text string) (func(*audit.Event) bool, error) {
	if text == "" {
		return nil, nil
	}
	condition, err := filter.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read filter: %w", err)
	}
	program, err := filter.Compile(condition, field.Standard())
	if err != nil {
		return nil, fmt.Errorf("read filter: %w", err)
	}
	matcher := program.Matcher(field.Config{Names: c.Names})
	return func(e *audit.Event) bool { return program.CanMatch(e) && matcher.Match(e) }, nil
}
