package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vigil/daemon"
	"vigil/ledger"
)

func newStatusCommand(stdio terminal) *cobra.Command {
	var runDir string
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how the running daemon is, and what was produced, lost and kept",
		Long: `Ask the running daemon: its mode and why, the kernel's queue, the ledger (records
received, events, records in the trail, what was lost and where), the trail.

EXIT STATUS
  0  it runs, and nothing was lost since it started
  1  it does not run, or something was lost
  2  wrong usage`,
		Example: "  vigil status\n  vigil status --json | jq .ledger.gaps",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := daemon.AskStatus(c.Context(), runDir)
			if err != nil {
				return err
			}
			if err := printStatus(stdio.out, s, time.Now(), asJSON); err != nil {
				return err
			}
			if lossy(s) {
				return exitError(exitFailed)
			}
			return nil
		},
	}
	c.Flags().StringVar(&runDir, "run-dir", defaultRunDir, "`directory` of the daemon's control socket")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// lossy says whether anything was lost since the daemon started.
func lossy(s daemon.Status) bool {
	l := s.Ledger
	return l.Gaps+l.Lost+l.Dropped > 0 || l.Losses > 0 || len(l.Pending) > 0
}

func printStatus(w io.Writer, s daemon.Status, now time.Time, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	row("vigil", "%s, pid %d, for %s", s.Version, s.PID, now.Sub(s.Since).Round(time.Second))
	row("mode", "%s: %s", s.Mode, s.Why)
	switch k := s.Kernel; {
	case k == nil:
		row("kernel", "does not answer")
	case k.BacklogLimit == 0:
		row("kernel", "%d records waiting, %d lost since boot", k.Backlog, k.Lost)
	default:
		row("kernel", "%d of %d records waiting, %d lost since boot", k.Backlog, k.BacklogLimit, k.Lost)
	}
	row("rules", "%d loaded (%s)", s.Rules.Loaded, s.Rules.Source)
	if s.Rules.Problem != "" {
		problem, _, _ := strings.Cut(s.Rules.Problem, "\n") // the rest is a caret below the fault
		row("", "not loaded: %s: see `vigil rules check`", problem)
	}
	if a := s.Attribution; a != nil {
		row("processes", "%d living, %d containers, watched by %s", a.Living, a.Containers, a.Mode)
		if a.Why != "" {
			row("", "%s", a.Why)
		}
		if n := a.Runtimes.Silent; n > 0 {
			row("", "container runtimes did not answer %d times: names that are not on disk may be missing", n)
		}
	}
	row("received", "%d records, %s", s.Ledger.Received, amount(s.Socket.Bytes))
	row("assembled", "%d events", s.Ledger.Assembled)
	if t := s.Trail; t != nil {
		row("written", "%d records, %s, in %d writes", s.Ledger.Written, amount(t.Bytes), t.Writes)
		row("trail", "%s, %s now, %d rotations", t.Path, amount(uint64(t.Size)), t.Rotations)
	} else {
		row("trail", "not written")
	}
	for _, sink := range s.Sinks {
		text := fmt.Sprintf("%s: %d events accepted, %s behind", sink.State, sink.Counts.Accepted, amount(uint64(max(sink.Behind, 0))))
		if sink.Counts.Sampled > 0 {
			text += fmt.Sprintf(", %d left out by sampling", sink.Counts.Sampled)
		}
		if sink.Counts.Aggregated > 0 {
			text += fmt.Sprintf(", %d told of by others", sink.Counts.Aggregated)
		}
		if sink.Counts.Rejected > 0 {
			text += fmt.Sprintf(", %d rejected", sink.Counts.Rejected)
		}
		if sink.Error != "" {
			text += ": " + oneLine(sink.Error)
		}
		row("sink "+sink.Name, "%s", text)
	}
	if !lossy(s) {
		row("lost", "nothing")
		return table.Flush()
	}
	row("lost", "%d serials missing, %d records lost by the kernel, %d not written", s.Ledger.Gaps, s.Ledger.Lost, s.Ledger.Dropped)
	for _, l := range s.Ledger.Recent {
		row("", "%s", lossText(l))
	}
	for _, l := range s.Ledger.Pending {
		row("", "%s, not in the trail yet", lossText(l))
	}
	return table.Flush()
}

// lossText says a loss in one line: "gap: 4 serials, 17 to 20, 2026-03-01T10:00:00Z".
func lossText(l ledger.Loss) string {
	what := "records"
	switch l.Reason {
	case ledger.Gap, ledger.Down:
		what = "serials"
	case ledger.Overflow:
		what = "overflows"
	case ledger.Trail, ledger.Unsent:
		what = "bytes"
	}
	text := fmt.Sprintf("%s: %d %s", l.Reason, l.Count, what)
	if l.Sink != "" {
		text = fmt.Sprintf("%s to sink %s: %d %s", l.Reason, l.Sink, l.Count, what)
	}
	if l.First != 0 || l.Last != 0 {
		if what != "serials" {
			text += ", serials"
		} else {
			text += ","
		}
		text += fmt.Sprintf(" %d to %d", l.First, l.Last)
	}
	since, until := l.Since.Format(time.RFC3339), l.Until.Format(time.RFC3339)
	switch {
	case l.Since.IsZero() && l.Until.IsZero():
	case since == until || l.Since.IsZero():
		text += ", " + until
	default:
		text += ", " + since + " to " + until
	}
	return text
}

// amount prints a number of bytes for people.
func amount(n uint64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
