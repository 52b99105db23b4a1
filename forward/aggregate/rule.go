package aggregate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"vigil/audit"
	"vigil/filter"
	"vigil/filter/field"
)

// Rule says which events are put together. A bound that is 0 is what its comment says.
type Rule struct {
	Filter     string        // which events, in the filter language; empty: all
	By         []string      // the fields that must be the same, at least one
	MaxCount   int           // of events that one stands for; 0: 1024
	MaxTime    time.Duration // from the first to the last; 0: 15 minutes
	MaxSize    int           // bytes of the list of serials; 0: 8192
	MaxPending int           // aggregates that may be open at a time; 0: 1024
	SendFirst  bool          // whether the first event is sent at once, and those after it are put together
}

// Bounds of a Rule, as Azure's audit agent has them.
const (
	minCount, defaultCount, maxCount       = 2, 1024, 128 << 10
	minSize, defaultSize, maxSize          = 128, 8192, 128 << 10
	minPending, defaultPending, maxPending = 1, 1024, 10240
	minTime, defaultTime, maxTime          = time.Second, 15 * time.Minute, time.Hour
)

// Check says what cannot be meant in rules.
func Check(rules []Rule) error {
	_, err := New(rules, field.Config{})
	return err
}

// rule is a Rule at work.
type rule struct {
	Rule
	program *filter.Program // of the filter, and of there being all fields of by
	by      *filter.Columns
}

func newRule(r Rule, space *filter.Space) (*rule, error) {
	bound := func(name string, v *int, least, usual, most int) error {
		if *v == 0 {
			*v = usual
		}
		if *v < least || *v > most {
			return fmt.Errorf("%s is %d: at least %d, at most %d", name, *v, least, most)
		}
		return nil
	}
	err := errors.Join(
		bound("max_count", &r.MaxCount, minCount, defaultCount, maxCount),
		bound("max_size", &r.MaxSize, minSize, defaultSize, maxSize),
		bound("max_pending", &r.MaxPending, minPending, defaultPending, maxPending),
	)
	if r.MaxTime == 0 {
		r.MaxTime = defaultTime
	}
	if r.MaxTime < minTime || r.MaxTime > maxTime {
		err = errors.Join(err, fmt.Errorf("max_time is %s: at least %s, at most %s", r.MaxTime, minTime, maxTime))
	}
	if len(r.By) == 0 {
		err = errors.Join(err, errors.New("by is missing: name the fields that must be the same, like [proc.exepath, user.name]"))
	}
	if err != nil {
		return nil, err
	}
	made := &rule{Rule: r}
	if made.by, err = space.ParseColumns(strings.Join(r.By, ", ")); err != nil {
		return nil, fmt.Errorf("by: %w", err)
	}
	// Events that lack one of the fields have nothing in common by that.
	text := strings.Join(made.by.Names(), " exists and ") + " exists"
	if r.Filter != "" {
		if _, err := filter.Parse(r.Filter); err != nil {
			return nil, fmt.Errorf("filter: %w", err)
		}
		text = "(" + r.Filter + ") and " + text
	}
	condition, err := filter.Parse(text)
	if err == nil {
		made.program, err = space.Compile(condition)
	}
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	return made, nil
}

// wants reports whether the rule is about the event that env holds.
func (r *rule) wants(e *audit.Event, env *filter.Env) bool {
	return r.program.CanMatch(e) && r.program.Match(env)
}
