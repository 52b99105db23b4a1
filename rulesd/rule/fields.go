package rule

import (
	"fmt"
	"strconv"
	"strings"

	"vigil/audit/tables"
)

// Texts of auditctl that more than one check prints.
const (
	stockExclude  = "Only msgtype, *uid, *gid, pid, and subj* fields can be used with exclude filter"
	stockExitOnly = "can only be used with exit filter list"
	stockEqualOps = "only takes = or != operators"
)

// familyLimit is AF_MAX of <linux/socket.h>, Linux 6.18.
const familyLimit = 46

// condition is one -F under examination.
type condition struct {
	text  string // as given
	name  string
	op    tables.Op
	value string
	at    int // of the value in text
	field tables.Field
}

// splitCondition splits "name OP value" at the first operator.
func splitCondition(text string) (c condition, ok bool) {
	c.text = text
	for i := 0; i < len(text); i++ {
		op, length := operatorAt(text[i:])
		if length > 0 {
			c.name, c.op, c.value, c.at = text[:i], op, text[i+length:], i+length
			return c, true
		}
	}
	return c, false
}

// operatorAt returns the operator that s begins with, and its length.
func operatorAt(s string) (tables.Op, int) {
	equal := len(s) > 1 && s[1] == '='
	switch s[0] {
	case '!':
		if equal {
			return tables.OpNotEqual, 2
		}
		return 0, 0
	case '=':
		return tables.OpEqual, 1
	case '>':
		if equal {
			return tables.OpGreaterEqual, 2
		}
		return tables.OpGreater, 1
	case '<':
		if equal {
			return tables.OpLessEqual, 2
		}
		return tables.OpLess, 1
	case '&':
		if equal {
			return tables.OpTest, 2
		}
		return tables.OpMask, 1
	}
	return 0, 0
}

// fieldOption handles -F.
func (p *parser) fieldOption(arg string) {
	if p.cmd.Verb == None {
		p.fail(Error{Problem: "-F stands before the rule's list", Mend: "begin the rule with -a always,exit",
			Stock: "List must be given before field"})
		return
	}
	if key, ok := strings.CutPrefix(arg, "key="); ok {
		p.moreKey(key)
		return
	}
	if len(p.rule.Fields) >= MaxFields-1 {
		p.tooMany(arg)
		return
	}
	c, ok := splitCondition(arg)
	switch {
	case !ok:
		p.fail(Error{Problem: fmt.Sprintf("%q has no operator", arg), Mend: "write NAME=VALUE", Stock: "-F missing operation for " + arg})
		return
	case c.name == "":
		p.fail(Error{Problem: fmt.Sprintf("%q names no field", arg), Stock: "-F missing field name before operator for "})
		return
	case c.value == "":
		p.fail(Error{Skip: c.at, Problem: fmt.Sprintf("%q has no value", arg), Stock: "-F missing value after operation for " + c.name})
		return
	}
	if c.field, ok = tables.FieldByName(c.name); !ok {
		e := unknown(c.name, 0, "field", tables.FieldNames())
		e.Stock = "-F unknown field: " + c.name
		p.fail(*e)
		return
	}
	if p.rule.List == tables.ListExclude && !excludes(c.field) {
		p.fail(Error{Problem: fmt.Sprintf("the list exclude takes no %s", c.name),
			Mend: "it takes msgtype, pid, uid, gid, auid, exe and subj_*", Stock: stockExclude})
		return
	}
	p.condition(&c)
}

func (p *parser) tooMany(arg string) {
	p.fail(Error{Problem: fmt.Sprintf("a rule takes %d fields", MaxFields-1), Stock: "Too many fields in rule: " + arg})
}

// excludes reports whether auditctl lets a field stand in a rule of the list
// exclude.
func excludes(field tables.Field) bool {
	switch field {
	case tables.FieldPID, tables.FieldUID, tables.FieldGID, tables.FieldAUID, tables.FieldMsgType,
		tables.FieldSubjUser, tables.FieldSubjRole, tables.FieldSubjType, tables.FieldSubjSen,
		tables.FieldSubjClr, tables.FieldExe:
		return true
	}
	return false
}

