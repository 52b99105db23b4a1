package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"vigil/daemon"
	"vigil/rulesd"
	"vigil/rulesd/cli"
	"vigil/rulesd/rule"
)

// rulesOptions are the flags that the commands of vigil rules share.
type rulesOptions struct {
	where   places
	asJSON  bool
	builtIn bool
	permAll bool
}

func newRulesCommand(stdio terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "rules",
		Short: "Check, compare, load and explain audit rules",
		Long: `Audit rules say what the kernel records. They stand in /etc/audit/rules.d, in the
language of auditctl(8). These commands work with and without a running daemon.

EXIT STATUS
  0  done
  1  the rules have errors, or are not the kernel's
  2  wrong usage`,
		Example: "  vigil rules check\n  vigil rules diff",
		Args:    aCommand,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newRulesCheckCommand(stdio), newRulesListCommand(stdio), newRulesDiffCommand(stdio),
		newRulesApplyCommand(stdio), newRulesExplainCommand(stdio))
	return c
}

func (o *rulesOptions) addFlags(c *cobra.Command) {
	o.where.addReadFlags(c)
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&o.builtIn, "builtin", false, "the built-in rules")
	c.Flags().BoolVar(&o.permAll, "perm-all", false,
		"leave rules with perm= and without -S on all system calls, as auditctl before 4.0 does")
}

// source says which rules a command is about.
func (o *rulesOptions) source(paths []string) (cli.Source, error) {
	settings, err := o.where.load(nil)
	if err != nil {
		return cli.Source{}, err
	}
	if o.builtIn && len(paths) > 0 {
		return cli.Source{}, usageError{errors.New("--builtin and files exclude each other")}
	}
	return cli.Source{
		Paths: paths, BuiltIn: o.builtIn,
		Host: rulesd.Sources{Dirs: settings.Rules.Dirs, BuiltIn: settings.Rules.BuiltIn, Env: rule.Env{PermAll: o.permAll}},
	}, nil
}

func (o *rulesOptions) options(stdio terminal) cli.Options {
	return cli.Options{Out: stdio.out, Open: openEngine, JSON: o.asJSON}
}

// found turns a finding that means failure into an exit status.
func found(err error) error {
	if errors.Is(err, cli.ErrFound) {
		return exitError(exitFailed)
	}
	return err
}

const rulesSources = `Without FILE or DIR: the rules that the daemon would load, those of /etc/audit/rules.d
or, if there are none, the built-in ones.
`

func newRulesCheckCommand(stdio terminal) *cobra.Command {
	var o rulesOptions
	c := &cobra.Command{
		Use:   "check [FILE|DIR]...",
		Short: "Say what is wrong with rule files",
		Long: `Read rules as a whole and say what is wrong with them: errors, each with its place
and the nearest right word, and what is no error but probably not meant: repeated
rules, rules that cannot fire, unknown users, paths and system calls that this host
does not have. Nothing is loaded.

` + rulesSources + `
EXIT STATUS
  0  the rules can be loaded
  1  they have errors
  2  wrong usage`,
		Example: "  vigil rules check\n  vigil rules check /usr/share/doc/auditd/examples/rules/30-stig.rules",
		RunE: func(c *cobra.Command, args []string) error {
			src, err := o.source(args)
			if err != nil {
				return err
			}
			return found(cli.Check(c.Context(), src, o.options(stdio)))
		},
	}
	o.addFlags(c)
	return c
}

func newRulesListCommand(stdio terminal) *cobra.Command {
	var asJSON, builtIn, stock bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Print the rules that the kernel has",
		Long: `Print the kernel's rules in the order in which it looks at them, each as a line that
can be loaded again and then is the same rule. Nothing is printed if there are none.

EXIT STATUS
  0  done
  1  the kernel could not be asked
  2  wrong usage`,
		Example: "  vigil rules list --json | jq length\n  vigil rules list --builtin > /etc/audit/rules.d/50-vigil.rules",
		Args:    noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			opt := cli.Options{Out: stdio.out, Open: openEngine, JSON: asJSON}
			if builtIn {
				return cli.ListBuiltIn(opt)
			}
			return cli.List(c.Context(), stock, opt)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&builtIn, "builtin", false, "print the built-in rule file instead, with its comments")
	c.Flags().BoolVar(&stock, "stock", false, "print as auditctl -l does, which cannot always be loaded again")
	return c
}

