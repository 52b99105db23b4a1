package facts

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
)

// Unset is the number of a user or session that is not set, (uid_t)-1.
const Unset = 1<<32 - 1

// Facts is what one event says. It is filled by Load and holds views of the event:
// it is valid as long as the event is, and until the next Load. Its memory is used
// again.
type Facts struct {
	Event *audit.Event
	// Type says what the event is: that of the record that tells something beside
	// a system call, such as USER_LOGIN, AVC or CONFIG_CHANGE, else SYSCALL.
	Type   tables.Type
	Result audit.Result

	// Fields of the process's record, then of the others; an empty Name if there
	// is none. Text decodes.
	PID, PPID, AUID, UID, EUID, GID, EGID, Session audit.Field
	Comm, Exe, TTY, Key                            audit.Field
	Account, AccountID, Host, Addr, Terminal       audit.Field
	Op, Cmd, Cwd, Arch, Syscall, Exit              audit.Field
	A                                              [4]audit.Field // a0 to a3 of a system call

	// Attribution and enrichment of the process's record, after LoadEnrichment.
	AUIDName, UIDName, EUIDName, IDName          audit.Field
	ContainerID, ContainerName, Image            audit.Field
	PodNS, Pod                                   audit.Field
	ExecSession, ExecVia, ExecContainer          audit.Field
	LoginUser, LoginAddr, LoginMethod, LoginTime audit.Field
	Attributed                                   bool // anything at all is known of the process's place

	// Subject is the record of the process, nil if there is none.
	Subject *audit.Record
	// Main is the record that Type is of.
	Main *audit.Record

	args audit.Args
	buf  []byte
}

// Load makes e the event that f tells of. It must have a record.
func (f *Facts) Load(e *audit.Event) {
	args, buf := f.args, f.buf[:0]
	*f = Facts{Event: e, args: args, buf: buf}
	for i := range e.Records {
		r := &e.Records[i]
		switch {
		case r.Type == tables.TypeSyscall || r.Type == tables.TypeUringOp:
			if f.Subject == nil {
				f.Subject = r
			}
		case !isAuxiliary(r.Type) && f.Main == nil:
			f.Main = r
		}
	}
	if f.Main == nil {
		f.Main = f.Subject
	}
	if f.Main == nil {
		f.Main = &e.Records[0]
	}
	f.Type = f.Main.Type
	if f.Subject == nil {
		f.Subject = f.Main
	}
	if f.Subject.Type != tables.TypeSyscall || !f.syscall(f.Subject.Body) {
		f.record(f.Subject)
	}
	if f.Main != f.Subject {
		f.record(f.Main)
	}
}

// LoadEnrichment fills the fields of the enrichment, which Load leaves empty: not
// everybody asks for them.
func (f *Facts) LoadEnrichment() {
	f.extra(f.Subject)
	if f.Main != f.Subject {
		f.extra(f.Main)
	}
}

// HasContainer reports whether the event says in which container it happened, at a
// fraction of the cost of LoadEnrichment.
func (f *Facts) HasContainer() bool {
	return bytes.Contains(f.Subject.Enrichment, []byte("CONTAINER_ID="))
}

// isAuxiliary reports whether records of a type only add to a system call's.
func isAuxiliary(t tables.Type) bool {
	switch t {
	case tables.TypePath, tables.TypeCWD, tables.TypeExecve, tables.TypeProctitle, tables.TypeSockaddr, tables.TypeMmap,
		tables.TypeBPRMFcaps, tables.TypeCapset, tables.TypeFDPair, tables.TypeObjPID, tables.TypeIPC, tables.TypeIPCSetPerm,
		tables.TypeMQOpen, tables.TypeMQSendrecv, tables.TypeMQNotify, tables.TypeMQGetsetattr, tables.TypeSocketcall,
		tables.TypeOpenat2, tables.TypeMACTaskContexts, tables.TypeMACObjContexts:
		return true
	}
	return false
}

// record takes the fields of r that are not there yet, and the result: that of the
// process's record, else the last that r has.
func (f *Facts) record(r *audit.Record) {
	result := audit.ResultUnknown
	fs := r.Fields()
	for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
		switch string(fd.Name) {
		case "success", "res", "result":
			result = outcome(fd.Value)
		default:
			// A system call that changes rules has no key, the record of the change has.
			if p := f.field(fd.Name); p != nil && (p.Name == nil || p == &f.Key && p.IsNull()) {
				*p = fd
			}
		}
	}
	if f.Result == audit.ResultUnknown {
		switch r.Type {
		case tables.TypeAVC, tables.TypeUserAVC, tables.TypeLandlockAccess:
			result = r.Result()
		}
		f.Result = result
	}
}

