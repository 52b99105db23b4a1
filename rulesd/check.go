package rulesd

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// Check looks at the set as a whole and returns everything worth saying about it,
// what was found in reading it included, in the order of the files and lines.
// Each rule is compared with those before it, so the time grows with the square of
// their number: 1,000 rules take some 50 ms.
func (s *Set) Check() []Finding {
	c := checker{set: s, findings: s.Findings()}
	for i := range s.Entries {
		e := &s.Entries[i]
		c.paths(e)
		c.syscalls(e)
		switch {
		case i < maxOrdered:
			c.order(i)
		case i == maxOrdered:
			c.warn(e, "", "this rule and those after it are not compared with others: there are more than %d", maxOrdered)
		}
	}
	c.arch()
	place := make(map[string]int, len(s.Files))
	for i, file := range s.Files {
		place[file] = i
	}
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(place[a.File], place[b.File]), cmp.Compare(a.Line, b.Line))
	})
	return c.findings
}

// maxOrdered is how many rules are compared with one another.
const maxOrdered = 5000

// checker collects findings.
type checker struct {
	set      *Set
	findings []Finding
}

func (c *checker) warn(e *Entry, mend, format string, args ...any) {
	c.findings = append(c.findings, Finding{
		File: e.Line.File, Line: e.Line.Number, Text: e.Line.Text,
		Problem: fmt.Sprintf(format, args...), Mend: mend,
	})
}

// paths warns of watched files that are not there.
func (c *checker) paths(e *Entry) {
	for _, f := range e.Rule.Fields {
		if f.Field != tables.FieldPath && f.Field != tables.FieldExe {
			continue
		}
		if _, err := c.set.host.Stat(f.Text); os.IsNotExist(err) {
			what := "it is watched as a file once it is made"
			if f.Field == tables.FieldExe {
				what = "the rule matches once it is there"
			}
			c.warn(e, "", "%s does not exist: %s", f.Text, what)
		}
	}
}

// syscalls warns of calls that the kernel is too old for. Each costs a rule
// nothing: the number is never used.
func (c *checker) syscalls(e *Entry) {
	if e.AllCalls || e.Rule.List != tables.ListExit || e.Rule.Mask.All() {
		return
	}
	arch := e.Rule.Arch()
	if arch == 0 {
		arch = tables.Native()
	}
	for _, nr := range e.Rule.Mask.Numbers() {
		name, ok := tables.SyscallName(arch, nr)
		if !ok {
			continue
		}
		if since, ok := tables.SyscallSince(name); ok && c.set.host.older(since) {
			c.warn(e, "", "the kernel %s has no system call %s, which came with Linux %s", c.set.host.Release, name, since)
		}
	}
}

// arch warns of perm= rules that the kernel evaluates for every call of the host:
// once for each file.
func (c *checker) arch() {
	var first *Entry
	count := 0
	say := func() {
		if first != nil {
			c.warn(first, "write one rule with -F arch=b64 and one with -F arch=b32 before the perm",
				"perm without arch is evaluated for every system call: %d such rules in this file", count)
		}
	}
	for i := range c.set.Entries {
		e := &c.set.Entries[i]
		r := &e.Rule
		if e.Watch || !e.AllCalls || r.List != tables.ListExit || r.Find(tables.FieldArch) != nil || r.Find(tables.FieldPerm) == nil {
			continue
		}
		if first == nil || first.Line.File != e.Line.File {
			say()
			first, count = e, 0
		}
		count++
	}
	say()
}

// order warns of a rule that an earlier one leaves nothing to match.
func (c *checker) order(i int) {
	e := &c.set.Entries[i]
	for j := range i {
		before := &c.set.Entries[j]
		switch {
		case neverTask(&before.Rule) && e.Rule.List == tables.ListExit:
			if before.Line != (Line{}) && i == c.firstExit() {
				c.warn(before, "take this line out to use the rules of the list exit",
					"no new process is audited: the %d rules of the list exit cannot fire", c.exitRules())
			}
			return
		case !covers(&before.Rule, &e.Rule):
			continue
		case before.Rule.Action == e.Rule.Action && sameKeys(before, e):
			c.warn(e, "take the line out", "%s matches everything that this rule does", c.name(before, e))
		case before.Rule.Action == e.Rule.Action:
			c.warn(e, "put this rule before it",
				"%s matches everything that this rule does, and comes first: the key %s is never recorded",
				c.name(before, e), strings.Join(e.Rule.Keys(), " and "))
		case before.Rule.List == tables.ListExclude:
			continue // the action of the list exclude is taken for never
		default:
			c.warn(e, "put this rule before it, or take one of the two out",
				"the rule cannot fire: %s, which says %s, matches everything that it does", c.name(before, e), before.Rule.Action)
		}
		return
	}
}

// sameKeys reports whether it makes no difference which of the two records.
func sameKeys(a, b *Entry) bool {
	return !recordsKey(&a.Rule) || keyOf(&a.Rule) == keyOf(&b.Rule)
}

// name names an earlier rule by its line.
func (c *checker) name(before, e *Entry) string {
	if before.Line.File == e.Line.File {
		return fmt.Sprintf("line %d", before.Line.Number)
	}
	return fmt.Sprintf("%s:%d", before.Line.File, before.Line.Number)
}

// neverTask reports whether a rule is -a never,task for everybody.
func neverTask(r *rule.Rule) bool {
	return r.List == tables.ListTask && r.Action == tables.ActionNever && len(r.Fields) == 0
}

func (c *checker) firstExit() int {
	return slices.IndexFunc(c.set.Entries, func(e Entry) bool { return e.Rule.List == tables.ListExit })
}

func (c *checker) exitRules() int {
	n := 0
	for _, e := range c.set.Entries {
		if e.Rule.List == tables.ListExit {
			n++
		}
	}
	return n
}
