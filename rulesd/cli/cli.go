package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"vigil/audit/tables"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// Source says which rules a command is about.
type Source struct {
	Paths   []string       // rule files and directories of them; none: Host
	Host    rulesd.Sources // where this host's rules are
	BuiltIn bool           // the built-in rules
}

// Options are what the commands have in common.
type Options struct {
	Out  io.Writer
	Open func(ctx context.Context) (rulesd.Engine, error) // connects to the audit engine
	JSON bool
}

// ErrFound is returned when a command did what it was asked and what it found
// means failure: errors in a set, or a difference. There is nothing more to say.
var ErrFound = errors.New("found")

// load reads a source. from says where the rules are from, in words.
func (s Source) load(host rulesd.Host) (set *rulesd.Set, from string, err error) {
	switch {
	case s.BuiltIn:
		return rulesd.Builtin(s.Host.Env, host), "the built-in rules", nil
	case len(s.Paths) == 0:
		src := s.Host
		src.Host = host
		set, from, err = rulesd.Find(src)
		if from == rulesd.FromBuiltIn {
			return set, "the built-in rules", err
		}
		return set, "the rule files", err
	}
	cfg := rulesd.Config{Env: s.Host.Env, Host: host}
	for _, path := range s.Paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, "", fmt.Errorf("read rules: %w", err)
		case info.IsDir():
			cfg.Dirs = append(cfg.Dirs, path)
		default:
			cfg.Files = append(cfg.Files, path)
		}
	}
	set, err = rulesd.Load(cfg)
	return set, "the given files", err
}

// connect opens the engine and reads what of it matters to sets.
func (o Options) connect(ctx context.Context) (rulesd.Engine, rulesd.Status, error) {
	engine, err := o.Open(ctx)
	if err != nil {
		return nil, rulesd.Status{}, err
	}
	status, err := engine.Status(ctx)
	if err != nil {
		return nil, status, errors.Join(err, engine.Close())
	}
	return engine, status, nil
}

func (o Options) encode(v any) error {
	encoder := json.NewEncoder(o.Out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// Check prints everything worth saying about a set. It returns ErrFound if the set
// has errors.
func Check(_ context.Context, src Source, opt Options) error {
	set, _, err := src.load(rulesd.Host{})
	if err != nil {
		return err
	}
	findings := set.Check()
	bad := 0
	for _, f := range findings {
		if f.Severity == rulesd.Error {
			bad++
		}
	}
	if opt.JSON {
		err = opt.encode(struct {
			Rules    int              `json:"rules"`
			Skipped  int              `json:"skipped"`
			Findings []rulesd.Finding `json:"findings"`
		}{len(set.Entries), len(set.Skipped), append([]rulesd.Finding{}, findings...)})
	} else {
		for _, f := range findings {
			fmt.Fprintf(opt.Out, "%s: %s\n", f.Severity, f.Detail())
		}
		_, err = fmt.Fprintf(opt.Out, "%s, %s, %s\n", count(len(set.Entries), "rule"), count(bad, "error"), count(len(findings)-bad, "warning"))
	}
	if err == nil && bad > 0 {
		return ErrFound
	}
	return err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// listed is a rule in JSON.
type listed struct {
	Rule   string   `json:"rule"`
	List   string   `json:"list"`
	Action string   `json:"action"`
	Keys   []string `json:"keys,omitempty"`
	File   string   `json:"file,omitempty"`
	Line   int      `json:"line,omitempty"`
}

func describe(r *rule.Rule) listed {
	return listed{Rule: r.String(), List: r.List.String(), Action: r.Action.String(), Keys: r.Keys()}
}

// List prints the loaded rules, each so that it can be loaded again; with stock as
// auditctl -l prints them.
func List(ctx context.Context, stock bool, opt Options) error {
	engine, _, err := opt.connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	rules, err := rulesd.KernelRules(ctx, engine)
	if err != nil {
		return err
	}
	if opt.JSON {
		out := make([]listed, 0, len(rules))
		for i := range rules {
			out = append(out, describe(&rules[i]))
		}
		return opt.encode(out)
	}
	for i := range rules {
		if _, err := fmt.Fprintln(opt.Out, rules[i].Text(rule.Style{Stock: stock})); err != nil {
			return err
		}
	}
	return nil
}

// ListBuiltIn prints the built-in rule file with its comments.
func ListBuiltIn(opt Options) error {
	_, err := io.WriteString(opt.Out, rulesd.BuiltinText())
	return err
}

// difference is a Diff in JSON.
type difference struct {
	Same    bool     `json:"same"`
	Added   []listed `json:"to_add"`
	Removed []listed `json:"to_remove"`
	Kept    int      `json:"kept"`
	Moved   int      `json:"to_move"`
	Locked  bool     `json:"locked"` // until the next boot
}

// Diff prints what Apply would change. It returns ErrFound if that is anything.
func Diff(ctx context.Context, src Source, opt Options) error {
	engine, status, err := opt.connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	set, from, err := src.load(rulesd.Host{Features: status.Features})
	if err == nil {
		err = set.Err()
	}
	if err != nil {
		return err
	}
	d, err := set.Diff(ctx, engine)
	if err != nil {
		return err
	}
	if err := opt.printDiff(d, from, status.Enabled == rulesd.EnabledLocked); err != nil {
		return err
	}
	if !d.Empty() {
		return ErrFound
	}
	return nil
}

func (o Options) printDiff(d *rulesd.Diff, from string, locked bool) error {
	out := difference{Same: d.Empty(), Added: []listed{}, Removed: []listed{}, Kept: d.Kept, Moved: d.Moved, Locked: locked}
	for i := range d.Removed {
		out.Removed = append(out.Removed, describe(&d.Removed[i]))
	}
	for i := range d.Added {
		added := describe(&d.Added[i].Rule)
		added.File, added.Line = d.Added[i].Line.File, d.Added[i].Line.Number
		out.Added = append(out.Added, added)
	}
	if o.JSON {
		return o.encode(out)
	}
	for _, r := range out.Removed {
		fmt.Fprintf(o.Out, "- %s\n", r.Rule)
	}
	for _, r := range out.Added {
		fmt.Fprintf(o.Out, "+ %s\n", r.Rule)
	}
	text := fmt.Sprintf("the kernel has %s: %s", from, count(d.Kept, "rule"))
	if !d.Empty() {
		text = fmt.Sprintf("to the rules of %s: %d to add, %d to remove, %d kept, %d of these to move",
			from, len(out.Added), len(out.Removed), d.Kept, d.Moved)
	}
	if locked && !d.Empty() {
		text += "; locked until the next boot"
	}
	_, err := fmt.Fprintln(o.Out, text)
	return err
}

// machine is the architecture that names of system calls are of.
func (s Source) machine() tables.Arch {
	if s.Host.Env.Machine != 0 {
		return s.Host.Env.Machine
	}
	return tables.Native()
}
