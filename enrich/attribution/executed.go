package attribution

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
)

// Execution is what the SYSCALL record says of an execve that succeeded.
type Execution struct {
	Comm, Exe []byte // decoded; of the event's memory, or copies
}

// Executed reads the program that ev's process has executed; false if it has executed none.
func Executed(ev *audit.Event) (Execution, bool) {
	if _, ok := ev.First(tables.TypeExecve); !ok {
		return Execution{}, false
	}
	r, ok := ev.First(tables.TypeSyscall)
	if !ok {
		return Execution{}, false
	}
	// Everything before comm= is numbers and the name of a terminal, which the kernel has put there: the first comm= and
	// success= are its own (audit_log_exit, kernel/auditsc.c). What comes behind is read as fields.
	i := bytes.Index(r.Body, []byte(" comm="))
	if i < 0 || !bytes.Contains(r.Body[:i], []byte(" success=yes ")) {
		return Execution{}, false
	}
	r.Body = r.Body[i+1:]
	var x Execution
	fs := r.Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		switch string(f.Name) {
		case "comm":
			x.Comm = decoded(f)
		case "exe":
			x.Exe = decoded(f)
			return x, true
		}
	}
	return x, true
}

// decoded is a field's text without a copy if it is printed as it is.
func decoded(f audit.Field) []byte {
	if v, ok := f.View(); ok {
		return v
	}
	return f.Text(nil)
}
