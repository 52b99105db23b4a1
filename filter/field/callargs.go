package field

import (
	"strconv"

	"vigil/audit/tables"
)

// argKind says how an argument of a system call is had.
type argKind uint8

const (
	kInt    argKind = iota // a0 to a3 as a signed number of 32 bits
	kUint                  // a0 to a3 as an unsigned number
	kOctal                 // a mode
	kRes                   // what the call returned
	kPath                  // the path as the process gave it
	kSource                // the old name
	kTarget                // the new name
	kExe                   // argument 0 of the new program
	kArgs                  // its other arguments
	kAddr                  // the socket address
	kFamily                // AF_INET
	kPtrace                // PTRACE_ATTACH
	kBPF                   // BPF_PROG_LOAD
	kOpen                  // O_WRONLY|O_CREAT
	kSignal                // SIGKILL
)

type argSpec struct {
	name string
	kind argKind
	n    int
}

// callArgs names the arguments that audit records tell of, with Falco's names.
var callArgs = map[string][]argSpec{
	"open":         {{"fd", kRes, 0}, {"name", kPath, 0}, {"flags", kOpen, 1}, {"mode", kOctal, 2}},
	"openat":       {{"fd", kRes, 0}, {"dirfd", kInt, 0}, {"name", kPath, 0}, {"flags", kOpen, 2}, {"mode", kOctal, 3}},
	"openat2":      {{"fd", kRes, 0}, {"dirfd", kInt, 0}, {"name", kPath, 0}},
	"creat":        {{"fd", kRes, 0}, {"name", kPath, 0}, {"mode", kOctal, 1}},
	"execve":       {{"res", kRes, 0}, {"exe", kExe, 0}, {"args", kArgs, 0}, {"filename", kPath, 0}},
	"execveat":     {{"res", kRes, 0}, {"dirfd", kInt, 0}, {"exe", kExe, 0}, {"args", kArgs, 0}, {"filename", kPath, 0}},
	"unlink":       {{"res", kRes, 0}, {"path", kPath, 0}},
	"unlinkat":     {{"res", kRes, 0}, {"dirfd", kInt, 0}, {"name", kPath, 0}, {"flags", kUint, 2}},
	"rmdir":        {{"res", kRes, 0}, {"path", kPath, 0}},
	"mkdir":        {{"res", kRes, 0}, {"path", kPath, 0}, {"mode", kOctal, 1}},
	"mkdirat":      {{"res", kRes, 0}, {"dirfd", kInt, 0}, {"path", kPath, 0}, {"mode", kOctal, 2}},
	"mknod":        {{"res", kRes, 0}, {"path", kPath, 0}, {"mode", kOctal, 1}, {"dev", kUint, 2}},
	"mknodat":      {{"res", kRes, 0}, {"dirfd", kInt, 0}, {"path", kPath, 0}, {"mode", kOctal, 2}, {"dev", kUint, 3}},
	"rename":       {{"res", kRes, 0}, {"oldpath", kSource, 0}, {"newpath", kTarget, 0}},
	"renameat":     {{"res", kRes, 0}, {"olddirfd", kInt, 0}, {"oldpath", kSource, 0}, {"newdirfd", kInt, 2}, {"newpath", kTarget, 0}},
	"renameat2":    {{"res", kRes, 0}, {"olddirfd", kInt, 0}, {"oldpath", kSource, 0}, {"newdirfd", kInt, 2}, {"newpath", kTarget, 0}},
	"link":         {{"res", kRes, 0}, {"oldpath", kSource, 0}, {"newpath", kTarget, 0}},
	"linkat":       {{"res", kRes, 0}, {"olddir", kInt, 0}, {"oldpath", kSource, 0}, {"newdir", kInt, 2}, {"newpath", kTarget, 0}},
	"symlink":      {{"res", kRes, 0}, {"target", kSource, 0}, {"linkpath", kTarget, 0}},
	"symlinkat":    {{"res", kRes, 0}, {"target", kSource, 0}, {"linkdirfd", kInt, 1}, {"linkpath", kTarget, 0}},
	"chmod":        {{"res", kRes, 0}, {"filename", kPath, 0}, {"mode", kOctal, 1}},
	"fchmod":       {{"res", kRes, 0}, {"fd", kInt, 0}, {"mode", kOctal, 1}},
	"fchmodat":     {{"res", kRes, 0}, {"dirfd", kInt, 0}, {"filename", kPath, 0}, {"mode", kOctal, 2}},
	"chown":        {{"res", kRes, 0}, {"path", kPath, 0}, {"uid", kInt, 1}, {"gid", kInt, 2}},
	"lchown":       {{"res", kRes, 0}, {"path", kPath, 0}, {"uid", kInt, 1}, {"gid", kInt, 2}},
	"fchown":       {{"res", kRes, 0}, {"fd", kInt, 0}, {"uid", kInt, 1}, {"gid", kInt, 2}},
	"fchownat":     {{"res", kRes, 0}, {"dirfd", kInt, 0}, {"pathname", kPath, 0}, {"uid", kInt, 2}, {"gid", kInt, 3}},
	"chdir":        {{"res", kRes, 0}, {"path", kPath, 0}},
	"chroot":       {{"res", kRes, 0}, {"path", kPath, 0}},
	"truncate":     {{"res", kRes, 0}, {"path", kPath, 0}},
	"mount":        {{"res", kRes, 0}, {"dir", kPath, 0}, {"flags", kUint, 3}},
	"umount2":      {{"res", kRes, 0}, {"name", kPath, 0}, {"flags", kUint, 1}},
	"connect":      {{"res", kRes, 0}, {"fd", kInt, 0}, {"addr", kAddr, 0}, {"tuple", kAddr, 0}},
	"bind":         {{"res", kRes, 0}, {"fd", kInt, 0}, {"addr", kAddr, 0}},
	"listen":       {{"res", kRes, 0}, {"fd", kInt, 0}, {"backlog", kInt, 1}},
	"accept":       {{"fd", kRes, 0}, {"tuple", kAddr, 0}},
	"accept4":      {{"fd", kRes, 0}, {"tuple", kAddr, 0}, {"flags", kUint, 3}},
	"sendto":       {{"res", kRes, 0}, {"fd", kInt, 0}, {"size", kUint, 2}, {"tuple", kAddr, 0}},
	"recvfrom":     {{"res", kRes, 0}, {"fd", kInt, 0}, {"size", kUint, 2}, {"tuple", kAddr, 0}},
	"socket":       {{"fd", kRes, 0}, {"domain", kFamily, 0}, {"type", kUint, 1}, {"proto", kUint, 2}},
	"socketpair":   {{"res", kRes, 0}, {"domain", kFamily, 0}, {"type", kUint, 1}, {"proto", kUint, 2}},
	"setuid":       {{"res", kRes, 0}, {"uid", kInt, 0}},
	"setgid":       {{"res", kRes, 0}, {"gid", kInt, 0}},
	"setreuid":     {{"res", kRes, 0}, {"ruid", kInt, 0}, {"euid", kInt, 1}},
	"setregid":     {{"res", kRes, 0}, {"rgid", kInt, 0}, {"egid", kInt, 1}},
	"setresuid":    {{"res", kRes, 0}, {"ruid", kInt, 0}, {"euid", kInt, 1}, {"suid", kInt, 2}},
	"setresgid":    {{"res", kRes, 0}, {"rgid", kInt, 0}, {"egid", kInt, 1}, {"sgid", kInt, 2}},
	"setfsuid":     {{"res", kRes, 0}, {"uid", kInt, 0}},
	"setfsgid":     {{"res", kRes, 0}, {"gid", kInt, 0}},
	"setns":        {{"res", kRes, 0}, {"fd", kInt, 0}, {"nstype", kUint, 1}},
	"unshare":      {{"res", kRes, 0}, {"flags", kUint, 0}},
	"clone":        {{"res", kRes, 0}, {"flags", kUint, 0}},
	"kill":         {{"res", kRes, 0}, {"pid", kInt, 0}, {"sig", kSignal, 1}},
	"tkill":        {{"res", kRes, 0}, {"tid", kInt, 0}, {"sig", kSignal, 1}},
	"tgkill":       {{"res", kRes, 0}, {"pid", kInt, 0}, {"tid", kInt, 1}, {"sig", kSignal, 2}},
	"ptrace":       {{"res", kRes, 0}, {"request", kPtrace, 0}, {"pid", kInt, 1}},
	"bpf":          {{"fd", kRes, 0}, {"cmd", kBPF, 0}},
	"prctl":        {{"res", kRes, 0}, {"option", kUint, 0}, {"arg2_int", kInt, 1}},
	"init_module":  {{"res", kRes, 0}, {"length", kUint, 1}},
	"finit_module": {{"res", kRes, 0}, {"fd", kInt, 0}, {"flags", kUint, 2}},
	"dup":          {{"res", kRes, 0}, {"oldfd", kInt, 0}},
	"dup2":         {{"res", kRes, 0}, {"oldfd", kInt, 0}, {"newfd", kInt, 1}},
	"dup3":         {{"res", kRes, 0}, {"oldfd", kInt, 0}, {"newfd", kInt, 1}, {"flags", kOpen, 2}},
	"userfaultfd":  {{"res", kRes, 0}, {"flags", kOpen, 0}},
}

