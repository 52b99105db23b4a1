package format

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"vigil/audit"
	"vigil/audit/tables"
)

// TextConfig says how to write lines for a terminal. The zero value is valid.
type TextConfig struct {
	// Names gives the names of users where the enrichment of the records does not;
	// nil means that ids are shown.
	Names Names
	// Color says that results, names and keys are coloured.
	Color bool
	// Limit cuts what an event tells after so many bytes; 0 means 1000. Time,
	// result, who and keys come before or after it and are cut at 200 each.
	Limit int
	// Location is the time zone of the times; nil means the host's.
	Location *time.Location
}

const (
	defaultLimit = 1000
	shortLimit   = 200

	idDigits = 64 // of a container's id, and how many of them are shown
	shortID  = 12
)

// Text writes an event as one line for a person at a terminal:
//
//	2026-11-21 12:59:11.592 ok   alice->root executed passwd -S vuser [exec]
//	2026-11-21 12:59:11.600 FAIL alice->4242 openat /etc/shadow by gen[9762]: EACCES [shadow]
//	2026-11-21 12:59:11.731 ok   root [pod shop/cart-7d9] executed id
//
// That is when, whether it succeeded, who (the name of the login, then the user if
// that is another one), in which pod or container, what, the error and the keys of
// the rule. Words are quoted
// as for a shell, and nothing that a record holds can move the cursor, change a
// colour or begin a line.
type Text struct {
	cfg   TextConfig
	facts facts
	args  audit.Args
	value []byte
	addr  []byte
}