// condition checks a field against the rule's list and reads its value.
func (p *parser) condition(c *condition) {
	f := Field{Field: c.field, Op: c.op}
	// What the tools call the exit list's fields the kernel knows in the io_uring
	// list as well.
	exit := p.rule.List == tables.ListExit || p.rule.List == tables.ListIOUring
	switch c.field {
	case tables.FieldUID, tables.FieldEUID, tables.FieldSUID, tables.FieldFSUID, tables.FieldAUID, tables.FieldObjUID:
		f.Value = p.userID(c)
	case tables.FieldGID, tables.FieldEGID, tables.FieldSGID, tables.FieldFSGID, tables.FieldObjGID:
		f.Value = p.groupID(c)
	case tables.FieldExit:
		if p.exitOnly(c, exit) {
			f.Value = p.exitCode(c)
		}
	case tables.FieldMsgType:
		f.Value = p.messageType(c)
	case tables.FieldArch:
		f.Value = p.architecture(c)
	case tables.FieldPerm:
		if p.exitOnly(c, exit) {
			f.Value = p.permissions(c)
		}
	case tables.FieldFileType:
		if p.exitOnly(c, exit) {
			f.Value = p.fileType(c)
		}
	case tables.FieldFSType:
		f.Value = p.fileSystem(c)
	case tables.FieldA0, tables.FieldA1, tables.FieldA2, tables.FieldA3:
		f.Value = p.plainNumber(c, true, false)
	case tables.FieldSessionID:
		f.Value = p.session(c)
	case tables.FieldSaddrFam:
		f.Value = p.family(c)
	case tables.FieldDevMajor, tables.FieldDevMinor, tables.FieldInode, tables.FieldSuccess, tables.FieldPPID:
		if !p.exitOnly(c, exit) {
			break
		}
		if c.field == tables.FieldInode && !p.equalOnly(c) {
			break
		}
		f.Value = p.plainNumber(c, false, c.field != tables.FieldInode)
	default:
		if c.field.IsText() {
			f.Text = p.text(c, exit)
			break
		}
		f.Value = p.plainNumber(c, false, true)
	}
	if p.cmd.Err == nil {
		p.rule.Fields = append(p.rule.Fields, f)
	}
}

// wrong fails at the condition's value.
func (p *parser) wrong(c *condition, e Error) uint32 {
	e.Skip += c.at
	p.fail(e)
	return 0
}

func (p *parser) exitOnly(c *condition, holds bool) bool {
	if !holds {
		p.fail(Error{Problem: fmt.Sprintf("%s is a field of the list exit alone", c.name), Stock: c.name + " " + stockExitOnly})
	}
	return holds
}

func (p *parser) equalOnly(c *condition) bool {
	if c.op == tables.OpEqual || c.op == tables.OpNotEqual {
		return true
	}
	p.fail(Error{Skip: len(c.name), Problem: fmt.Sprintf("%s takes = and != alone", c.name), Stock: c.name + " " + stockEqualOps})
	return false
}

// numberOf reads a value that begins as a number, and warns of what follows the
// number.
func (p *parser) numberOf(c *condition, signed bool) uint32 {
	value, rest := number(c.value, signed)
	if rest != "" {
		p.op(Op{Kind: OpNote, Advice: fmt.Sprintf("%q is read as %s", c.value, strings.TrimSuffix(c.value, rest))})
	}
	return value
}

func (p *parser) plainNumber(c *condition, negative, signed bool) uint32 {
	if !startsNumber(c.value, negative) {
		e := Error{Problem: fmt.Sprintf("%s takes a number, not %q", c.name, c.value), Stock: "-F value should be number for " + c.name}
		if c.field == tables.FieldSuccess {
			switch strings.ToLower(c.value) {
			case "yes", "true":
				e.Near = "1"
			case "no", "false":
				e.Near = "0"
			}
		}
		return p.wrong(c, e)
	}
	return p.numberOf(c, signed || c.value[0] == '-')
}

