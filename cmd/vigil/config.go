package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

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

// defaultConfig is read if it is there; a file that is named must be.
const defaultConfig = "/etc/vigil/vigil.yaml"

func (p *places) addFlags(c *cobra.Command) {
	p.addReadFlags(c)
	c.Flags().StringVar(&p.stateDir, "state-dir", "/var/lib/vigil", "`directory` for what outlives a reboot")
	c.Flags().StringVar(&p.runDir, "run-dir", "/run/vigil", "`directory` for the control socket, and for what is to be put back after a crash")
}

// addReadFlags adds the places that commands need which only read.
func (p *places) addReadFlags(c *cobra.Command) {
	c.Flags().StringVar(&p.config, "config", "", "configuration `file` (default "+defaultConfig+" if it is there)")
	c.Flags().StringVar(&p.auditDir, "audit-dir", "/etc/audit", "`directory` of auditd.conf and rules.d")
	c.Flags().StringVar(&p.trail, "trail", "", "the trail's live `file` (default from the configuration: /var/log/audit/audit.log)")
}

// load reads the configuration: defaults, auditd.conf, vigil.yaml, flags. What
// auditd.conf asks for and Vigil does not do is said to log, if there is one.
func (p *places) load(log *slog.Logger) (config.Config, error) {
	c := config.Default(p.auditDir)
	auditdConf := filepath.Join(p.auditDir, "auditd.conf")
	ignored, err := c.ApplyAuditdConf(auditdConf)
	if err != nil {
		return c, err
	}
	if len(ignored) > 0 && log != nil {
		log.Warn("settings that are not acted on", "file", auditdConf, "settings", ignored)
	}
	file := p.config
	if file == "" {
		file = defaultConfig
	}
	if err := c.ApplyYAML(file); err != nil && (p.config != "" || !errors.Is(err, fs.ErrNotExist)) {
		return c, err
	}
	if p.trail != "" {
		absolute, err := filepath.Abs(p.trail)
		if err != nil {
			return c, fmt.Errorf("find the trail: %w", err)
		}
		c.Trail.Path = absolute
	}
	return c, nil
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
wrong is said with its file, line and what would be right.

EXIT STATUS
  0  nothing is wrong
  1  something is wrong
  2  wrong usage`,
		Example: "  vigil config check --config ./vigil.yaml",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			if _, err := where.load(newLogger(stdio.err)); err != nil {
				return err
			}
			_, err := fmt.Fprintln(stdio.out, "the configuration is right")
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
