package field

import (
	"fmt"
	"strconv"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/internal/nearest"
)

const fromStamp = "the stamp of the event, audit(SEC.mmm:SERIAL)"

var evtFields = []Field{
	{Name: "evt.num", Type: Uint, Help: "number of the event, counted from 1 as events are read", Example: "evt.num < 100",
		Source: "counted", get: getNum},
	{Name: "evt.type", Type: String, Help: "name of the system call; in events without one the name of the record type in lower case",
		Example: "evt.type in (execve, execveat)", Source: "SYSCALL syscall=, arch=; type=", constant: eventType, get: getEvtType},
	{Name: "syscall.type", Type: String, Help: "name of the system call", Example: "syscall.type = openat",
		Source: "SYSCALL syscall=, arch=", Needs: needsCall, constant: eventType, get: getSyscallType},
	{Name: "evt.type.is", Type: Uint, Arg: ArgSuffix | ArgRequired, Help: "1 if the event is of that type, otherwise 0",
		Example: "evt.type.is.open = 1", Source: "as evt.type", get: getTypeIs},
	{Name: "evt.source", Type: String, Help: "kind of event source, always syscall", Example: "evt.source = syscall",
		Source: "constant", get: getConstant("syscall")},
	{Name: "evt.dir", Type: String, Help: "always <: the kernel logs what is done, not what begins", Example: "evt.dir = <",
		Source: "constant", get: getConstant("<")},
	{Name: "evt.is_async", Type: Bool, Help: "always false", Example: "evt.is_async = false", Source: "constant",
		get: func(_ *View, _ *Ref, out *Values) { out.Bool(false) }},
	{Name: "evt.count", Type: Uint, Help: "always 1", Example: "evt.count = 1", Source: "constant",
		get: func(_ *View, _ *Ref, out *Values) { out.Uint(1) }},
	{Name: "evt.hostname", Type: String, Help: "name of the node in the record", Example: "evt.hostname = web-1",
		Source: "node=", get: getNode},

	{Name: "evt.time", Type: String, Help: "local time with nanoseconds (the kernel gives milliseconds)",
		Example: "evt.time startswith 10:4", Source: fromStamp, get: getTime("15:04:05.000000000", false)},
	{Name: "evt.time.s", Type: String, Help: "local time", Example: "evt.time.s = 10:49:55", Source: fromStamp,
		get: getTime("15:04:05", false)},
	{Name: "evt.time.iso8601", Type: String, Help: "date and time in UTC, ISO 8601",
		Example: "evt.time.iso8601 startswith 2026-11-21T10", Source: fromStamp, get: getTime("2006-01-02T15:04:05.000000000-0700", true)},
	{Name: "evt.datetime", Type: String, Help: "local date and time with nanoseconds", Example: `evt.datetime startswith "2026-11-21 10"`,
		Source: fromStamp, get: getTime("2006-01-02 15:04:05.000000000", false)},
	{Name: "evt.datetime.s", Type: String, Help: "local date and time", Example: `evt.datetime.s = "2026-11-21 10:49:55"`,
		Source: fromStamp, get: getTime("2006-01-02 15:04:05", false)},
	{Name: "evt.outputtime", Type: String, Help: "as evt.time", Example: "evt.outputtime exists", Source: fromStamp,
		get: getTime("15:04:05.000000000", false)},
	{Name: "evt.rawtime", Type: Uint, Help: "nanoseconds since the epoch", Example: "evt.rawtime >= 1795258195000000000",
		Source: fromStamp, get: func(v *View, _ *Ref, out *Values) { out.Uint(uint64(v.nanos())) }},
	{Name: "evt.rawtime.s", Type: Uint, Help: "seconds since the epoch", Example: "evt.rawtime.s >= 1795258195",
		Source: fromStamp, get: func(v *View, _ *Ref, out *Values) { out.Uint(uint64(v.ev.ID.Sec)) }},
	{Name: "evt.rawtime.ns", Type: Uint, Help: "nanoseconds within the second", Example: "evt.rawtime.ns < 500000000",
		Source: fromStamp, get: func(v *View, _ *Ref, out *Values) { out.Uint(uint64(v.ev.ID.Milli) * 1e6) }},
	{Name: "evt.reltime", Type: Uint, Help: "nanoseconds since the first event that was read", Example: "evt.reltime < 60000000000",
		Source: fromStamp, get: func(v *View, _ *Ref, out *Values) { out.Uint(v.reltime()) }},
	{Name: "evt.reltime.s", Type: Uint, Help: "whole seconds since the first event that was read", Example: "evt.reltime.s < 60",
		Source: fromStamp, get: func(v *View, _ *Ref, out *Values) { out.Uint(v.reltime() / 1e9) }},
	{Name: "evt.reltime.ns", Type: Uint, Help: "evt.reltime without its whole seconds", Example: "evt.reltime.ns exists",
		Source: fromStamp, get: func(v *View, _ *Ref, out *Values) { out.Uint(v.reltime() % 1e9) }},

	{Name: "evt.res", Type: String, Help: "SUCCESS or the name of the error", Example: "evt.res = EACCES",
		Source: "SYSCALL exit=, success=", Needs: needsCall, get: getRes},
	{Name: "evt.rawres", Type: Int, Help: "what the system call returned", Example: "evt.rawres < 0",
		Source: "SYSCALL exit=", Needs: needsCall, number: errnoNumber, get: getExit},
	{Name: "evt.failed", Type: Bool, Help: "whether the event tells of a failure", Example: "evt.failed = true",
		Source: "success=, res=", get: getFailed},
	{Name: "evt.category", Type: String, Help: "file, net, process or other, by the system call", Example: "evt.category = net",
		Source: "SYSCALL syscall=", Needs: needsCall, get: getCategory},
	{Name: "evt.args", Type: String, Help: "arguments of the event as one text, name=value", Example: "evt.args contains shadow",
		Source: "SYSCALL, PATH, EXECVE, SOCKADDR", Needs: needsCall, get: getEvtArgs},
	{Name: "evt.info", Type: String, Help: "as evt.args; in events without a system call the text of the first record",
		Example: "evt.info contains sshd", Source: "SYSCALL, PATH, EXECVE, SOCKADDR; the record", get: getInfo},
	{Name: "evt.arg", Type: String, Arg: ArgIndex | ArgKey | ArgSuffix | ArgRequired, Help: "one argument of the event by name or number, names for numbers where they are known",
		Example: "evt.arg.path startswith /etc", Source: "SYSCALL a0= to a3=, PATH, EXECVE, SOCKADDR", Needs: needsCall, get: getArg},
	{Name: "evt.rawarg", Type: Uint, Arg: ArgKey | ArgSuffix | ArgRequired, Help: "one argument of the event by name, as a number",
		Example: "evt.rawarg.flags = 2", Source: "SYSCALL a0= to a3=", Needs: needsCall, get: getRawArg},
	{Name: "evt.abspath", Type: String, Arg: ArgSuffix, Help: "absolute path that the event is about; .src and .dst where there are two",
		Example: "evt.abspath.dst startswith /etc", Source: "PATH name=, CWD", Needs: needsPath, get: getAbspath},
	{Name: "evt.is_open_read", Type: Bool, Help: "whether a file was opened for reading", Example: "evt.is_open_read = true",
		Source: "SYSCALL a1=, a2=, OPENAT2 oflag=", Needs: needsCall, get: getOpen(openRead)},
	{Name: "evt.is_open_write", Type: Bool, Help: "whether a file was opened for writing", Example: "evt.is_open_write = true",
		Source: "SYSCALL a1=, a2=, OPENAT2 oflag=", Needs: needsCall, get: getOpen(openWrite)},
	{Name: "evt.is_open_exec", Type: Bool, Help: "whether a file was made that can be executed", Example: "evt.is_open_exec = true",
		Source: "SYSCALL a1= to a3=, OPENAT2 oflag=, mode=", Needs: needsCall, get: getOpen(openExec)},
	{Name: "evt.is_open_create", Type: Bool, Help: "whether a file was made by opening it", Example: "evt.is_open_create = true",
		Source: "PATH nametype=CREATE", Needs: needsCall, get: getOpen(openCreate)},
}

