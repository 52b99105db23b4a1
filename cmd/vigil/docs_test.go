package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"vigil/daemon/config"
)

//go:generate go test . -run TestGeneratedPages -update

var update = flag.Bool("update", false, "write the generated pages of docs")

// commands are all commands, the hidden ones too, in the order of the tree.
func commands() []*cobra.Command {
	var all []*cobra.Command
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	root := newRootCommand(terminal{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	root.InitDefaultHelpCmd()
	visit(root)
	return all
}

// Every command says how it ends, and shows how it is used; both fit a terminal.
func TestHelpIsWhole(t *testing.T) {
	for _, c := range commands() {
		name := c.CommandPath()
		if !strings.Contains(c.Long, "EXIT STATUS") || !strings.Contains(c.Long, "\n  2  ") {
			t.Errorf("%s --help does not say its exit statuses", name)
		}
		if !strings.HasPrefix(c.Example, "  vigil ") {
			t.Errorf("%s --help has no example", name)
		}
		for line := range strings.SplitSeq(c.Long+"\n"+c.Example, "\n") {
			if len(line) > 90 || strings.TrimRight(line, " ") != line {
				t.Errorf("%s --help: a line of %d columns: %q", name, len(line), line)
			}
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: Short is %q, want a phrase without a full stop", name, c.Short)
		}
		for line := range strings.SplitSeq(c.Example, "\n") {
			if err := understood(line); err != nil {
				t.Errorf("%s --help: example %q: %v", name, line, err)
			}
		}
	}
}

// What the handbook tells people to type is understood.
func TestDocsCommands(t *testing.T) {
	pages := []string{"../../README.md", "../../CONTRIBUTING.md"}
	err := filepath.WalkDir("../../docs", func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range pages {
		for _, line := range consoleLines(t, page) {
			seen++
			if err := understood(line); err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(page), line, err)
			}
		}
	}
	if seen < 10 {
		t.Errorf("found %d commands in %d pages: is the pattern still right?", seen, len(pages))
	}
}

// What the service runs is understood, too.
func TestServiceUnit(t *testing.T) {
	text, err := os.ReadFile("../../packaging/systemd/vigil.service")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindSubmatch(text)
	if command == nil {
		t.Fatal("no ExecStart")
	}
	if err := understood(string(command[1])); err != nil {
		t.Errorf("%s: %v", command[1], err)
	}
}

// Pages that a page leads to are there.
func TestDocsLinks(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../../README.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), string(link[1]))); err != nil {
				t.Errorf("%s leads to %s: %v", filepath.Base(page), link[1], err)
			}
		}
	}
}

// consoleLines are the lines behind "# " and "$ " in a page's console fences.
func consoleLines(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, fence := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllSubmatch(text, -1) {
		joined := strings.ReplaceAll(string(fence[1]), "\\\n", " ")
		for line := range strings.Lines(joined) {
			if command, ok := strings.CutPrefix(line, "# "); ok {
				lines = append(lines, command)
			} else if command, ok := strings.CutPrefix(line, "$ "); ok {
				lines = append(lines, command)
			}
		}
	}
	return lines
}

