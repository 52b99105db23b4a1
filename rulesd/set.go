package rulesd

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// Config says where a set's rules come from. They are taken in the order of the
// fields.
type Config struct {
	Dirs   []string // directories of *.rules, each as augenrules takes it
	Files  []string // rule files as auditctl -R takes them
	Inline []string // lines from elsewhere
	Name   string   // what findings call the place of Inline; default "inline"
	Env    rule.Env // what names mean; the zero value asks this host
	Host   Host     // what the host has; the zero value asks this host
	// IgnoreMissing takes a directory or file that does not exist for an empty one.
	IgnoreMissing bool
}

// Entry is one rule of a set.
type Entry struct {
	Rule     rule.Rule
	Line     Line // where it was written
	AllCalls bool // the line names no system calls
	Watch    bool // the line is -w
}

// Settings are what a set sets in the kernel beside its rules; nil is not
// mentioned. -b, -f, -r, --backlog_wait_time, -e.
type Settings struct {
	Backlog           *uint32 // records
	Failure           *uint32 // 0 silent, 1 printk, 2 panic
	Rate              *uint32 // records a second
	BacklogWait       *uint32 // in the kernel's ticks
	Enabled           *uint32 // 0 off, 1 on, 2 on and locked until the next boot
	LoginuidImmutable bool
}

// Set is a set of rules and what was found in reading it. It does not change.
type Set struct {
	Entries  []Entry // the rules to load, in the kernel's order within each list
	Settings Settings
	// Requests are -t, -q and --reset-lost lines, which are no state but things to do.
	Requests []rule.Op
	// Skipped are rules that are left out, each for the reason in a finding.
	Skipped []Entry
	// Tolerant is set by -c: lines with errors were left out, and loading the rest
	// counts as a failure in the end. With -i it does not.
	Tolerant bool
	Files    []string // that were read

	findings []Finding
	host     Host
}

// Load reads a set. The error is one of reading files; what is wrong with their
// lines is in Set.Err and Set.Findings.
func Load(cfg Config) (*Set, error) {
	b := builder{env: cfg.Env, set: &Set{host: cfg.Host.withDefaults()}, known: map[rule.ID]bool{}}
	files, err := cfg.files()
	if err != nil {
		return nil, err
	}
	var lines []Line
	for _, file := range files {
		more, bad, err := readLines(file)
		switch {
		case errors.Is(err, fs.ErrNotExist) && cfg.IgnoreMissing:
			continue
		case err != nil:
			return nil, err
		case bad != nil:
			b.set.findings = append(b.set.findings, *bad)
		}
		b.set.Files = append(b.set.Files, file)
		lines = append(lines, more...)
	}
	name := cfg.Name
	if name == "" {
		name = "inline"
	}
	for i, text := range cfg.Inline {
		for _, line := range splitLines(name, text) {
			line.Number = i + 1
			lines = append(lines, line)
		}
	}
	moved, rest := merge(lines)
	for _, line := range slices.Concat(moved[:3], rest, moved[3:]) {
		if line.Text != "" {
			b.line(line)
		}
	}
	return b.set, nil
}

// LoadDirs reads the rule files of directories with this host's names. A
// directory that does not exist is an error.
func LoadDirs(dirs ...string) (*Set, error) { return Load(Config{Dirs: dirs}) }