func getConstant(s string) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) { out.Bytes(v.own(s)) }
}

func getNum(v *View, _ *Ref, out *Values) { out.Uint(v.num) }

func getNode(v *View, _ *Ref, out *Values) {
	if v.ev.Node != nil {
		out.Bytes(v.ev.Node)
	}
}

// eventType checks a name that evt.type is compared with and returns the one that
// the tables print: pread64 is pread.
func eventType(s string) (string, error) {
	arches := [...]tables.Arch{tables.ArchX86_64, tables.ArchI386, tables.ArchAArch64, tables.ArchARM, tables.ArchRISCV64,
		tables.ArchPPC64LE, tables.ArchS390X, tables.ArchLoong64, tables.ArchMIPS, tables.ArchSPARC64}
	for _, a := range arches {
		if n, ok := tables.SyscallNumber(a, s); ok {
			if name, ok := tables.SyscallName(a, n); ok {
				return name, nil
			}
		}
	}
	if upper := strings.ToUpper(s); upper != s {
		if _, ok := tables.TypeByName([]byte(upper)); ok {
			return s, nil
		}
	}
	switch s {
	case "procexit", "container", "drop", "switch", "signaldeliver", "notification", "pluginevent", "asyncevent", "cpu_hotplug",
		"k8s", "mesos", "tracer", "page_fault", "syscall", "procinfo", "infra", "umount2", "sigreturn", "unknown", "NA":
		return s, nil // Falco's, which the audit stream does not have
	}
	var known []string
	for _, call := range tables.Syscalls(tables.ArchX86_64) {
		known = append(known, call.Name)
	}
	for _, t := range tables.Types() {
		known = append(known, strings.ToLower(t.String()))
	}
	if near, ok := nearest.Word(s, known); ok {
		return "", fmt.Errorf("unknown event type %s: did you mean %s?", s, near)
	}
	return "", fmt.Errorf("unknown event type %s", s)
}

