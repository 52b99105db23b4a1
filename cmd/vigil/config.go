package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vigil/daemon"
	"vigil/daemon/config"
)

// places says where an instance finds and leaves things: the flags that move it
// away from the system's own places, so that it can be tried beside others.
type places struct {
	config   string
	auditDir string
	stateDir string
	runDir   string
	trail    string
}

// The system's own places. defaultConfig is read if it is there; a file that is named
// must be.
const (
	defaultConfig   = "/etc/vigil/vigil.yaml"
	defaultAuditDir = "/etc/audit"
	defaultRunDir   = "/run/vigil"
)

func (p *places) addFlags(c *cobra.Command) {
	p.addReadFlags(c)
	c.Flags().StringVar(&p.stateDir, "state-dir", "/var/lib/vigil", "`directory` for what outlives a reboot")
	c.Flags().StringVar(&p.runDir, "run-dir", defaultRunDir, "`directory` for the control socket, and for what is to be put back after a crash")
}

// addReadFlags adds the places that commands need which only read.
func (p *places) addReadFlags(c *cobra.Command) {
	c.Flags().StringVar(&p.config, "config", "", "configuration `file` (default "+defaultConfig+" if it is there)")
	c.Flags().StringVar(&p.auditDir, "audit-dir", defaultAuditDir, "`directory` of auditd.conf and rules.d")
	c.Flags().StringVar(&p.trail, "trail", "", "the trail's live `file` (default from the configuration: /var/log/audit/audit.log)")
}

// load reads the configuration: defaults, auditd.conf, vigil.yaml, flags. What
// somebody has chosen in auditd.conf and Vigil does not do is said to log, if there
// is one.
func (p *places) load(log *slog.Logger) (config.Config, error) {
	c, ignored, err := p.read()
	chosen := slices.DeleteFunc(ignored, config.ShippedByAuditd)
	if len(chosen) > 0 && log != nil && err == nil {
		log.Warn(p.auditdConf() + ": not acted on: " + strings.Join(chosen, ", "))
	}
	return c, err
}

func (p *places) auditdConf() string { return filepath.Join(p.auditDir, "auditd.conf") }

// read is load, and returns everything in auditd.conf that is not acted on.
func (p *places) read() (c config.Config, ignored []string, err error) {
	auditDir, err := filepath.Abs(p.auditDir)
	if err != nil {
		return c, nil, fmt.Errorf("find the audit directory: %w", err)
	}
	c = config.Default(auditDir)
	if ignored, err = c.ApplyAuditdConf(p.auditdConf()); err != nil {
		return c, nil, unreadable(err, "--audit-dir")
	}
	file := p.config
	if file == "" {
		file = defaultConfig
	}
	if err := c.ApplyYAML(file); err != nil && (p.config != "" || !errors.Is(err, fs.ErrNotExist)) {
		return c, nil, unreadable(err, "--config")
	}
	if p.trail != "" {
		c.Trail.Path, err = p.namedTrail()
	}
	return c, ignored, err
}

// unreadable adds to an error of reading a file, which flag has named, what to do.
func unreadable(err error, flag string) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: run as root, or name another place with %s", err, flag)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: name one that is there with %s", err, flag)
	}
	return err
}

// namedTrail is the trail that --trail names.
func (p *places) namedTrail() (string, error) {
	path, err := filepath.Abs(p.trail)
	if err != nil {
		return "", fmt.Errorf("find the trail: %w", err)
	}
	return path, nil
}

// trailPath finds the trail, for commands that need nothing else: one that is
// named needs no configuration.
func (p *places) trailPath() (string, error) {
	if p.trail != "" {
		return p.namedTrail()
	}
	if p.config == "" && p.auditDir == defaultAuditDir {
		if path, ok := runningTrail(); ok {
			return path, nil
		}
	}
	c, err := p.load(nil)
	return c.Trail.Path, err
}

// runningTrail is where the system's own daemon writes, if it runs: beside auditd that
// is not where the configuration says.
func runningTrail() (string, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s, err := daemon.AskStatus(ctx, defaultRunDir)
	if err != nil || s.Trail == nil {
		return "", false
	}
	return s.Trail.Path, true
}

func newConfigCommand(stdio terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check and show the configuration",
		Long: `Settings come, weakest first, from the defaults, from auditd.conf, from vigil.yaml
and from the command line of "vigil run". Everything is optional.

EXIT STATUS
  0  done
  1  the configuration is wrong
  2  wrong usage`,
		Example: "  vigil config show --defaults\n  vigil config check",
		Args:    aCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newConfigCheckCommand(stdio), newConfigShowCommand(stdio))
	return c
}

func newConfigCheckCommand(stdio terminal) *cobra.Command {
	var where places
	c := &cobra.Command{
		Use:   "check",
		Short: "Read the configuration as `vigil run` would, and say what is wrong",
		Long: `Read auditd.conf and vigil.yaml as "vigil run" would. The first thing that is
wrong is said with its file, line and what would be right. What auditd does for
some setting of auditd.conf and Vigil does not is named.

EXIT STATUS
  0  nothing is wrong
  1  something is wrong
  2  wrong usage`,
		Example: "  vigil config check --config ./vigil.yaml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, ignored, err := where.read()
			if err != nil {
				return err
			}
			if len(ignored) > 0 {
				fmt.Fprintf(stdio.out, "in %s, and not acted on:\n  %s\n", where.auditdConf(), strings.Join(ignored, "\n  "))
			}
			_, err = fmt.Fprintln(stdio.out, "the configuration is right")
			return err
		},
	}
	where.addReadFlags(c)
	return c
}

func newConfigShowCommand(stdio terminal) *cobra.Command {
	var where places
	var defaults bool
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the configuration that `vigil run` would use",
		Long: `Print the configuration that "vigil run" would use, from all its sources, as a
vigil.yaml. With --defaults: what holds when nothing is configured, each key with
its meaning.

EXIT STATUS
  0  done
  1  the configuration is wrong
  2  wrong usage`,
		Example: "  vigil config show --defaults > /etc/vigil/vigil.yaml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			settings := config.Default(where.auditDir)
			if !defaults {
				var err error
				if settings, err = where.load(nil); err != nil {
					return err
				}
			}
			_, err := io.WriteString(stdio.out, settings.Render(defaults))
			return err
		},
	}
	c.Flags().BoolVar(&defaults, "defaults", false, "the defaults, with comments")
	where.addReadFlags(c)
	return c
}