func (p *parser) userID(c *condition) uint32 {
	if startsNumber(c.value, true) {
		return p.numberOf(c, c.value[0] == '-')
	}
	if c.value == "unset" {
		return ^uint32(0)
	}
	if id, ok := p.env.User(c.value); ok {
		return id
	}
	return p.wrong(c, Error{Problem: fmt.Sprintf("no user %q on this host", c.value), Absent: true,
		Mend: "use the user's number, or add the user first", Stock: "Unknown user: " + c.value})
}

func (p *parser) groupID(c *condition) uint32 {
	if startsNumber(c.value, false) {
		return p.numberOf(c, true)
	}
	if id, ok := p.env.Group(c.value); ok {
		return id
	}
	return p.wrong(c, Error{Problem: fmt.Sprintf("no group %q on this host", c.value), Absent: true,
		Mend: "use the group's number, or add the group first", Stock: "Unknown group: " + c.value})
}

func (p *parser) exitCode(c *condition) uint32 {
	if startsNumber(c.value, true) {
		return p.numberOf(c, true)
	}
	name, negative := strings.CutPrefix(c.value, "-")
	n, ok := tables.ErrnoNumber(strings.ToUpper(name))
	if !ok {
		e := unknown(c.value, 0, "errno", errnoNames())
		e.Stock = "-F unknown errno - " + c.name
		return p.wrong(c, *e)
	}
	if negative {
		n = -n
	}
	return uint32(int32(n))
}

func errnoNames() []string {
	var names []string
	for n := 1; n < 256; n++ {
		if name, ok := tables.ErrnoName(n); ok {
			names = append(names, name, "-"+name)
		}
	}
	return names
}

func (p *parser) messageType(c *condition) uint32 {
	if p.rule.List != tables.ListExclude && p.rule.List != tables.ListUser {
		p.fail(Error{Problem: "msgtype is a field of the lists exclude and user alone",
			Stock: "msgtype field can only be used with exclude or user filter list"})
		return 0
	}
	if startsNumber(c.value, false) {
		return p.numberOf(c, true)
	}
	t, ok := tables.TypeByName([]byte(strings.ToUpper(c.value)))
	if !ok || t == 0 {
		var names []string
		for _, t := range tables.Types() {
			names = append(names, t.String())
		}
		e := unknown(c.value, 0, "record type", names)
		e.Stock = "-F unknown message type - " + c.name
		return p.wrong(c, *e)
	}
	return uint32(t)
}

func (p *parser) architecture(c *condition) uint32 {
	if p.calls {
		p.fail(Error{Problem: "arch= stands after the system calls, whose names depend on it", Mend: "put -F arch= before -S",
			Stock: c.name + " must be before -S"})
		return 0
	}
	if !p.equalOnly(c) {
		return 0
	}
	arch, ok := p.archByName(c.value)
	if !ok {
		e := unknown(c.value, 0, "architecture", []string{"b64", "b32", "x86_64", "i386", "aarch64", "arm", "ppc64le", "s390x", "riscv64"})
		e.Stock = c.name + " elf mapping not found"
		return p.wrong(c, *e)
	}
	p.arch = arch
	return uint32(arch)
}

// archByName reads b64, b32, a machine's name, or its number in the kernel.
func (p *parser) archByName(name string) (tables.Arch, bool) {
	lower := strings.ToLower(name)
	switch lower {
	case "b64":
		return p.env.Machine, p.env.Machine.Is64Bit()
	case "b32":
		if !p.env.Machine.Is64Bit() {
			return p.env.Machine, true
		}
		return p.env.Machine.Compat()
	}
	if arch, ok := tables.ArchByName(lower); ok {
		return arch, true
	}
	base := 0
	if !isDigit(name[0]) {
		base = 16
	}
	n, err := strconv.ParseUint(name, base, 32)
	if err != nil {
		return 0, false
	}
	return tables.Arch(n), tables.Arch(n).Known()
}

