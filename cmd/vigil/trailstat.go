package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/trail"
)

// segmentStat is what `vigil trail stat` says of one file.
type segmentStat struct {
	File    string    `json:"file"`
	Bytes   int64     `json:"bytes"`
	Live    bool      `json:"live"`
	Records uint64    `json:"records"`
	Ledger  uint64    `json:"ledger"`  // LEDGER records among them
	Skipped uint64    `json:"skipped"` // lines that are no record
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
}

func newTrailStatCommand(stdio terminal) *cobra.Command {
	var where places
	var asJSON bool
	c := &cobra.Command{
		Use:   "stat",
		Short: "List the trail's files: size, records, first and last time",
		Long: `Read the trail's files, the oldest first, and say what is in each. Works on any
audit log.

EXIT STATUS
  0  done
  1  the trail could not be read
  2  wrong usage`,
		Example: "  vigil trail stat\n  vigil trail stat --trail /mnt/evidence/audit.log --json",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			path, err := where.trailPath()
			if err != nil {
				return err
			}
			files, err := trail.Files(path)
			if err != nil {
				return fmt.Errorf("list the trail: %w", err)
			}
			if len(files) == 0 {
				return fmt.Errorf("list the trail: %w: name its live file with --trail", &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist})
			}
			stats := make([]segmentStat, len(files))
			for i, f := range files {
				if stats[i], err = statSegment(f); err != nil {
					return err
				}
			}
			return printSegments(stdio.out, stats, asJSON)
		},
	}
	where.addReadFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// statSegment reads a file through.
func statSegment(file trail.File) (segmentStat, error) {
	s := segmentStat{File: file.Path, Bytes: file.Size, Live: file.Live}
	f, err := os.Open(file.Path)
	if err != nil {
		return s, fmt.Errorf("read the trail: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	lines := trail.NewReader(f)
	for lines.Next() {
		r, err := audit.ParseLine(lines.Bytes())
		if err != nil {
			s.Skipped++
			continue
		}
		s.Records++
		if r.Type == tables.TypeLedger {
			s.Ledger++
		}
		at := r.ID.Time()
		if s.First.IsZero() || at.Before(s.First) {
			s.First = at
		}
		if at.After(s.Last) {
			s.Last = at
		}
	}
	if lines.Err() != nil {
		return s, fmt.Errorf("read %s: %w", file.Path, lines.Err())
	}
	return s, nil
}

func printSegments(w io.Writer, stats []segmentStat, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(stats)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tSIZE\tRECORDS\tLEDGER\tFIRST\tLAST")
	for _, s := range stats {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\n", s.File, amount(uint64(s.Bytes)), s.Records, s.Ledger, stampText(s.First), stampText(s.Last))
	}
	return table.Flush()
}

func stampText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format("2006-01-02 15:04:05")
}
