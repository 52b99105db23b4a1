package field

import (
	"vigil/audit"
	"vigil/audit/tables"
)

var auditFields = []Field{
	{Name: "audit.type", Type: String, Help: "type of the record that the event is named after: SYSCALL if there is one, else the first",
		Example: "audit.type = USER_LOGIN", Source: "type=", constant: typeName, get: getAuditType},
	{Name: "audit.types", Type: String, Many: Each, Help: "types of all records of the event", Example: "audit.types = AVC",
		Source: "type=", constant: typeName, get: getTypes},
	{Name: "audit.key", Type: String, Many: Each, Help: "keys of the rule that matched", Example: "audit.key in (exec, priv)",
		Source: "key=", get: getKeys},
	{Name: "audit.serial", Type: Uint, Help: "serial number of the event", Example: "audit.serial = 348501", Source: fromStamp,
		get: func(v *View, _ *Ref, out *Values) { out.Uint(uint64(v.ev.ID.Serial)) }},
	{Name: "audit.id", Type: String, Help: "the stamp, SEC.mmm:SERIAL", Example: "audit.id = 1626611363.720:348501", Source: fromStamp, get: getID},
	{Name: "audit.node", Type: String, Help: "name of the node in the record", Example: "audit.node = web-1", Source: "node=", get: getNode},
	{Name: "audit.records", Type: Uint, Help: "number of records in the event", Example: "audit.records > 10", Source: "counted",
		get: func(v *View, _ *Ref, out *Values) { out.Uint(uint64(len(v.ev.Records))) }},
	{Name: "audit.result", Type: String, Help: "success or failure", Example: "audit.result = failure", Source: "success=, res=, result=",
		get: getResult},
	{Name: "audit.text", Type: String, Many: Each, Help: "text of each record as the kernel wrote it, undecoded",
		Example: "audit.text contains apparmor", Source: "the records", get: getText},

	{Name: "audit.auid", Type: Int, Help: "user id at login, -1 if it was never set", Example: "audit.auid >= 1000", Source: "auid=",
		number: unsetID, get: getNumber(nAUID)},
	{Name: "audit.session", Type: Int, Help: "number of the login session, -1 if there is none", Example: "audit.session = 3", Source: "ses=",
		number: unsetID, get: getNumber(nSes)},
	{Name: "audit.pid", Type: Int, Help: "process id", Example: "audit.pid = 4711", Source: "pid=", get: getNumber(nPID)},
	{Name: "audit.ppid", Type: Int, Help: "id of the parent process", Example: "audit.ppid = 1", Source: "ppid=", get: getNumber(nPPID)},
	{Name: "audit.uid", Type: Int, Help: "user id", Example: "audit.uid != 0", Source: "uid=", number: unsetID, get: getNumber(nUID)},
	{Name: "audit.euid", Type: Int, Help: "effective user id", Example: "audit.euid = 0", Source: "euid=", number: unsetID, get: getNumber(nEUID)},
	{Name: "audit.suid", Type: Int, Help: "saved user id", Example: "audit.suid = 0", Source: "suid=", number: unsetID, get: getNumber(nSUID)},
	{Name: "audit.fsuid", Type: Int, Help: "user id for file access", Example: "audit.fsuid = 0", Source: "fsuid=", number: unsetID,
		get: getNumber(nFSUID)},
	{Name: "audit.gid", Type: Int, Help: "group id", Example: "audit.gid = 0", Source: "gid=", number: unsetID, get: getNumber(nGID)},
	{Name: "audit.egid", Type: Int, Help: "effective group id", Example: "audit.egid = 0", Source: "egid=", number: unsetID, get: getNumber(nEGID)},
	{Name: "audit.sgid", Type: Int, Help: "saved group id", Example: "audit.sgid = 0", Source: "sgid=", number: unsetID, get: getNumber(nSGID)},
	{Name: "audit.fsgid", Type: Int, Help: "group id for file access", Example: "audit.fsgid = 0", Source: "fsgid=", number: unsetID,
		get: getNumber(nFSGID)},
	{Name: "audit.tty", Type: String, Help: "terminal", Example: "audit.tty = pts0", Source: "tty=", get: getSubject(nTTY)},
	{Name: "audit.comm", Type: String, Help: "command name", Example: "audit.comm = cat", Source: "comm=", get: getSubject(nComm)},
	{Name: "audit.exe", Type: String, Help: "path of the executable", Example: "audit.exe = /usr/bin/cat", Source: "exe=", get: getSubject(nExe)},
	{Name: "audit.subject", Type: String, Help: "label of the security module", Example: "audit.subject startswith unconfined",
		Source: "subj=", get: getSubject(nSubj)},

	{Name: "audit.arch", Type: String, Help: "architecture of the system call", Example: "audit.arch = i386", Source: "SYSCALL arch=",
		Needs: needsCall, get: getArch},
	{Name: "audit.syscall", Type: Int, Help: "number of the system call", Example: "audit.syscall = 59", Source: "SYSCALL syscall=",
		Needs: needsCall, get: getCall(nSyscall)},
	{Name: "audit.exit", Type: Int, Help: "what the system call returned", Example: "audit.exit = EACCES", Source: "SYSCALL exit=",
		Needs: needsCall, number: errnoNumber, get: getExit},
	{Name: "audit.items", Type: Int, Help: "number of PATH records that the kernel announced", Example: "audit.items > 1", Source: "SYSCALL items=",
		Needs: needsCall, get: getCall(nItems)},
	{Name: "audit.a0", Type: Uint, Style: Hex, Help: "first argument of the system call", Example: "audit.a0 = 0xffffff9c", Source: "SYSCALL a0=",
		Needs: needsCall, get: getA(0)},
	{Name: "audit.a1", Type: Uint, Style: Hex, Help: "second argument", Example: "audit.a1 = 2", Source: "SYSCALL a1=", Needs: needsCall, get: getA(1)},
	{Name: "audit.a2", Type: Uint, Style: Hex, Help: "third argument", Example: "audit.a2 = 0x80000", Source: "SYSCALL a2=", Needs: needsCall,
		get: getA(2)},
	{Name: "audit.a3", Type: Uint, Style: Hex, Help: "fourth argument", Example: "audit.a3 = 0", Source: "SYSCALL a3=", Needs: needsCall, get: getA(3)},

	{Name: "audit.argv", Type: String, Many: List, Arg: ArgIndex, Help: "the command line as a list, argument 0 first", Example: "audit.argv intersects (-e, -c)",
		Source: fromArgs, Needs: needsArgs, get: getArgv},
	{Name: "audit.path", Type: String, Many: Each, Help: "every path of the event, absolute", Example: "audit.path pmatch (/etc, /root)",
		Source: fromPath, Needs: needsPath, get: getPaths},
	{Name: "audit.op", Type: String, Help: "what was done, in records without a system call", Example: "audit.op = PAM:authentication",
		Source: "op=", get: getAny("op")},
	{Name: "audit.account", Type: String, Help: "account that a program's message is about", Example: "audit.account = alice",
		Source: "acct=", get: getAny("acct")},
	{Name: "audit.address", Type: String, Help: "remote address in a program's message", Example: "audit.address = 192.0.2.7",
		Source: "addr=", get: getAny("addr")},
	{Name: "audit.host", Type: String, Help: "remote host in a program's message", Example: "audit.host = ws1.example", Source: "hostname=",
		get: getAny("hostname")},
	{Name: "audit.terminal", Type: String, Help: "terminal, of a process or in a program's message", Example: "audit.terminal = ssh",
		Source: "terminal=, tty=", get: getTerminal},
	{Name: "audit.unit", Type: String, Help: "unit that systemd started or stopped", Example: "audit.unit = sshd", Source: "unit=", get: getAny("unit")},
}