func (p *parser) permissions(c *condition) uint32 {
	if c.op != tables.OpEqual {
		p.fail(Error{Skip: len(c.name), Problem: "perm takes = alone", Stock: c.name + " only takes = operator"})
		return 0
	}
	if len(c.value) > 4 {
		return p.wrong(c, Error{Problem: fmt.Sprintf("permissions %q are more than four", c.value), Stock: "String value too long"})
	}
	perms, at := permBits(c.value)
	if at >= 0 {
		return p.wrong(c, Error{Skip: at, Problem: fmt.Sprintf("%q is none of the permissions r, w, x and a", c.value[at:at+1]),
			Stock: "Permission can only contain  'rwxa'"})
	}
	p.perms = true
	return perms
}

func (p *parser) fileType(c *condition) uint32 {
	if mode, ok := tables.FileTypeByName(c.value); ok {
		return mode
	}
	// auditctl lists the number, so a number is taken as well.
	if mode, rest := number(c.value, false); startsNumber(c.value, false) && rest == "" {
		if _, ok := tables.FileTypeName(mode); ok {
			return mode
		}
	}
	e := unknown(c.value, 0, "file type", tables.FileTypeNames())
	e.Stock = "-F unknown file type -  " + c.name
	return p.wrong(c, *e)
}

func (p *parser) fileSystem(c *condition) uint32 {
	if p.rule.List != tables.ListFilesystem {
		p.fail(Error{Problem: "fstype is a field of the list filesystem alone", Stock: c.name + " field is not valid for the filter"})
		return 0
	}
	if !p.equalOnly(c) {
		return 0
	}
	p.fstype = true
	if startsNumber(c.value, false) {
		return p.numberOf(c, false)
	}
	if magic, ok := tables.FSTypeByName(c.value); ok {
		return magic
	}
	e := unknown(c.value, 0, "file system", tables.FSTypeNames())
	e.Mend = "others by their number in <linux/magic.h>"
	e.Stock = "file system type is unknown for field: " + c.name
	return p.wrong(c, *e)
}

func (p *parser) session(c *condition) uint32 {
	switch p.rule.List {
	case tables.ListExclude, tables.ListUser, tables.ListExit, tables.ListIOUring:
	default:
		p.fail(Error{Problem: "sessionid is no field of this list", Stock: c.name + " must be used with exclude, user, or exit filter"})
		return 0
	}
	if c.value == "unset" {
		return ^uint32(0)
	}
	return p.plainNumber(c, true, false)
}

func (p *parser) family(c *condition) uint32 {
	var value uint32
	if startsNumber(c.value, false) {
		value = p.numberOf(c, false)
	} else {
		named := false
		for n := range familyLimit {
			if name, ok := tables.FamilyName(n); ok && strings.EqualFold(name, c.value) {
				value, named = uint32(n), true
			}
		}
		if !named {
			return p.plainNumber(c, false, false)
		}
	}
	if value >= familyLimit {
		return p.wrong(c, Error{Problem: fmt.Sprintf("there is no address family %d", value), Stock: "value is too large for field: " + c.name})
	}
	return value
}

// text reads the value of a field that is a string.
func (p *parser) text(c *condition, exit bool) string {
	switch c.field {
	case tables.FieldExe:
		if !p.equalOnly(c) {
			return ""
		}
		p.exe = true
	case tables.FieldSubjUser, tables.FieldSubjRole, tables.FieldSubjType, tables.FieldSubjSen, tables.FieldSubjClr:
	case tables.FieldKey:
		// A key with another operator than = is no key to auditctl; the kernel
		// lets it never match.
		if !p.keyed() {
			p.fail(Error{Problem: "the rule has nothing that a key can stand for",
				Stock: "Key field needs a watch, syscall or exe path given prior to it"})
			return ""
		}
		if len(c.value) > MaxKey {
			p.fail(Error{Problem: "the key is too long", Stock: "String value too long"})
			return ""
		}
	default:
		if !p.exitOnly(c, exit) {
			return ""
		}
		if c.field == tables.FieldPath || c.field == tables.FieldDir {
			p.perms = true
		}
	}
	if len(c.value) > maxText {
		p.fail(Error{Problem: "the value is too long", Stock: "String value too long"})
		return ""
	}
	return c.value
}
