package auparse

import (
	"vigil/audit/tables"
)

// call is the system call that a record tells of, as far as a value's meaning hangs on it.
//
// libauparse finds it by the place of the fields: arch must be the second or the eleventh field, syscall the third or
// the twelfth (SECCOMP records on a system with a security module), a0 the sixth, a1 the seventh. Elsewhere they do not
// count, and the system call is -1. ausearch -i does not look at the places: see line.go.
type call struct {
	arch   tables.Arch
	known  bool  // arch is known
	native bool  // if arch is not known, it is the machine's own, for the arguments as well
	number int32 // -1 if the record has none
	uring  bool  // number is an io_uring operation: 4.2's machine of URINGOP records
	first  uint64
	second uint64
	info   bool // fan_info is a number of a rule

	name  string // "" until it is looked up
	named bool
}

// newCall returns the call of a record before its fields are known.
func newCall(v Version, t tables.Type) call {
	return call{number: -1, uring: v == V4 && t == tables.TypeUringOp}
}

// note takes a field into account, by its place; the record's type is at place 1.
func (c *call) note(v Version, kind tables.Type, place int, name, value []byte) {
	switch {
	case (place == 2 || place == 11) && string(name) == "arch":
		c.setArch(value)
	case (place == 3 || place == 12) && string(name) == "syscall":
		c.setNumber(value)
	case v == V4 && place == 2 && kind == tables.TypeUringOp && string(name) == "uring_op":
		c.setNumber(value)
	case place == 6 && string(name) == "a0":
		c.first = parseArgument(value)
	case place == 7 && string(name) == "a1":
		c.second = parseArgument(value)
	case kind == tables.TypeFanotify && string(name) == "fan_type":
		c.info = isRule(value)
	}
}

// isRule reports whether a fan_type says that fan_info is the number of a rule.
func isRule(value []byte) bool {
	n, _ := parseUint(value, 10)
	return n == 1
}

// parseArgument reads an argument: all bits set if it is too large.
func parseArgument(value []byte) uint64 {
	n, ok := parseUint(value, 16)
	if !ok {
		return 1<<64 - 1
	}
	return n
}

func (c *call) setArch(value []byte) {
	n, ok := parseUint(value, 16)
	c.arch = tables.Arch(uint32(n))
	c.known = ok && c.arch.Known()
	c.uring = c.uring && !c.known
}

func (c *call) setNumber(value []byte) {
	n, ok := parseUint(value, 10)
	if c.number = int32(n); !ok {
		c.number = -1
	}
	c.named = false
}

// syscall returns the name of the call, "" if it has none. An architecture that is not known is taken for that of the
// machine.
func (c *call) syscall() string {
	if c.named {
		return c.name
	}
	c.named = true
	if c.uring {
		c.name, _ = tables.UringOpName(int(c.number))
		return c.name
	}
	arch := c.arch
	if !c.known {
		arch = tables.Native()
	}
	c.name, _ = tables.SyscallName(arch, int(c.number))
	return c.name
}

// appendSyscall appends the name of the call, with its function if it stands for several.
func (x *Interpreter) appendSyscall(dst []byte, c *call) []byte {
	name := c.syscall()
	if name == "" {
		return appendIntIn(dst, "unknown-syscall(", c.number)
	}
	dst = append(dst, name...)
	if function := x.function(c, name); function != "" {
		dst = append(dst, '(')
		dst = append(dst, function...)
		dst = append(dst, ')')
	}
	return dst
}