func typeName(s string) (string, error) {
	if _, ok := tables.TypeByName([]byte(s)); ok {
		return s, nil
	}
	return "", unknownType(s)
}

func getAuditType(v *View, _ *Ref, out *Values) {
	if v.hasSubj {
		out.Bytes(v.typeText(v.subject.Type))
	}
}

func (v *View) typeText(t tables.Type) []byte {
	start := len(v.buf)
	v.buf = t.AppendTo(v.buf)
	return v.cut(start)
}

func getTypes(v *View, _ *Ref, out *Values) {
	for i := range v.ev.Records {
		out.Bytes(v.typeText(v.ev.Records[i].Type))
	}
}

func getKeys(v *View, _ *Ref, out *Values) {
	if v.isCall && v.keyed == 1 {
		b := v.keyText()
		from := 0 // as Event.Keys does; a call of bytes.IndexByte costs more
		for i, c := range b {
			if c == keySeparator {
				out.Bytes(b[from:i])
				from = i + 1
			}
		}
		if from < len(b) {
			out.Bytes(b[from:])
		}
		return
	}
	if v.done&doneKeys == 0 {
		v.done |= doneKeys
		v.ev.Keys(&v.keys)
	}
	for i := 0; i < v.keys.Len(); i++ {
		out.Bytes(v.keys.At(i))
	}
}

