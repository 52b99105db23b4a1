package field

import (
	"bytes"
	"math"

	"vigil/audit"
	"vigil/audit/tables"
)

var needsArgs = []tables.Type{tables.TypeExecve, tables.TypeProctitle}

const fromArgs = "EXECVE a0= and on, else PROCTITLE"

var procFields = []Field{
	{Name: "proc.pid", Type: Int, Help: "id of the process", Example: "proc.pid = 4711", Source: "pid=", get: getNumber(nPID)},
	{Name: "proc.id", Type: Int, Help: "as proc.pid", Example: "proc.id = 4711", Source: "pid=", get: getNumber(nPID)},
	{Name: "thread.tid", Type: Int, Help: "id of the thread: the kernel logs the thread as pid=", Example: "thread.tid = 4711",
		Source: "pid=", get: getNumber(nPID)},
	{Name: "proc.ppid", Type: Int, Help: "id of the parent process", Example: "proc.ppid = 1", Source: "ppid=", get: getNumber(nPPID)},
	{Name: "proc.vpid", Type: Int, Help: "id of the process in its own pid namespace", Example: "proc.vpid = 1",
		Source: fromKeys + keyVPID, get: getVPID},
	{Name: "proc.name", Type: String, Help: "command name, at most 15 bytes; the base name of the executable where the record has no other",
		Example: "proc.name = bash", Source: "comm=, exe=", get: getProcName},
	{Name: "proc.exe", Type: String, Help: "argument 0 of the command line", Example: "proc.exe = -bash", Source: fromArgs,
		Needs: needsArgs, get: getProcExe},
	{Name: "proc.exepath", Type: String, Help: "path of the executable as the kernel resolved it", Example: "proc.exepath startswith /tmp/",
		Source: "exe=", get: getExepath},
	{Name: "proc.args", Type: String, Help: "command line without argument 0, separated by spaces", Example: "proc.args contains -e",
		Source: fromArgs, Needs: needsArgs, get: getProcArgs, getList: listProcArgs},
	{Name: "proc.cmdline", Type: String, Help: "proc.name and proc.args", Example: `proc.cmdline contains "nc -l"`,
		Source: "comm=, " + fromArgs, Needs: needsArgs, get: getCmdline},
	{Name: "proc.exeline", Type: String, Help: "whole command line, separated by spaces", Example: "proc.exeline startswith ./",
		Source: fromArgs, Needs: needsArgs, get: getExeline},
	{Name: "proc.cmdnargs", Type: Uint, Help: "number of arguments without argument 0", Example: "proc.cmdnargs > 100",
		Source: fromArgs, Needs: needsArgs, get: getNArgs},
	{Name: "proc.cmdlenargs", Type: Uint, Help: "bytes in the arguments without argument 0, spaces not counted",
		Example: "proc.cmdlenargs > 4000", Source: fromArgs, Needs: needsArgs, get: getLenArgs},
	{Name: "proc.cwd", Type: String, Help: "working directory", Example: "proc.cwd startswith /tmp", Source: "CWD cwd=",
		Needs: []tables.Type{tables.TypeCWD}, get: getOf(tables.TypeCWD, "cwd")},
	{Name: "proc.tty", Type: Int, Help: "device number of the controlling terminal, 0 if there is none", Example: "proc.tty != 0",
		Source: "tty=", get: getTTY},
	{Name: "proc.is_exe_from_memfd", Type: Bool, Help: "whether the executable is in memory only", Example: "proc.is_exe_from_memfd = true",
		Source: "exe=", get: getMemfd},
	{Name: "proc.duration", Type: Uint, Help: "nanoseconds from the start of the process to the event", Example: "proc.duration < 1000000000",
		Source: fromKeys + keyStart, get: getDuration},
	{Name: "proc.pid.ts", Type: Uint, Help: "start of the process, nanoseconds since the epoch", Example: "proc.pid.ts > 0",
		Source: fromKeys + keyStart, get: getUintKey(keyStart)},
}

