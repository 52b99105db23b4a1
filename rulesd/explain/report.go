package explain

import (
	"fmt"
	"strings"

	"vigil/audit/tables"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// Rule is what there is to say about one rule.
type Rule struct {
	File   string   `json:"file,omitempty"`
	Line   int      `json:"line,omitempty"`
	Text   string   `json:"rule"`
	Words  string   `json:"words"`
	Engine string   `json:"engine"` // who evaluates it: "audit", the kernel's audit engine
	Keys   []string `json:"keys,omitempty"`
	// Evaluated says when the kernel evaluates the rule.
	Evaluated string `json:"evaluated"`
	// Syscalls is how many different system calls make the kernel evaluate it, of
	// how many there are; both 0 for lists that are not about system calls.
	Syscalls int `json:"syscalls"`
	Of       int `json:"syscalls_of"`
	// PerSecond is how many events a second bore the rule's first key, nil if
	// there is no trail to tell, or no key. SharedBy is how many rules have it.
	PerSecond *float64 `json:"events_per_second,omitempty"`
	SharedBy  int      `json:"key_shared_by,omitempty"`
	// Twin is the same rule in a form that costs less, for an old-style watch.
	Twin []string `json:"twin,omitempty"`
}

// Options are what Explain may use.
type Options struct {
	Names  Names
	Counts *Counts // from a trail; nil if there is none
}

// Set explains every rule of a set.
func Set(set *rulesd.Set, opt Options) []Rule {
	return explain(set.Entries, opt)
}

// Rules explains rules that are loaded.
func Rules(rules []rule.Rule, opt Options) []Rule {
	entries := make([]rulesd.Entry, len(rules))
	for i := range rules {
		entries[i].Rule = rules[i]
	}
	return explain(entries, opt)
}

func explain(entries []rulesd.Entry, opt Options) []Rule {
	if opt.Names.Machine == 0 {
		opt.Names.Machine = tables.Native()
	}
	shared := map[string]int{}
	for i := range entries {
		for _, key := range entries[i].Rule.Keys() {
			shared[key]++
		}
	}
	out := make([]Rule, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		x := Rule{
			File: e.Line.File, Line: e.Line.Number, Text: e.Rule.String(), Engine: "audit",
			Words: Words(&e.Rule, opt.Names), Keys: e.Rule.Keys(), Twin: twin(&e.Rule, opt.Names.Machine),
		}
		x.cost(&e.Rule, opt.Names.Machine)
		if len(x.Keys) > 0 {
			x.SharedBy = shared[x.Keys[0]]
			if opt.Counts != nil {
				if rate, ok := opt.Counts.PerSecond(x.Keys[0]); ok {
					x.PerSecond = &rate
				}
			}
		}
		out = append(out, x)
	}
	return out
}

// cost says on what the kernel evaluates a rule.
func (x *Rule) cost(r *rule.Rule, machine tables.Arch) {
	switch r.List {
	case tables.ListUser:
		x.Evaluated = "on every message of a program"
		return
	case tables.ListTask:
		x.Evaluated = "on every new process"
		return
	case tables.ListExclude:
		x.Evaluated = "on every record"
		return
	case tables.ListFilesystem:
		x.Evaluated = "on every file that a recorded call touches"
		return
	case tables.ListIOUring:
		x.Syscalls = r.Mask.Count()
		x.Evaluated = fmt.Sprintf("on %d io_uring operations", x.Syscalls)
		if r.Mask.All() {
			x.Evaluated = "on every io_uring operation"
		}
		return
	}
	x.Syscalls, x.Of = countCalls(r, machine)
	// kernel/auditfilter.c keeps rules with a path or inode in a hash by inode
	// (audit_inode_hash), all others in the list that every call goes through.
	watch := r.Find(tables.FieldPath) != nil
	if inode := r.Find(tables.FieldInode); inode != nil && inode.Op == tables.OpEqual {
		watch = true
	}
	calls := fmt.Sprintf("on %d of %d system calls", x.Syscalls, x.Of)
	if x.Syscalls == x.Of {
		calls = fmt.Sprintf("on every system call (%d)", x.Of)
	}
	x.Evaluated = calls
	if watch {
		x.Evaluated = "only when the file, or one in the same place of a hash, is touched: " + calls
	}
}

// countCalls counts the system calls that are in a rule's mask, of its
// architecture or of both that the machine runs.
func countCalls(r *rule.Rule, machine tables.Arch) (in, of int) {
	archs := []tables.Arch{machine}
	if compat, ok := machine.Compat(); ok {
		archs = append(archs, compat)
	}
	f := r.Find(tables.FieldArch)
	for _, arch := range archs {
		mine := f == nil || (tables.Arch(f.Value) == arch) == (f.Op == tables.OpEqual)
		for _, call := range tables.Syscalls(arch) {
			of++
			// A rule's arch is a condition like any other: the kernel looks at
			// the number first, whatever the architecture.
			if r.Mask.Has(call.Number) && mine {
				in++
			}
		}
	}
	return in, of
}

// twin writes an old-style watch, which is on every system call, as rules that are
// on those alone that can need its permissions.
func twin(r *rule.Rule, machine tables.Arch) []string {
	if r.List != tables.ListExit || !r.Mask.All() || r.Find(tables.FieldArch) != nil {
		return nil
	}
	perm := r.Find(tables.FieldPerm)
	if perm == nil || r.Find(tables.FieldPath) == nil && r.Find(tables.FieldDir) == nil {
		return nil
	}
	text := r.Text(rule.Style{Machine: machine, IsDir: func(string) bool { return r.Find(tables.FieldPath) != nil }}) // never as -w
	_, rest, ok := strings.Cut(text, " -S all")
	if !ok {
		return nil
	}
	begin := "-a " + r.Action.String() + ",exit -F arch="
	lines := []string{begin + "b64" + rest}
	if !machine.Is64Bit() {
		lines[0] = begin + "b32" + rest
	} else if _, ok := machine.Compat(); ok {
		lines = append(lines, begin+"b32"+rest)
	}
	return lines
}
