package aulog

import (
	"bytes"

	"vigil/audit/tables"
)

// Want is the set of facts that are asked for. It decides which fields stock
// looks for, hence which records it holds for malformed: one that lacks a field
// nobody asked for is fine. Where a field is looked for behind the one that was
// found before, it decides what is found, too.
type Want uint32

// The facts that can be asked for.
const (
	WantPID Want = 1 << iota
	WantPPID
	WantUID
	WantEUID
	WantLoginUID
	WantGID
	WantEGID
	WantSession
	WantExit
	WantSuccess
	WantArch // of SYSCALL; Arch and Syscall of SECCOMP are always found
	WantComm
	WantExe
	WantFile
	WantHost
	WantTerminal
	WantKey
	WantSubject
	WantObject
	WantVM
	WantUUID
	WantAcct
	WantAddr
	WantNames // the names that the log's host knew for uid, euid and auid

	WantAllUIDs = WantUID | WantEUID | WantLoginUID
	WantAllGIDs = WantGID | WantEGID
	// WantAVC asks for AVCs.
	WantAVC = WantSubject | WantObject
	// WantEverything is what most reports of aureport ask for.
	WantEverything Want = 1<<iota - 1
)

// Unset is what a number is that was not found. It is that of (uid_t)-1, by
// which the kernel itself says "unset".
const Unset = 1<<32 - 1

// NotFound is what LoginUID and Session are that were not found, since an event
// may well have one that is Unset.
const NotFound = 1<<32 - 2

// AVC is one access decision of a security module.
type AVC struct {
	Subject, Object []byte // labels
	Class           []byte
	Perm            []byte // what is between the braces, without them
	Result          Result
}

// Result is what became of what an event tells of.
type Result uint8

// The results.
const (
	ResultUnset Result = iota
	ResultFailed
	ResultSuccess
)

// Facts are what the criteria of ausearch and the columns of aureport are about,
// as stock finds them in the records of an event: the first or the last of
// several, decoded or not, and sometimes the wrong one. All slices are views of
// the event or of memory that the next Extract uses again.
type Facts struct {
	PID, PPID      uint32 // Unset if not found, as the following
	UID, EUID      uint32
	GID, EGID      uint32
	LoginUID       uint32 // NotFound if not found
	Session        uint32 // NotFound if not found
	UIDName        []byte // what the log's host knew; nil if the record does not say, as the following
	EUIDName       []byte
	LoginName      []byte
	Exit           int64
	HasExit        bool
	Result         Result
	Syscall        int // -1 if not found
	Arch           uint32
	Host, Terminal []byte
	Addr           []byte // of DAEMON_ACCEPT and DAEMON_CLOSE, and of user messages with WantAddr
	Acct           []byte
	UUID, VM       []byte
	Exe            []byte
	Cwd            []byte

	Comms [][]byte
	Files []File
	Keys  [][]byte
	AVCs  []AVC

	mem  []byte // decoded values
	scan scan   // of the record at hand; here, so that it costs no memory
}

// File is a name that an event has.
type File struct {
	Name []byte
	Type tables.Type // of the record that has it
}

// reset forgets everything.
func (f *Facts) reset() {
	*f = Facts{
		PID: Unset, PPID: Unset, UID: Unset, EUID: Unset, LoginUID: NotFound, GID: Unset, EGID: Unset, Session: NotFound,
		Syscall: -1,
		Comms:   f.Comms[:0], Files: f.Files[:0], Keys: f.Keys[:0], AVCs: f.AVCs[:0], mem: f.mem[:0],
	}
}

// Malformed is returned by Extract for a record that stock cannot make sense of.
// It then takes no notice of the event.
type Malformed struct {
	Code   int // stock's number for the reason, which --debug shows; 0: none
	Record *Record
}

// Extract fills f with the facts of e that are wanted and reports whether its
// records make sense. unparsed, if it is not nil, is told the types of records
// that have no facts.
func (f *Facts) Extract(e *Event, want Want, dialect Dialect, unparsed func(*Record)) (Malformed, bool) {
	f.reset()
	for i := range e.Records {
		r := &e.Records[i]
		s := &f.scan
		*s = scan{f: f, want: want, text: r.Text, typ: r.Type, v4: dialect == Audit4}
		parse := parserOf(r.Type, dialect)
		if parse == nil {
			if unparsed != nil && !plain(r.Type, dialect) {
				unparsed(r)
			}
			continue
		}
		uid, euid, login := f.UID, f.EUID, f.LoginUID
		if code := parse(s); code != 0 {
			return Malformed{Code: code, Record: r}, false
		}
		if want&WantNames != 0 {
			rename(&f.UIDName, r, "UID", uid != f.UID)
			rename(&f.EUIDName, r, "EUID", euid != f.EUID)
			rename(&f.LoginName, r, "AUID", login != f.LoginUID)
		}
	}
	return Malformed{}, true
}

