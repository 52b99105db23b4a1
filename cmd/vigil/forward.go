package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"vigil/daemon"
	"vigil/daemon/config"
	"vigil/daemon/control"
	"vigil/daemon/sinks"
	"vigil/forward"
	"vigil/internal/nearest"
)

func newForwardCommand(stdio terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "forward",
		Short: "See and steer the sinks that events are forwarded to",
		Long: `Sinks are named in vigil.yaml. Each reads the trail at its own speed; its cursor moves
only over what the far end has taken.

EXIT STATUS
  0  done
  1  it failed, or, of "list", a sink is not well
  2  wrong usage`,
		Example: "  vigil forward list\n  vigil forward test siem\n  vigil forward pause siem",
		Args:    aCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newForwardListCommand(stdio), newForwardTestCommand(stdio), newForwardRedactionCommand(stdio))
	for _, op := range []struct {
		op          sinks.Op
		short, long string
	}{
		{sinks.Pause, "Stop sending to a sink until it is resumed", "Stop sending. The trail goes on, and what it holds is sent after\n`vigil forward resume`, or after a restart."},
		{sinks.Resume, "Go on sending to a sink, at once if it waits for a retry", "Go on after a pause; and if the sink waits for a retry, try again now."},
		{sinks.Rewind, "Send the whole trail again", "Set the sink's cursor to the oldest record of the trail: everything is sent\nagain. Receivers that know the events' uids drop what they have."},
		{sinks.Skip, "Pass over what has not been sent", "Set the sink's cursor behind the newest record of the trail. What lies in\nbetween is not sent to this sink; it stays in the trail, and the sink's count\nof skips rises."},
	} {
		c.AddCommand(newForwardOpCommand(stdio, op.op, op.short, op.long))
	}
	return c
}

// forwardExits are the exit statuses of commands that do something to a sink.
const forwardExits = `

EXIT STATUS
  0  done
  1  it failed
  2  wrong usage`

func newForwardListCommand(stdio terminal) *cobra.Command {
	var runDir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the sinks: how they are and how far they have got",
		Long: `Ask the running daemon for its sinks: state, events taken and refused, what was lost,
how much of the trail is still to be read, and when the last event was.

EXIT STATUS
  0  all are well
  1  one takes nothing, or something was refused or lost; or no daemon runs
  2  wrong usage`,
		Example: "  vigil forward list\n  vigil forward list --json | jq '.[] | select(.state != \"idle\")'",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := daemon.AskStatus(c.Context(), runDir)
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(stdio.out)
				encoder.SetIndent("", "  ")
				err = encoder.Encode(s.Sinks)
			} else {
				err = printSinks(stdio.out, s.Sinks, time.Now())
			}
			if err == nil && !allWell(s.Sinks) {
				return exitError(exitFailed)
			}
			return err
		},
	}
	c.Flags().StringVar(&runDir, "run-dir", defaultRunDir, "`directory` of the daemon's control socket")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// allWell says whether no sink is stuck and none has lost or rejected anything.
func allWell(list []forward.Status) bool {
	for _, s := range list {
		if s.State == forward.Retrying || s.State == forward.Failed || s.Counts.Rejected+s.Counts.Losses > 0 {
			return false
		}
	}
	return true
}

