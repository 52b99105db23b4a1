package who

import (
	"bytes"
	"math"

	"vigil/audit"
	"vigil/audit/tables"
)

// read takes from a record what tells its process. It reports whether there is a pid.
func (w *Who) read(r audit.Record) bool {
	if r.Type == tables.TypeSyscall && w.readCall(r) {
		return w.q.PID != 0
	}
	return w.readAny(r)
}

// call is what a record says of a system call.
type call struct {
	arch    tables.Arch
	number  int // -1: none
	success bool
}

// executes reports whether it has executed a program.
func (w *Who) executes(c call) bool {
	if !c.success || c.number < 0 {
		return false
	}
	if c.arch != w.lastCall.arch || c.number != w.lastCall.number {
		name, _ := tables.SyscallName(c.arch, c.number)
		w.lastCall, w.lastExecutes = c, name == "execve" || name == "execveat"
	}
	return w.lastExecutes
}

// readCall reads a SYSCALL record as the kernel writes it (audit_log_exit, kernel/auditsc.c): up to comm, bare words
// name=value with a space behind each, so that a space ends a word. It reports whether the record is like that and its
// comm printed as it is; readAny reads the others.
func (w *Who) readCall(r audit.Record) bool {
	w.q, w.ses = Query{ID: r.ID}, math.MaxUint32
	c := call{number: -1}
	for b := r.Body; ; {
		end := bytes.IndexByte(b, ' ')
		if end < 3 || b[0] < 'a' || b[0] > 'z' {
			return false
		}
		word := b[:end]
		b = b[end+1:]
		ok := true
		switch word[0] {
		case 'a':
			if value, is := cut(word, "arch="); is {
				var n uint64
				n, ok = digits(value, 16)
				c.arch = tables.Arch(n)
			}
		case 's':
			ok = w.readS(word, &c)
		case 'p':
			if value, is := cut(word, "pid="); is {
				ok = w.q.PID == 0 && id(value, &w.q.PID)
			} else if value, is := cut(word, "ppid="); is {
				ok = id(value, &w.q.PPID)
			}
		case 'c':
			if value, is := cut(word, "comm="); is {
				// TASK_COMM_LEN is 16: what is printed as it is holds neither space nor quote.
				if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
					return false
				}
				w.q.Comm = value[1 : len(value)-1]
				w.q.Exec = w.executes(c)
				return true
			}
		}
		if !ok {
			return false
		}
	}
}

// readS reads a word that begins with s: false if it is not as the kernel writes it.
func (w *Who) readS(word []byte, c *call) bool {
	var n uint64
	var ok bool
	if value, is := cut(word, "syscall="); is {
		n, ok = digits(value, 10)
		c.number = int(n)
		return ok && n < math.MaxInt32
	}
	if value, is := cut(word, "success="); is {
		c.success = string(value) == "yes"
		return c.success || string(value) == "no"
	}
	if value, is := cut(word, "ses="); is {
		n, ok = digits(value, 10)
		w.ses = uint32(n)
		return ok && n <= math.MaxUint32
	}
	return true
}

// cut is bytes.CutPrefix for a constant prefix.
func cut(word []byte, prefix string) ([]byte, bool) {
	if len(word) < len(prefix) || string(word[:len(prefix)]) != prefix {
		return nil, false
	}
	return word[len(prefix):], true
}

// id reads the pid of a process.
func id(b []byte, to *uint32) bool {
	n, ok := digits(b, 10)
	*to = uint32(n)
	return ok && n > 0 && n <= math.MaxInt32
}

// digits reads a number in base 10 or 16; false if there is anything else, or too much.
func digits(b []byte, base uint64) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 15 {
		return 0, false
	}
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			n = n*base + uint64(c-'0')
		case base == 16 && c >= 'a' && c <= 'f':
			n = n*base + uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// readAny reads a record of any type.
func (w *Who) readAny(r audit.Record) bool {
	w.q = Query{ID: r.ID}
	w.ses = math.MaxUint32
	c := call{number: -1}
	fs := r.Fields()
	for f, ok := fs.Next(); ok && !f.FromProgram(); f, ok = fs.Next() {
		switch string(f.Name) {
		case "pid":
			if w.q.PID == 0 {
				w.q.PID = number(f)
			}
		case "ppid":
			w.q.PPID = number(f)
		case "ses":
			w.ses = math.MaxUint32
			if n, ok := f.Uint(); ok && n < math.MaxUint32 {
				w.ses = uint32(n)
			}
		case "arch":
			n, _ := f.Hex()
			c.arch = tables.Arch(n)
		case "syscall":
			if n, ok := f.Uint(); ok && n < math.MaxInt32 {
				c.number = int(n)
			}
		case "success":
			c.success = string(f.Value) == "yes"
		case "comm":
			w.comm = f.Text(w.comm[:0])
			w.q.Comm = w.comm
			if r.Type == tables.TypeSyscall { // it comes last
				w.q.Exec = w.executes(c)
				return w.q.PID != 0
			}
		}
	}
	w.q.Exec = w.executes(c)
	return w.q.PID != 0
}

func number(f audit.Field) uint32 {
	n, ok := f.Uint()
	if !ok || n > math.MaxInt32 {
		return 0
	}
	return uint32(n)
}
