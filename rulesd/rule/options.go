package rule

import (
	"fmt"
	"strings"

	"vigil/audit/tables"
)

// setting handles the options that set a number in the kernel, those that take
// others' arguments, and wrong ones.
func (p *parser) setting(option byte, arg string) {
	switch option {
	case 's':
		p.statusOption()
	case 'l':
		p.listOption()
	case 'D':
		p.deleteAllOption()
	case 'm':
		p.messageOption(arg)
	case 'q':
		p.equivalentOption(arg)
	case 'e':
		p.level(OpEnabled, "Enable", arg)
	case 'f':
		p.level(OpFailure, "Failure", arg)
	case 'r':
		p.count(OpRate, "Rate", arg)
	case 'b':
		p.count(OpBacklog, "Backlog", arg)
	case optBacklogWaitTime:
		p.count(OpBacklogWait, "Backlog_wait_time", arg)
	default:
		p.badOption()
	}
}

// badOption complains of a wrong option, or of one that lacks its argument.
func (p *parser) badOption() {
	at := " "
	if p.scan.index >= 2 {
		at = p.scan.words[p.scan.index-1].Text
	}
	e := Error{Word: p.scan.argAt, Stock: "Option " + at + " is invalid"}
	text := e.Word.Text
	switch {
	case strings.HasPrefix(text, "--"):
		var names []string
		for _, o := range longOptions {
			names = append(names, "--"+o.name)
		}
		e = *unknown(text, 0, "option", names)
		e.Word, e.Stock = p.scan.argAt, "Option "+at+" is invalid"
	case len(text) == 2 && strings.Contains(options, text[1:]+":"):
		e.Problem = fmt.Sprintf("option %s needs a value", text)
	default:
		e.Problem = fmt.Sprintf("unknown option %q", text)
	}
	p.fail(e)
}

// level handles -e and -f.
func (p *parser) level(kind OpKind, name, arg string) {
	if arg != "0" && arg != "1" && arg != "2" {
		p.fail(Error{
			Problem: fmt.Sprintf("%q is not 0, 1 or 2", arg),
			Stock:   fmt.Sprintf("%s must be 0, 1, or 2 was %s", name, arg),
		})
		return
	}
	p.op(Op{Kind: kind, Number: uint32(arg[0] - '0')})
}

// count handles -r, -b and --backlog_wait_time.
func (p *parser) count(kind OpKind, name, arg string) {
	if !startsNumber(arg, false) {
		p.fail(Error{
			Problem: fmt.Sprintf("%q is not a number", arg),
			Stock:   fmt.Sprintf("%s must be a numeric value was %s", name, arg),
		})
		return
	}
	value, rest := number(arg, false)
	op := Op{Kind: kind, Number: value}
	if rest != "" {
		op.Advice = fmt.Sprintf("%q is read as %d", arg, value)
	}
	p.op(op)
}

// statusOption handles -s, and an -i after it.
func (p *parser) statusOption() {
	s := p.scan
	interpret := false
	switch {
	case len(s.words) > 3:
		p.fail(Error{Problem: "-s takes no more than -i", Stock: "Too many options for status command"})
		return
	case s.index == 2 && len(s.words) == 3:
		if s.words[s.index].Text != "-i" {
			p.fail(Error{Word: s.words[s.index], Problem: "-s takes no more than -i", Stock: "Only -i option is allowed"})
			return
		}
		interpret = true
		s.words = s.words[:2]
	}
	p.request(Op{Kind: OpStatus, Interpret: interpret})
}

// listOption handles -l, and a -k KEY or -i after it.
func (p *parser) listOption() {
	s := p.scan
	op := Op{Kind: OpList}
	at := p.wordAt(s.index)
	switch {
	case len(s.words) > 4:
		p.fail(Error{Problem: "-l takes no more than -k KEY or -i", Stock: "Wrong number of options for list request"})
		return
	case len(s.words) == 3 && at.Text == "-i":
		op.Interpret = true
		s.words = s.words[:2]
	case len(s.words) == 4 && at.Text == "-k":
		op.Text = s.words[3].Text
		s.words = s.words[:2]
	case len(s.words) > 2:
		p.fail(Error{Word: at, Problem: "-l takes no more than -k KEY or -i", Stock: "Only -k or -i options are allowed"})
		return
	}
	p.request(op)
}

