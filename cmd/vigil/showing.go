package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"vigil/daemon/output"
)

// showing are the flags of commands that print events.
type showing struct {
	kind, filter, line string
}

func (s *showing) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&s.kind, "output", "text", "print each event in this `form`: text, json, raw or none")
	choices(c, "output", output.Kinds()...)
	c.Flags().StringVar(&s.filter, "filter", "", "print only events that meet this `condition`, in Falco's and sysdig's language; see vigil fields")
	c.Flags().StringVar(&s.line, "format", "", "print this `line` of each event, like '%evt.time %proc.cmdline'; with a * in front also of those that lack a field")
}

// options are what the flags say for stdio.
func (s *showing) options(stdio terminal) (output.Options, error) {
	kind, err := output.ParseKind(s.kind)
	if err != nil {
		return output.Options{}, usageError{fmt.Errorf("--output: %w", err)}
	}
	selection, err := output.Select(s.filter, s.line)
	if err != nil {
		return output.Options{}, usageError{err}
	}
	return output.Options{Kind: kind, Colour: isTerminal(stdio), Selection: selection}, nil
}