// NewText returns an encoder.
func NewText(cfg TextConfig) *Text {
	if cfg.Limit <= 0 {
		cfg.Limit = defaultLimit
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	return &Text{cfg: cfg, value: make([]byte, 0, 256)} // a socket address has up to 128 bytes
}

// The colours, as SGR sequences.
const (
	plainColor = "\x1b[0m"
	dim        = "\x1b[2m"
	bold       = "\x1b[1m"
	red        = "\x1b[31m"
	green      = "\x1b[32m"
	cyan       = "\x1b[36m"
)

// Append appends e as one line.
func (t *Text) Append(dst []byte, e *audit.Event) []byte {
	t.facts.gather(e)
	dst = t.color(dst, dim)
	dst = e.ID.Time().In(t.cfg.Location).AppendFormat(dst, "2006-01-02 15:04:05.000")
	dst = t.color(dst, plainColor)
	if len(e.Node) > 0 {
		dst = append(dst, ' ')
		dst = appendShell(dst, shorten(e.Node, shortLimit))
	}
	if len(e.Records) > 0 {
		dst = t.result(dst)
		dst = t.who(dst)
		dst = t.place(dst)
		dst = append(dst, ' ')
		start := len(dst)
		dst = t.what(dst)
		dst = cut(dst, start, t.cfg.Limit)
		if name, ok := tables.ErrnoName(t.facts.errno); ok && t.facts.errno != 0 {
			dst = append(append(dst, ": "...), name...)
		}
		dst = t.keys(dst)
	}
	if e.End == audit.EndLate {
		dst = append(dst, " (late)"...)
	}
	t.facts = facts{} // views of what is the caller's again
	return append(dst, '\n')
}

func (t *Text) color(dst []byte, sequence string) []byte {
	if t.cfg.Color {
		dst = append(dst, sequence...)
	}
	return dst
}

func (t *Text) result(dst []byte) []byte {
	dst = append(dst, ' ')
	switch t.facts.result {
	case audit.ResultSuccess:
		dst = append(t.color(dst, green), "ok  "...)
	case audit.ResultFailure:
		dst = append(t.color(dst, red), "FAIL"...)
	default:
		return append(dst, "-   "...)
	}
	return t.color(dst, plainColor)
}

// who appends the login's name, and the user's if it is another one.
func (t *Text) who(dst []byte) []byte {
	f := &t.facts
	login, user := f.ids[idAUID], f.ids[idUID]
	if !user.known() {
		user = f.ids[idFSUID] // of AppArmor
	}
	dst = t.color(append(dst, ' '), bold)
	switch {
	case login.known() && user.known() && string(login.number) != string(user.number):
		dst = t.user(dst, login)
		dst = append(dst, "->"...)
		dst = t.user(dst, user)
	case login.known():
		dst = t.user(dst, login)
	case user.known():
		dst = t.user(dst, user)
	default:
		dst = append(dst, '-')
	}
	return t.color(dst, plainColor)
}

func (t *Text) user(dst []byte, i identity) []byte {
	if i.name != nil {
		return appendShell(dst, shorten(i.name, shortLimit))
	}
	if id, ok := i.id(); ok && t.cfg.Names != nil {
		if name, ok := t.cfg.Names.User(id); ok {
			t.value = append(t.value[:0], name...)
			return appendShell(dst, shorten(t.value, shortLimit))
		}
	}
	return appendShell(dst, shorten(i.number, shortLimit))
}

// place appends the pod or the container that the process is in, nothing on the
// host. A CONTAINER record tells that itself.
func (t *Text) place(dst []byte) []byte {
	a := &t.facts.attr
	if a[attrPodName] == nil && a[attrContainerName] == nil && a[attrContainerID] == nil || t.facts.known {
		return dst
	}
	dst = append(t.color(append(dst, ' '), dim), '[')
	var text []byte
	switch {
	case a[attrPodName] != nil:
		dst = append(dst, "pod "...)
		t.value = t.value[:0]
		if a[attrPodNamespace] != nil {
			text, t.addr = attrText(a[attrPodNamespace], t.addr)
			t.value = append(append(t.value, text...), '/')
		}
		text, t.addr = attrText(a[attrPodName], t.addr)
		t.value = append(t.value, text...)
		text = t.value
	case a[attrContainerName] != nil:
		dst = append(dst, "container "...)
		text, t.addr = attrText(a[attrContainerName], t.addr)
	default:
		dst = append(dst, "container "...)
		if text, t.addr = attrText(a[attrContainerID], t.addr); len(text) == idDigits {
			text = text[:shortID]
		}
	}
	dst = appendShell(dst, shorten(text, shortLimit))
	return t.color(append(dst, ']'), plainColor)
}

func (t *Text) keys(dst []byte) []byte {
	t.facts.keys(&t.args)
	if t.args.Len() == 0 {
		return dst
	}
	dst = t.color(append(dst, ' '), cyan)
	dst = append(dst, '[')
	start := len(dst)
	for i := range t.args.Len() {
		if len(dst)-start > shortLimit {
			break
		}
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendShell(dst, shorten(t.args.At(i), shortLimit))
	}
	dst = cut(dst, start, shortLimit)
	return t.color(append(dst, ']'), plainColor)
}

// what appends what happened.
func (t *Text) what(dst []byte) []byte {
	f := &t.facts
	switch {
	case f.hasExecve && f.result != audit.ResultFailure && f.actionType == f.main.Type:
		return t.executed(dst)
	case f.call != "" && f.isCall() && f.actionType == f.main.Type:
		return t.by(t.called(dst))
	case f.cmd.Name != nil:
		dst = append(dst, "ran-command "...)
		t.value = f.cmd.Text(t.value[:0])
		dst = appendShell(dst, shorten(t.value, t.cfg.Limit))
		return t.by(t.pair(dst, f.cwd))
	}
	return t.told(dst)
}

// executed appends a command line, and the file that was executed if it is not
// called what the command line says.
func (t *Text) executed(dst []byte) []byte {
	f := &t.facts
	whole := f.e.Args(&t.args)
	dst = append(dst, "executed"...)
	start := len(dst)
	for i := 0; i < t.args.Len() && len(dst)-start <= t.cfg.Limit; i++ {
		dst = append(dst, ' ')
		dst = appendShell(dst, shorten(t.args.At(i), t.cfg.Limit))
	}
	if !whole {
		dst = append(dst, " (arguments missing)"...)
	}
	t.value = f.exe.Text(t.value[:0])
	if t.args.Len() > 0 && len(t.value) > 0 && !bytes.Equal(base(t.value), base(t.args.At(0))) {
		dst = append(dst, " ("...)
		dst = appendShell(dst, shorten(t.value, t.cfg.Limit))
		dst = append(dst, ')')
	}
	return dst
}

func base(path []byte) []byte { return path[bytes.LastIndexByte(path, '/')+1:] }

// called appends a system call and what it was about.
func (t *Text) called(dst []byte) []byte {
	f, start := &t.facts, len(dst)
	if f.main.Type == tables.TypeUringOp {
		dst = append(dst, "io_uring "...)
	}
	dst = append(dst, f.call...)
	switch {
	case f.sockaddr != nil:
		dst = t.address(dst)
	case f.hasFile:
		switch f.action.name {
		case "renamed", "linked", "symlinked":
			if f.hasOther {
				t.value = f.appendTarget(t.value[:0])
				dst = appendShell(append(dst, ' '), shorten(t.value, t.cfg.Limit))
				dst = append(dst, " ->"...)
			}
		}
		dst = t.path(dst, &f.file)
	default:
		for i := range f.e.Records {
			if r := &f.e.Records[i]; r.Type == tables.TypeObjPID {
				dst = t.object(dst, r)
			}
			if len(dst)-start > t.cfg.Limit {
				break
			}
		}
	}
	return dst
}

func (t *Text) path(dst []byte, p *path) []byte {
	t.value = t.facts.appendPath(t.value[:0], p)
	if len(t.value) == 0 { // known by its inode only
		return t.pair(dst, p.inode)
	}
	dst = append(dst, ' ')
	return appendShell(dst, shorten(t.value, t.cfg.Limit))
}

// object appends a process that a signal or the like was meant for.
func (t *Text) object(dst []byte, r *audit.Record) []byte {
	comm, _ := r.Get("ocomm")
	pid, _ := r.Get("opid")
	dst = append(dst, ' ')
	t.value = comm.Text(t.value[:0])
	dst = appendShell(dst, shorten(t.value, shortLimit))
	dst = append(dst, '[')
	dst = appendShell(dst, shorten(pid.Value, shortLimit))
	return append(dst, ']')
}

// address appends a socket's address.
func (t *Text) address(dst []byte) []byte {
	a, ok := t.facts.sockaddr.Sockaddr(t.value[:0])
	if !ok {
		return dst
	}
	dst = append(dst, ' ')
	switch a.Family {
	case audit.FamilyInet:
		dst = a.Addr.AppendTo(dst)
		return strconv.AppendUint(append(dst, ':'), uint64(a.Port), 10)
	case audit.FamilyInet6:
		dst = a.Addr.AppendTo(append(dst, '['))
		return strconv.AppendUint(append(dst, ']', ':'), uint64(a.Port), 10)
	case audit.FamilyUnix:
		if a.Abstract {
			dst = append(dst, '@')
		}
		return appendShell(dst, shorten(a.Path, t.cfg.Limit))
	case audit.FamilyVsock:
		dst = strconv.AppendUint(append(dst, "vsock:"...), uint64(a.CID), 10)
		return strconv.AppendUint(append(dst, ':'), uint64(a.Port), 10)
	}
	return appendFamily(dst, a.Family)
}

// told appends the action and the fields of the record that it is from.
func (t *Text) told(dst []byte) []byte {
	f := &t.facts
	dst = f.appendAction(dst)
	r := f.main
	for i := range f.e.Records {
		if f.e.Records[i].Type == f.actionType {
			r = &f.e.Records[i]
			break
		}
	}
	if f.call != "" && r.Type == tables.TypeSeccomp {
		dst = append(append(dst, ' '), f.call...)
	}
	if verdict, perms := r.AVC(); verdict != nil {
		dst = appendShell(append(dst, ' '), shorten(verdict, shortLimit))
		dst = appendShell(append(dst, ' '), shorten(perms, shortLimit))
	}
	start := len(dst)
	fs := r.Fields()
	for len(dst)-start <= t.cfg.Limit {
		fd, ok := fs.Next()
		if !ok {
			break
		}
		if goesOn(fd) {
			fd = goOn(fd, &fs)
		}
		if tells(fd) || r.Type == tables.TypeLogin && string(fd.Name) == "auid" {
			dst = t.pair(dst, fd)
		}
	}
	return t.by(dst)
}

// tells reports whether a field is worth a reader's while: not what stands
// elsewhere in the line, nor what says nothing.
func tells(fd audit.Field) bool {
	switch string(fd.Name) {
	case "pid", "uid", "auid", "ses", "subj", "comm", "exe", "tty", "res", "result", "key", "grantors":
		return false
	}
	switch string(fd.Value) {
	case "?", "(null)", "(none)", "", "4294967295":
		return false
	}
	return true
}

// pair appends name=value, the value quoted.
func (t *Text) pair(dst []byte, fd audit.Field) []byte {
	if fd.Name == nil {
		return dst
	}
	dst = append(dst, ' ')
	dst = appendShell(dst, shorten(fd.Name, shortLimit))
	dst = append(dst, '=')
	t.addr = fd.Text(t.addr[:0])
	return appendShell(dst, shorten(t.addr, t.cfg.Limit))
}

// by appends the process that did it.
func (t *Text) by(dst []byte) []byte {
	f := &t.facts
	t.value = f.comm.Text(t.value[:0])
	name := t.value
	if len(name) == 0 {
		t.value = f.exe.Text(t.value[:0])
		name = base(t.value)
	}
	if len(name) == 0 && f.pid.Name == nil {
		return dst
	}
	dst = append(dst, " by "...)
	if len(name) > 0 {
		dst = appendShell(dst, shorten(name, shortLimit))
	}
	if f.pid.Name != nil {
		dst = append(dst, '[')
		dst = appendShell(dst, shorten(f.pid.Value, shortLimit))
		dst = append(dst, ']')
	}
	return dst
}

// shorten cuts s after limit bytes, not within a character.
func shorten(s []byte, limit int) []byte {
	if len(s) <= limit {
		return s
	}
	s = s[:limit]
	for i := 1; i < utf8.UTFMax && i < len(s); i++ {
		if c := s[len(s)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(s[len(s)-i:]) {
				s = s[:len(s)-i]
			}
			break
		}
	}
	return s
}

// cut ends what stands at dst[start:] with "..." if it is longer than limit.
func cut(dst []byte, start, limit int) []byte {
	if len(dst)-start <= limit {
		return dst
	}
	return append(dst[:start+len(shorten(dst[start:], limit))], "..."...)
}
