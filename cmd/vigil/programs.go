package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// terminal is where a program reads and writes. The files are what the process
// was started with; tests pass their own.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

// A program runs with the arguments after its name and returns its exit status.
type program func(stdio terminal, args []string) int

// programs maps the names under which this binary may be called to what it then
// is. Each is also a command of vigil itself: `vigil auditctl -l`.
func programs() map[string]program {
	return map[string]program{
		"vigil":      runVigil,
		"auditctl":   runAuditctl,
		"augenrules": runAugenrules,
	}
}

// Exit statuses of vigil's own commands; the auditd names keep auditd's.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a wrong command line, exit status 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// exitError ends a command that has already said what there is to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// runVigil is vigil under its own name.
func runVigil(stdio terminal, args []string) int {
	if len(args) > 0 {
		if p, ok := programs()[args[0]]; ok && args[0] != "vigil" {
			return p(stdio, args[1:])
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the command winds up; a second one has its normal
	// effect and ends the process at once.
	context.AfterFunc(ctx, stop)

	root := newRootCommand(stdio)
	root.SetArgs(args)
	return exitStatus(stdio, root.ExecuteContext(ctx))
}

// exitStatus says an error in one line and maps it to an exit status.
func exitStatus(stdio terminal, err error) int {
	var usage usageError
	var exit exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return int(exit)
	case errors.Is(err, syscall.EPIPE): // the reader of our output has left
		return exitFailed
	case errors.As(err, &usage), isCobraUsage(err):
		fmt.Fprintf(stdio.err, "vigil: %s\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stdio.err, "vigil: %s\n", err)
		return exitFailed
	}
}

// isCobraUsage tells cobra's complaints about the command line, which have no
// type of their own, from errors of the commands.
func isCobraUsage(err error) bool {
	for _, beginning := range []string{"unknown command ", "unknown flag", "unknown shorthand ", "invalid argument ", "flag needs ", "required flag"} {
		if strings.HasPrefix(err.Error(), beginning) {
			return true
		}
	}
	return false
}

// newRootCommand is the tree of vigil's commands, in the order of a day's work.
func newRootCommand(stdio terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "vigil",
		Short: "The host's audit stream: read, kept, accounted for",
		Long: `Vigil takes over the audit stream of a Linux host. It reads the kernel's audit
records, keeps them in a trail that ausearch and every parser of auditd's log
read, and accounts for every one.

With no configuration at all:

  vigil run          what is executed on this host, live; the trail in
                     /var/log/audit/audit.log; Ctrl-C puts everything back
  vigil status       what the kernel produced, what was lost, what is on disk
  vigil doctor       what this host can and cannot do, and what to do about it`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(stdio.in)
	root.SetOut(stdio.out)
	root.SetErr(stdio.err)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w: see `%s --help`", err, c.CommandPath())}
	})
	root.AddCommand(
		newRunCommand(stdio),
		newStatusCommand(stdio),
		newReplayCommand(stdio),
		newFieldsCommand(stdio),
		newDoctorCommand(stdio),
		newRulesCommand(stdio),
		newTrailCommand(stdio),
		newConfigCommand(stdio),
		newManCommand(),
	)
	return root
}

// noArguments and the like are cobra's checks with our exit status.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments, got %q", c.CommandPath(), args[0])}
	}
	return nil
}