// keyText decodes the key of SYSCALL: as textOf would, with less ado.
func (v *View) keyText() []byte {
	b, ok := v.value(nKey)
	if n := len(b); !ok || string(b) == "(null)" {
		return nil
	} else if n >= 2 && b[0] == '"' && b[n-1] == '"' {
		return b[1 : n-1]
	}
	start := len(v.buf)
	out, ok := audit.AppendUnhex(v.buf, b)
	if !ok {
		return b
	}
	v.buf = out
	return v.cut(start)
}

// keySeparator is AUDIT_KEY_SEPARATOR of libaudit.
const keySeparator = 1

func getID(v *View, _ *Ref, out *Values) {
	start := len(v.buf)
	v.buf = v.ev.ID.AppendTo(v.buf)
	out.Bytes(v.cut(start))
}

func getResult(v *View, _ *Ref, out *Values) {
	if r := v.result(); r != audit.ResultUnknown {
		out.Bytes(v.own(r.String()))
	}
}

func getText(v *View, _ *Ref, out *Values) {
	for i := range v.ev.Records {
		out.Bytes(v.ev.Records[i].Body)
	}
}

func getSubject(n name) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if b, ok := v.textOf(n); ok {
			out.Bytes(b)
		}
	}
}

func getCall(n name) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if !v.isCall {
			return
		}
		if f, ok := v.get(n); ok {
			if i, ok := f.Int(); ok {
				out.Int(i)
			}
		}
	}
}

func getA(n int) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if a, ok := v.arg(n); ok {
			out.Uint(a)
		}
	}
}

func getArch(v *View, _ *Ref, out *Values) {
	if a := v.arch(); v.isCall && a != 0 {
		out.Bytes(v.own(a.String()))
	}
}

func getArgv(v *View, r *Ref, out *Values) {
	a, ok := v.argv()
	if !ok {
		return
	}
	if r.Index >= 0 {
		if r.Index < a.Len() {
			out.Bytes(a.At(r.Index))
		}
		return
	}
	for i := 0; i < a.Len(); i++ {
		out.Bytes(a.At(i))
	}
}

func getPaths(v *View, _ *Ref, out *Values) {
	for i := range v.ev.Records {
		if r := v.ev.Records[i]; r.Type == tables.TypePath {
			start := len(v.buf)
			v.buf = v.ev.AppendPath(v.buf, r)
			if len(v.buf) > start {
				out.Bytes(v.clean(v.cut(start)))
			}
		}
	}
}

// getAny takes a field of the record that bears the process, or else of the first
// record that has it.
func getAny(name string) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if f, ok := v.anyRecord(name); ok {
			out.Bytes(v.text(f))
		}
	}
}

func (v *View) anyRecord(name string) (audit.Field, bool) {
	for i := range v.ev.Records {
		// "?" is what programs print for what they do not know.
		if f, ok := v.ev.Records[i].Get(name); ok && !f.IsNull() && string(f.Value) != "?" {
			return f, true
		}
	}
	return audit.Field{}, false
}

func getTerminal(v *View, r *Ref, out *Values) {
	if f, ok := v.anyRecord("terminal"); ok {
		out.Bytes(v.text(f))
	} else if f, ok := v.get(nTTY); ok && string(f.Value) != "(none)" {
		out.Bytes(v.text(f))
	}
}
