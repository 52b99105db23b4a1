package sentence

import (
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/auparse"
)

// Words are what to say of an event that this package has no sentence for: what was done, with hyphens between the
// words, and to what. Both may be nil.
type Words struct{ Action, Object []byte }

// Teller tells of events. It keeps memory between calls, which must not overlap.
type Teller struct {
	x    *auparse.Interpreter
	loc  *time.Location
	e    *audit.Event
	main audit.Record // of the process: its SYSCALL, or the event's first record
	line auparse.Record
	args audit.Args
	buf  []byte
	more []byte
	sock []byte // of a socket address
}

// New returns a Teller. x gives the names of users, loc the time zone of the times.
func New(x *auparse.Interpreter, loc *time.Location) *Teller {
	return &Teller{x: x, loc: loc, sock: make([]byte, 0, 128)}
}

// Append appends the sentence that tells of e, with its newline.
func (t *Teller) Append(dst []byte, e *audit.Event, words Words) []byte {
	t.e = e
	dst = e.ID.Time().In(t.loc).AppendFormat(dst, "2006-01-02 15:04:05 ")
	if len(e.Node) > 0 {
		dst = appendSafe(append(dst, "on "...), e.Node)
		dst = append(dst, ": "...)
	}
	if len(e.Records) == 0 {
		return append(dst, "something happened.\n"...)
	}
	t.main = e.Records[0]
	if sys, ok := e.First(tables.TypeSyscall); ok {
		t.main = sys
	}
	t.x.Load(&t.line, t.main)
	switch {
	case t.main.Type == tables.TypeContainer:
		dst = t.container(dst)
	case t.part():
		return append(t.tellPart(dst), ".\n"...)
	case t.decision():
		dst = t.decided(dst)
	case t.main.Type == tables.TypeSyscall:
		dst = t.call(dst)
	default:
		dst = t.message(dst, words)
	}
	if t.main.Type != tables.TypeContainer {
		dst = t.where(dst)
	}
	return append(dst, ".\n"...)
}

// who appends who did it, and as whom if that is somebody else.
func (t *Teller) who(dst []byte) []byte {
	start := len(dst)
	login, user := t.user("auid"), t.user("uid")
	switch {
	case login >= 0:
		dst = t.value(dst, login)
	case t.extra("LOGIN_USER") != nil:
		dst = t.appendExtra(dst, "LOGIN_USER")
	case user >= 0:
		return t.value(dst, user)
	default:
		return append(dst, t.somebody()...)
	}
	if user >= 0 {
		end := len(dst)
		dst = append(dst, ", as "...)
		at := len(dst)
		dst = t.value(dst, user)
		if string(dst[at:]) == string(dst[start:end]) {
			return dst[:end]
		}
		dst = append(dst, ',')
	}
	return dst
}

// value appends what a field of the main record is in words.
func (t *Teller) value(dst []byte, i int) []byte {
	t.more = t.x.AppendValue(t.more[:0], &t.line, i)
	return appendSafe(dst, t.more)
}

// user is the place of a field that names a user, -1 if there is none or it names nobody.
func (t *Teller) user(name string) int {
	i := t.line.Find(name)
	if i < 0 {
		return -1
	}
	switch string(t.line.Fields[i].Value) {
	case "4294967295", "-1", "", "?", "unset", "(null)":
		return -1
	}
	return i
}

// somebody is who does what nobody's name stands on.
func (t *Teller) somebody() string {
	switch typ := t.main.Type; {
	case typ >= tables.TypeDaemonStart && typ <= 1299:
		return "the audit daemon"
	case typ == tables.TypeLedger:
		return "Vigil"
	case typ == tables.TypeAVC, typ == tables.TypeSELinuxErr, typ >= 1500 && typ < 1600:
		return "a process"
	case typ >= tables.TypeUserAuth && typ < tables.TypeDaemonStart || typ >= tables.TypeAnomLoginFailures,
		typ == tables.TypeConfigChange, typ == tables.TypeSyscall:
		return "somebody"
	}
	return "the kernel"
}

// did appends what was done, in the tense that the result asks for: "opened" or "failed to open".
func did(dst []byte, p phrase, result audit.Result) []byte {
	switch {
	case result != audit.ResultFailure:
		return append(append(dst, ' '), p.past...)
	case p.base == "":
		return append(append(append(dst, ' '), p.past...), ", which failed,"...)
	}
	return append(append(dst, " failed to "...), p.base...)
}

// errno appends the error of a system call that failed.
func (t *Teller) errno(dst []byte) []byte {
	exit, ok := t.main.Get("exit")
	if !ok {
		return dst
	}
	n := exit.Errno()
	name, ok := tables.ErrnoName(n)
	if n == 0 || !ok {
		return dst
	}
	dst = append(append(dst, " ("...), name...)
	if meaning := errnoMeaning(n); meaning != "" {
		dst = append(append(dst, ": "...), meaning...)
	}
	return append(dst, ')')
}

// errnoMeaning says what the errors mean that people look for in an audit trail.
func errnoMeaning(n int) string {
	switch n {
	case 1:
		return "not permitted"
	case 2:
		return "no such file"
	case 13:
		return "permission denied"
	case 17:
		return "it exists"
	case 30:
		return "read-only file system"
	case 111:
		return "connection refused"
	}
	return ""
}

// program appends the program with which it was done.
func (t *Teller) program(dst []byte) []byte {
	exe, ok := t.main.Get("exe")
	if !ok || exe.IsNull() || len(exe.Value) == 0 || string(exe.Value) == "?" || string(exe.Value) == `"?"` {
		if comm, ok := t.main.Get("comm"); ok && !comm.IsNull() {
			return t.appendText(append(dst, " with "...), comm)
		}
		return dst
	}
	dst = t.appendText(append(dst, " with "...), exe)
	if script := t.extra("SCRIPT"); script != nil {
		dst = t.appendExtra(append(dst, " running "...), "SCRIPT")
	}
	return dst
}
