package enrich

import (
	"strconv"

	"vigil/audit/tables"
)

// call is the system call that a record tells of. libauparse finds it by the
// place of the fields: arch must be the second or the eleventh field, syscall
// the third or the twelfth (SECCOMP records on a system with a security module),
// a0 the sixth. Elsewhere they do not count, and the system call is -1.
type call struct {
	arch   tables.Arch
	known  bool  // arch is known
	number int32 // -1 if the record has none
	first  int64 // a0, -1 if there is none that fits an int
}

// findCall reads the call of a record. The kernel's SYSCALL records begin with
// it, so that no more of them is read.
func findCall(kind tables.Type, s scanner) call {
	c := call{number: -1}
	last := 12
	if kind == tables.TypeSyscall {
		last = 6
	}
	for s.count < last && s.next() {
		switch {
		case (s.count == 2 || s.count == 11) && string(s.name) == "arch":
			n, ok := parseNumber(trim(s.value), 16)
			c.arch = tables.Arch(uint32(n))
			c.known = ok && c.arch.Known()
		case (s.count == 3 || s.count == 12) && string(s.name) == "syscall":
			n, ok := parseNumber(trim(s.value), 10)
			if c.number = int32(n); !ok {
				c.number = -1
			}
		case s.count == 6 && string(s.name) == "a0":
			n, ok := parseNumber(trim(s.value), 16)
			if c.first = int64(n); !ok {
				c.first = -1
			}
		}
	}
	return c
}

// findCall fills in the record's call when a field first needs it.
func (w *writer) findCall() *call {
	if !w.called {
		w.call = findCall(w.kind, w.start)
		w.called = true
	}
	return &w.call
}

// arch writes the name of the record's architecture.
func (w *writer) arch(value []byte) {
	a := w.findCall().arch
	if !w.call.known {
		n, ok := parseNumber(value, 16)
		if !ok {
			w.dst = append(w.dst, "conversion error("...)
			w.dst = append(w.dst, value...)
			w.dst = append(w.dst, ") "...) // auditd's own space
			return
		}
		a = tables.Arch(uint32(n))
	}
	switch {
	case a == tables.ArchARM:
		// The first of the names that the audit tools have for 32-bit ARM.
		w.dst = append(w.dst, "armeb"...)
	case a.Known():
		w.dst = append(w.dst, a.String()...)
	default:
		w.dst = append(w.dst, "unknown-elf-type("...)
		w.dst = append(w.dst, value...)
		w.dst = append(w.dst, ')')
	}
}

// syscall writes the name of the record's system call. auditd takes an
// architecture that it does not know for the machine's own.
func (w *writer) syscall() {
	c := w.findCall()
	arch := c.arch
	if !c.known {
		arch = tables.Native()
	}
	name, ok := tables.SyscallName(arch, int(c.number))
	if !ok {
		w.dst = appendUnknownCall(w.dst, c.number)
		return
	}
	w.dst = append(w.dst, name...)
	if function := c.function(name); function != "" {
		w.dst = append(w.dst, '(')
		w.dst = append(w.dst, function...)
		w.dst = append(w.dst, ')')
	}
}

// uring writes the name of a URINGOP record's operation, its first field.
func (w *writer) uring() {
	s := w.start
	op := int32(-1)
	if s.next() && string(s.name) == "uring_op" {
		if n, ok := parseNumber(trim(s.value), 10); ok {
			op = int32(n)
		}
	}
	if name, ok := tables.UringOpName(int(op)); ok {
		w.dst = append(w.dst, name...)
		return
	}
	w.dst = appendUnknownCall(w.dst, op)
}

func appendUnknownCall(dst []byte, number int32) []byte {
	dst = append(dst, "unknown-syscall("...)
	dst = strconv.AppendInt(dst, int64(number), 10)
	return append(dst, ')')
}

// socketCalls and ipcCalls are the functions of the multiplexed calls, by their
// first argument: SYS_* of <linux/net.h>, and <linux/ipc.h>.
var (
	socketCalls = [...]string{
		1: "socket", 2: "bind", 3: "connect", 4: "listen", 5: "accept", 6: "getsockname",
		7: "getpeername", 8: "socketpair", 9: "send", 10: "recv", 11: "sendto", 12: "recvfrom",
		13: "shutdown", 14: "setsockopt", 15: "getsockopt", 16: "sendmsg", 17: "recvmsg",
		18: "accept4", 19: "recvmmsg", 20: "sendmmsg",
	}
	ipcCalls = [...]string{
		1: "semop", 2: "semget", 3: "semctl", 4: "semtimedop", 11: "msgsnd", 12: "msgrcv",
		13: "msgget", 14: "msgctl", 21: "shmat", 22: "shmdt", 23: "shmget", 24: "shmctl",
	}
)

// function returns what a call that stands for several does, "" if that is
// unknown.
func (c *call) function(name string) string {
	var functions []string
	switch name {
	case "socketcall":
		functions = socketCalls[:]
	case "ipc":
		functions = ipcCalls[:]
	}
	if c.first < 0 || c.first >= int64(len(functions)) {
		return ""
	}
	return functions[c.first]
}