func getArg(v *View, r *Ref, out *Values) {
	specs := callArgs[v.syscall()]
	for i := range specs {
		if r.Index == i || r.Index < 0 && specs[i].name == r.Key {
			if b, ok := v.callArg(&specs[i]); ok {
				out.Bytes(b)
			}
			return
		}
	}
}

func getRawArg(v *View, r *Ref, out *Values) {
	specs := callArgs[v.syscall()]
	for i := range specs {
		s := &specs[i]
		if s.name != r.Key {
			continue
		}
		switch s.kind {
		case kPath, kSource, kTarget, kExe, kArgs, kAddr:
		case kRes:
			start := len(out.List)
			getExit(v, nil, out)
			if len(out.List) > start && int64(out.List[start].N) < 0 {
				out.List = out.List[:start] // an error is no number of the kind asked for
			}
		default:
			if n, ok := v.arg(s.n); ok {
				out.Uint(n)
			}
		}
		return
	}
}

// callArg returns an argument as text.
func (v *View) callArg(s *argSpec) ([]byte, bool) {
	switch s.kind {
	case kPath:
		return v.pathText(pathMain, false)
	case kSource:
		return v.pathText(pathSource, false)
	case kTarget:
		return v.pathText(pathTarget, false)
	case kExe, kArgs:
		if _, ok := v.argv(); !ok {
			return nil, false
		}
		if s.kind == kExe {
			return v.args.At(0), true
		}
		return v.line(len(v.buf), 1), true
	case kAddr:
		v.tmp.Reset()
		getFDName(v, nil, &v.tmp)
		if len(v.tmp.List) == 0 {
			return nil, false
		}
		return v.tmp.List[0].B, true
	case kRes:
		f, ok := v.get(nExit)
		if !ok {
			return nil, false
		}
		return f.Value, true
	}
	n, ok := v.arg(s.n)
	if !ok {
		return nil, false
	}
	start := len(v.buf)
	v.buf = appendArg(v.buf, s.kind, n)
	return v.cut(start), true
}

