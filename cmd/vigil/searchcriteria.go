package main

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vigil/audit/tables"
	"vigil/internal/nearest"
)

// criteria are ausearch's, as flags that stand for conditions of the filter
// language. Several values of one are alternatives, several criteria must all hold.
type criteria struct {
	values map[string]*[]string
	word   bool
}

// criterion is one of ausearch's criteria.
type criterion struct {
	flag, usage string
	condition   func(value string, word bool) (string, error)
}

// criterionList is in the order of ausearch(8).
func criterionList() []criterion {
	return []criterion{
		{"event", "with this serial `number`", number("audit.serial")},
		{"arch", "of this `architecture`: x86_64, aarch64, i386, b64, b32", architecture},
		{"comm", "of a command with this `name`", contains("audit.comm")},
		{"executable", "of an executable with this `path`", contains("audit.exe")},
		{"exit", "whose system call returned this `value`: a number or EACCES", exact("audit.exit")},
		{"file", "about a file or socket with this `path`", contains("PATH.name", "audit.path", "fd.name")},
		{"gid", "of this `group`", group("audit.gid")},
		{"gid-effective", "of this effective `group`", group("audit.egid")},
		{"gid-all", "with this `group` in any place", group("audit.gid", "audit.egid", "audit.sgid", "audit.fsgid")},
		{"host", "with this remote `host` or address", contains("audit.host", "audit.address")},
		{"key", "of a rule with this `key`", contains("audit.key")},
		{"message", "with a record of this `type`: USER_LOGIN, 1112; several are separated by commas", messageType},
		{"node", "of this `node`", exact("audit.node")},
		{"object", "whose object has this security `label`", contains("PATH.obj", "OBJ_PID.obj", "AVC.tcontext")},
		{"pid", "of the process with this `number`", number("audit.pid")},
		{"ppid", "of a child of the process with this `number`", number("audit.ppid")},
		{"session", "of this login `session`", number("audit.session")},
		{"subject", "whose process has this security `label`", contains("audit.subject")},
		{"success", "that succeeded or not: `yes` or no", success},
		{"syscall", "of this system `call`: a name or number", systemCall},
		{"terminal", "on this `terminal`", contains("audit.terminal")},
		{"uid", "of this `user`", account("user.name", "audit.uid")},
		{"uid-effective", "of this effective `user`", account("user.name", "audit.euid")},
		{"auid", "of this `user` at login; unset is none", account("user.loginname", "audit.auid")},
		{"uid-all", "with this `user` in any place", account("", "audit.uid", "audit.euid", "audit.auid", "audit.suid", "audit.fsuid")},
		{"vm-name", "of a virtual machine with this `name`", contains("VIRT_CONTROL.vm", "VIRT_RESOURCE.vm", "VIRT_MACHINE_ID.vm")},
	}
}

func (s *criteria) addFlags(c *cobra.Command) {
	s.values = map[string]*[]string{}
	for _, one := range criterionList() {
		s.values[one.flag] = new([]string)
		c.Flags().StringArrayVar(s.values[one.flag], one.flag, nil, "only events "+one.usage)
	}
	c.Flags().BoolVar(&s.word, "word", false, "texts in the flags above are whole, not parts")
}

// condition returns the condition that the flags stand for, "" if none is given.
func (s *criteria) condition() (string, error) {
	var all []string
	for _, one := range criterionList() {
		var any []string
		for _, value := range *s.values[one.flag] {
			text, err := one.condition(value, s.word)
			if err != nil {
				return "", fmt.Errorf("--%s: %w", one.flag, err)
			}
			if text != "" {
				any = append(any, text)
			}
		}
		if len(any) > 0 {
			all = append(all, anyOf(any))
		}
	}
	return strings.Join(all, " and "), nil
}

func anyOf(conditions []string) string {
	if len(conditions) == 1 {
		return conditions[0]
	}
	return "(" + strings.Join(conditions, " or ") + ")"
}

// filterText quotes a text for the filter language.
func filterText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "\\x%02x", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func compared(fields []string, op, text string) string {
	conditions := make([]string, len(fields))
	for i, field := range fields {
		conditions[i] = field + " " + op + " " + text
	}
	return anyOf(conditions)
}

// errEmpty keeps a forgotten shell variable from choosing everything.
var errEmpty = errors.New("the value is empty")