// files lists the configuration's files.
func (c Config) files() ([]string, error) {
	var files []string
	for _, dir := range c.Dirs {
		more, err := RuleFiles(dir)
		if errors.Is(err, fs.ErrNotExist) && c.IgnoreMissing {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return append(files, c.Files...), nil
}

// Rules returns the set's rules. The slice is the caller's, the rules' fields
// are shared.
func (s *Set) Rules() []rule.Rule {
	rules := make([]rule.Rule, 0, len(s.Entries))
	for _, e := range s.Entries {
		rules = append(rules, e.Rule)
	}
	return rules
}

// Findings are what was found in reading the set, in the order of its lines.
// [Set.Check] finds more.
func (s *Set) Findings() []Finding { return slices.Clone(s.findings) }

// Err is the set's first error, nil if it can be loaded. It is a *SetError.
func (s *Set) Err() error { return firstError(s.findings) }

func firstError(findings []Finding) error {
	var first *SetError
	for _, f := range findings {
		if f.Severity != Error {
			continue
		}
		if first == nil {
			first = &SetError{Finding: f}
		} else {
			first.More++
		}
	}
	if first == nil {
		return nil
	}
	return first
}

// builder reads a set line by line.
type builder struct {
	env      rule.Env
	set      *Set
	known    map[rule.ID]bool
	tolerant bool // -i or -c came by
	errors   int  // lines that are wrong
}

// find notes a finding about a line.
func (b *builder) find(line Line, f Finding) {
	f.File, f.Line, f.Text = line.File, line.Number, line.Text
	b.set.findings = append(b.set.findings, f)
}

// bad notes an error, or a warning if -i or -c said to go on.
func (b *builder) bad(line Line, f Finding) {
	if b.errors++; b.errors > maxErrors {
		f = Finding{Problem: "too many errors: the rest is not looked at"}
	}
	f.Severity = Error
	if b.tolerant && b.errors <= maxErrors {
		f.Severity, f.LeftOut = Warning, true
		f.Problem += ": left out"
	}
	b.find(line, f)
}

// Bounds of a set, far above what anybody writes: hostile files cost no more than
// their reading.
const (
	maxLine   = 64 << 10 // bytes
	maxErrors = 1000     // after which the rest is not looked at
)

// line takes one line into the set.
func (b *builder) line(line Line) {
	if b.errors > maxErrors {
		return
	}
	if len(line.Text) > maxLine {
		line.Text = line.Text[:100] + "..."
		b.bad(line, Finding{Problem: "the line is longer than 64 KiB"})
		return
	}
	cmd, ok := rule.ParseLine(strings.TrimLeft(line.Text, " \t\v\f"), b.env)
	if !ok {
		return
	}
	indent := len(line.Text) - len(strings.TrimLeft(line.Text, " \t\v\f"))
	for _, op := range cmd.Ops {
		b.op(line, op)
	}
	if cmd.Err != nil {
		b.parseError(line, cmd.Err, indent)
		return
	}
	switch cmd.Verb {
	case rule.Add:
		b.add(Entry{Rule: cmd.Rule, Line: line, AllCalls: cmd.AllCalls, Watch: cmd.Watch})
	case rule.Delete:
		if !b.remove(&cmd.Rule) {
			b.bad(line, Finding{Problem: "no rule before this one is equal to the one to delete", Mend: "take the line out"})
		}
	}
}

// parseError notes what is wrong with a line.
func (b *builder) parseError(line Line, e *rule.Error, indent int) {
	at := *e
	at.Word.Offset += indent
	f := Finding{Column: at.Column(), Problem: e.Problem, Near: e.Near, Mend: e.Mend, fault: &at}
	switch word := e.Word.Text; {
	case strings.Contains(word, "\t"):
		f.Mend = "words are parted by blanks: auditctl takes a tab for a letter"
	case strings.HasPrefix(word, "#"):
		f.Mend = "a comment stands on a line of its own"
	}
	if e.Absent && strings.Contains(e.Word.Text, "=") && !strings.ContainsAny(e.Word.Text, "!<>&") {
		// Nobody can be this user: the rule could not match.
		f.Severity = Warning
		f.Problem += ": the rule cannot match and is left out"
		b.find(line, f)
		return
	}
	b.bad(line, f)
}

// op takes a setting into the set.
func (b *builder) op(line Line, op rule.Op) {
	s := &b.set.Settings
	number := &op.Number
	switch op.Kind {
	case rule.OpNote:
		b.find(line, Finding{Problem: op.Advice})
		return
	case rule.OpIgnore:
		b.tolerant = true
	case rule.OpContinue:
		b.tolerant, b.set.Tolerant = true, true
	case rule.OpDeleteAll:
		b.removeKey(op.Text)
	case rule.OpEnabled:
		s.Enabled = number
	case rule.OpFailure:
		s.Failure = number
	case rule.OpRate:
		s.Rate = number
	case rule.OpBacklog:
		s.Backlog = number
	case rule.OpBacklogWait:
		s.BacklogWait = number
	case rule.OpLoginuidFixed:
		s.LoginuidImmutable = true
	case rule.OpTrim, rule.OpEquivalent, rule.OpResetLost, rule.OpResetBacklogWait:
		b.set.Requests = append(b.set.Requests, op)
	default:
		b.find(line, Finding{Problem: fmt.Sprintf("%s has no place in a rule file: taken no notice of", strings.Fields(line.Text)[0])})
	}
	if op.Advice != "" {
		b.find(line, Finding{Problem: op.Advice})
	}
}

// removeKey is -D: all rules, or those with a key that contains the text.
func (b *builder) removeKey(key string) {
	b.set.Entries = slices.DeleteFunc(b.set.Entries, func(e Entry) bool {
		gone := key == "" || slices.ContainsFunc(e.Rule.Keys(), func(k string) bool { return strings.Contains(k, key) })
		if gone {
			delete(b.known, e.Rule.ID())
		}
		return gone
	})
}

// remove takes a rule out and reports whether it was there.
func (b *builder) remove(r *rule.Rule) bool {
	id := r.ID()
	if !b.known[id] {
		return false
	}
	delete(b.known, id)
	b.set.Entries = slices.DeleteFunc(b.set.Entries, func(e Entry) bool { return e.Rule.ID() == id })
	return true
}

// add takes a rule in, unless this host cannot have it.
func (b *builder) add(e Entry) {
	if problem, field := e.Rule.Refused(); problem != "" {
		b.bad(e.Line, b.refusal(e, problem, field))
		return
	}
	if f, skip := b.set.host.lacks(&e); skip {
		b.find(e.Line, f)
		b.set.Skipped = append(b.set.Skipped, e)
		return
	}
	id := e.Rule.ID()
	if b.known[id] {
		b.find(e.Line, Finding{Problem: "the same rule again: it is loaded once", Mend: "take the line out"})
		return
	}
	b.known[id] = true
	if !e.Rule.Prepend {
		b.set.Entries = append(b.set.Entries, e)
		return
	}
	e.Rule.Prepend = false
	b.set.Entries = slices.Insert(b.set.Entries, 0, e)
}

// refusal is the finding about a rule that the kernel would refuse.
func (b *builder) refusal(e Entry, problem string, field int) Finding {
	f := Finding{Problem: "the kernel takes no such rule: " + problem}
	if field < 0 || e.Watch {
		return f
	}
	name := e.Rule.Fields[field].Field.String()
	for _, word := range rule.Split(e.Line.Text) {
		if name != "" && strings.HasPrefix(strings.ToLower(word.Text), name) && e.Rule.Fields[field].Field != tables.FieldKey {
			f.fault = &rule.Error{Word: word}
			f.Column = f.fault.Column()
			break
		}
	}
	return f
}
