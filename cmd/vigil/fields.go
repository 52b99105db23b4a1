package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"vigil/filter/field"
)

func newFieldsCommand(stdio terminal) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "fields [WORD]",
		Short: "List the fields of the filter language",
		Long: `List the fields that --filter and --format know, with type, meaning, example and
where the value comes from; with WORD, those that have it in name or meaning.

EXIT STATUS
  0  done
  1  no field has the word
  2  wrong usage`,
		Example: "  vigil fields proc.\n  vigil fields --json container | jq -r '.[].name'",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return wrongUsage(c, "%s takes one word, got %d", shortName(c), len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			word := ""
			if len(args) == 1 {
				word = args[0]
			}
			return printFields(stdio, word, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printFields(stdio terminal, word string, asJSON bool) error {
	fields := field.Standard()
	text := fields.Text(word)
	if len(text) == 0 {
		return errors.New("no field has " + word + " in its name or meaning: `vigil fields` lists them all")
	}
	if asJSON {
		var err error
		if text, err = fields.JSON(word); err != nil {
			return fmt.Errorf("list fields: %w", err)
		}
	}
	_, err := stdio.out.Write(text)
	return err
}