// understood looks for calls of vigil in a line of shell, and returns why one
// would be a usage error.
func understood(line string) error {
	for _, words := range shellCommands(line) {
		at := 0
		if len(words) > 2 && words[0] == "go" && words[1] == "run" {
			at = 2
		}
		if len(words) == 0 || filepath.Base(words[at]) != "vigil" {
			continue
		}
		args := words[at+1:]
		if len(args) > 0 && programs()[args[0]] != nil {
			continue // has auditd's own options
		}
		root := newRootCommand(terminal{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
		root.InitDefaultHelpCmd()
		c, rest, err := root.Find(args)
		if err != nil {
			return err
		}
		c.InitDefaultHelpFlag()
		c.InitDefaultVersionFlag()
		if err := c.ParseFlags(rest); err != nil {
			return err
		}
		if err := c.ValidateArgs(c.Flags().Args()); err != nil {
			return err
		}
	}
	return nil
}

// shellCommands cuts a line of shell into its simple commands and these into
// words, as far as a handbook needs it: quotes, pipes, redirections, lists.
func shellCommands(line string) [][]string {
	var all [][]string
	var words []string
	var word strings.Builder
	quote, inWord, redirected := byte(0), false, false
	endWord := func() {
		if inWord && !redirected {
			words = append(words, word.String())
		}
		if inWord {
			redirected = false
		}
		word.Reset()
		inWord = false
	}
	endCommand := func() {
		endWord()
		if len(words) > 0 {
			all = append(all, words)
		}
		words, redirected = nil, false
	}
	for _, c := range []byte(line) {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\n' || c == '\t':
			endWord()
		case c == '|' || c == ';' || c == '&' || c == '(' || c == ')':
			endCommand()
		case c == '>' || c == '<':
			endWord()
			redirected = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	endCommand()
	return all
}

func TestShellCommands(t *testing.T) {
	f := func(line string, want ...[]string) {
		t.Helper()
		if diff := cmp.Diff(shellCommands(line), want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", line, diff)
		}
	}
	f("vigil run", []string{"vigil", "run"})
	f(`a 'b | c' "d e"f | g; h && i`, []string{"a", "b | c", "d ef"}, []string{"g"}, []string{"h"}, []string{"i"})
	f("vigil man > file; x <in", []string{"vigil", "man"}, []string{"x"})
}

// A page that is generated says so, and is as the program has it: go test
// ./cmd/vigil -update writes it anew.
func TestGeneratedPages(t *testing.T) {
	f := func(name string, want []byte) {
		t.Helper()
		path := filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("%s is not what the program says; go test ./cmd/vigil -update (-page +program):\n%s", path, diff)
		}
	}
	f("commands.md", commandsPage())
	f("configuration.md", configurationPage())
}

func commandsPage() []byte {
	var page bytes.Buffer
	page.WriteString("# Commands\n\nMade from the commands' own help; do not edit. `vigil COMMAND --help` prints the same.\n\n")
	page.WriteString("| command | what it does |\n|---|---|\n")
	var shown []*cobra.Command
	for _, c := range commands() {
		if (c.IsAvailableCommand() || c.Hidden) && c.Name() != "help" && c.HasParent() {
			shown = append(shown, c)
			fmt.Fprintf(&page, "| [%s](#%s) | %s |\n", c.CommandPath(), strings.ReplaceAll(c.CommandPath(), " ", "-"), c.Short)
		}
	}
	for _, c := range shown {
		var help bytes.Buffer
		c.SetOut(&help)
		c.InitDefaultHelpFlag()
		if err := c.Help(); err != nil {
			panic("BUG: " + err.Error())
		}
		fmt.Fprintf(&page, "\n## %s\n\n```text\n%s```\n", c.CommandPath(), help.Bytes())
	}
	return page.Bytes()
}

func configurationPage() []byte {
	c := config.Default("/etc/audit")
	var page bytes.Buffer
	page.WriteString(configurationIntroduction)
	fmt.Fprintf(&page, "```yaml\n%s```\n", c.Render(true))
	return page.Bytes()
}

const configurationIntroduction = `# Configuration

Made from the program's defaults; do not edit. ` + "`vigil config show --defaults`" + ` prints the same.

Everything is optional. Settings come, weakest first, from

1. the defaults below;
2. ` + "`/etc/audit/auditd.conf`" + `, if it is there, as far as it concerns the log: ` + "`local_events`, `write_logs`, `log_file`,\n   `log_format`, `log_group`, `max_log_file`, `num_logs`, `max_log_file_action`, `flush`, `freq`, `name_format`, `name`" + `. In a file that
   is there, a key that is absent has auditd's built-in value, not the one below: no rotation, no flush;
3. ` + "`/etc/vigil/vigil.yaml`" + `, if it is there, or the file that ` + "`--config`" + ` names;
4. the flags of ` + "`vigil run`" + `: ` + "`--mode`, `--trail`, `--audit-dir`" + `.

The files are strict: what is unknown, twice or of the wrong type is an error that names the line and what would be right, and nothing
is taken then. Sizes are written like ` + "`8MiB`" + `, spans of time like ` + "`5ms`" + ` or ` + "`1s`" + `.

` + "```console\n# vigil config check\n# vigil config show\n```" + `

On SIGHUP (` + "`systemctl reload vigil`" + `) the rules are read again; the rest is taken at the next start, and named if it has changed.

`