func printSinks(w io.Writer, list []forward.Status, now time.Time) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "no sinks are configured: see `vigil config show --defaults`, and docs/forwarding.md")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SINK\tTYPE\tSTATE\tACCEPTED\tREJECTED\tLOST\tBEHIND\tLAST EVENT")
	for _, s := range list {
		last := "-"
		if s.Last.Sec != 0 {
			last = now.Sub(s.Last.Time()).Round(time.Second).String() + " ago"
		}
		lost := "nothing"
		if s.Counts.Losses > 0 {
			lost = amount(s.Counts.Lost)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n",
			s.Name, s.Type, s.State, s.Counts.Accepted, s.Counts.Rejected, lost, amount(uint64(max(s.Behind, 0))), last)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range list {
		if s.Counts.Sampled > 0 {
			if _, err := fmt.Fprintf(w, "%s: %d events left out by sampling\n", s.Name, s.Counts.Sampled); err != nil {
				return err
			}
		}
		if s.Redaction != "" {
			if _, err := fmt.Fprintf(w, "%s: whole command lines are replaced: %s\n", s.Name, oneLine(s.Redaction)); err != nil {
				return err
			}
		}
		if s.Counts.Aggregated > 0 {
			if _, err := fmt.Fprintf(w, "%s: %d events told of by others, as they repeat each other\n", s.Name, s.Counts.Aggregated); err != nil {
				return err
			}
		}
		if s.Error == "" {
			continue
		}
		since := ""
		if !s.Since.IsZero() {
			since = fmt.Sprintf(" for %s, %d times", now.Sub(s.Since).Round(time.Second), s.Failures)
		}
		if _, err := fmt.Fprintf(w, "%s: %s%s: %s\n", s.Name, s.State, since, oneLine(s.Error)); err != nil {
			return err
		}
	}
	return nil
}

func newForwardOpCommand(stdio terminal, op sinks.Op, short, long string) *cobra.Command {
	var runDir string
	c := &cobra.Command{
		Use:     string(op) + " SINK",
		Short:   short,
		Long:    long + forwardExits,
		Example: "  vigil forward " + string(op) + " siem",
		Args:    oneSink,
		RunE: func(c *cobra.Command, args []string) error {
			if err := control.Ask(c.Context(), runDir, http.MethodPost, "/sinks/"+args[0]+"/"+string(op), nil); err != nil {
				return fmt.Errorf("%s sink: %w", op, err)
			}
			_, err := fmt.Fprintf(stdio.out, "%s: %s: done\n", args[0], op)
			return err
		},
	}
	c.Flags().StringVar(&runDir, "run-dir", defaultRunDir, "`directory` of the daemon's control socket")
	return c
}

// testTimeout bounds a test of a sink.
const testTimeout = 20 * time.Second

func newForwardTestCommand(stdio terminal) *cobra.Command {
	var p places
	c := &cobra.Command{
		Use:   "test SINK",
		Short: "Send one marked event to a sink and say what came back",
		Long: `Send one event that says it is a test to a sink of the configuration, and say what the
far end answered and how long that took. The daemon need not run; its cursor is not
moved.` + forwardExits,
		Example: "  vigil forward test siem\n  vigil forward test --config ./vigil.yaml siem",
		Args:    oneSink,
		RunE: func(c *cobra.Command, args []string) error {
			settings, err := p.load(nil)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(c.Context(), testTimeout)
			defer cancel()
			return testSink(ctx, stdio.out, settings, args[0])
		},
	}
	p.addReadFlags(c)
	return c
}

func testSink(ctx context.Context, w io.Writer, settings config.Config, name string) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find the host's name: %w", err)
	}
	for _, s := range settings.Sinks {
		if s.Name != name {
			continue
		}
		result, err := sinks.Test(ctx, s, sinks.Config{Host: host, Version: version()})
		if err != nil {
			return fmt.Errorf("test sink %s: %w", name, err)
		}
		_, err = fmt.Fprintf(w, "%s: the far end took the test event in %s\nuid   %s\nsent  %s\n",
			name, result.Took.Round(100*time.Microsecond), result.UID, oneLine(string(result.Sent)))
		return err
	}
	var names []string
	for _, s := range settings.Sinks {
		names = append(names, s.Name)
	}
	if best, ok := nearest.Word(name, names); ok {
		return usageError{fmt.Errorf("no sink is called %q: did you mean %q?", name, best)}
	}
	return usageError{fmt.Errorf("no sink of the configuration is called %q: there are %d: %s", name, len(names), strings.Join(names, ", "))}
}

// oneSink wants the name of a sink.
func oneSink(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return wrongUsage(c, "%s wants the name of one sink, got %d", shortName(c), len(args))
	}
	return nil
}

// oneLine is text from elsewhere, fit for a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