func newRulesDiffCommand(stdio terminal) *cobra.Command {
	var o rulesOptions
	c := &cobra.Command{
		Use:   "diff [FILE|DIR]...",
		Short: "Say what apply would change",
		Long: `Compare the kernel's rules with a set and print what apply would take out (-) and
add (+). Nothing is changed.

` + rulesSources + `
EXIT STATUS
  0  the kernel has these rules
  1  it has others, or the rules have errors
  2  wrong usage`,
		Example: "  vigil rules diff\n  vigil rules diff --builtin --json",
		RunE: func(c *cobra.Command, args []string) error {
			src, err := o.source(args)
			if err != nil {
				return err
			}
			return found(cli.Diff(c.Context(), src, o.options(stdio)))
		},
	}
	o.addFlags(c)
	return c
}

func newRulesApplyCommand(stdio terminal) *cobra.Command {
	var o rulesOptions
	var runDir string
	c := &cobra.Command{
		Use:   "apply [FILE|DIR]...",
		Short: "Load rules, whole or not at all",
		Long: `Make the kernel's rules those of a set, with the fewest changes: a rule that it has
already stays, and is at no moment absent. A set with an error changes nothing. If
the kernel refuses a rule, everything is put back.

While the kernel's rules are locked (auditctl -e 2) the command says what the next
boot will change, and changes nothing.

` + rulesSources + `
EXIT STATUS
  0  the kernel has the rules, or will have them after the next boot
  1  they could not be loaded, and nothing has changed; or lines were left out
     under a -c
  2  wrong usage`,
		Example: "  vigil rules apply\n  vigil rules apply ./web.rules",
		RunE: func(c *cobra.Command, args []string) error {
			src, err := o.source(args)
			if err != nil {
				return err
			}
			if len(args) > 0 || o.builtIn {
				if _, err := daemon.AskStatus(c.Context(), runDir); err == nil {
					fmt.Fprintln(stdio.err, "vigil: the running daemon keeps the rules of its own files: put these beside them to keep them loaded")
				}
			}
			return found(cli.Apply(c.Context(), src, stdio.err, o.options(stdio)))
		},
	}
	o.addFlags(c)
	c.Flags().StringVar(&runDir, "run-dir", defaultRunDir, "`directory` of the daemon's control socket")
	return c
}

func newRulesExplainCommand(stdio terminal) *cobra.Command {
	var o rulesOptions
	var loaded bool
	c := &cobra.Command{
		Use:   "explain [FILE|DIR]...",
		Short: "Say in words what rules catch, and what they cost",
		Long: `Say of each rule in words what it catches, which engine evaluates it, on how many
system calls, and how many events a second had its key, counted in the trail. Old-style
watches (-w) are shown with the same rule in a form that costs less.

` + rulesSources + `
EXIT STATUS
  0  done
  1  the rules have errors, or could not be read
  2  wrong usage`,
		Example: "  vigil rules explain\n  vigil rules explain --loaded --json",
		RunE: func(c *cobra.Command, args []string) error {
			src, err := o.source(args)
			if err != nil {
				return err
			}
			if loaded && (len(args) > 0 || o.builtIn) {
				return usageError{errors.New("--loaded and files exclude each other")}
			}
			settings, err := o.where.load(nil)
			if err != nil {
				return err
			}
			return found(cli.Explain(c.Context(), src, loaded, trailFiles(settings.Trail.Path), o.options(stdio)))
		},
	}
	o.addFlags(c)
	c.Flags().BoolVar(&loaded, "loaded", false, "the rules that the kernel has")
	return c
}

// trailFiles are a trail's segments, oldest first.
func trailFiles(live string) []string {
	var files []string
	for n := 1; ; n++ {
		file := live + "." + strconv.Itoa(n)
		if _, err := os.Stat(file); err != nil {
			break
		}
		files = append([]string{file}, files...)
	}
	return append(files, filepath.Clean(live))
}
