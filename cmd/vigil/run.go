package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"vigil/daemon"
	"vigil/daemon/config"
)

func newRunCommand(stdio terminal) *cobra.Command {
	var where places
	var mode string
	var show showing
	c := &cobra.Command{
		Use:   "run",
		Short: "Read the kernel's audit stream, keep it, show it",
		Long: `Read the kernel's audit records, append them to the trail, and print the events
live. With no configuration it does what auditd would do with the files in
/etc/audit; without rules there, it loads its built-in ones.

It registers as the kernel's audit daemon; if another process is that (auditd,
say), it observes beside it and says so. On SIGTERM or Ctrl-C it reads what is
queued, and puts back the rules and settings that it found.

Signals: HUP reads the configuration again, USR1 rotates the trail.

EXIT STATUS
  0  ended by a signal, everything put back
  1  could not start, or could not go on
  2  wrong usage`,
		Example: `  vigil run
  vigil run --filter 'audit.key = exec and user.name != root'
  vigil run --output json | jq -c 'select(.process.name == "curl")'
  vigil run --output none --config /etc/vigil/vigil.yaml`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			log := newLogger(stdio.err)
			settings := func() (config.Config, error) {
				settings, err := where.load(log)
				if err == nil && mode != "" {
					settings.Source.Mode = config.Mode(mode)
				}
				return settings, err
			}
			options, err := show.options(stdio)
			if err != nil {
				return err
			}
			if err := config.CheckMode(mode); err != nil {
				return usageError{fmt.Errorf("--mode: %w", err)}
			}
			// The end of the output's reader must not be ours before everything is
			// put back: writing to it gives EPIPE instead.
			signal.Ignore(syscall.SIGPIPE)
			return daemon.Run(c.Context(), daemon.Options{
				Settings: settings,
				StateDir: where.stateDir,
				RunDir:   where.runDir,
				Output:   options,
				Stdout:   stdio.out,
				Version:  version(),
				Log:      log,
			})
		},
	}
	where.addFlags(c)
	c.Flags().StringVar(&mode, "mode", "", "be `what`: auto, daemon or observer (default from the configuration: auto)")
	choices(c, "mode", string(config.Auto), string(config.Daemon), string(config.Observer))
	show.addFlags(c)
	return c
}

// isTerminal says whether people read the output as it comes.
func isTerminal(stdio terminal) bool {
	f, ok := stdio.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
