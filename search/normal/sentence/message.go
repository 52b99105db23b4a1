package sentence

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
)

// report is what a message of a program says was done.
type report struct {
	phrase
	fields [3]string // what it was done to: the first of them that is there
	by     string    // what is said between action and object
}

// reports are the messages that have words of their own.
var reports = map[tables.Type]report{
	tables.TypeUserAuth:          {phrase{"authenticated", "authenticate"}, [3]string{"acct", "id"}, "as "},
	tables.TypeUserAcct:          {phrase{"was let in", "be let in"}, [3]string{"acct", "id"}, "as "},
	tables.TypeUserMgmt:          {phrase{"changed the account", "change the account"}, [3]string{"acct", "id"}, ""},
	tables.TypeCredAcq:           {phrase{"got the credentials", "get the credentials"}, [3]string{"acct", "id"}, "of "},
	tables.TypeCredRefr:          {phrase{"renewed the credentials", "renew the credentials"}, [3]string{"acct", "id"}, "of "},
	tables.TypeCredDisp:          {phrase{"gave up the credentials", "give up the credentials"}, [3]string{"acct", "id"}, "of "},
	tables.TypeUserStart:         {phrase{"began a session", "begin a session"}, [3]string{"acct", "id"}, "as "},
	tables.TypeUserEnd:           {phrase{"ended a session", "end a session"}, [3]string{"acct", "id"}, "as "},
	tables.TypeUserChauthtok:     {phrase{"changed the password", "change the password"}, [3]string{"acct", "id"}, "of "},
	tables.TypeUserErr:           {phrase{"met an error with an account", ""}, [3]string{"acct", "id"}, ""},
	tables.TypeUserLogin:         {phrase{"logged in", "log in"}, [3]string{"acct", "id"}, "as "},
	tables.TypeUserLogout:        {phrase{"logged out", "log out"}, [3]string{"acct", "id"}, "as "},
	tables.TypeAddUser:           {phrase{"added the user", "add the user"}, [3]string{"acct", "id"}, ""},
	tables.TypeDelUser:           {phrase{"deleted the user", "delete the user"}, [3]string{"acct", "id"}, ""},
	tables.TypeAddGroup:          {phrase{"added a group", "add a group"}, [3]string{"grp", "acct", "id"}, ""},
	tables.TypeDelGroup:          {phrase{"deleted a group", "delete a group"}, [3]string{"grp", "acct", "id"}, ""},
	tables.TypeGrpMgmt:           {phrase{"changed a group", "change a group"}, [3]string{"grp", "acct", "id"}, ""},
	tables.TypeGrpChauthtok:      {phrase{"changed the group password", "change the group password"}, [3]string{"grp", "acct", "id"}, "of "},
	tables.TypeChgrpID:           {phrase{"changed the group", "change the group"}, [3]string{"new_group", "grp", "id"}, "to "},
	tables.TypeUserCmd:           {phrase{"ran", "run"}, [3]string{"cmd"}, ""},
	tables.TypeServiceStart:      {phrase{"started the service", "start the service"}, [3]string{"unit"}, ""},
	tables.TypeServiceStop:       {phrase{"stopped the service", "stop the service"}, [3]string{"unit"}, ""},
	tables.TypeSystemBoot:        {phrase{"booted the system", "boot the system"}, [3]string{}, ""},
	tables.TypeSystemShutdown:    {phrase{"shut the system down", "shut the system down"}, [3]string{}, ""},
	tables.TypeSystemRunlevel:    {phrase{"changed the run level", "change the run level"}, [3]string{"new-level"}, "to "},
	tables.TypeSoftwareUpdate:    {phrase{"changed the software", "change the software"}, [3]string{"sw"}, ""},
	tables.TypeAcctLock:          {phrase{"locked the account", "lock the account"}, [3]string{"acct", "id"}, ""},
	tables.TypeAcctUnlock:        {phrase{"unlocked the account", "unlock the account"}, [3]string{"acct", "id"}, ""},
	tables.TypeDaemonStart:       {phrase{"began to audit", "begin to audit"}, [3]string{}, ""},
	tables.TypeDaemonEnd:         {phrase{"stopped auditing", "stop auditing"}, [3]string{}, ""},
	tables.TypeDaemonConfig:      {phrase{"reloaded the audit daemon's configuration", "reload the audit daemon's configuration"}, [3]string{}, ""},
	tables.TypeDaemonRotate:      {phrase{"rotated the audit logs", "rotate the audit logs"}, [3]string{}, ""},
	tables.TypeDaemonResume:      {phrase{"resumed the logging of audit records", "resume the logging of audit records"}, [3]string{}, ""},
	tables.TypeDaemonAccept:      {phrase{"accepted a connection", "accept a connection"}, [3]string{"addr"}, "from "},
	tables.TypeDaemonClose:       {phrase{"closed the connection", "close the connection"}, [3]string{"addr"}, "of "},
	tables.TypeCryptoKeyUser:     {phrase{"handled a key", "handle a key"}, [3]string{"fp"}, ""},
	tables.TypeCryptoSession:     {phrase{"agreed on a cipher", "agree on a cipher"}, [3]string{"cipher"}, ""},
	tables.TypeVirtControl:       {phrase{"controlled the virtual machine", "control the virtual machine"}, [3]string{"vm"}, ""},
	tables.TypeVirtResource:      {phrase{"gave resources to the virtual machine", "give resources to the virtual machine"}, [3]string{"vm"}, ""},
	tables.TypeVirtMachineID:     {phrase{"labelled the virtual machine", "label the virtual machine"}, [3]string{"vm"}, ""},
	tables.TypeUserDevice:        {phrase{"configured the device", "configure the device"}, [3]string{"device"}, ""},
	tables.TypeUsysConfig:        {phrase{"changed the configuration", "change the configuration"}, [3]string{"op"}, "by "},
	tables.TypeRespAlert:         {phrase{"set off the detection", ""}, [3]string{"rule"}, ""},
	tables.TypeLedger:            {phrase{"wrote into the ledger:", ""}, [3]string{"op"}, ""},
	tables.TypeAnomLoginFailures: {phrase{"failed to log in too often", ""}, [3]string{"acct", "id"}, "as "},
}

