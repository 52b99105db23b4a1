package main

import (
	"bufio"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"vigil/forward/redact"
)

func newForwardRedactionCommand(stdio terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "test-redaction DIRECTORY",
		Short: "Redact lines of standard input by the rules in a directory",
		Long: `Reads command lines, one a line, and prints what the rules leave of them, behind the
names of those that matched: as a sink with redact.dir would.

EXIT STATUS
  0  done
  1  the rules are missing or wrong: a sink would replace whole command lines
  2  wrong usage`,
		Example: "  vigil forward test-redaction /etc/auoms/redact.d < lines\n  echo 'mysql -password hunter2' | vigil forward test-redaction /etc/auoms/redact.d",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return wrongUsage(c, "%s wants one directory, got %d", shortName(c), len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return testRedaction(stdio, args[0]) },
	}
}

func testRedaction(stdio terminal, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find the rules: %w", err)
	}
	r := redact.New(redact.Config{Dir: dir}, nil)
	if err := r.Fault(); err != nil {
		return fmt.Errorf("%w: a sink would replace whole command lines", err)
	}
	lines := bufio.NewScanner(stdio.in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text, names := r.Text(lines.Text())
		if _, err := fmt.Fprintf(stdio.out, "[%s] %s\n", strings.Join(names, ","), oneLine(text)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	return nil
}