var ancestorFields = []Field{
	{Name: "proc.pname", Type: String, Help: "command name of the parent", Example: "proc.pname = sshd",
		Source: fromKeys + "P1_COMM", get: getParent(keyAncestorComm)},
	{Name: "proc.pexepath", Type: String, Help: "path of the parent's executable", Example: "proc.pexepath = /usr/sbin/sshd",
		Source: fromKeys + "P1_EXE", get: getParent(keyAncestorExe)},
	{Name: "proc.pexe", Type: String, Help: "argument 0 of the parent", Example: "proc.pexe = -bash",
		Source: fromKeys + "P1_ARGS", get: getParentExe},
	{Name: "proc.pcmdline", Type: String, Help: "command line of the parent, its name first", Example: "proc.pcmdline contains cron",
		Source: fromKeys + "P1_COMM, P1_ARGS", get: getParentLine},
	{Name: "proc.aname", Type: String, Many: Kin, Arg: ArgIndex, Help: "command name of an ancestor: [1] the parent, [0] the process; without a number any ancestor",
		Example: "proc.aname[2] = sshd", Source: fromKeys + "P1_COMM and on", get: getKin(keyAncestorComm, getProcName)},
	{Name: "proc.apid", Type: Int, Many: Kin, Arg: ArgIndex, Help: "id of an ancestor, as proc.aname", Example: "proc.apid = 812",
		Source: fromKeys + "P1_PID and on", get: getKinPID},
	{Name: "proc.aexepath", Type: String, Many: Kin, Arg: ArgIndex, Help: "path of an ancestor's executable, as proc.aname",
		Example: "proc.aexepath[2] = /usr/sbin/sshd", Source: fromKeys + "P1_EXE and on", get: getKin(keyAncestorExe, getExepath)},
	{Name: "proc.aexe", Type: String, Many: Kin, Arg: ArgIndex, Help: "argument 0 of an ancestor, as proc.aname",
		Example: "proc.aexe contains java", Source: fromKeys + "P1_ARGS and on", get: getKinExe},
	{Name: "proc.acmdline", Type: String, Many: Kin, Arg: ArgIndex, Help: "command line of an ancestor, as proc.aname",
		Example: "proc.acmdline contains cron", Source: fromKeys + "P1_ARGS and on", get: getKinLine},
}

// commLength is what the kernel keeps of a command name (TASK_COMM_LEN - 1).
const commLength = 15

func getProcName(v *View, _ *Ref, out *Values) {
	if b, ok := v.procName(); ok {
		out.Bytes(b)
	}
}

func (v *View) procName() ([]byte, bool) {
	if b, ok := v.textOf(nComm); ok {
		return b, true
	}
	if b, ok := v.textOf(nExe); ok {
		b = b[bytes.LastIndexByte(b, '/')+1:]
		return b[:min(len(b), commLength)], len(b) > 0 && string(b) != "?"
	}
	return nil, false
}

func getExepath(v *View, _ *Ref, out *Values) {
	if b, ok := v.textOf(nExe); ok && string(b) != "?" {
		out.Bytes(b)
	}
}

func getMemfd(v *View, _ *Ref, out *Values) {
	if b, ok := v.textOf(nExe); ok {
		out.Bool(bytes.HasPrefix(b, []byte("/memfd:")))
	}
}

func getProcExe(v *View, _ *Ref, out *Values) {
	if a, ok := v.argv(); ok {
		out.Bytes(a.At(0))
	}
}

// line puts the arguments from the first on together in v.buf, behind what is
// there since start.
func (v *View) line(start, first int) []byte {
	for i := first; i < v.args.Len(); i++ {
		if i > first || len(v.buf) > start {
			v.buf = append(v.buf, ' ')
		}
		v.buf = append(v.buf, v.args.At(i)...)
	}
	return v.cut(start)
}

func getProcArgs(v *View, _ *Ref, out *Values) {
	if _, ok := v.argv(); ok {
		out.Bytes(v.line(len(v.buf), 1))
	}
}

func listProcArgs(v *View, _ *Ref, out *Values) {
	if a, ok := v.argv(); ok {
		for i := 1; i < a.Len(); i++ {
			out.Bytes(a.At(i))
		}
	}
}

func getExeline(v *View, _ *Ref, out *Values) {
	if _, ok := v.argv(); ok {
		out.Bytes(v.line(len(v.buf), 0))
	}
}