func appendArg(dst []byte, kind argKind, n uint64) []byte {
	name := ""
	switch kind {
	case kInt:
		return strconv.AppendInt(dst, int64(int32(n)), 10)
	case kOctal:
		return strconv.AppendUint(append(dst, '0'), n&07777, 8)
	case kOpen:
		return appendOpenFlags(dst, n)
	case kFamily:
		name = lookup(familyNames[:], n)
	case kPtrace:
		name = lookup(ptraceNames[:], n)
		if name == "" {
			name = ptraceName(n)
		}
	case kBPF:
		name = lookup(bpfNames[:], n)
	case kSignal:
		name = lookup(signalNames[:], n)
	}
	if name != "" {
		return append(dst, name...)
	}
	return strconv.AppendUint(dst, n, 10)
}

func lookup(names []string, n uint64) string {
	if n < uint64(len(names)) {
		return names[n]
	}
	return ""
}

// Names of <linux/socket.h>, <linux/ptrace.h>, <linux/bpf.h> and signal(7).
var (
	familyNames = [...]string{0: "AF_UNSPEC", 1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET",
		38: "AF_ALG", 40: "AF_VSOCK", 44: "AF_XDP"}
	ptraceNames = [...]string{0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 3: "PTRACE_PEEKUSR", 4: "PTRACE_POKETEXT",
		5: "PTRACE_POKEDATA", 6: "PTRACE_POKEUSR", 7: "PTRACE_CONT", 8: "PTRACE_KILL", 9: "PTRACE_SINGLESTEP", 12: "PTRACE_GETREGS",
		13: "PTRACE_SETREGS", 14: "PTRACE_GETFPREGS", 15: "PTRACE_SETFPREGS", 16: "PTRACE_ATTACH", 17: "PTRACE_DETACH", 24: "PTRACE_SYSCALL"}
	bpfNames = [...]string{"BPF_MAP_CREATE", "BPF_MAP_LOOKUP_ELEM", "BPF_MAP_UPDATE_ELEM", "BPF_MAP_DELETE_ELEM", "BPF_MAP_GET_NEXT_KEY",
		"BPF_PROG_LOAD", "BPF_OBJ_PIN", "BPF_OBJ_GET", "BPF_PROG_ATTACH", "BPF_PROG_DETACH", "BPF_PROG_TEST_RUN"}
	signalNames = [...]string{1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
		9: "SIGKILL", 10: "SIGUSR1", 11: "SIGSEGV", 12: "SIGUSR2", 13: "SIGPIPE", 14: "SIGALRM", 15: "SIGTERM", 17: "SIGCHLD",
		18: "SIGCONT", 19: "SIGSTOP", 20: "SIGTSTP"}
)

