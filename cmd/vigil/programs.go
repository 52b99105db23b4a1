package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

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
		"ausearch":   runAusearch,
		"aulast":     runAulast,
		"aulastlog":  runAulastlog,
		"aureport":   runAureport,
		"ausyscall":  runAusyscall,
	}
}

// Exit statuses of vigil's own commands; the auditd names keep auditd's.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// exitError ends a command that has already said what there is to say.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// patience is how long after a signal to end another one counts as the same.
const patience = 2 * time.Second

// runVigil is vigil under its own name.
func runVigil(stdio terminal, args []string) int {
	if len(args) > 0 {
		if p, ok := programs()[args[0]]; ok && args[0] != "vigil" {
			return p(stdio, args[1:])
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the command winds up. A later one has its normal effect
	// and ends the process at once; but not one that comes with the first, as from
	// timeout(1), which signals its child and then the group. Signals are ours to the
	// very end, so that the exit status is, too.
	context.AfterFunc(ctx, func() { time.AfterFunc(patience, stop) })

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
	case errors.As(err, &usage):
		fmt.Fprintf(stdio.err, "vigil: %s\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stdio.err, "vigil: %s\n", err)
		return exitFailed
	}
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
  vigil doctor       what this host can and cannot do, and what to do about it

EXIT STATUS, of every command
  0  done
  1  failed; what failed, why, and what to do is on standard error
  2  wrong usage`,
		Example:       "  vigil run\n  vigil replay /var/log/audit/audit.log",
		Version:       version(),
		Args:          aCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(stdio.in)
	root.SetOut(stdio.out)
	root.SetErr(stdio.err)
	root.SetVersionTemplate("vigil {{.Version}}\n")
	root.SetUsageTemplate(usageTemplate)
	root.SetFlagErrorFunc(wrongFlag)
	root.SetHelpCommand(newHelpCommand())
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		newRunCommand(stdio),
		newStatusCommand(stdio),
		newForwardCommand(stdio),
		newReplayCommand(stdio),
		newSearchCommand(stdio),
		newReportCommand(stdio),
		newFieldsCommand(stdio),
		newDoctorCommand(stdio),
		newRulesCommand(stdio),
		newTrailCommand(stdio),
		newConfigCommand(stdio),
		newMigrateCommand(stdio),
		newCompletionCommand(stdio),
		newManCommand(),
	)
	return root
}
