package output

import (
	"fmt"

	"vigil/audit"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward/format"
)

// Selection says which events are printed and in which form, in the filter
// language.
type Selection struct {
	space   *filter.Space
	program *filter.Program // nil: every event
	line    *filter.Format  // nil: the kind's own form
}

// Select compiles a condition and a line format, both of which may be empty. An
// error shows the place, and the nearest right name.
func Select(condition, line string) (*Selection, error) {
	if condition == "" && line == "" {
		return nil, nil
	}
	s := &Selection{space: filter.NewSpace(field.Standard())}
	if condition != "" {
		parsed, err := filter.Parse(condition)
		if err == nil {
			s.program, err = s.space.Compile(parsed)
		}
		if err != nil {
			return nil, fmt.Errorf("read filter: %w", err)
		}
	}
	if line != "" {
		var err error
		if s.line, err = s.space.ParseFormat(line); err != nil {
			return nil, fmt.Errorf("read format: %w", err)
		}
	}
	return s, nil
}

// selector is a Selection at work.
type selector struct {
	*Selection
	env *filter.Env
}

func (s *Selection) start(names format.Names) *selector {
	return &selector{Selection: s, env: s.space.NewEnv(field.Config{Names: names})}
}

// wants takes an event and says whether it is to be printed.
func (s *selector) wants(e *audit.Event) bool {
	if s.program != nil && !s.program.CanMatch(e) {
		return false
	}
	s.env.Load(e)
	return s.program == nil || s.program.Match(s.env)
}

// Append appends the line of the event that was taken last, if it has all that
// the format asks for.
func (s *selector) Append(dst []byte, _ *audit.Event) []byte {
	start := len(dst)
	dst, whole := s.line.Append(dst, s.env)
	if !whole {
		return dst[:start]
	}
	return append(dst, '\n')
}
