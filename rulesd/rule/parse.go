package rule

import (
	"fmt"
	"strings"

	"vigil/audit/tables"
	"vigil/internal/nearest"
)

// Parse reads the words of one line, or of one command line, as auditctl does.
// What is wrong with it is in Command.Err.
func Parse(words []Word, env Env) Command {
	p := parser{env: env.withDefaults(), scan: newScanner(words)}
	p.run()
	return p.cmd
}

// ParseLine reads one line of a rule file. ok is false for an empty line and a
// comment.
func ParseLine(line string, env Env) (cmd Command, ok bool) {
	words := Split(line)
	if len(words) == 0 {
		return Command{}, false
	}
	return Parse(words, env), true
}

// state says how auditctl goes on after an option.
type state uint8

const (
	replying state = iota // nothing but settings so far: the status is printed in the end
	ruling                // a rule is to be sent
	done                  // nothing more is read
)

// parser reads one line. Its booleans are the facts that auditctl's checks ask
// for.
type parser struct {
	env  Env
	scan *scanner
	cmd  Command

	state   state
	adding  bool // -a, -A or -w seen
	setups  int  // of -a, -A and -d
	rule    Rule
	key     string
	arch    tables.Arch // for names of system calls; 0 before an arch= or a -S
	calls   bool        // -S or a watch seen
	perms   bool        // perm=, -p, path= or dir= seen
	exe     bool
	fstype  bool
	named   bool // -S seen
	exclude bool
}

func (p *parser) run() {
	for p.state != done && p.cmd.Err == nil && !p.cmd.Deprecated {
		option, ok := p.scan.next()
		if !ok {
			break
		}
		p.option(option)
	}
	if p.cmd.Deprecated {
		p.cmd.Verb = None
		return
	}
	p.finish()
}

// finish does what is left when all options are read.
func (p *parser) finish() {
	s := p.scan
	if p.cmd.Err == nil {
		if s.index == 1 {
			p.fail(Error{Word: p.wordAt(1), Problem: "the line begins with no option"})
		} else if s.index < len(s.words) {
			p.fail(Error{
				Word: s.words[s.index], Problem: fmt.Sprintf("%q belongs to no option", s.words[s.index].Text),
				Mend:  "values follow their option; a blank within one is written as backslash and blank",
				Stock: "parameter passed without an option given",
			})
		}
	}
	if p.cmd.Err == nil && p.key != "" && !p.listed() {
		p.addKey()
	}
	if p.cmd.Err != nil {
		p.cmd.Verb = None
		return
	}
	switch p.state {
	case replying:
		if p.calls {
			p.fail(Error{Word: p.wordAt(1), Problem: "system calls without a list", Mend: "begin the rule with -a always,exit",
				Stock: "Error - no list specified"})
			p.cmd.Verb = None
			return
		}
		p.cmd.Status = true
		p.cmd.Verb = None
	case ruling:
		p.complete()
	case done:
		p.cmd.Verb = None
	}
}

// listed reports whether the key belongs to a list or delete request.
func (p *parser) listed() bool {
	for _, op := range p.cmd.Ops {
		if op.Kind == OpList || op.Kind == OpDeleteAll {
			return true
		}
	}
	return false
}

// complete gives the rule the system calls that no -S named.
func (p *parser) complete() {
	if !p.calls && p.rule.List != tables.ListTask {
		p.rule.Mask.SetAll()
	}
	p.cmd.AllCalls = !p.named
	if !p.env.PermAll && !p.named && !p.cmd.Watch {
		narrowPerm(&p.rule)
	}
	p.cmd.Rule = p.rule
}

// narrowPerm puts a rule on all calls with arch= and perm= on the calls that can
// need the permission. The kernel would let no other match
// (audit_match_perm in kernel/auditsc.c).
func narrowPerm(r *Rule) {
	var perms, arch *Field
	for i := range r.Fields {
		f := &r.Fields[i]
		switch f.Field {
		case tables.FieldPerm:
			if perms != nil {
				return // both must hold: rare, and left as it is
			}
			perms = f
		case tables.FieldArch:
			if arch != nil || f.Op != tables.OpEqual {
				return
			}
			arch = f
		}
	}
	if perms == nil || arch == nil || perms.Value == 0 || r.List != tables.ListExit {
		return
	}
	var mask Mask
	if tables.PermSyscalls(tables.Arch(arch.Value), perms.Value, mask.Set) && !mask.Empty() {
		r.Mask = mask
	}
}

// option handles one option. Each branch may set cmd.Err.
func (p *parser) option(option byte) {
	arg := p.scan.arg
	switch option {
	case 'a', 'A', 'd':
		p.list(option, arg)
	case 'S':
		p.syscalls(arg)
	case 'F':
		p.fieldOption(arg)
	case 'C':
		p.compare(arg)
	case 'k':
		p.keyOption(arg)
	case 'p':
		p.permOption(arg)
	case 'w', 'W':
		p.watch(option, arg)
	case 'i':
		p.request(Op{Kind: OpIgnore})
	case 'c':
		p.request(Op{Kind: OpContinue})
	case 'v':
		p.request(Op{Kind: OpVersion})
	case 't':
		p.request(Op{Kind: OpTrim})
	case optLoginuidImmutable:
		p.request(Op{Kind: OpLoginuidFixed})
	case optResetLost:
		p.request(Op{Kind: OpResetLost})
	case optResetWaitActual:
		p.request(Op{Kind: OpResetBacklogWait})
	case optSignal:
		p.request(Op{Kind: OpSignal, Text: arg})
	case 'h':
		p.op(Op{Kind: OpHelp})
		p.fail(Error{Word: p.scan.argAt, Problem: "-h has no place here"})
	case 'R':
		p.op(Op{Kind: OpNested, Text: arg})
		p.fail(Error{Word: p.scan.argAt, Problem: "a rule file cannot read another", Stock: "Error - nested rule files not supported"})
	default:
		p.setting(option, arg)
	}
}