// rename sets the name of a user whose number has come from r.
func rename(dst *[]byte, r *Record, key string, changed bool) {
	if !changed {
		return
	}
	*dst = nil
	rest := r.Interp
	for {
		i := bytes.Index(rest, []byte(key))
		if i < 0 {
			return
		}
		after := rest[i+len(key):]
		if (i == 0 || rest[i-1] == ' ') && bytes.HasPrefix(after, []byte(`="`)) {
			after = after[2:]
			if end := bytes.IndexByte(after, '"'); end >= 0 {
				*dst = after[:end]
			}
			return
		}
		rest = after
	}
}

// Dialect says which version's habits are followed where they differ.
type Dialect uint8

// The dialects.
const (
	Audit3 Dialect = iota // audit 3.0.9, that of Debian 12
	Audit4                // audit 4.2
)

// parserOf returns what finds facts in records of type t, nil if they have none.
func parserOf(t tables.Type, dialect Dialect) func(*scan) int {
	switch t {
	case tables.TypeSyscall:
		return (*scan).syscall
	case tables.TypePath:
		return (*scan).path
	case tables.TypeCWD:
		return (*scan).cwd
	case tables.TypeSockaddr:
		return (*scan).sockaddr
	case tables.TypeIPC, tables.TypeObjPID:
		return (*scan).object
	case tables.TypeNetfilterPkt:
		return (*scan).packet
	case tables.TypeLogin:
		return (*scan).login
	case tables.TypeConfigChange:
		return (*scan).config
	case tables.TypeTTY:
		return (*scan).tty
	case tables.TypeNetfilterCfg, tables.TypeEventListener:
		return (*scan).simple
	case tables.TypeSeccomp, tables.TypeAnomAbend, tables.TypeAnomPromiscuous:
		return (*scan).anomaly
	case tables.TypeFeatureChange, tables.TypeAnomLink:
		return (*scan).taskMessage
	case tables.TypeAVC:
		return (*scan).avc
	case tables.TypeAVCPath:
		return (*scan).avcPath
	case tables.TypeDaemonAccept, tables.TypeDaemonClose:
		return (*scan).daemonPeer
	case tables.TypeDaemonStart, tables.TypeDaemonEnd, tables.TypeDaemonAbort, tables.TypeDaemonConfig,
		tables.TypeDaemonRotate, tables.TypeDaemonResume:
		return (*scan).daemon
	case tables.TypeUringOp:
		if dialect == Audit4 {
			return (*scan).uring
		}
		return nil
	case tables.TypeDMCtrl:
		if dialect == Audit4 {
			return (*scan).taskMessage
		}
		return nil
	}
	switch {
	case t == tables.TypeLedger, t == tables.TypeContainer: // Vigil's own: stock does not know the names
		return nil
	case t == tables.TypeUser, t >= 1100 && t < 1200, t >= 2100 && t < 3000:
		return (*scan).user
	case t >= tables.TypeMACPolicyLoad && t <= tables.TypeMACUnlblStcDel:
		return (*scan).mac
	case t >= tables.TypeIntegrityData && t <= tables.TypeIntegrityRule:
		return (*scan).integrity
	}
	return nil
}

// plain reports whether stock knows that records of type t have no facts. Of the
// other types without facts it says, when asked, that it has passed over them.
func plain(t tables.Type, dialect Dialect) bool {
	switch t {
	case tables.TypeKernel, tables.TypeExecve, tables.TypeIPCSetPerm, tables.TypeMQOpen, tables.TypeMQSendrecv,
		tables.TypeMQNotify, tables.TypeMQGetsetattr, tables.TypeFDPair, tables.TypeBPRMFcaps, tables.TypeCapset,
		tables.TypeMmap, tables.TypeProctitle, tables.TypeKernModule, tables.TypeFanotify,
		tables.TypeTimeInjOffset, tables.TypeTimeAdjNTPVal, tables.TypeBPF, tables.TypeOpenat2, tables.TypeSELinuxErr:
		return true
	case tables.TypeDMEvent:
		return dialect == Audit4
	}
	return false
}
