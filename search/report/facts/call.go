package facts

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// HasCall reports whether the event has a system call or io_uring operation.
func (f *Facts) HasCall() bool {
	return f.Subject.Type == tables.TypeSyscall || f.Subject.Type == tables.TypeUringOp
}

// Call returns the name of the event's system call or io_uring operation, its
// number if it has no name that is known; false if there is none.
func (f *Facts) Call() (string, bool) {
	if !f.HasCall() || f.Syscall.Name == nil {
		return "", false
	}
	nr, ok := f.Syscall.Uint()
	if !ok || nr > 1<<20 {
		return string(f.Syscall.Value), true // interpreted already
	}
	name := ""
	if f.Subject.Type == tables.TypeUringOp {
		name, ok = tables.UringOpName(int(nr))
	} else {
		arch, _ := f.Arch.Hex()
		name, ok = tables.SyscallName(tables.Arch(arch), int(nr))
	}
	if !ok {
		return strconv.FormatUint(nr, 10), true
	}
	return name, true
}

// IsExec reports whether the event is the execution of a program, tried or done.
func (f *Facts) IsExec() bool {
	if f.Subject.Type != tables.TypeSyscall {
		return false
	}
	name, _ := f.Call()
	return name == "execve" || name == "execveat"
}

// Executed reports whether a program was executed.
func (f *Facts) Executed() bool { return f.IsExec() && f.Result == audit.ResultSuccess }

// CommandLine appends the arguments of an execution, those with blanks quoted, the
// process's title if there are none.
func (f *Facts) CommandLine(dst []byte) []byte {
	f.Event.Args(&f.args)
	if f.args.Len() == 0 && !f.Event.Proctitle(&f.args) {
		return dst
	}
	for i := range f.args.Len() {
		if i > 0 {
			dst = append(dst, ' ')
		}
		a := f.args.At(i)
		if len(a) == 0 || bytes.ContainsAny(a, " \t\n'\"\\$`") {
			dst = append(dst, '\'')
			dst = append(dst, bytes.ReplaceAll(a, []byte("'"), []byte(`'\''`))...)
			dst = append(dst, '\'')
			continue
		}
		dst = append(dst, a...)
	}
	return dst
}

// Keys calls use with each key of the rule that the event matched.
func (f *Facts) Keys(use func(key []byte)) {
	if f.Key.Name == nil || f.Key.IsNull() {
		return
	}
	f.Key.Keys(&f.args)
	for i := range f.args.Len() {
		if k := f.args.At(i); len(k) > 0 {
			use(k)
		}
	}
}

// Args fills the same list as CommandLine and returns it; it is valid until the
// next call of one of f's methods.
func (f *Facts) Args() *audit.Args {
	f.Event.Args(&f.args)
	return &f.args
}

// Path is a file of an event.
type Path struct {
	Name []byte // absolute if it can be made so
	Kind []byte // NORMAL, CREATE, DELETE, PARENT, UNKNOWN
	Mode uint32
}

// Paths calls use with each file of the event, in order, the directories in which
// another is made, removed or named excepted.
func (f *Facts) Paths(use func(p Path)) {
	for i := range f.Event.Records {
		r := &f.Event.Records[i]
		if r.Type != tables.TypePath {
			continue
		}
		p, name := pathFields(r)
		if name.Name == nil || string(p.Kind) == "PARENT" {
			continue
		}
		if p.Name = f.path(name); len(p.Name) > 0 {
			use(p)
		}
	}
}

// pathFields takes what is wanted of a PATH record.
func pathFields(r *audit.Record) (p Path, name audit.Field) {
	fs := r.Fields()
	for fd, ok := fs.Next(); ok && p.Kind == nil; fd, ok = fs.Next() {
		switch {
		case len(fd.Name) == len("name") && string(fd.Name) == "name":
			name = fd
			// What follows has no spaces in its values, and five fields that nobody asks for.
			if i := bytes.Index(r.Body, []byte(" nametype=")); i > 0 && len(fd.Value) > 0 && fd.Value[0] != '\'' {
				p.Kind = word(r.Body[i+len(" nametype="):])
				if i := bytes.Index(r.Body, []byte(" mode=")); i > 0 {
					p.Mode, _ = audit.Field{Value: word(r.Body[i+len(" mode="):])}.Octal()
				}
			}
		case string(fd.Name) == "mode":
			p.Mode, _ = fd.Octal()
		case string(fd.Name) == "nametype":
			p.Kind = fd.Value
		}
	}
	return p, name
}

// word is what b begins with, up to a space.
func word(b []byte) []byte {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i]
	}
	return b
}

// path returns a file's name, made absolute with the event's directory if it can be:
// audit.Event.AppendPath for a field that was found already.
func (f *Facts) path(name audit.Field) []byte {
	text, plain := name.View()
	if plain && (len(text) == 0 || text[0] == '/') {
		return text
	}
	start := len(f.buf)
	if v := name.Value; plain || len(v) < 2 || string(v[:2]) != "2F" {
		if r, ok := f.Event.First(tables.TypeCWD); ok {
			if cwd, ok := r.Get("cwd"); ok {
				f.buf = cwd.Text(f.buf)
			}
		}
		if n := len(f.buf); n > start && f.buf[n-1] != '/' {
			f.buf = append(f.buf, '/')
		}
	}
	f.buf = name.Text(f.buf)
	return f.buf[start:len(f.buf):len(f.buf)]
}

// Address returns the socket address of the event, false if there is none.
func (f *Facts) Address() (audit.Sockaddr, bool) {
	r, ok := f.Event.First(tables.TypeSockaddr)
	if !ok {
		return audit.Sockaddr{}, false
	}
	return r.Sockaddr(nil)
}

// Operation returns what the main record says in op=, of several words if it is so:
// programs write op=adding user to group without quotes.
func (f *Facts) Operation() []byte {
	fs := f.Main.Fields()
	var op audit.Field
	for fd, ok := fs.NextWord(); ok; fd, ok = fs.NextWord() {
		switch {
		case op.Name == nil && string(fd.Name) == "op":
			op = fd
		case op.Name != nil && fd.Name == nil:
			op = op.Through(fd)
		case op.Name != nil:
			return f.Text(op)
		}
	}
	return f.Text(op)
}

// Details appends the main record's own fields, name=value separated by spaces:
// those that do not say who, where and with what result, which a report has in
// columns of their own.
func (f *Facts) Details(dst []byte) []byte {
	fs := f.Main.Fields()
	start := len(dst)
	for fd, ok := fs.NextWord(); ok; fd, ok = fs.NextWord() {
		if fd.Name == nil {
			if len(dst) > start && !bytes.Equal(fd.Value, []byte(")")) {
				dst = append(append(dst, ' '), fd.Value...)
			}
			continue
		}
		switch string(fd.Name) {
		case "auid", "ses", "pid", "ppid", "uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid", "subj", "res", "result",
			"success", "hostname", "addr", "terminal", "tty", "exe":
			continue
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		dst = append(append(dst, fd.Name...), '=')
		dst = append(dst, f.Text(fd)...)
	}
	return dst
}