func getEvtType(v *View, _ *Ref, out *Values) {
	if name := v.syscall(); name != "" {
		out.Bytes(v.own(name))
		return
	}
	if !v.hasSubj || v.isCall {
		return
	}
	start := len(v.buf)
	v.buf = v.subject.Type.AppendTo(v.buf)
	b := v.cut(start)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	out.Bytes(b)
}

func getSyscallType(v *View, _ *Ref, out *Values) {
	if name := v.syscall(); name != "" {
		out.Bytes(v.own(name))
	}
}

func getTypeIs(v *View, r *Ref, out *Values) {
	n := uint64(0)
	if v.syscall() == r.Key {
		n = 1
	}
	out.Uint(n)
}

func (v *View) reltime() uint64 { return uint64(max(0, v.nanos()-v.first)) }

func getTime(layout string, utc bool) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		t := v.ev.ID.Time()
		if !utc {
			t = t.In(v.cfg.Location)
		}
		start := len(v.buf)
		v.buf = t.AppendFormat(v.buf, layout)
		out.Bytes(v.cut(start))
	}
}

func getExit(v *View, _ *Ref, out *Values) {
	if !v.isCall {
		return
	}
	b, ok := v.value(nExit)
	if !ok {
		return
	}
	if len(b) == 1 && b[0] == '0' { // most succeed
		out.Int(0)
		return
	}
	f := audit.Field{Value: b}
	if n, ok := f.Int(); ok {
		out.Int(n)
	} else if n := f.Errno(); n != 0 {
		out.Int(int64(-n))
	}
}

func getRes(v *View, _ *Ref, out *Values) {
	if !v.isCall {
		return
	}
	f, ok := v.get(nExit)
	if !ok {
		return
	}
	if s, ok := v.get(nSuccess); ok && string(s.Value) == "yes" {
		out.Bytes(v.own("SUCCESS"))
		return
	}
	n := f.Errno()
	if n == 0 {
		out.Bytes(v.own("SUCCESS"))
		return
	}
	if name, ok := tables.ErrnoName(n); ok {
		out.Bytes(v.own(name))
		return
	}
	start := len(v.buf)
	v.buf = strconv.AppendInt(v.buf, int64(-n), 10)
	out.Bytes(v.cut(start))
}

// errnoNumber reads EACCES as -13.
func errnoNumber(s string) (uint64, bool) {
	n, ok := tables.ErrnoNumber(strings.TrimPrefix(s, "-"))
	return uint64(-int64(n)), ok
}

func getFailed(v *View, _ *Ref, out *Values) {
	switch v.result() {
	case audit.ResultSuccess:
		out.Bool(false)
	case audit.ResultFailure:
		out.Bool(true)
	}
}

func getCategory(v *View, _ *Ref, out *Values) {
	name := v.syscall()
	switch {
	case name == "":
		return
	case isNet(name):
		name = "net"
	case isFileCall(name):
		name = "file"
	case isProcessCall(name):
		name = "process"
	default:
		name = "other"
	}
	out.Bytes(v.own(name))
}

func isProcessCall(name string) bool {
	switch name {
	case "execve", "execveat", "fork", "vfork", "clone", "clone3", "exit", "exit_group", "kill", "tkill", "tgkill", "ptrace",
		"setuid", "setgid", "setresuid", "setresgid", "setreuid", "setregid", "setfsuid", "setfsgid", "setsid", "setpgid",
		"prctl", "capset", "unshare", "setns", "seccomp":
		return true
	}
	return false
}

func isNet(name string) bool {
	switch name {
	case "socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "sendto", "sendmsg", "sendmmsg", "recvfrom",
		"recvmsg", "recvmmsg", "getsockname", "getpeername", "setsockopt", "getsockopt", "shutdown", "socketcall":
		return true
	}
	return false
}