func getCmdline(v *View, _ *Ref, out *Values) {
	if _, ok := v.argv(); !ok {
		return
	}
	name, ok := v.procName()
	if !ok {
		return
	}
	start := len(v.buf)
	v.buf = append(v.buf, name...)
	out.Bytes(v.line(start, 1))
}

func getNArgs(v *View, _ *Ref, out *Values) {
	if a, ok := v.argv(); ok {
		out.Uint(uint64(a.Len() - 1))
	}
}

func getLenArgs(v *View, _ *Ref, out *Values) {
	if a, ok := v.argv(); ok {
		n := 0
		for i := 1; i < a.Len(); i++ {
			n += len(a.At(i))
		}
		out.Uint(uint64(n))
	}
}

// getTTY gives the device number that the kernel would: Documentation/admin-guide/devices.txt.
func getTTY(v *View, _ *Ref, out *Values) {
	s, ok := v.value(nTTY)
	if !ok {
		return
	}
	for _, driver := range [...]struct {
		prefix string
		base   int64
	}{{"pts", 136 << 8}, {"ttyS", 4<<8 | 64}, {"tty", 4 << 8}, {"hvc", 229 << 8}} {
		if bytes.HasPrefix(s, []byte(driver.prefix)) {
			digits := s[len(driver.prefix):]
			if len(digits) == 0 && driver.prefix == "tty" {
				out.Int(5 << 8)
			} else if n, ok := (audit.Field{Value: digits}).Uint(); ok && n < 256 {
				out.Int(driver.base + int64(n))
			}
			return
		}
	}
	switch string(s) {
	case "(none)":
		out.Int(0)
	case "console":
		out.Int(5<<8 | 1)
	}
}

func getVPID(v *View, _ *Ref, out *Values) {
	if n, ok := v.attributionUint(keyVPID); ok {
		out.Int(int64(n))
	}
}

func getDuration(v *View, _ *Ref, out *Values) {
	if n, ok := v.attributionUint(keyStart); ok {
		if now := uint64(v.nanos()); now >= n {
			out.Uint(now - n)
		}
	}
}

func getParent(suffix string) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if b, ok := v.ancestor(1, suffix); ok {
			out.Bytes(b)
		}
	}
}

// kin calls one for the ancestor that r asks for, or for all of them.
func (v *View) kin(r *Ref, one func(n int) bool) {
	if r.Index >= 0 {
		one(r.Index)
		return
	}
	for n := 1; n <= maxAncestors && one(n); n++ {
	}
}

func getKin(suffix string, self func(*View, *Ref, *Values)) func(*View, *Ref, *Values) {
	return func(v *View, r *Ref, out *Values) {
		v.kin(r, func(n int) bool {
			if n == 0 {
				self(v, r, out)
				return true
			}
			b, ok := v.ancestor(n, suffix)
			if ok {
				out.Bytes(b)
			}
			return ok
		})
	}
}

func getKinPID(v *View, r *Ref, out *Values) {
	v.kin(r, func(n int) bool {
		if n == 0 {
			getNumber(nPID)(v, r, out)
			return true
		}
		b, ok := v.ancestor(n, keyAncestorPID)
		pid, isInt := audit.Field{Value: b}.Int()
		if !ok || !isInt {
			return false
		}
		out.Int(pid)
		return true
	})
}

func getKinExe(v *View, r *Ref, out *Values) {
	v.kin(r, func(n int) bool {
		if n == 0 {
			getProcExe(v, r, out)
			return true
		}
		b, ok := v.ancestor(n, keyAncestorArgs)
		if ok {
			b, _, _ = bytes.Cut(b, []byte(" "))
			out.Bytes(b)
		}
		return ok
	})
}

func getKinLine(v *View, r *Ref, out *Values) {
	v.kin(r, func(n int) bool {
		if n == 0 {
			getCmdline(v, r, out)
			return true
		}
		return v.ancestorLine(n, out)
	})
}

// ancestorLine adds the command line of an ancestor: its name and its arguments
// without argument 0.
func (v *View) ancestorLine(n int, out *Values) bool {
	args, ok := v.ancestor(n, keyAncestorArgs)
	if !ok {
		return false
	}
	name, ok := v.ancestor(n, keyAncestorComm)
	if !ok {
		return false
	}
	start := len(v.buf)
	v.buf = append(v.buf, name...)
	if _, rest, ok := bytes.Cut(args, []byte(" ")); ok {
		v.buf = append(append(v.buf, ' '), rest...)
	}
	out.Bytes(v.cut(start))
	return true
}

