package redact

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Config says what is redacted. The zero value redacts nothing.
type Config struct {
	Dir    string   `yaml:"dir" help:"A directory of rules as auoms has them: *.conf and *.requires, which only root may write. Its changes are seen within seconds. While it is missing or wrong, whole command lines are replaced."`
	Rules  []Rule   `yaml:"rules" help:"More rules."`
	Fields []string `yaml:"fields" help:"Fields whose values are overwritten whole, in all records (acct), in those of a type (USER_LOGIN.acct), or all that begin so (EXECVE.a*); cmdline: all command lines."`
}

// Rule overwrites what an expression matches.
type Rule struct {
	Name        string `yaml:"name" help:"What a record says that it has redacted."`
	Regex       string `yaml:"regex" help:"The expression (RE2), for a command line in one text. Its groups are overwritten, or all of it if it has none."`
	Replacement string `yaml:"replacement" help:"The character to overwrite with; empty: *."`
}

// Enabled reports whether anything is to be redacted.
func (c Config) Enabled() bool { return c.Dir != "" || len(c.Rules) > 0 || len(c.Fields) > 0 }

// Check says what is wrong with c, but for what is in the directory.
func (c Config) Check() error {
	if c.Dir != "" && !filepath.IsAbs(c.Dir) {
		return fmt.Errorf("redact: dir %q: write a path that begins with /", c.Dir)
	}
	if _, err := compileAll(c.Rules); err != nil {
		return err
	}
	_, err := compileFields(c.Fields)
	return err
}

// rule is a Rule, compiled.
type rule struct {
	name  string
	regex *regexp.Regexp
	char  byte
}

// badInNames may not stand in a rule's name (as in auoms).
const badInNames = ",/\"'`$%&<>?{}[]|\\="

// Bounds of what one sink's rules may cost.
const (
	maxRules = 1000
	maxRegex = 16 << 10
)

func compile(r Rule) (rule, error) {
	out := rule{name: r.Name, char: '*'}
	switch {
	case r.Name == "" || len(r.Name) > 128 || strings.ContainsAny(r.Name, badInNames) || strings.ContainsFunc(r.Name, func(c rune) bool { return c <= ' ' || c > '~' }):
		return out, fmt.Errorf("redact: rule %q: a name has 1 to 128 printable characters and none of %s or blanks", r.Name, badInNames)
	case r.Regex == "":
		return out, fmt.Errorf("redact: rule %q has no regex", r.Name)
	case len(r.Regex) > maxRegex:
		return out, fmt.Errorf("redact: rule %q: the regex is longer than %d bytes", r.Name, maxRegex)
	}
	if r.Replacement != "" {
		out.char = r.Replacement[0]
		if len(r.Replacement) != 1 || out.char <= ' ' || out.char > '~' || strings.IndexByte(`"'\=`, out.char) >= 0 {
			return out, fmt.Errorf("redact: rule %q: replacement %q: write one printable character, no quote, backslash or =", r.Name, r.Replacement)
		}
	}
	var err error
	if out.regex, err = regexp.Compile(r.Regex); err != nil {
		return out, fmt.Errorf("redact: rule %q: %w", r.Name, err)
	}
	return out, nil
}

func compileAll(list []Rule) ([]rule, error) {
	if len(list) > maxRules {
		return nil, fmt.Errorf("redact: there are %d rules: %d is the most", len(list), maxRules)
	}
	var out []rule
	for _, r := range list {
		compiled, err := compile(r)
		if err != nil {
			return nil, err
		}
		out = append(out, compiled)
	}
	return out, nil
}

// fieldRule names fields.
type fieldRule struct {
	text   string // as it was written
	record string // "": of any type
	name   string
	prefix bool // all that begin with name
}

// cmdlineField stands for all command lines.
const cmdlineField = "cmdline"

var fieldSyntax = regexp.MustCompile(`^(?:[A-Z][A-Z0-9_]*\.)?[A-Za-z][A-Za-z0-9_-]*\*?$`)

func compileFields(list []string) ([]fieldRule, error) {
	if len(list) > maxRules {
		return nil, fmt.Errorf("redact: there are %d fields: %d is the most", len(list), maxRules)
	}
	var out []fieldRule
	for _, text := range list {
		if !fieldSyntax.MatchString(text) {
			return nil, fmt.Errorf("redact: field %q: write one like acct, USER_LOGIN.acct or EXECVE.a*", text)
		}
		f := fieldRule{text: text, name: text}
		if record, name, ok := strings.Cut(text, "."); ok {
			f.record, f.name = record, name
		}
		f.name, f.prefix = strings.CutSuffix(f.name, "*")
		out = append(out, f)
	}
	return out, nil
}

func (f *fieldRule) matches(record string, name []byte) bool {
	if f.record != "" && f.record != record {
		return false
	}
	if f.prefix {
		return len(name) >= len(f.name) && string(name[:len(f.name)]) == f.name
	}
	return string(name) == f.name
}

var errEmpty = errors.New("there are no rules in it")