// request notes an option after which auditctl reads no more.
func (p *parser) request(op Op) {
	p.op(op)
	p.state = done
}

func (p *parser) op(op Op) {
	op.Word = p.scan.argAt
	p.cmd.Ops = append(p.cmd.Ops, op)
}

// note adds a warning that auditctl prints as well.
func (p *parser) note(stock, advice string) {
	p.op(Op{Kind: OpNote, Text: stock, Advice: advice})
}

// fail ends the line. Without a Word it is at the current argument.
func (p *parser) fail(e Error) {
	if e.Word.Length == 0 && e.Word.Text == "" {
		e.Word = p.scan.argAt
		e.Skip += p.scan.skip
	}
	p.cmd.Err = &e
}

func (p *parser) wordAt(i int) Word {
	if i < len(p.scan.words) {
		return p.scan.words[i]
	}
	return Word{}
}

func (e Env) withDefaults() Env {
	if e.Machine == 0 {
		e.Machine = tables.Native()
	}
	if e.User == nil {
		e.User = lookupUser
	}
	if e.Group == nil {
		e.Group = lookupGroup
	}
	if e.IsDir == nil {
		e.IsDir = statIsDir
	}
	return e
}

// list handles -a, -A and -d.
func (p *parser) list(option byte, arg string) {
	if option != 'd' && strings.Contains(arg, "task") && p.calls {
		stock := "Syscall auditing requested for task list"
		if option == 'A' {
			stock = "Error: syscall auditing requested for task list"
		}
		p.fail(Error{Problem: "the list task takes no system calls", Stock: stock})
		return
	}
	p.setups++
	if p.setups > 1 {
		stock := "Multiple rule insert/delete operations are not allowed"
		if option == 'a' {
			stock += "\n"
		}
		p.fail(Error{Problem: "a second -a, -A or -d in one rule", Mend: "write two rules", Stock: stock})
		return
	}
	list, action, bad := splitList(arg)
	if bad != nil {
		bad.Stock = map[byte]string{'a': "Append", 'A': "Add", 'd': "Delete"}[option] + " rule - bad keyword " + arg
		p.fail(*bad)
		return
	}
	if action == tables.ActionPossible {
		stock := "Append rule - possible is deprecated"
		if option == 'd' {
			stock = "Delete rule - possible is deprecated"
		}
		p.note(stock, "the action possible does nothing: the line is left out")
		p.cmd.Deprecated = true
		return
	}
	p.rule.List, p.rule.Action = list, action
	p.exclude = list == tables.ListExclude
	p.cmd.Verb = Delete
	if option != 'd' {
		p.cmd.Verb, p.adding = Add, true
		p.rule.Prepend = option == 'A'
	}
	p.state = ruling
}

// splitList reads "always,exit" in either order.
func splitList(arg string) (tables.List, tables.Action, *Error) {
	first, second, ok := strings.Cut(arg, ",")
	if !ok || strings.Contains(second, ",") {
		return 0, 0, &Error{Problem: fmt.Sprintf("%q is not a list and an action", arg), Mend: "write for example always,exit"}
	}
	action, isAction := actionByName(first)
	listName, skip := second, len(first)+1
	if !isAction {
		listName, skip = first, 0
		if action, isAction = actionByName(second); !isAction {
			word, at := second, len(first)+1
			if _, isList := tables.ListByName(first); !isList {
				word, at = first, 0 // neither is anything: complain of the first
			}
			return 0, 0, unknown(word, at, "list or action", append(tables.ListNames(), "always", "never"))
		}
	}
	list, isList := tables.ListByName(listName)
	if !isList {
		bad := unknown(listName, skip, "list", tables.ListNames())
		if listName == "entry" {
			bad.Near, bad.Mend = "exit", "the list entry is gone from the kernel: use exit"
		}
		return 0, 0, bad
	}
	if skip != 0 && action == tables.ActionPossible {
		// auditctl knows the old action behind the list alone.
		return 0, 0, &Error{Problem: "the action possible is gone from the kernel", Near: "always"}
	}
	return list, action, nil
}

func actionByName(name string) (tables.Action, bool) {
	switch name {
	case "always":
		return tables.ActionAlways, true
	case "never":
		return tables.ActionNever, true
	case "possible":
		return tables.ActionPossible, true
	}
	return 0, false
}

// unknown is the error for a word that is none of the right ones.
func unknown(word string, skip int, kind string, right []string) *Error {
	e := &Error{Skip: skip, Span: len(word), Problem: fmt.Sprintf("unknown %s %q", kind, word)}
	if near, ok := nearest.Word(word, right); ok {
		e.Near = near
	}
	return e
}