func getParentExe(v *View, _ *Ref, out *Values) {
	if b, ok := v.ancestor(1, keyAncestorArgs); ok {
		b, _, _ = bytes.Cut(b, []byte(" "))
		out.Bytes(b)
	}
}

func getParentLine(v *View, _ *Ref, out *Values) { v.ancestorLine(1, out) }

var userFields = []Field{
	{Name: "user.uid", Type: Int, Help: "effective user id of the process; the user id where the record has no other",
		Example: "user.uid = 0", Source: "euid=, uid=", number: unsetID, get: getUID},
	{Name: "user.name", Type: String, Help: "name of that user", Example: "user.name = root",
		Source: "EUID=, UID= of ENRICHED logs, or the host's user database", get: getUserName},
	{Name: "user.loginuid", Type: Int, Help: "user id at login (auid), -1 if it was never set", Example: "user.loginuid >= 1000",
		Source: "auid=", number: unsetID, get: getNumber(nAUID)},
	{Name: "user.loginname", Type: String, Help: "name of the user at login", Example: "user.loginname = alice",
		Source: "AUID= of ENRICHED logs, or the host's user database", get: getLoginName},
	{Name: "group.gid", Type: Int, Help: "effective group id of the process; the group id where the record has no other",
		Example: "group.gid = 0", Source: "egid=, gid=", number: unsetID, get: getGID},
	{Name: "group.name", Type: String, Help: "name of that group", Example: "group.name = wheel",
		Source: "EGID=, GID= of ENRICHED logs, or the host's group database", get: getGroupName},
}

// unsetID reads what people and the kernel write for an id that is not set.
func unsetID(s string) (uint64, bool) {
	if s == "unset" || s == "4294967295" {
		return math.MaxUint64, true // -1
	}
	return 0, false
}

func getNumber(n name) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if i, ok := v.getInt(n); ok {
			out.Int(i)
		}
	}
}

// either returns the first of two fields that the record has.
func (v *View) either(a, b name) (int64, name, bool) {
	if i, ok := v.getInt(a); ok {
		return i, a, true
	}
	i, ok := v.getInt(b)
	return i, b, ok
}

func getUID(v *View, _ *Ref, out *Values) {
	if i, _, ok := v.either(nEUID, nUID); ok {
		out.Int(i)
	}
}

func getGID(v *View, _ *Ref, out *Values) {
	if i, _, ok := v.either(nEGID, nGID); ok {
		out.Int(i)
	}
}

func getUserName(v *View, _ *Ref, out *Values) {
	if i, n, ok := v.either(nEUID, nUID); ok {
		v.user(out, i, upperOf(n))
	}
}

func getLoginName(v *View, _ *Ref, out *Values) {
	if i, ok := v.getInt(nAUID); ok {
		v.user(out, i, "AUID")
	}
}

func getGroupName(v *View, _ *Ref, out *Values) {
	i, n, ok := v.either(nEGID, nGID)
	if !ok {
		return
	}
	if b := v.enriched(upperOf(n)); b != nil {
		out.Bytes(b)
	} else if v.cfg.Names != nil && i >= 0 && i <= math.MaxUint32 {
		if s, ok := v.cfg.Names.Group(uint32(i)); ok {
			out.Bytes(v.own(s))
		}
	}
}

func (v *View) user(out *Values, id int64, key string) {
	if b := v.enriched(key); b != nil {
		out.Bytes(b)
	} else if v.cfg.Names != nil && id >= 0 && id <= math.MaxUint32 {
		if s, ok := v.cfg.Names.User(uint32(id)); ok {
			out.Bytes(v.own(s))
		}
	}
}

// upperOf returns the key of the enrichment that names the id.
func upperOf(n name) string {
	switch n {
	case nEUID:
		return "EUID"
	case nUID:
		return "UID"
	case nEGID:
		return "EGID"
	case nGID:
		return "GID"
	}
	return ""
}
