package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"vigil/internal/nearest"
)

// usageError is a wrong command line, exit status 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// wrongUsage says what is wrong with a command line, and where to read what would
// be right.
func wrongUsage(c *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf("%s: see `%s --help`", fmt.Sprintf(format, args...), c.CommandPath())}
}

// shortName is a command's name after "vigil".
func shortName(c *cobra.Command) string {
	return strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" ")
}

// noArguments is cobra.NoArgs with our message and exit status.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return wrongUsage(c, "%s takes no arguments, got %q", shortName(c), args[0])
	}
	return nil
}

// aCommand is the check of commands that only lead to others: what comes after
// them is none.
func aCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var right []string
	for _, sub := range c.Commands() {
		right = append(right, sub.Name())
	}
	if best, ok := nearest.Word(args[0], right); ok {
		return usageError{fmt.Errorf("unknown command %q: did you mean %q?", args[0], best)}
	}
	return wrongUsage(c, "unknown command %q", args[0])
}

// wrongFlag explains what the flag parser complains of.
func wrongFlag(c *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var right []string
		c.Flags().VisitAll(func(f *pflag.Flag) { right = append(right, f.Name) })
		if best, ok := nearest.Word(unknown.GetSpecifiedName(), right); ok {
			return usageError{fmt.Errorf("unknown flag --%s: did you mean --%s?", unknown.GetSpecifiedName(), best)}
		}
		return wrongUsage(c, "unknown flag --%s", unknown.GetSpecifiedName())
	}
	return wrongUsage(c, "%s", err)
}

// usageTemplate is cobra's in our words: a command that only leads to others has
// no flags of its own to offer.
const usageTemplate = `Usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}
{{- if .HasExample}}

Examples:
{{.Example}}
{{- end}}
{{- if .HasAvailableSubCommands}}

Commands:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}
{{- end}}{{end}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 100 | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" says more about a command.
{{- end}}
`

// newHelpCommand is `vigil help`, for those who look for it there.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Say more about a command",
		Long: `Print what "vigil COMMAND --help" prints.

EXIT STATUS
  0  done
  2  there is no such command`,
		Example:           "  vigil help trail verify",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil {
				return usageError{err}
			}
			if err := aCommand(about, rest); err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			about.InitDefaultVersionFlag()
			return about.Help()
		},
	}
}

// choices makes shells offer the words that a flag takes.
func choices(c *cobra.Command, flag string, words ...string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic("BUG: " + err.Error())
	}
}
