package explain

import (
	"fmt"
	"strings"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// Names turn numbers into names for people. A nil function leaves numbers.
type Names struct {
	User, Group func(id uint32) (string, bool)
	Machine     tables.Arch // the kernel's; default: this program's
}

// Words says in one or two sentences what a rule catches.
func Words(r *rule.Rule, names Names) string {
	if names.Machine == 0 {
		names.Machine = tables.Native()
	}
	s := sentence{rule: r, names: names}
	s.begin()
	for i := range r.Fields {
		if text := s.condition(&r.Fields[i]); text != "" {
			s.conditions = append(s.conditions, text)
		}
	}
	text := s.what
	switch n := len(s.conditions); n {
	case 0:
	case 1:
		text += " if " + s.conditions[0]
	default:
		text += " if " + strings.Join(s.conditions[:n-1], ", ") + " and " + s.conditions[n-1]
	}
	text += "."
	if keys := r.Keys(); len(keys) == 1 {
		text += " Key: " + keys[0] + "."
	} else if len(keys) > 1 {
		text += " Keys: " + strings.Join(keys, ", ") + "."
	}
	return text
}

// sentence is one rule on its way into words.
type sentence struct {
	rule       *rule.Rule
	names      Names
	what       string
	conditions []string
}

// begin says what the rule is about, by its list.
func (s *sentence) begin() {
	verb := "Records"
	if s.rule.Action == tables.ActionNever {
		verb = "Does not record"
	}
	switch s.rule.List {
	case tables.ListUser:
		s.what = verb + " messages of programs"
	case tables.ListTask:
		s.what = "Audits new processes"
		if s.rule.Action == tables.ActionNever {
			s.what = "Leaves new processes, all their lives, without auditing of system calls"
		}
	case tables.ListExclude:
		s.what = "Leaves out records"
	case tables.ListFilesystem:
		s.what = verb + " the files (PATH records) of a file system"
	case tables.ListIOUring:
		s.what = verb + " " + s.calls("io_uring operation")
	default:
		s.what = verb + " " + s.calls("system call") + s.programs()
	}
}

// calls names the calls of the mask, the first few of many.
func (s *sentence) calls(kind string) string {
	const shown = 6
	r := s.rule
	if r.Mask.All() {
		if r.Find(tables.FieldPerm) != nil {
			return "calls on files"
		}
		return "every " + kind
	}
	var list []string
	for _, nr := range r.Mask.Numbers() {
		list = append(list, CallName(r, nr, s.names.Machine))
	}
	switch n := len(list); {
	case n == 0:
		return "no " + kind + " at all"
	case n == 1:
		return list[0]
	case n > shown+1:
		return fmt.Sprintf("%s and %d other %ss", strings.Join(list[:shown], ", "), n-shown, kind)
	default:
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
}

// CallName names a call of a rule's mask.
func CallName(r *rule.Rule, nr int, machine tables.Arch) string {
	name, ok := "", false
	if r.List == tables.ListIOUring {
		name, ok = tables.UringOpName(nr)
	} else {
		arch := r.Arch()
		if arch == 0 {
			arch = machine
		}
		name, ok = tables.SyscallName(arch, nr)
	}
	if !ok {
		return fmt.Sprintf("number %d", nr)
	}
	return name
}

// programs says whose calls: those of 64-bit or 32-bit programs.
func (s *sentence) programs() string {
	f := s.rule.Find(tables.FieldArch)
	if f == nil {
		return ""
	}
	arch, whose := tables.Arch(f.Value), ""
	compat, _ := s.names.Machine.Compat()
	switch arch {
	case s.names.Machine:
		whose = "32-bit"
		if arch.Is64Bit() {
			whose = "64-bit"
		}
	case compat:
		whose = "32-bit"
	default:
		whose = arch.String()
	}
	if f.Op == tables.OpNotEqual {
		whose = "other than " + whose
	}
	return " of " + whose + " programs"
}

// condition says what one field asks for, "" if it is said elsewhere.
func (s *sentence) condition(f *rule.Field) string {
	switch f.Field {
	case tables.FieldArch, tables.FieldKey:
		return ""
	case tables.FieldPerm:
		return perms(f.Value)
	case tables.FieldSuccess:
		if (f.Value != 0) == (f.Op == tables.OpEqual) {
			return "it succeeds"
		}
		return "it fails"
	case tables.FieldExit:
		return s.exit(f)
	case tables.FieldPath:
		return "it concerns the file " + f.Text
	case tables.FieldDir:
		return "it concerns a file in or below " + f.Text
	case tables.FieldExe:
		return "the program " + relation(f.Op) + " " + f.Text
	case tables.FieldFieldCompare:
		return comparison(f)
	case tables.FieldFileType:
		if name, ok := tables.FileTypeName(f.Value); ok {
			return "the file's type " + relation(f.Op) + " " + name
		}
	case tables.FieldFSType:
		if name, ok := tables.FSTypeName(f.Value); ok {
			return "the file system " + relation(f.Op) + " " + name
		}
		return fmt.Sprintf("the file system %s the one with number %#x", relation(f.Op), f.Value)
	case tables.FieldMsgType:
		return fmt.Sprintf("their type %s %s", relation(f.Op), tables.Type(f.Value))
	case tables.FieldSaddrFam:
		if name, ok := tables.FamilyName(int(f.Value)); ok {
			return "the address family " + relation(f.Op) + " " + name
		}
	case tables.FieldA0, tables.FieldA1, tables.FieldA2, tables.FieldA3:
		return fmt.Sprintf("argument %d (counted from 0) %s %#x", f.Field-tables.FieldA0, relation(f.Op), f.Value)
	}
	if f.Field.IsText() {
		return noun(f.Field) + " " + relation(f.Op) + " " + f.Text
	}
	return noun(f.Field) + " " + s.identity(f)
}

// identity says a number, with its name for users and groups.
func (s *sentence) identity(f *rule.Field) string {
	lookup := s.names.User
	switch f.Field {
	case tables.FieldAUID, tables.FieldUID, tables.FieldEUID, tables.FieldSUID, tables.FieldFSUID, tables.FieldObjUID:
	case tables.FieldGID, tables.FieldEGID, tables.FieldSGID, tables.FieldFSGID, tables.FieldObjGID:
		lookup = s.names.Group
	case tables.FieldSessionID:
		lookup = nil
	default:
		return fmt.Sprintf("%s %d", relation(f.Op), f.Value)
	}
	if f.Value == ^uint32(0) {
		if f.Op == tables.OpNotEqual {
			return "is set"
		}
		return relation(f.Op) + " not set"
	}
	if lookup != nil && (f.Op == tables.OpEqual || f.Op == tables.OpNotEqual) {
		if name, ok := lookup(f.Value); ok {
			return fmt.Sprintf("%s %s (%d)", relation(f.Op), name, f.Value)
		}
	}
	return fmt.Sprintf("%s %d", relation(f.Op), f.Value)
}

// relation says an operator.
func relation(op tables.Op) string {
	switch op {
	case tables.OpEqual:
		return "is"
	case tables.OpNotEqual:
		return "is not"
	case tables.OpLess:
		return "is below"
	case tables.OpLessEqual:
		return "is at most"
	case tables.OpGreater:
		return "is above"
	case tables.OpGreaterEqual:
		return "is at least"
	case tables.OpMask:
		return "has any bit of"
	case tables.OpTest:
		return "has all bits of"
	}
	return "?"
}

// noun names what a field is about.
func noun(field tables.Field) string {
	switch field {
	case tables.FieldAUID:
		return "the login user"
	case tables.FieldUID:
		return "the user"
	case tables.FieldEUID:
		return "the effective user"
	case tables.FieldSUID:
		return "the saved user"
	case tables.FieldFSUID:
		return "the file system user"
	case tables.FieldObjUID:
		return "the file's owner"
	case tables.FieldGID:
		return "the group"
	case tables.FieldEGID:
		return "the effective group"
	case tables.FieldSGID:
		return "the saved group"
	case tables.FieldFSGID:
		return "the file system group"
	case tables.FieldObjGID:
		return "the file's group"
	case tables.FieldPID:
		return "the process"
	case tables.FieldPPID:
		return "the parent process"
	case tables.FieldSessionID:
		return "the login session"
	case tables.FieldInode:
		return "the file's inode"
	case tables.FieldDevMajor:
		return "the device's major number"
	case tables.FieldDevMinor:
		return "the device's minor number"
	case tables.FieldPers:
		return "the personality"
	}
	return field.String()
}

// perms says what a watch watches for.
func perms(bits uint32) string {
	var list []string
	for _, p := range [...]struct {
		bit  uint32
		text string
	}{
		{tables.PermRead, "reads"}, {tables.PermWrite, "writes"},
		{tables.PermExec, "executes"}, {tables.PermAttr, "changes attributes"},
	} {
		if bits&p.bit != 0 {
			list = append(list, p.text)
		}
	}
	if len(list) == 0 {
		return "it needs no permission, which never holds"
	}
	return "it " + strings.Join(list, " or ")
}

// exit says a result.
func (s *sentence) exit(f *rule.Field) string {
	value := int(int32(f.Value))
	if name, ok := tables.ErrnoName(-value); value < 0 && ok {
		switch f.Op {
		case tables.OpEqual:
			return "it fails with " + name
		case tables.OpNotEqual:
			return "it does not fail with " + name
		}
		return "its result " + relation(f.Op) + " -" + name + ", compared without sign"
	}
	return fmt.Sprintf("its result %s %d", relation(f.Op), value)
}

// comparison says a -C.
func comparison(f *rule.Field) string {
	left, right, ok := tables.CompareFields(f.Value)
	if !ok {
		return fmt.Sprintf("comparison %d holds", f.Value)
	}
	return noun(left) + " " + relation(f.Op) + " " + noun(right)
}
