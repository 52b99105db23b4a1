package sentence

import (
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// phrase is what was done in both tenses, without the object: "opened", "open". base may be empty.
type phrase struct{ past, base string }

// object says how the object of a system call is told.
type object uint8

const (
	nothing   object = iota
	theFile          // the file
	openFile         // the file, and for what it was opened
	twoFiles         // the file and its new name
	onFile           // what was mounted where
	command          // a command line
	address          // of a socket
	process          // that a signal was sent to
	module           // of the kernel
	identity         // a user id
	group            // a group id
	withMode         // the file and its new mode
	withOwner        // the file and its new owner
)

// deed is what a system call does.
type deed struct {
	phrase
	object object
	arg    string // the argument that says more: flags, mode, owner, identity
}

// deeds are the system calls that have words of their own.
var deeds = map[string]deed{
	"open":          {phrase{"opened", "open"}, openFile, "a1"},
	"openat":        {phrase{"opened", "open"}, openFile, "a2"},
	"openat2":       {phrase{"opened", "open"}, openFile, ""},
	"creat":         {phrase{"created", "create"}, theFile, ""},
	"truncate":      {phrase{"cut", "cut"}, theFile, ""},
	"ftruncate":     {phrase{"cut", "cut"}, theFile, ""},
	"readlink":      {phrase{"read the link", "read the link"}, theFile, ""},
	"readlinkat":    {phrase{"read the link", "read the link"}, theFile, ""},
	"stat":          {phrase{"looked at", "look at"}, theFile, ""},
	"lstat":         {phrase{"looked at", "look at"}, theFile, ""},
	"statx":         {phrase{"looked at", "look at"}, theFile, ""},
	"newfstatat":    {phrase{"looked at", "look at"}, theFile, ""},
	"access":        {phrase{"asked for access to", "get access to"}, theFile, ""},
	"faccessat":     {phrase{"asked for access to", "get access to"}, theFile, ""},
	"faccessat2":    {phrase{"asked for access to", "get access to"}, theFile, ""},
	"chdir":         {phrase{"went to", "go to"}, theFile, ""},
	"chroot":        {phrase{"changed the root directory to", "change the root directory to"}, theFile, ""},
	"mkdir":         {phrase{"made the directory", "make the directory"}, theFile, ""},
	"mkdirat":       {phrase{"made the directory", "make the directory"}, theFile, ""},
	"mknod":         {phrase{"made the device", "make the device"}, theFile, ""},
	"mknodat":       {phrase{"made the device", "make the device"}, theFile, ""},
	"rmdir":         {phrase{"removed the directory", "remove the directory"}, theFile, ""},
	"unlink":        {phrase{"deleted", "delete"}, theFile, ""},
	"unlinkat":      {phrase{"deleted", "delete"}, theFile, ""},
	"rename":        {phrase{"renamed", "rename"}, twoFiles, ""},
	"renameat":      {phrase{"renamed", "rename"}, twoFiles, ""},
	"renameat2":     {phrase{"renamed", "rename"}, twoFiles, ""},
	"link":          {phrase{"linked", "link"}, twoFiles, ""},
	"linkat":        {phrase{"linked", "link"}, twoFiles, ""},
	"symlink":       {phrase{"made the symbolic link", "make the symbolic link"}, theFile, ""},
	"symlinkat":     {phrase{"made the symbolic link", "make the symbolic link"}, theFile, ""},
	"chmod":         {phrase{"changed the mode of", "change the mode of"}, withMode, "a1"},
	"fchmod":        {phrase{"changed the mode of", "change the mode of"}, withMode, "a1"},
	"fchmodat":      {phrase{"changed the mode of", "change the mode of"}, withMode, "a2"},
	"fchmodat2":     {phrase{"changed the mode of", "change the mode of"}, withMode, "a2"},
	"chown":         {phrase{"gave", "give"}, withOwner, "a1"},
	"lchown":        {phrase{"gave", "give"}, withOwner, "a1"},
	"fchown":        {phrase{"gave", "give"}, withOwner, "a1"},
	"fchownat":      {phrase{"gave", "give"}, withOwner, "a2"},
	"setxattr":      {phrase{"changed attributes of", "change attributes of"}, theFile, ""},
	"lsetxattr":     {phrase{"changed attributes of", "change attributes of"}, theFile, ""},
	"fsetxattr":     {phrase{"changed attributes of", "change attributes of"}, theFile, ""},
	"removexattr":   {phrase{"removed attributes of", "remove attributes of"}, theFile, ""},
	"lremovexattr":  {phrase{"removed attributes of", "remove attributes of"}, theFile, ""},
	"fremovexattr":  {phrase{"removed attributes of", "remove attributes of"}, theFile, ""},
	"utime":         {phrase{"changed the times of", "change the times of"}, theFile, ""},
	"utimes":        {phrase{"changed the times of", "change the times of"}, theFile, ""},
	"utimensat":     {phrase{"changed the times of", "change the times of"}, theFile, ""},
	"futimesat":     {phrase{"changed the times of", "change the times of"}, theFile, ""},
	"mount":         {phrase{"mounted", "mount"}, onFile, ""},
	"move_mount":    {phrase{"mounted", "mount"}, onFile, ""},
	"umount2":       {phrase{"unmounted", "unmount"}, theFile, ""},
	"umount":        {phrase{"unmounted", "unmount"}, theFile, ""},
	"swapon":        {phrase{"began to swap to", "begin to swap to"}, theFile, ""},
	"swapoff":       {phrase{"stopped swapping to", "stop swapping to"}, theFile, ""},
	"execve":        {phrase{"executed", "execute"}, command, ""},
	"execveat":      {phrase{"executed", "execute"}, command, ""},
	"connect":       {phrase{"connected to", "connect to"}, address, ""},
	"accept":        {phrase{"accepted a connection from", "accept a connection from"}, address, ""},
	"accept4":       {phrase{"accepted a connection from", "accept a connection from"}, address, ""},
	"bind":          {phrase{"bound a socket to", "bind a socket to"}, address, ""},
	"sendto":        {phrase{"sent to", "send to"}, address, ""},
	"sendmsg":       {phrase{"sent to", "send to"}, address, ""},
	"recvfrom":      {phrase{"received from", "receive from"}, address, ""},
	"recvmsg":       {phrase{"received from", "receive from"}, address, ""},
	"kill":          {phrase{"sent", "send"}, process, "a1"},
	"tkill":         {phrase{"sent", "send"}, process, "a1"},
	"tgkill":        {phrase{"sent", "send"}, process, "a2"},
	"ptrace":        {phrase{"traced", "trace"}, process, ""},
	"init_module":   {phrase{"loaded", "load"}, module, ""},
	"finit_module":  {phrase{"loaded", "load"}, module, ""},
	"delete_module": {phrase{"unloaded", "unload"}, module, ""},
	"setuid":        {phrase{"became", "become"}, identity, "a0"},
	"setreuid":      {phrase{"became", "become"}, identity, "a1"},
	"setresuid":     {phrase{"became", "become"}, identity, "a1"},
	"setfsuid":      {phrase{"became, towards files,", "become, towards files,"}, identity, "a0"},
	"setgid":        {phrase{"joined the group", "join the group"}, group, "a0"},
	"setregid":      {phrase{"joined the group", "join the group"}, group, "a1"},
	"setresgid":     {phrase{"joined the group", "join the group"}, group, "a1"},
	"settimeofday":  {phrase{"set the clock", "set the clock"}, nothing, ""},
	"clock_settime": {phrase{"set the clock", "set the clock"}, nothing, ""},
	"adjtimex":      {phrase{"tuned the clock", "tune the clock"}, nothing, ""},
	"clock_adjtime": {phrase{"tuned the clock", "tune the clock"}, nothing, ""},
	"stime":         {phrase{"set the clock", "set the clock"}, nothing, ""},
	"sethostname":   {phrase{"set the host name", "set the host name"}, nothing, ""},
	"setdomainname": {phrase{"set the domain name", "set the domain name"}, nothing, ""},
	"reboot":        {phrase{"asked for a reboot", "reboot"}, nothing, ""},
	"kexec_load":    {phrase{"loaded another kernel", "load another kernel"}, nothing, ""},
	"bpf":           {phrase{"called bpf", "call bpf"}, nothing, ""},
	"unshare":       {phrase{"left its namespaces", "leave its namespaces"}, nothing, ""},
	"setns":         {phrase{"entered a namespace", "enter a namespace"}, nothing, ""},
	"mmap":          {phrase{"mapped memory", "map memory"}, nothing, ""},
	"mprotect":      {phrase{"changed the protection of memory", "change the protection of memory"}, nothing, ""},
	"capset":        {phrase{"changed its capabilities", "change its capabilities"}, nothing, ""},
	"prctl":         {phrase{"called prctl", "call prctl"}, nothing, ""},
}

// call tells of an event with a system call.
func (t *Teller) call(dst []byte) []byte {
	dst = t.who(dst)
	result := t.main.Result()
	i := t.line.Find("syscall")
	if i < 0 {
		return t.program(append(dst, " called the kernel"...))
	}
	t.buf = t.x.AppendValue(t.buf[:0], &t.line, i)
	d, ok := deeds[string(t.buf)]
	if !ok {
		past, base := " called ", " failed to call "
		if result == audit.ResultFailure {
			past = base
		}
		dst = appendSafe(append(dst, past...), t.buf)
		if path, ok := t.file(); ok {
			dst = t.path(append(dst, " on "...), path)
		}
	} else {
		dst = t.deed(dst, d, result)
	}
	if result == audit.ResultFailure {
		dst = t.errno(dst)
	}
	if d.object == command && result != audit.ResultFailure {
		return dst // the program is what was executed
	}
	return t.program(dst)
}

func (t *Teller) deed(dst []byte, d deed, result audit.Result) []byte {
	p := d.phrase
	if d.object == openFile {
		if path, ok := t.file(); ok && nameType(path) == "CREATE" {
			p = phrase{"created", "create"}
		}
	}
	dst = did(dst, p, result)
	switch d.object {
	case theFile, openFile, withMode, withOwner:
		dst = t.onFile(dst, d)
	case twoFiles:
		dst = t.twoFiles(dst)
	case onFile:
		dst = t.mounted(dst)
	case command:
		dst = t.command(append(dst, ' '))
	case address:
		dst = t.address(append(dst, ' '))
	case process:
		dst = t.process(dst, d)
	case module:
		if km, ok := t.e.First(tables.TypeKernModule); ok {
			if name, ok := km.Get("name"); ok {
				return t.appendText(append(dst, " the kernel module "...), name)
			}
		}
		dst = append(dst, " a kernel module"...)
	case identity, group:
		dst = t.id(append(dst, ' '), d.arg, d.object == group)
	}
	return dst
}

// number is an argument of the system call.
func (t *Teller) number(arg string) (uint64, bool) {
	f, ok := t.main.Get(arg)
	if !ok {
		return 0, false
	}
	return f.Hex()
}

// id appends the user or group that an argument is.
func (t *Teller) id(dst []byte, arg string, group bool) []byte {
	id, ok := t.number(arg)
	switch {
	case !ok:
		return append(dst, "somebody else"...)
	case uint32(id) == 1<<32-1:
		return append(dst, "whoever it was"...)
	case group:
		return t.x.AppendGroup(dst, uint32(id))
	}
	return t.x.AppendUser(dst, uint32(id))
}

// process appends the signal and whom it was sent to.
func (t *Teller) process(dst []byte, d deed) []byte {
	if d.arg != "" {
		dst = append(dst, ' ')
		if sig, ok := t.number(d.arg); ok && sig < 1<<16 {
			dst = appendSignal(dst, int(sig))
		} else {
			dst = append(dst, "a signal"...)
		}
		dst = append(dst, " to"...)
	}
	named := 0
	for _, r := range t.e.Records {
		if r.Type != tables.TypeObjPID {
			continue
		}
		switch named++; {
		case named > few:
			continue
		case named > 1:
			dst = append(dst, " and"...)
		}
		if comm, ok := r.Get("ocomm"); ok {
			dst = t.appendText(append(dst, ' '), comm)
		}
		if pid, ok := r.Get("opid"); ok {
			dst = appendSafe(append(dst, " (pid "...), pid.Value)
			dst = append(dst, ')')
		}
	}
	pid, ok := t.number("a0")
	switch {
	case named > few:
		dst = strconv.AppendInt(append(dst, " and "...), int64(named-few), 10)
		return append(dst, " more"...)
	case named == 0 && d.arg == "":
		return append(dst, " a process"...)
	case named == 0 && ok:
		return strconv.AppendInt(append(dst, " pid "...), int64(int32(pid)), 10)
	}
	return dst
}

// signals are their names from 1 on, as on most architectures.
var signals = [...]string{"SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL",
	"SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP",
	"SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",
	"SIGPWR", "SIGSYS"}

func appendSignal(dst []byte, sig int) []byte {
	if sig >= 1 && sig <= len(signals) {
		return append(dst, signals[sig-1]...)
	}
	return strconv.AppendInt(append(dst, "signal "...), int64(sig), 10)
}