// deleteAllOption handles -D, and a -k KEY after it.
func (p *parser) deleteAllOption() {
	s := p.scan
	op := Op{Kind: OpDeleteAll}
	switch {
	case len(s.words) > 4 || len(s.words) == 3:
		p.fail(Error{Problem: "-D takes no more than -k KEY", Stock: "Wrong number of options for Delete all request"})
		return
	case len(s.words) == 4:
		if at := p.wordAt(s.index); at.Text != "-k" {
			p.fail(Error{Word: at, Problem: "-D takes no more than -k KEY", Stock: "Only the -k option is allowed"})
			return
		}
		op.Text = s.words[3].Text
		s.words = s.words[:2]
	}
	p.request(op)
}

// messageOption handles -m.
func (p *parser) messageOption(arg string) {
	if len(p.scan.words) > 3 {
		p.fail(Error{
			Problem: "-m takes one text and stands alone",
			Stock:   "The -m option must be only the only option and takes 1 parameter",
		})
		return
	}
	for i := 0; i < len(arg); i++ {
		// auditctl's char is signed: bytes of UTF-8 are below 32 as well.
		if arg[i] < 32 || arg[i] > 127 {
			p.fail(Error{Skip: i, Problem: "the text holds a byte that is no ASCII letter", Stock: "Illegal character in audit event"})
			return
		}
	}
	p.request(Op{Kind: OpMessage, Text: arg})
}

// equivalentOption handles -q.
func (p *parser) equivalentOption(arg string) {
	if p.calls {
		p.fail(Error{Problem: "-q stands alone", Stock: "Syscall auditing requested for make equivalent"})
		return
	}
	mount, subtree, ok := strings.Cut(arg, ",")
	if !ok || subtree == "" || strings.Contains(subtree, ",") {
		p.fail(Error{Problem: fmt.Sprintf("%q is not mount point and subtree", arg), Mend: "write -q MOUNT,SUBTREE",
			Stock: "Error parsing equivalent parts"})
		return
	}
	p.request(Op{Kind: OpEquivalent, Text: mount, Subtree: subtree})
}

// keyOption handles -k.
func (p *parser) keyOption(arg string) {
	if !p.keyed() || p.cmd.Verb == None {
		p.fail(Error{
			Problem: "-k stands before what it is a key of", Mend: "put -k after the watch, -S, path=, dir=, exe= or fstype=",
			Stock: "key option needs a watch or syscall given prior to it",
		})
		return
	}
	p.moreKey(arg)
}

// keyed reports whether the rule has something that auditctl lets a key stand
// for.
func (p *parser) keyed() bool { return p.calls || p.perms || p.exe || p.fstype }

// moreKey adds a key to those that the rule gets in the end.
func (p *parser) moreKey(arg string) {
	length := len(arg) + len(p.key)
	if p.key != "" {
		length++
	}
	if length > MaxKey {
		p.fail(Error{Problem: fmt.Sprintf("the keys of the rule are longer than %d bytes", MaxKey), Stock: "key option exceeds size limit"})
		return
	}
	if strings.IndexByte(arg, keyBetween) >= 0 {
		p.note("key "+arg+" has illegal character", "the byte 01 separates keys: this is read as several")
	}
	if p.key != "" {
		p.key += string(rune(keyBetween))
	}
	p.key += arg
}

// addKey gives the rule its keys, as one last field.
func (p *parser) addKey() {
	switch {
	case len(p.rule.Fields) >= MaxFields-1:
		p.tooMany("key=" + p.key)
	case p.exclude:
		p.fail(Error{Problem: "a rule of the list exclude takes no key", Stock: stockExclude})
	case !p.keyed():
		p.fail(Error{
			Problem: "the rule has nothing that a key can stand for",
			Mend:    "a key needs a system call, watch, path=, dir=, exe= or fstype= before it",
			Stock:   "Key field needs a watch, syscall or exe path given prior to it",
		})
	default:
		p.rule.Fields = append(p.rule.Fields, Field{Field: tables.FieldKey, Op: tables.OpEqual, Text: p.key})
	}
}