func outcome(v []byte) audit.Result {
	switch string(v) {
	case "yes", "success", "1":
		return audit.ResultSuccess
	case "no", "failed", "0":
		return audit.ResultFailure
	}
	return audit.ResultUnknown
}

func (f *Facts) field(name []byte) *audit.Field {
	switch string(name) {
	case "arch":
		return &f.Arch
	case "syscall", "uring_op":
		return &f.Syscall
	case "exit":
		return &f.Exit
	case "a0":
		return &f.A[0]
	case "a1":
		return &f.A[1]
	case "a2":
		return &f.A[2]
	case "a3":
		return &f.A[3]
	case "pid":
		return &f.PID
	case "ppid":
		return &f.PPID
	case "auid":
		return &f.AUID
	case "uid":
		return &f.UID
	case "euid":
		return &f.EUID
	case "gid":
		return &f.GID
	case "egid":
		return &f.EGID
	case "ses":
		return &f.Session
	case "tty":
		return &f.TTY
	case "comm":
		return &f.Comm
	case "exe":
		return &f.Exe
	case "key":
		return &f.Key
	case "acct":
		return &f.Account
	case "id":
		return &f.AccountID
	case "hostname":
		return &f.Host
	case "addr":
		return &f.Addr
	case "terminal":
		return &f.Terminal
	case "op":
		return &f.Op
	case "cmd":
		return &f.Cmd
	case "cwd":
		return &f.Cwd
	}
	return nil
}

// extra takes what the enrichment of r adds.
func (f *Facts) extra(r *audit.Record) {
	if len(r.Enrichment) == 0 {
		return
	}
	fs := r.Extra()
	for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
		if p := f.extraField(fd.Name); p != nil && p.Name == nil {
			*p = fd
		}
	}
}

func (f *Facts) extraField(name []byte) *audit.Field {
	switch string(name) {
	case "AUID":
		return &f.AUIDName
	case "UID":
		return &f.UIDName
	case "EUID":
		return &f.EUIDName
	case "ID":
		return &f.IDName
	case "CONTAINER_ID":
		f.Attributed = true
		return &f.ContainerID
	case "CONTAINER_NAME":
		return &f.ContainerName
	case "CONTAINER_IMAGE":
		return &f.Image
	case "POD_NS":
		return &f.PodNS
	case "POD_NAME":
		return &f.Pod
	case "EXEC_SESSION":
		return &f.ExecSession
	case "EXEC_VIA":
		return &f.ExecVia
	case "EXEC_CONTAINER":
		return &f.ExecContainer
	case "LOGIN_USER":
		return &f.LoginUser
	case "LOGIN_ADDR":
		return &f.LoginAddr
	case "LOGIN_METHOD":
		return &f.LoginMethod
	case "LOGIN_TIME":
		return &f.LoginTime
	case "CGROUP", "PROC_START", "UNIT", "P1_PID":
		f.Attributed = true
	}
	return nil
}

// Text returns the decoded value of a field of the records' text, nil if there is
// none or the kernel had none.
func (f *Facts) Text(fd audit.Field) []byte {
	if v, ok := fd.View(); ok {
		return v
	}
	start := len(f.buf)
	f.buf = fd.Text(f.buf)
	return f.buf[start:len(f.buf):len(f.buf)]
}

// Known is Text without what programs write for nothing: "?", "(none)", "(null)",
// "unset".
func (f *Facts) Known(fd audit.Field) []byte {
	switch v := f.Text(fd); string(v) {
	case "?", "(none)", "(null)", "(unknown)", "unset", "":
		return nil
	default:
		return v
	}
}

// Name returns the decoded value of a field of the enrichment, nil if there is
// none. Attribution is in quotes or, whatever the key, hexadecimal.
func (f *Facts) Name(fd audit.Field) []byte {
	v := fd.Value
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' {
		return v[1 : n-1]
	}
	start := len(f.buf)
	if out, ok := audit.AppendUnhex(f.buf, v); ok {
		f.buf = out
		return f.buf[start:len(f.buf):len(f.buf)]
	}
	return v
}

// Number returns a user, session or process, false if it is not set.
func Number(fd audit.Field) (uint64, bool) {
	n, ok := fd.Uint()
	if !ok || n == Unset {
		return 0, false
	}
	return n, true
}

// Late reports whether the event was handed out before, so that this is only what
// came behind it.
func (f *Facts) Late() bool { return f.Event.End == audit.EndLate }