// message tells of a message of a program, and of what else has no system call.
func (t *Teller) message(dst []byte, words Words) []byte {
	r, ok := reports[t.main.Type]
	switch {
	case t.main.Type == tables.TypeUringOp:
		return t.uring(dst)
	case !ok:
		return t.plain(dst, words)
	}
	dst = t.who(dst)
	dst = did(dst, r.phrase, t.main.Result())
	for _, name := range r.fields {
		if name == "" {
			break
		}
		f, ok := t.main.Get(name)
		if !ok || blank(f) {
			continue
		}
		dst = append(append(dst, ' '), r.by...)
		if name == "id" {
			if id, ok := f.Uint(); ok && id < 1<<32 {
				dst = t.x.AppendUser(dst, uint32(id))
				break
			}
		}
		dst = t.appendText(dst, f)
		break
	}
	switch t.main.Type {
	case tables.TypeUserCmd:
		dst = t.detail(dst, t.main, " in ", "cwd")
	case tables.TypeVirtControl:
		dst = t.detail(dst, t.main, ": ", "op")
	case tables.TypeVirtResource:
		dst = t.detail(dst, t.main, ": ", "resrc")
	case tables.TypeRespAlert:
		dst = t.detail(dst, t.main, ": ", "output")
	case tables.TypeGrpMgmt:
		if _, ok := t.main.Get("grp"); ok {
			dst = t.detail(dst, t.main, " for ", "acct")
		}
		dst = t.operation(dst)
	case tables.TypeUserMgmt, tables.TypeAddGroup, tables.TypeDelGroup, tables.TypeUserChauthtok,
		tables.TypeGrpChauthtok, tables.TypeCryptoKeyUser, tables.TypeSoftwareUpdate, tables.TypeUserErr:
		dst = t.operation(dst)
	}
	dst = t.from(dst)
	return t.program(dst)
}