// permOption handles -p.
func (p *parser) permOption(arg string) {
	if p.cmd.Verb == None {
		p.fail(Error{Problem: "-p stands before its watch", Stock: "permission option needs a watch given prior to it"})
		return
	}
	if len(arg) > 4 {
		p.fail(Error{Problem: fmt.Sprintf("permissions %q are more than four", arg), Stock: "permission " + arg + " is too long"})
		return
	}
	perms, at := permBits(arg)
	if at >= 0 {
		p.fail(Error{
			Skip: at, Problem: fmt.Sprintf("%q is none of the permissions r, w, x and a", arg[at:at+1]),
			Stock: "Permission " + arg[at:at+1] + " isn't supported",
		})
		return
	}
	if len(p.rule.Fields) == 0 {
		p.fail(Error{
			Problem: "-p needs a watch, or another field, before it", Mend: "put -p after path= or dir=",
			Stock: "Permissions should be preceeded by other fields",
		})
		return
	}
	found := false
	for i := range p.rule.Fields {
		if p.rule.Fields[i].Field == tables.FieldPerm {
			p.rule.Fields[i].Value, found = perms, true
		}
	}
	if !found {
		if len(p.rule.Fields) >= MaxFields-1 {
			p.fail(Error{Problem: "the rule has no room for more fields", Stock: "Too many fields when adding permissions"})
			return
		}
		p.rule.Fields = append(p.rule.Fields, Field{Field: tables.FieldPerm, Op: tables.OpEqual, Value: perms})
	}
	p.perms = true
	p.state = ruling
}

// permBits reads a subset of rwxa; at is the place of the first other letter, -1
// if there is none.
func permBits(text string) (bits uint32, at int) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case 'r', 'R':
			bits |= tables.PermRead
		case 'w', 'W':
			bits |= tables.PermWrite
		case 'x', 'X':
			bits |= tables.PermExec
		case 'a', 'A':
			bits |= tables.PermAttr
		default:
			return 0, i
		}
	}
	return bits, -1
}

// watch handles -w and -W.
func (p *parser) watch(option byte, path string) {
	if option == 'w' && p.cmd.Verb != None {
		p.fail(Error{Problem: "a watch cannot be added to another rule", Mend: "use -F path= or -F dir=",
			Stock: "watch option can't be given with a syscall"})
		return
	}
	if !p.checkPath(path) {
		return
	}
	if len(path) > 2 {
		path = path[:1] + strings.TrimRight(path[1:], "/")
	}
	if len(p.rule.Fields) > 0 {
		p.fail(Error{Problem: "a watch cannot be added to another rule", Stock: "Rule is not empty\n"})
		return
	}
	field := tables.FieldPath
	if p.env.IsDir(path) {
		field = tables.FieldDir
	}
	p.rule.Fields = append(p.rule.Fields,
		Field{Field: field, Op: tables.OpEqual, Text: path},
		Field{Field: tables.FieldPerm, Op: tables.OpEqual,
			Value: tables.PermRead | tables.PermWrite | tables.PermExec | tables.PermAttr})
	p.rule.List, p.rule.Action = tables.ListExit, tables.ActionAlways
	p.rule.Mask.SetAll()
	p.calls = true
	p.cmd.Watch = true
	if option == 'w' {
		p.adding, p.cmd.Verb = true, Add
	} else if p.cmd.Verb == None {
		p.cmd.Verb = Delete
	}
	p.state = ruling
}

// checkPath checks a watch's path and warns of what the kernel takes literally.
func (p *parser) checkPath(path string) bool {
	const maxName = 255 // NAME_MAX
	switch base := path[strings.LastIndexByte(strings.TrimRight(path, "/"), '/')+1:]; {
	case len(path) >= maxText:
		p.fail(Error{Problem: "the path is too long", Stock: "The path passed for the watch is too big"})
		return false
	case !strings.HasPrefix(path, "/"):
		p.fail(Error{Problem: fmt.Sprintf("the path %q does not begin with /", path), Stock: "The path must start with '/'"})
		return false
	case len(strings.TrimRight(base, "/")) > maxName:
		p.fail(Error{Problem: "the path's last name is too long", Stock: "The base name of the path is too big"})
		return false
	}
	if strings.Contains(path, "..") {
		p.note("Warning - relative path notation is not supported", `".." in a watched path never matches: write the path without it`)
	}
	if strings.ContainsAny(path, "*?") {
		p.note("Warning - wildcard notation is not supported", "wildcards in a watched path are taken literally: watch the directory, or each file")
	}
	return true
}
