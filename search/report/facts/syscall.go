package facts

import (
	"bytes"

	"vigil/audit"
)

// syscallFields are the fields of a SYSCALL record in the kernel's order
// (kernel/auditsc.c, audit_log_exit, and kernel/audit.c, audit_log_task_info). Those
// that nobody asks for are there to be passed over.
var syscallFields = [...]struct {
	name  string
	field func(f *Facts) *audit.Field
}{
	{"arch", func(f *Facts) *audit.Field { return &f.Arch }},
	{"syscall", func(f *Facts) *audit.Field { return &f.Syscall }},
	{"per", nil},
	{"success", nil},
	{"exit", func(f *Facts) *audit.Field { return &f.Exit }},
	{"a0", func(f *Facts) *audit.Field { return &f.A[0] }},
	{"a1", func(f *Facts) *audit.Field { return &f.A[1] }},
	{"a2", func(f *Facts) *audit.Field { return &f.A[2] }},
	{"a3", func(f *Facts) *audit.Field { return &f.A[3] }},
	{"items", nil},
	{"ppid", func(f *Facts) *audit.Field { return &f.PPID }},
	{"pid", func(f *Facts) *audit.Field { return &f.PID }},
	{"auid", func(f *Facts) *audit.Field { return &f.AUID }},
	{"uid", func(f *Facts) *audit.Field { return &f.UID }},
	{"gid", func(f *Facts) *audit.Field { return &f.GID }},
	{"euid", func(f *Facts) *audit.Field { return &f.EUID }},
	{"suid", nil},
	{"fsuid", nil},
	{"egid", func(f *Facts) *audit.Field { return &f.EGID }},
	{"sgid", nil},
	{"fsgid", nil},
	{"tty", func(f *Facts) *audit.Field { return &f.TTY }},
	{"ses", func(f *Facts) *audit.Field { return &f.Session }},
	{"comm", func(f *Facts) *audit.Field { return &f.Comm }},
	{"exe", func(f *Facts) *audit.Field { return &f.Exe }},
	{"subj", nil},
	{"key", func(f *Facts) *audit.Field { return &f.Key }},
}

// syscall is record for the text of a SYSCALL record as the kernel writes it: in a
// fixed order, without a space in any value. It returns false, and leaves f as it
// was, if the text is anything else.
func (f *Facts) syscall(b []byte) bool {
	saved := *f
	at := 0
	for len(b) > 0 {
		token := b
		if i := bytes.IndexByte(b, ' '); i >= 0 {
			token, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		for at < len(syscallFields) && !isNamed(token, syscallFields[at].name) {
			at++
		}
		if at == len(syscallFields) {
			*f = saved
			return false
		}
		n := len(syscallFields[at].name)
		value := token[n+1:]
		if last := len(value) - 1; last < 0 || (value[0] == '"') != (value[last] == '"') || value[0] == '\'' || value[last] == ',' || value[last] == ')' && value[0] != '(' {
			*f = saved
			return false
		}
		switch field := syscallFields[at].field; {
		case field != nil:
			*field(f) = audit.Field{Name: token[:n], Value: value}
		case at == successField:
			f.Result = outcome(value)
		}
		at++
	}
	return true
}

// successField is the index of success in syscallFields.
const successField = 3

// isNamed reports whether a token is name=value.
func isNamed(token []byte, name string) bool {
	return len(token) > len(name) && token[len(name)] == '=' && string(token[:len(name)]) == name
}
