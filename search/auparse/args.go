package auparse

import "vigil/search/auparse/words"

// appendArgument appends argument i of a system call, a hexadecimal number, as what the call takes it for.
func (x *Interpreter) appendArgument(dst []byte, i int, c *call, value []byte) []byte {
	name := c.syscall()
	if name == "" || c.uring || !c.known && !c.native {
		return appendHex(dst, value)
	}
	var ok bool
	start := len(dst)
	switch i {
	case 0:
		dst, ok = x.argument0(dst, name, value)
	case 1:
		dst, ok = x.argument1(dst, name, c, value)
	case 2:
		dst, ok = x.argument2(dst, name, c, value)
	default:
		dst, ok = x.argument3(dst, name, value)
	}
	if !ok {
		return appendHex(dst[:start], value)
	}
	return dst
}

func (x *Interpreter) argument0(dst []byte, name string, value []byte) ([]byte, bool) {
	switch name {
	case "openat", "mkdirat", "mknodat", "fchownat", "futimesat", "newfstatat", "unlinkat", "renameat", "linkat",
		"readlinkat", "fchmodat", "faccessat", "utimensat", "name_to_handle_at", "renameat2", "openat2", "faccessat2":
		return appendDirectory(dst, value), true
	case "setxattrat", "getxattrat", "listxattrat", "removexattrat", "file_getattr", "file_setattr":
		return appendDirectory(dst, value), x.version == V4
	case "clone":
		return x.appendClone(dst, value), x.version == V4
	case "unshare":
		return x.appendClone(dst, value), true
	case "setuid", "setreuid", "setresuid", "setfsuid":
		return x.appendID(dst, value, 16, x.AppendUser), true
	case "setgid", "setregid", "setresgid", "setfsgid":
		return x.appendID(dst, value, 16, x.AppendGroup), true
	case "exit", "exit_group":
		return appendExitStatus(dst, value), true
	case "rt_sigaction":
		return x.number(dst, words.Signal, value, 16, "unknown-signal(0x"), true
	case "socket":
		return x.number(dst, words.Family, value, 16, "unknown-family(0x"), true
	case "socketcall":
		if _, ok := parseInt(value, 16); !ok {
			return conversionError(dst, value), true
		}
		return x.number(dst, words.Socketcall, value, 16, "unknown-socketcall("), true
	case "ptrace":
		return x.number(dst, words.Ptrace, value, 16, "unknown-ptrace(0x"), true
	case "prctl":
		return x.number(dst, words.Prctl, value, 16, "unknown-prctl-option(0x"), true
	case "bpf":
		return x.number(dst, words.Bpf, value, 16, "unknown-bpf-cmd("), true
	case "clock_settime":
		return x.number(dst, words.Clock, value, 16, "unknown-clk_id(0x"), true
	case "getrlimit", "setrlimit":
		return x.number(dst, words.Rlimit, value, 16, "unknown-rlimit(0x"), true
	case "personality":
		return x.appendPersonality(dst, value), true
	}
	return dst, false
}

func (x *Interpreter) argument1(dst []byte, name string, c *call, value []byte) ([]byte, bool) {
	switch name {
	case "open", "mq_open":
		return x.appendOpenFlags(dst, value, 16), true
	case "mkdir", "creat", "chmod", "fchmod":
		return appendModeShort(dst, value, 16), true
	case "mknod":
		return appendModeOf(dst, value, 16), true
	case "access":
		return x.appendAccess(dst, value), true
	case "chown", "chown32", "setreuid", "setresuid":
		return x.appendID(dst, value, 16, x.AppendUser), true
	case "setregid", "setresgid":
		return x.appendID(dst, value, 16, x.AppendGroup), true
	case "kill", "tkill":
		return x.number(dst, words.Signal, value, 16, "unknown-signal(0x"), true
	case "socket":
		return x.appendSocketType(dst, value), true
	case "setsockopt", "getsockopt":
		return x.appendSocketLevel(dst, value), true
	case "fcntl", "fcntl64":
		return x.signed(dst, words.Fcntl, value, "unknown-fcntl-command("), true
	case "ioctl":
		return x.appendIoctl(dst, value), true
	case "epoll_ctl":
		return x.signed(dst, words.Epoll, value, "unknown-epoll_ctl-operation("), true
	case "sched_setscheduler":
		return x.appendSched(dst, value), true
	case "umount2":
		return x.flags(dst, words.Umount, value), true
	case "setns":
		return x.appendClone(dst, value), true
	case "fsconfig":
		return x.signed(dst, words.Fsconfig, value, "unknown-fsconfig-operation("), x.version == V4
	case "fsopen":
		return append(dst, "FSOPEN_CLOEXEC"...), x.version == V4 && string(value) == "1"
	case "fsmount":
		return append(dst, "FSMOUNT_CLOEXEC"...), x.version == V4 && string(value) == "1"
	case "prctl":
		switch c.first {
		case 1: // PR_SET_PDEATHSIG
			return x.number(dst, words.Signal, value, 16, "unknown-signal(0x"), true
		case 23, 24: // PR_CAPBSET_READ, PR_CAPBSET_DROP
			return x.number(dst, words.Capability, value, 16, "unknown-capability(0x"), true
		}
	}
	return dst, false
}

