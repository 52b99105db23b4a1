package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vigil/trail"
)

func newTrailCommand(stdio terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "trail",
		Short: "Check the trail, and say what is in it",
		Long: `The trail is the log on disk: /var/log/audit/audit.log, and the older files beside
it. LEDGER records in it carry a hash chain over all its bytes.

EXIT STATUS
  0  done
  1  something is damaged, or could not be read
  2  wrong usage`,
		Example: "  vigil trail verify",
		Args:    aCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newTrailVerifyCommand(stdio), newTrailStatCommand(stdio))
	return c
}

func newTrailVerifyCommand(stdio terminal) *cobra.Command {
	var where places
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check the hash chain over the trail's bytes",
		Long: `Compute the hash chain over the trail anew and compare it with the LEDGER records.
The first damaged place is named: file, line, byte. Works on a live trail, and on
a copy of its directory elsewhere.

Who can write to the trail as root can also compute the chain anew; compare the
last value printed with a copy that was kept elsewhere.

EXIT STATUS
  0  nothing is damaged
  1  something is, or the trail could not be read
  2  wrong usage`,
		Example: "  vigil trail verify\n  vigil trail verify --trail /mnt/evidence/audit.log --json",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			path, err := where.trailPath()
			if err != nil {
				return err
			}
			report, err := trail.Verify(c.Context(), path)
			if err != nil {
				return unreadable(err, "--trail")
			}
			if err := printReport(stdio.out, report, asJSON); err != nil {
				return err
			}
			if !report.OK() {
				return exitError(exitFailed)
			}
			return nil
		},
	}
	where.addReadFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printReport(w io.Writer, r trail.Report, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "read\t%d lines in %d files, %s\n", r.Lines, r.Segments, amount(uint64(r.Bytes)))
	fmt.Fprintf(table, "sealed\t%s by %d LEDGER records\n", amount(uint64(r.Sealed)), r.Ledger)
	if r.Before > 0 {
		fmt.Fprintf(table, "before\t%s from before the first LEDGER record that can be checked\n", amount(uint64(r.Before)))
	}
	fmt.Fprintf(table, "not sealed yet\t%s\n", amount(uint64(r.Tail)))
	if r.Last != nil {
		fmt.Fprintf(table, "last\t%s, %s\n", r.Chain, r.Last)
	}
	for _, d := range r.Damaged {
		fmt.Fprintf(table, "damaged\t%s\n", d)
	}
	if r.More > 0 {
		fmt.Fprintf(table, "\tand %d more places\n", r.More)
	}
	switch {
	case r.Ledger == 0:
		fmt.Fprintf(table, "verdict\tno LEDGER record: this is not Vigil's trail, and nothing vouches for it\n")
	case r.OK():
		fmt.Fprintf(table, "verdict\tnothing is damaged\n")
	}
	return errors.Join(table.Flush())
}
