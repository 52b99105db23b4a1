package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"vigil/bpf/identity"
	"vigil/daemon/doctor"
	"vigil/trail"
)

func newDoctorCommand(stdio terminal) *cobra.Command {
	var where places
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this host can and cannot do, and what to do about it",
		Long: `Look at the kernel, the capabilities, who is the audit daemon, the queue and the
place of the trail. Nothing is changed.

EXIT STATUS
  0  nothing keeps "vigil run" from working
  1  something does; its line begins with "fail"
  2  wrong usage`,
		Example: "  vigil doctor\n  vigil doctor --json | jq -r '.[] | select(.verdict != \"ok\") | .advice'",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := where.trailPath()
			if err != nil {
				path = trail.DefaultPath // what is wrong with the configuration is only one finding
			}
			findings := doctor.Examine(c.Context(), doctor.Host{Proc: "/proc", Trail: path, Status: doctor.Engine, Processes: identity.Probe})
			findings = append(findings, configured(where))
			if err := printFindings(stdio, findings, asJSON); err != nil {
				return err
			}
			if doctor.Failed(findings) {
				return exitError(exitFailed)
			}
			return nil
		},
	}
	where.addReadFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// configured says whether the configuration can be read.
func configured(where places) doctor.Finding {
	f := doctor.Finding{Check: "configuration", Verdict: doctor.OK, Found: "nothing is wrong with it"}
	if _, err := where.load(nil); err != nil {
		f.Verdict, f.Found, f.Advice = doctor.Fail, err.Error(), "mend it; `vigil config check` says when it is right"
	}
	return f
}

func printFindings(stdio terminal, findings []doctor.Finding, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(stdio.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(findings)
	}
	names := 0
	for _, f := range findings {
		names = max(names, len(f.Check))
	}
	var text strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&text, "%-4s  %-*s  %s\n", f.Verdict, names, f.Check, f.Found)
		arrow := "->"
		for _, line := range wrap(f.Advice, adviceWidth) {
			fmt.Fprintf(&text, "%*s %s\n", names+len("fail    ->"), arrow, line)
			arrow = ""
		}
	}
	_, err := io.WriteString(stdio.out, text.String())
	return err
}

// adviceWidth keeps what the doctor says within 100 columns.
const adviceWidth = 70

// wrap breaks a text into lines of at most width bytes, between words.
func wrap(text string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		if last >= 0 && len(lines[last])+1+len(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