func ptraceName(n uint64) string {
	switch n {
	case 0x4200:
		return "PTRACE_SETOPTIONS"
	case 0x4201:
		return "PTRACE_GETEVENTMSG"
	case 0x4202:
		return "PTRACE_GETSIGINFO"
	case 0x4204:
		return "PTRACE_GETREGSET"
	case 0x4205:
		return "PTRACE_SETREGSET"
	case 0x4206:
		return "PTRACE_SEIZE"
	case 0x4207:
		return "PTRACE_INTERRUPT"
	}
	return ""
}

func getEvtArgs(v *View, _ *Ref, out *Values) {
	specs := callArgs[v.syscall()]
	if len(specs) == 0 {
		return
	}
	// Arguments are decoded into v.buf, so the text is put together beside it.
	text := v.scratch[:0]
	for i := range specs {
		if b, ok := v.callArg(&specs[i]); ok {
			if len(text) > 0 {
				text = append(text, ' ')
			}
			text = append(append(text, specs[i].name...), '=')
			text = append(text, b...)
		}
	}
	v.scratch = text
	start := len(v.buf)
	v.buf = append(v.buf, text...)
	out.Bytes(v.cut(start))
}

func getInfo(v *View, r *Ref, out *Values) {
	if v.isCall {
		getEvtArgs(v, r, out)
	} else if v.hasSubj {
		out.Bytes(v.subject.Body)
	}
}

// Flags of open(2), from <asm-generic/fcntl.h>.
const (
	oAccMode = 3
	oWrOnly  = 1
	oRdWr    = 2
	oCreat   = 0100
	oTmpFile = 020000000
)

var openFlags = [...]struct {
	bit  uint64
	name string
}{
	{oCreat, "O_CREAT"}, {0200, "O_EXCL"}, {01000, "O_TRUNC"}, {02000, "O_APPEND"}, {04000, "O_NONBLOCK"}, {010000, "O_DSYNC"},
	{040000, "O_DIRECT"}, {0100000, "O_LARGEFILE"}, {0200000, "O_DIRECTORY"}, {0400000, "O_NOFOLLOW"}, {01000000, "O_NOATIME"},
	{02000000, "O_CLOEXEC"}, {010000000, "O_PATH"}, {oTmpFile, "O_TMPFILE"},
}

func appendOpenFlags(dst []byte, n uint64) []byte {
	switch n & oAccMode {
	case oWrOnly:
		dst = append(dst, "O_WRONLY"...)
	case oRdWr:
		dst = append(dst, "O_RDWR"...)
	default:
		dst = append(dst, "O_RDONLY"...)
	}
	n &^= oAccMode
	for _, f := range openFlags {
		if n&f.bit != 0 {
			dst = append(append(dst, '|'), f.name...)
			n &^= f.bit
		}
	}
	if n != 0 {
		dst = strconv.AppendUint(append(dst, "|0x"...), n, 16)
	}
	return dst
}

// opened returns the flags and mode that a file was opened with; ok is false if
// the event is no open.
func (v *View) opened() (flags, mode uint64, ok bool) {
	switch v.syscall() {
	case "open":
		flags, ok = v.arg(1)
		mode, _ = v.arg(2)
	case "openat":
		flags, ok = v.arg(2)
		mode, _ = v.arg(3)
	case "creat":
		flags, ok = oWrOnly|oCreat, true
		mode, _ = v.arg(1)
	case "openat2":
		// Its a2 is the address of a structure (kernel/auditsc.c, AUDIT_OPENAT2).
		r, found := v.ev.First(tables.TypeOpenat2)
		if !found {
			return 0, 0, false
		}
		f, found := r.Get("oflag")
		n, isOctal := f.Octal()
		flags, ok = uint64(n), found && isOctal
		if f, found := r.Get("mode"); found {
			m, _ := f.Octal()
			mode = uint64(m)
		}
	}
	return flags, mode, ok
}

func openRead(_ *View, flags, _ uint64) bool { return flags&oAccMode != oWrOnly }

func openWrite(_ *View, flags, _ uint64) bool {
	return flags&oAccMode == oWrOnly || flags&oAccMode == oRdWr
}

func openExec(_ *View, flags, mode uint64) bool {
	return flags&(oCreat|oTmpFile) != 0 && mode&0111 != 0
}

func openCreate(v *View, _, _ uint64) bool {
	for i := range v.ev.Records {
		if r := &v.ev.Records[i]; r.Type == tables.TypePath {
			if f, ok := r.Get("nametype"); ok && string(f.Value) == "CREATE" {
				return true
			}
		}
	}
	return false
}

func getOpen(is func(v *View, flags, mode uint64) bool) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if v.isCall {
			flags, mode, ok := v.opened()
			out.Bool(ok && is(v, flags, mode))
		}
	}
}
