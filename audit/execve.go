package audit

import (
	"bytes"
	"math"

	"vigil/audit/tables"
)

// Args is a list of strings, such as arguments, in memory that is used again: the
// zero value is ready, and filling it allocates only when it must grow.
type Args struct {
	buf  []byte
	ends []int // of each argument in buf
}

// Len returns the number of strings.
func (a *Args) Len() int { return len(a.ends) }

// At returns string i, valid until a is filled again. It may hold any byte.
func (a *Args) At(i int) []byte {
	start := 0
	if i > 0 {
		start = a.ends[i-1]
	}
	return a.buf[start:a.ends[i]:a.ends[i]]
}

// Strings returns a copy of the list.
func (a *Args) Strings() []string {
	s := make([]string, a.Len())
	for i := range s {
		s[i] = string(a.At(i))
	}
	return s
}

func (a *Args) reset() { a.buf, a.ends = a.buf[:0], a.ends[:0] }

// Args fills a with the command line that the event's EXECVE records hold and
// reports whether it is whole: every argument and every piece of a long one is
// there, and there are as many as argc says. Arguments that are there are
// returned even if others are not.
//
// The kernel writes at most 7,500 bytes of arguments into one record, goes on in
// another, and cuts a longer argument into a1[0]=, a1[1]=..., each quoted or
// hexadecimal on its own (kernel/auditsc.c, audit_log_execve_info). The a1_len=
// before them is not needed: it counts characters as they are printed.
func (e *Event) Args(a *Args) bool {
	a.reset()
	argc, whole, piece := int64(-1), true, 0
	for i := range e.Records {
		if e.Records[i].Type != tables.TypeExecve {
			continue
		}
		fs := e.Records[i].Fields()
		for f, ok := fs.Next(); ok; f, ok = fs.Next() {
			n, chunk, isArg := execveArg(f.Name)
			switch {
			case !isArg:
				if argc < 0 && string(f.Name) == "argc" {
					argc, _ = f.Int()
				}
				continue
			case chunk > 0 && n == a.Len()-1:
				whole = whole && chunk == piece
				a.buf = f.Text(a.buf)
				a.ends[n] = len(a.buf)
			default:
				whole = whole && n == a.Len() && chunk <= 0
				a.buf = f.Text(a.buf)
				a.ends = append(a.ends, len(a.buf))
			}
			piece = chunk + 1
		}
	}
	return whole && argc == int64(a.Len())
}

// Argv returns the command line that the event's EXECVE records hold, nil if
// there are none. Args does the same without allocating.
func (e *Event) Argv() []string {
	if _, ok := e.First(tables.TypeExecve); !ok {
		return nil
	}
	var a Args
	e.Args(&a)
	return a.Strings()
}

// Proctitle fills a with the arguments in the event's PROCTITLE record and
// reports whether there is one. The kernel keeps the first 128 bytes only, and
// what the process has put in the place of its arguments (kernel/auditsc.c,
// audit_log_proctitle).
func (e *Event) Proctitle(a *Args) bool {
	a.reset()
	r, ok := e.First(tables.TypeProctitle)
	if !ok {
		return false
	}
	f, ok := r.Get("proctitle")
	if !ok {
		return false
	}
	a.buf = f.Text(a.buf)
	a.split(0, 0)
	return true
}

// split cuts the text at a.buf[start:] into strings that end at each sep or at
// the end, and moves them together.
func (a *Args) split(start int, sep byte) {
	text, out := a.buf[start:], a.buf[:start]
	for len(text) > 0 {
		s := text
		if i := bytes.IndexByte(text, sep); i >= 0 {
			s, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		out = append(out, s...)
		a.ends = append(a.ends, len(out))
	}
	a.buf = out
}

// execveArg parses the name of an argument in EXECVE: a12, or a12[3] for a piece
// of a long one. The chunk of a whole argument is -1.
func execveArg(name []byte) (n, chunk int, ok bool) {
	if len(name) < 2 || name[0] != 'a' {
		return 0, 0, false
	}
	v, digits := parseUint(name[1:], math.MaxInt32)
	if digits == 0 {
		return 0, 0, false
	}
	rest := name[1+digits:]
	if len(rest) == 0 {
		return int(v), -1, true
	}
	if len(rest) < 3 || rest[0] != '[' || rest[len(rest)-1] != ']' {
		return 0, 0, false
	}
	c, digits := parseUint(rest[1:], math.MaxInt32)
	if digits != len(rest)-2 {
		return 0, 0, false
	}
	return int(v), int(c), true
}
