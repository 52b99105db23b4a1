package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"vigil/internal/nearest"
)

// newCompletionCommand writes what shells need to complete vigil's command lines.
func newCompletionCommand(stdio terminal) *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the completion script for a shell",
		Long: `Print the script that makes a shell complete vigil's commands and flags.

EXIT STATUS
  0  done
  2  wrong usage`,
		Example: `  vigil completion bash > /etc/bash_completion.d/vigil
  vigil completion zsh > "${fpath[1]}/_vigil"
  vigil completion fish > ~/.config/fish/completions/vigil.fish`,
		ValidArgs: shells,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return wrongUsage(c, "%s wants one shell: %s", shortName(c), strings.Join(shells, ", "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(stdio.out, true)
			case "zsh":
				return c.Root().GenZshCompletion(stdio.out)
			case "fish":
				return c.Root().GenFishCompletion(stdio.out, true)
			}
			if best, ok := nearest.Word(args[0], shells); ok {
				return usageError{fmt.Errorf("unknown shell %q: did you mean %q?", args[0], best)}
			}
			return usageError{fmt.Errorf("unknown shell %q: right are %s", args[0], strings.Join(shells, ", "))}
		},
	}
}
