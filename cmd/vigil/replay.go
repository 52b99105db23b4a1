package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"vigil/daemon/output"
)

func newReplayCommand(stdio terminal) *cobra.Command {
	var show showing
	c := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Print the events of any audit log",
		Long: `Put the records of audit logs together into events and print them, as "vigil run"
does live. Works on auditd's logs, RAW or ENRICHED, with or without node names,
gzip-compressed or not; "-" is standard input. Needs no privileges but to read
the files. They are read in the order given: the oldest first. Lines that are no
audit records are skipped and counted.

EXIT STATUS
  0  done
  1  a file could not be read
  2  wrong usage`,
		Example: `  vigil replay /var/log/audit/audit.log
  vigil replay audit.log.2 audit.log.1 audit.log
  vigil replay audit.log --filter 'proc.name = bash and evt.failed = true'
  zcat old/audit.log.*.gz | vigil replay - --output json > events.ndjson`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return wrongUsage(c, "%s wants files, or - for standard input", shortName(c))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			options, err := show.options(stdio)
			if err != nil {
				return err
			}
			printer := output.NewPrinter(stdio.out, options)
			for _, name := range args {
				if err = replayFile(c.Context(), stdio, name, printer); err != nil {
					break
				}
			}
			if err := errors.Join(err, printer.Flush()); err != nil {
				return err
			}
			if s := printer.Stats(); s.Skipped > 0 {
				fmt.Fprintf(stdio.err, "vigil: skipped %d of %d lines that are no audit records\n", s.Skipped, s.Lines)
			}
			return nil
		},
	}
	show.addFlags(c)
	return c
}

func replayFile(ctx context.Context, stdio terminal, name string, printer *output.Printer) error {
	if name == "-" {
		return replayStream(ctx, stdio.in, name, printer)
	}
	f, err := os.Open(name)
	if err != nil {
		return cannotReplay(name, err)
	}
	defer f.Close() //nolint:errcheck // only read
	return replayStream(ctx, f, name, printer)
}

// replayStream reads a log, unpacking it if it begins as gzip does (RFC 1952).
func replayStream(ctx context.Context, r io.Reader, name string, printer *output.Printer) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return cannotReplay(name, err)
		}
		r = unpacked
	} else {
		r = buffered
	}
	err := output.Replay(ctx, r, printer)
	if errors.Is(err, context.Canceled) { // Ctrl-C
		return nil
	}
	if err != nil {
		return cannotReplay(name, err)
	}
	return nil
}

// cannotReplay says why a log could not be read, and what to do.
func cannotReplay(name string, err error) error {
	what := "replay " + name
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: %w: name audit logs, or - for standard input", what, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: run as root, or as a member of the log's group", what, fs.ErrPermission)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Errorf("%s: %w: name the files in it", what, syscall.EISDIR)
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%s: %w: the compressed file is damaged; what could be read was printed", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
