package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vigil/daemon/doctor"
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
			settings, err := where.load(nil)
			if err != nil {
				return err
			}
			findings := doctor.Examine(c.Context(), doctor.Host{Proc: "/proc", Trail: settings.Trail.Path, Status: doctor.Engine})
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

func printFindings(stdio terminal, findings []doctor.Finding, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(stdio.out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(findings)
	}
	table := tabwriter.NewWriter(stdio.out, 0, 0, 2, ' ', 0)
	for _, f := range findings {
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Verdict, f.Check, f.Found)
		if f.Advice != "" {
			fmt.Fprintf(table, "\t\t  -> %s\n", f.Advice)
		}
	}
	return table.Flush()
}
