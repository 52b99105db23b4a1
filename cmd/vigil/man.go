package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManCommand writes the man pages from the same texts as --help. Packages
// and `make man` call it; people read the pages.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the man pages of all commands into DIR",
		Long: `Write the man pages of all commands, section 8, into the existing or new directory
DIR.

EXIT STATUS
  0  done
  1  the pages could not be written
  2  wrong usage`,
		Example: "  vigil man /usr/local/share/man/man8",
		Hidden:  true,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return wrongUsage(c, "%s wants one directory", shortName(c))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("write man pages: %w", err)
			}
			c.Root().DisableAutoGenTag = true // no dates: the pages are reproducible
			header := &doc.GenManHeader{Section: "8", Source: "Vigil", Manual: "System Administration"}
			if err := doc.GenManTree(c.Root(), header, args[0]); err != nil {
				return fmt.Errorf("write man pages: %w", err)
			}
			return nil
		},
	}
}