func contains(fields ...string) func(string, bool) (string, error) {
	return func(value string, word bool) (string, error) {
		if value == "" {
			return "", errEmpty
		}
		if word {
			return compared(fields, "=", filterText(value)), nil
		}
		return compared(fields, "contains", filterText(value)), nil
	}
}

func exact(fields ...string) func(string, bool) (string, error) {
	return func(value string, _ bool) (string, error) {
		if value == "" {
			return "", errEmpty
		}
		return compared(fields, "=", filterText(value)), nil
	}
}

func number(fields ...string) func(string, bool) (string, error) {
	return func(value string, _ bool) (string, error) {
		if value == "unset" || value == "4294967295" {
			value = "-1"
		}
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "", fmt.Errorf("%q is no number", value)
		}
		return compared(fields, "=", value), nil
	}
}

// account takes a user's name or number. A name that this host does not know may
// stand in the records of another one: then it is looked for in field named.
func account(named string, fields ...string) func(string, bool) (string, error) {
	byNumber := number(fields...)
	return func(value string, word bool) (string, error) {
		if text, err := byNumber(value, word); err == nil {
			return text, nil
		}
		if u, err := user.Lookup(value); err == nil {
			return byNumber(u.Uid, word)
		}
		switch {
		case value == "":
			return "", errEmpty
		case named != "":
			return named + " = " + filterText(value), nil
		}
		return compared([]string{"user.name", "user.loginname"}, "=", filterText(value)), nil
	}
}

func group(fields ...string) func(string, bool) (string, error) {
	byNumber := number(fields...)
	return func(value string, word bool) (string, error) {
		if text, err := byNumber(value, word); err == nil {
			return text, nil
		}
		g, err := user.LookupGroup(value)
		if err != nil {
			return "", fmt.Errorf("%q is no group of this host: give its number", value)
		}
		return byNumber(g.Gid, word)
	}
}

func success(value string, _ bool) (string, error) {
	switch value {
	case "yes", "success":
		return "audit.result = success", nil
	case "no", "failed", "failure":
		return "audit.result = failure", nil
	}
	return "", fmt.Errorf("%q is neither yes nor no", value)
}

func architecture(value string, _ bool) (string, error) {
	a := tables.Native()
	switch value {
	case "b64":
	case "b32":
		if compat, ok := a.Compat(); ok {
			a = compat
		}
	default:
		var ok bool
		if a, ok = tables.ArchByName(value); !ok {
			return "", fmt.Errorf("%q is no architecture: right are x86_64, aarch64, i386, b64, b32 and others", value)
		}
	}
	return "audit.arch = " + filterText(a.String()), nil
}

func systemCall(value string, _ bool) (string, error) {
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return fmt.Sprintf("audit.syscall = %d", n), nil
	}
	archs := []tables.Arch{tables.Native(), tables.ArchX86_64, tables.ArchAArch64, tables.ArchI386}
	var known []string
	for _, a := range archs {
		if _, ok := tables.SyscallNumber(a, value); ok {
			return "syscall.type = " + filterText(value), nil
		}
		for _, call := range tables.Syscalls(a) {
			known = append(known, call.Name)
		}
	}
	if best, ok := nearest.Word(value, known); ok {
		return "", fmt.Errorf("unknown system call %q: did you mean %q?", value, best)
	}
	return "", fmt.Errorf("unknown system call %q", value)
}

func messageType(value string, _ bool) (string, error) {
	var types []string
	for word := range strings.SplitSeq(value, ",") {
		if strings.EqualFold(word, "ALL") {
			return "", nil
		}
		name := strings.ToUpper(word)
		if n, err := strconv.ParseUint(word, 10, 16); err == nil {
			name = tables.Type(n).String()
		}
		if _, ok := tables.TypeByName([]byte(name)); !ok {
			var known []string
			for _, t := range tables.Types() {
				known = append(known, t.String())
			}
			if best, ok := nearest.Word(name, known); ok {
				return "", fmt.Errorf("unknown record type %q: did you mean %q?", word, best)
			}
			return "", fmt.Errorf("unknown record type %q", word)
		}
		types = append(types, filterText(name))
	}
	return "audit.types in (" + strings.Join(types, ", ") + ")", nil
}
