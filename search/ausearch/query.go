package ausearch

import (
	"bytes"

	"vigil/audit/tables"
	"vigil/search/aulog"
)

// query is what an event must be to be found: all of what is set.
type query struct {
	dialect aulog.Dialect

	span  aulog.Range
	want  aulog.Want // the facts that decide
	texts aulog.Want // of them, those compared with a text
	word  bool       // -w

	serial   int64 // -1: any
	nodes    []string
	types    []tables.Type
	allTypes bool

	pid, ppid           uint32
	uid, euid, loginUID user
	gid, egid           uint32
	anyUID, anyGID      bool // one of them is enough
	session             uint32
	exit                int64
	result              aulog.Result
	syscall             int // -1: any
	arch                uint32

	comm, exe, file, host, terminal, key string
	vm, uuid, subject, object            string
	either                               bool // -se: the subject's label or the object's
}

// user is one that was asked for.
type user struct {
	id   uint32
	name string // "": by number
}

// is compares as audit 3 does: whoever is asked for by name is compared with what
// the log's host has called the number, if it has said so.
func (u user) is(id uint32, name []byte) bool {
	if u.name != "" && name != nil {
		return string(name) == u.name
	}
	return id == u.id
}

// anything is the query that every event fits.
func anything(d aulog.Dialect) query { return query{dialect: d, serial: -1, syscall: -1} }

func (q *query) set(w aulog.Want, on bool) {
	q.want &^= w
	if on {
		q.want |= w
	}
}

// front decides by what needs no look into the records.
func (q *query) front(e *aulog.Event) bool {
	if q.serial >= 0 && int64(e.ID.Serial) != q.serial {
		return false
	}
	if len(q.nodes) == 0 {
		return true
	}
	for _, n := range q.nodes {
		if e.Node != nil && string(e.Node) == n {
			return true
		}
	}
	return false
}

// holds decides by the facts.
func (q *query) holds(e *aulog.Event, f *aulog.Facts) bool {
	return q.numbers(f) && q.holdsType(e) && q.ids(f) && q.strings(f) && q.labels(f)
}

func (q *query) holdsType(e *aulog.Event) bool {
	if q.allTypes || len(q.types) == 0 {
		return true
	}
	for i := range e.Records {
		for _, t := range q.types {
			if e.Records[i].Type == t {
				return true
			}
		}
	}
	return false
}

func (q *query) has(w aulog.Want) bool { return q.want&w != 0 }

func (q *query) numbers(f *aulog.Facts) bool {
	switch {
	case q.has(aulog.WantPID) && f.PID != q.pid,
		q.has(aulog.WantPPID) && f.PPID != q.ppid,
		q.has(aulog.WantSession) && f.Session != q.session,
		q.has(aulog.WantExit) && !(f.HasExit && f.Exit == q.exit),
		q.has(aulog.WantSuccess) && f.Result != q.result,
		q.syscall >= 0 && f.Syscall != q.syscall,
		q.has(aulog.WantArch) && f.Arch != q.arch:
		return false
	}
	return true
}

func (q *query) ids(f *aulog.Facts) bool {
	uid := q.uid.is(f.UID, f.UIDName)
	euid := q.euid.is(f.EUID, f.EUIDName)
	login := q.loginUID.is(f.LoginUID, f.LoginName)
	if q.anyUID {
		if !uid && !euid && !login {
			return false
		}
	} else if q.has(aulog.WantUID) && !uid || q.has(aulog.WantEUID) && !euid || q.has(aulog.WantLoginUID) && !login {
		return false
	}
	if q.anyGID {
		return f.GID == q.gid || f.EGID == q.egid
	}
	return !(q.has(aulog.WantGID) && f.GID != q.gid || q.has(aulog.WantEGID) && f.EGID != q.egid)
}

func (q *query) strings(f *aulog.Facts) bool {
	switch {
	case q.has(aulog.WantComm) && !q.any(f.Comms, q.comm),
		q.has(aulog.WantExe) && !q.is(f.Exe, q.exe),
		q.has(aulog.WantFile) && !q.isFile(f),
		q.has(aulog.WantHost) && !q.is(f.Host, q.host),
		q.has(aulog.WantTerminal) && !q.is(f.Terminal, q.terminal),
		q.has(aulog.WantKey) && !q.any(f.Keys, q.key),
		q.has(aulog.WantVM) && !q.is(f.VM, q.vm),
		q.has(aulog.WantUUID) && !q.is(f.UUID, q.uuid):
		return false
	}
	return true
}

func (q *query) labels(f *aulog.Facts) bool {
	if q.texts&(aulog.WantSubject|aulog.WantObject) == 0 {
		return true
	}
	subject, object := false, false
	for i := range f.AVCs {
		subject = subject || q.texts&aulog.WantSubject != 0 && q.is(f.AVCs[i].Subject, q.subject)
		object = object || q.texts&aulog.WantObject != 0 && q.is(f.AVCs[i].Object, q.object)
	}
	switch {
	case q.either || !q.has(aulog.WantSubject) || !q.has(aulog.WantObject):
		return subject || object
	case q.dialect == aulog.Audit4:
		return subject && object
	}
	return subject // audit 3 does not look at the object of -o then
}

// is compares as stock does: a part of the text is enough, unless -w asks for
// the whole. What was not found is nil and equals nothing.
func (q *query) is(text []byte, want string) bool {
	if text == nil {
		return false
	}
	if q.word {
		return string(text) == want
	}
	return bytes.Contains(text, []byte(want))
}

func (q *query) any(texts [][]byte, want string) bool {
	for _, t := range texts {
		if q.is(t, want) {
			return true
		}
	}
	return false
}

func (q *query) isFile(f *aulog.Facts) bool {
	for i := range f.Files {
		if q.is(f.Files[i].Name, q.file) {
			return true
		}
	}
	return false
}
