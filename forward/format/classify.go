package format

import (
	"vigil/audit"
	"vigil/audit/tables"
)

// classify finds the action: that of a record which says more than the system
// call, of the call, or of the first record.
func (f *facts) classify() {
	f.actionType = f.main.Type
	for i := range f.e.Records {
		r := &f.e.Records[i]
		if a, ok := recordAction(r.Type); ok {
			f.action, f.actionType = a, r.Type
			f.refine(r)
			return
		}
	}
	if f.call != "" && f.isCall() {
		f.action = callAction(f.call)
		if f.action.category == file && f.action.types == access {
			f.action.types = f.openTypes()
		}
		return
	}
	f.action = action{"", process, info}
}

// isCall reports whether the event is a system call's or an io_uring operation's.
func (f *facts) isCall() bool {
	return f.main.Type == tables.TypeSyscall || f.main.Type == tables.TypeUringOp
}

// refine tells the cases apart that share a record type.
func (f *facts) refine(r *audit.Record) {
	switch r.Type {
	case tables.TypeAVC:
		if fd, ok := r.Get("apparmor"); ok {
			f.action.name = "violated-apparmor-policy"
			switch string(fd.Value) {
			case `"DENIED"`:
			case `"STATUS"`:
				f.action = action{"changed-apparmor-policy", config, change}
			default:
				f.action.types = info
			}
		} else if verdict, _ := r.AVC(); string(verdict) != "denied" {
			f.action.types = info
		}
	case tables.TypeSeccomp:
		if f.call == "" {
			f.call = seccompCall(r)
		}
	}
}

// seccompCall returns the system call that a SECCOMP record is about.
func seccompCall(r *audit.Record) string {
	arch, _ := r.Get("arch")
	number, _ := r.Get("syscall")
	a, _ := arch.Hex()
	n, ok := number.Int()
	if !ok {
		return ""
	}
	call, _ := tables.SyscallName(tables.Arch(a), int(n))
	return call
}

// Flags of open(2), the same on every architecture whose calls have names here but
// for O_CREAT on Alpha, MIPS, PA-RISC and SPARC (<asm/fcntl.h>).
const openForWriting = 0o1 | 0o2 | 0o1000 // O_WRONLY, O_RDWR, O_TRUNC

// openTypes says what opening a file was: making it, for writing, or for reading.
func (f *facts) openTypes() string {
	switch {
	case f.created:
		return creation
	case f.openFlags&openForWriting != 0:
		return change
	}
	return access
}

// appendAction appends the action's name, else the record type in lower case.
func (f *facts) appendAction(dst []byte) []byte {
	if f.action.name != "" {
		return append(dst, f.action.name...)
	}
	start := len(dst)
	dst = f.actionType.AppendTo(dst)
	for i := start; i < len(dst); i++ {
		switch c := dst[i]; {
		case c >= 'A' && c <= 'Z':
			dst[i] = c + 'a' - 'A'
		case c == '_':
			dst[i] = '-'
		}
	}
	return dst
}
