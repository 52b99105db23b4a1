package rule

import (
	"fmt"
	"strings"

	"vigil/audit/tables"
)

// syscalls handles -S.
func (p *parser) syscalls(arg string) {
	if p.cmd.Verb != None {
		list := ""
		switch {
		case p.rule.List == tables.ListIOUring:
			p.operations(arg)
			return
		case p.rule.List == tables.ListTask:
			list = "added to task"
		case p.rule.List == tables.ListUser:
			list = "added to user"
		case p.rule.List == tables.ListFilesystem:
			list = "added to filesystem"
		case p.exclude:
			list = "exclude"
		}
		if list != "" {
			stock := "Error: syscall auditing being " + list + " list"
			if p.exclude {
				stock = "Error: syscall auditing cannot be put on exclude list"
			}
			p.fail(Error{Problem: fmt.Sprintf("the list %s takes no system calls", p.rule.List), Stock: stock})
			return
		}
	}
	guessed := p.arch == 0
	if guessed {
		p.arch = p.env.Machine
	}
	if !p.nameCalls(arg) {
		return
	}
	p.calls, p.named = true, true
	if guessed && p.adding && p.differs(arg) {
		p.note("WARNING - 32/64 bit syscall mismatch, you should specify an arch",
			"without arch= the same numbers are other calls to 32-bit programs: write one rule with arch=b64 and one with arch=b32")
	}
}

// nameCalls puts the calls of a comma list into the mask.
func (p *parser) nameCalls(arg string) bool {
	skip := 0
	for name := range strings.SplitSeq(arg, ",") {
		at := skip
		skip += len(name) + 1
		if name == "" && arg != "" {
			continue
		}
		if name == "all" {
			p.rule.Mask.SetAll()
			continue
		}
		nr, ok := callNumber(p.arch, name)
		if !ok {
			p.unknownCall(name, at)
			return false
		}
		p.rule.Mask.Set(nr)
	}
	return true
}

// callNumber reads the name of a system call in any case, or its number.
func callNumber(arch tables.Arch, name string) (int, bool) {
	if nr, ok := tables.SyscallNumber(arch, strings.ToLower(name)); ok {
		return nr, true
	}
	if !startsNumber(name, false) {
		return 0, false
	}
	nr, _ := number(name, true)
	return int(nr), nr <= MaxSyscall
}

// unknownCall complains of a name, and says where it does exist.
func (p *parser) unknownCall(name string, skip int) {
	var names []string
	for _, call := range tables.Syscalls(p.arch) {
		names = append(names, call.Name)
	}
	e := unknown(name, skip, "system call", names)
	e.Problem += " on " + p.arch.String()
	e.Stock = "Syscall name unknown: " + name
	if sibling, ok := p.env.Machine.Compat(); ok {
		if p.arch == sibling {
			sibling = p.env.Machine
		}
		if _, ok := tables.SyscallNumber(sibling, strings.ToLower(name)); ok {
			width := "b32"
			if sibling.Is64Bit() {
				width = "b64"
			}
			e.Near, e.Mend = "", fmt.Sprintf("%s exists with arch=%s alone: take it out of this rule", name, width)
		}
	}
	p.fail(*e)
}

// differs reports whether the names mean other numbers, or nothing, to the
// machine's 32-bit programs.
func (p *parser) differs(arg string) bool {
	other, ok := p.env.Machine.Compat()
	if !ok {
		return false
	}
	var mask Mask
	for name := range strings.SplitSeq(arg, ",") {
		if name == "all" {
			mask.SetAll()
		} else if nr, ok := callNumber(other, name); ok && name != "" {
			mask.Set(nr)
		}
	}
	return mask != p.rule.Mask
}

// operations puts the io_uring operations of a comma list into the mask.
func (p *parser) operations(arg string) {
	skip := 0
	for name := range strings.SplitSeq(arg, ",") {
		at := skip
		skip += len(name) + 1
		if name == "" && arg != "" {
			continue
		}
		if name == "all" {
			p.rule.Mask.SetAll()
			continue
		}
		op, ok := tables.UringOpNumber(strings.ToLower(name))
		if !ok && startsNumber(name, false) {
			nr, _ := number(name, true)
			op, ok = int(nr), nr <= MaxSyscall
		}
		if !ok {
			var names []string
			for op := range 256 {
				if name, ok := tables.UringOpName(op); ok {
					names = append(names, name)
				}
			}
			e := unknown(name, at, "io_uring operation", names)
			e.Stock = "io_uring op unknown: " + arg
			p.fail(*e)
			return
		}
		p.rule.Mask.Set(op)
	}
	p.calls, p.named = true, true
}

// compare handles -C.
func (p *parser) compare(arg string) {
	if len(p.rule.Fields) >= MaxFields-1 {
		p.tooMany(arg)
		return
	}
	at, length := strings.Index(arg, "!="), 2
	op := tables.OpNotEqual
	if at < 0 {
		at, length, op = strings.IndexByte(arg, '='), 1, tables.OpEqual
	}
	if at < 0 {
		p.fail(Error{Problem: fmt.Sprintf("%q compares nothing", arg), Mend: "write FIELD=FIELD or FIELD!=FIELD", Stock: arg + " " + stockEqualOps})
		return
	}
	left, right := arg[:at], arg[at+length:]
	p.compareFields(left, right, at+length, op)
}

func (p *parser) compareFields(left, right string, skip int, op tables.Op) {
	ids := []string{"auid", "uid", "euid", "suid", "fsuid", "obj_uid", "gid", "egid", "sgid", "fsgid", "obj_gid"}
	switch {
	case left == "":
		p.fail(Error{Problem: "the comparison has no left side", Stock: "-C missing field name before operator for "})
		return
	case right == "":
		p.fail(Error{Skip: skip, Problem: "the comparison has no right side", Stock: "-C missing value after operation for  " + left})
		return
	}
	a, ok := tables.FieldByName(left)
	if !ok {
		e := unknown(left, 0, "field", ids)
		e.Stock = "-C unknown field: " + left
		p.fail(*e)
		return
	}
	b, ok := tables.FieldByName(right)
	if !ok {
		e := unknown(right, skip, "field", ids)
		e.Stock = "-C unknown right hand value for comparison with: " + left
		p.fail(*e)
		return
	}
	if p.cmd.Verb == None || (p.rule.List != tables.ListExit && p.rule.List != tables.ListIOUring) {
		p.fail(Error{Problem: "comparisons are for the list exit alone", Stock: left + " " + stockExitOnly})
		return
	}
	n, ok := tables.Comparison(a, b)
	if !ok {
		p.fail(Error{Problem: fmt.Sprintf("%s and %s cannot be compared", left, right),
			Mend: "two different user fields, or two different group fields", Stock: "-C incompatible comparison " + left})
		return
	}
	p.rule.Fields = append(p.rule.Fields, Field{Field: tables.FieldFieldCompare, Op: op, Value: n})
}