// operation appends what a program calls what it did, which may be several words: op=adding user to group.
func (t *Teller) operation(dst []byte) []byte {
	var op audit.Field
	fields := t.main.Fields()
	for f, ok := fields.NextWord(); ok; f, ok = fields.NextWord() {
		if op.Name == nil {
			if string(f.Name) == "op" {
				op = f
			}
			continue
		}
		if f.Name != nil {
			break
		}
		op = op.Through(f)
	}
	if op.Name == nil || blank(op) || bytes.HasPrefix(op.Value, []byte("PAM:")) {
		return dst
	}
	return append(appendSafe(append(dst, " ("...), bytes.Trim(op.Value, `"`)), ')')
}

// from appends the place that somebody came from.
func (t *Teller) from(dst []byte) []byte {
	if reports[t.main.Type].fields[0] == "addr" {
		return dst
	}
	for _, name := range [...]string{"addr", "hostname"} {
		f, ok := t.main.Get(name)
		if ok && !blank(f) {
			return t.appendText(append(dst, " from "...), f)
		}
	}
	return dst
}

// plain tells of a record that has no words of its own, in stock's.
func (t *Teller) plain(dst []byte, words Words) []byte {
	dst = append(t.who(dst), ' ')
	if len(words.Action) == 0 || string(words.Action) == "unknown" {
		dst = append(dst, "was told of by a record of the type "...)
		dst = t.main.Type.AppendTo(dst)
	} else {
		start := len(dst)
		dst = appendSafe(dst, words.Action)
		for i := bytes.IndexByte(dst[start:], '-'); i >= 0; i = bytes.IndexByte(dst[start:], '-') {
			dst[start+i] = ' '
		}
	}
	if len(words.Object) > 0 {
		dst = appendSafe(append(dst, ' '), words.Object)
	} else {
		for _, preposition := range [...]string{" to", " from", " of"} {
			dst = bytes.TrimSuffix(dst, []byte(preposition))
		}
	}
	if t.main.Result() == audit.ResultFailure {
		dst = append(dst, ", which failed,"...)
	}
	return t.program(t.from(dst))
}

// part reports whether the event is but a part of one: what belongs to a system call, without it.
func (t *Teller) part() bool {
	switch t.main.Type {
	case tables.TypePath, tables.TypeCWD, tables.TypeExecve, tables.TypeProctitle, tables.TypeSockaddr,
		tables.TypeSocketcall, tables.TypeBPRMFcaps, tables.TypeCapset, tables.TypeMmap, tables.TypeFDPair,
		tables.TypeObjPID, tables.TypeIPC, tables.TypeIPCSetPerm, tables.TypeMQOpen, tables.TypeMQSendrecv,
		tables.TypeMQNotify, tables.TypeMQGetsetattr, tables.TypeOpenat2:
		return true
	}
	return false
}

// tellPart tells of a part: the rest of the event was lost, or has been told of already.
func (t *Teller) tellPart(dst []byte) []byte {
	dst = append(dst, "part of an event"...)
	switch t.main.Type {
	case tables.TypeExecve:
		if t.e.Args(&t.args); t.args.Len() > 0 {
			dst = appendCommand(append(dst, ": the command line "...), &t.args)
		}
	case tables.TypeProctitle:
		if t.e.Proctitle(&t.args) && t.args.Len() > 0 {
			dst = appendCommand(append(dst, ": the process "...), &t.args)
		}
	case tables.TypePath:
		dst = t.path(append(dst, ": the file "...), t.main)
	case tables.TypeCWD:
		dst = t.detail(dst, t.main, ": in the directory ", "cwd")
	case tables.TypeSockaddr:
		dst = t.address(append(dst, ": the address "...))
	default:
		dst = t.main.Type.AppendTo(append(dst, ": a record of the type "...))
	}
	return dst
}

// uring tells of an operation that the kernel did for a ring.
func (t *Teller) uring(dst []byte) []byte {
	dst = did(t.who(dst), phrase{"had io_uring do", "have io_uring do"}, t.main.Result())
	op, ok := t.main.Get("uring_op")
	n, is := op.Int()
	if name, known := tables.UringOpName(int(n)); ok && is && known {
		dst = append(append(dst, ' '), name...)
	} else {
		dst = append(dst, " something"...)
	}
	if path, ok := t.file(); ok {
		dst = t.path(append(dst, " on "...), path)
	}
	return t.errno(dst)
}
