package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"vigil/daemon/migrate"
	"vigil/internal/atomicfile"
)

func newMigrateCommand(stdio terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Make a vigil.yaml of another agent's configuration",
		Long: `auditd's files are read as they are and need no migration. Other agents' configuration
is made into a vigil.yaml; of each key is said what it became, or why nothing does.

EXIT STATUS
  0  done
  1  what is there is broken, or the file could not be written
  2  wrong usage`,
		Example: "  vigil migrate auoms",
		Args:    aCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newMigrateAuomsCommand(stdio))
	return c
}

// migrateOptions says from where to where.
type migrateOptions struct {
	places migrate.Places
	output string
	force  bool
	asJSON bool
}

func newMigrateAuomsCommand(stdio terminal) *cobra.Command {
	var o migrateOptions
	c := &cobra.Command{
		Use:   "auoms",
		Short: "Make a vigil.yaml of the configuration of auoms, the Azure audit agent",
		Long: `Reads auoms.conf, auomscollect.conf, outconf.d, rules.d and redact.d, and prints a
vigil.yaml; with --output it is written into a file, whole or not at all. What each key
became goes to standard error, a line each. Nothing of auoms is changed.

EXIT STATUS
  0  done
  1  what is there is broken, or the file could not be written
  2  wrong usage`,
		Example: "  vigil migrate auoms\n  vigil migrate auoms --output /etc/vigil/vigil.yaml && vigil config check\n  vigil migrate auoms --json | jq -r '.notes[] | select(.became == null) | .key'",
		Args:    noArguments,
		RunE:    func(*cobra.Command, []string) error { return runMigrateAuoms(stdio, o) },
	}
	c.Flags().StringVar(&o.places.Dir, "dir", migrate.DefaultDir, "`directory` of auoms.conf and outconf.d")
	c.Flags().StringVar(&o.places.Redact, "redact-dir", "", "`directory` of the rules for redaction (default what auoms.conf says, else /etc/auoms/redact.d)")
	c.Flags().StringVarP(&o.output, "output", "o", "", "write the configuration into this `file`")
	c.Flags().BoolVar(&o.force, "force", false, "replace the file if it is there")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print a JSON object of the configuration and the notes")
	return c
}

func runMigrateAuoms(stdio terminal, o migrateOptions) error {
	if o.output != "" && !o.force {
		if _, err := os.Lstat(o.output); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write %s: it is there already: name another file with --output, or replace it with --force", o.output)
		}
	}
	result, err := migrate.Auoms(o.places)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("migrate auoms: %w: name the directory of auoms.conf with --dir", err)
		}
		return fmt.Errorf("migrate auoms: %w: nothing was written", err)
	}
	if o.output != "" {
		if err := atomicfile.Write(o.output, result.YAML, 0o600); err != nil {
			return err
		}
	}
	if o.asJSON {
		return json.NewEncoder(stdio.out).Encode(struct {
			YAML  string         `json:"yaml"`
			Notes []migrate.Note `json:"notes"`
		}{string(result.YAML), result.Notes})
	}
	for _, n := range result.Notes {
		if _, err := fmt.Fprintln(stdio.err, n); err != nil {
			return err
		}
	}
	if o.output == "" {
		_, err = stdio.out.Write(result.YAML)
	}
	return err
}