func (x *Interpreter) argument2(dst []byte, name string, c *call, value []byte) ([]byte, bool) {
	switch name {
	case "openat", "open_by_handle_at":
		return x.appendOpenFlags(dst, value, 16), true
	case "open", "mq_open":
		return appendModeShort(dst, value, 16), c.second&0x40 != 0 // O_CREAT
	case "mkdirat", "mknodat", "fchmodat":
		return appendModeShort(dst, value, 16), true
	case "faccessat", "faccessat2":
		return x.appendAccess(dst, value), true
	case "renameat", "linkat", "readlinkat", "renameat2":
		return appendDirectory(dst, value), true
	case "move_mount":
		return appendDirectory(dst, value), x.version == V4
	case "mprotect":
		return x.appendProt(dst, value, 7), true
	case "mmap":
		return x.appendProt(dst, value, 15), true
	case "sendmsg", "recvmsg":
		return x.flags(dst, words.Message, value), true
	case "clone":
		return x.appendClone(dst, value), x.version == V3
	case "setresuid":
		return x.appendID(dst, value, 16, x.AppendUser), true
	case "setresgid":
		return x.appendID(dst, value, 16, x.AppendGroup), true
	case "chown", "chown32":
		return x.appendID(dst, value, 16, x.AppendGroup), x.version == V4
	case "tgkill":
		return x.number(dst, words.Signal, value, 16, "unknown-signal(0x"), true
	case "lseek":
		return x.appendSeek(dst, value), true
	case "socket":
		return x.appendSocketProtocol(dst, value), true
	case "setsockopt", "getsockopt":
		return x.appendSocketOption(dst, c.second, value)
	case "fcntl", "fcntl64":
		return x.appendFcntlArgument(dst, c.second, value)
	case "shmget":
		return x.appendShm(dst, value), true
	case "setxattrat", "getxattrat", "listxattrat", "removexattrat":
		return x.flags(dst, words.XattrAt, value), x.version == V4
	case "fsmount":
		return x.flags(dst, words.Mount, value), x.version == V4
	}
	return dst, false
}

func (x *Interpreter) argument3(dst []byte, name string, value []byte) ([]byte, bool) {
	switch name {
	case "mmap":
		return x.appendMmap(dst, value), true
	case "mount":
		return x.flags(dst, words.Mount, value), true
	case "sendto", "recvfrom", "sendmmsg", "recvmmsg", "send", "recv":
		return x.flags(dst, words.Message, value), true
	case "faccessat", "faccessat2":
		return x.flags(dst, words.AccessAt, value), x.version == V4
	case "open_tree_attr":
		return x.flags(dst, words.XattrAt, value), x.version == V4
	}
	return dst, false
}

// appendDirectory appends the file descriptor of a directory.
func appendDirectory(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	switch {
	case !ok:
		return conversionError(dst, value)
	case int32(n) == -100:
		return append(dst, "AT_FDCWD"...)
	}
	return appendHex(dst, value)
}

// appendExitStatus appends what a program that ends says.
func appendExitStatus(dst, value []byte) []byte {
	switch string(value) {
	case "0":
		return append(dst, "EXIT_SUCCESS"...)
	case "1":
		return append(dst, "EXIT_FAILURE"...)
	}
	return append(dst, "UNKNOWN"...)
}

// signed is number where libauparse prints what is unknown as a decimal number.
func (x *Interpreter) signed(dst []byte, t words.Table, value []byte, unknown string) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	if word, ok := t.Find(uint64(uint32(n)), x.version); ok {
		return append(dst, word...)
	}
	return appendIntIn(dst, unknown, int32(n))
}

// function returns what a call that stands for several does, "" if that is unknown.
func (x *Interpreter) function(c *call, name string) string {
	var function string
	switch name {
	case "socketcall":
		function, _ = words.Socketcall.Find(c.first, x.version)
	case "ipc":
		function, _ = words.Ipc.Find(c.first, x.version)
	}
	return function
}

// appendSocketType appends a socket's type, without the flags above it.
func (x *Interpreter) appendSocketType(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	if word, ok := words.SockType.Find(n&0xff, x.version); ok {
		return append(dst, word...)
	}
	return appendIn(dst, "unknown-type(", value)
}

// appendSocketProtocol appends a socket's protocol, taken for one of IP.
func (x *Interpreter) appendSocketProtocol(dst, value []byte) []byte {
	return x.number(dst, words.Protocol, value, 16, "unknown-proto(")
}

// appendSocketLevel appends the level of a socket's option: a protocol or SOL_SOCKET and its like.
func (x *Interpreter) appendSocketLevel(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	if n := uint64(uint32(n)); n != 1 {
		if word, ok := words.Protocol.Find(n, x.version); ok {
			return append(dst, word...)
		}
	}
	return x.number(dst, words.SockLevel, value, 16, "unknown-sockopt-level(0x")
}

// appendSocketOption appends a socket's option, by its level.
func (x *Interpreter) appendSocketOption(dst []byte, level uint64, value []byte) ([]byte, bool) {
	switch level {
	case 0:
		return x.number(dst, words.IpOption, value, 16, "unknown-ipopt-name(0x"), true
	case 1:
		return x.number(dst, words.SockOption, value, 16, "unknown-sockopt-name(0x"), true
	case 6:
		return x.number(dst, words.TcpOption, value, 16, "unknown-tcpopt-name(0x"), true
	case 17:
		return x.number(dst, words.UdpOption, value, 16, "unknown-udpopt-name(0x"), true
	case 41:
		return x.number(dst, words.Ip6Option, value, 16, "unknown-ip6opt-name(0x"), true
	case 263:
		return x.number(dst, words.PacketOption, value, 16, "unknown-pktopt-name(0x"), true
	}
	return dst, false
}

// appendFcntlArgument appends the third argument of fcntl(2), by its command.
func (x *Interpreter) appendFcntlArgument(dst []byte, command uint64, value []byte) ([]byte, bool) {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value), true
	}
	switch command {
	case 2: // F_SETFD
		return append(dst, "FD_CLOEXEC"...), n == 1
	case 8: // F_SETOWN
		return x.appendID(dst, value, 16, x.AppendUser), true
	}
	return dst, false
}
