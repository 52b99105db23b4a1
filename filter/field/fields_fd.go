package field

import (
	"bytes"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
)

var (
	needsAddr = []tables.Type{tables.TypeSockaddr}
	needsFD   = []tables.Type{tables.TypeSockaddr, tables.TypePath}
)

const fromAddr = "SOCKADDR saddr="

var fdFields = []Field{
	{Name: "fd.num", Type: Int, Help: "number of the file descriptor, -1 if there is none because the call failed", Example: "fd.num >= 0", Source: "SYSCALL exit=, a0=",
		Needs: needsCall, get: getFDNum},
	{Name: "fd.name", Type: String, Help: "path of the opened file, address of the peer or path of the socket", Example: "fd.name = /etc/shadow",
		Source: fromPath + "; " + fromAddr, Needs: needsFD, get: getFDName},
	{Name: "fd.nameraw", Type: String, Help: "path of the opened file as the process gave it", Example: "fd.nameraw contains ..",
		Source: "PATH name=", Needs: needsFD, get: getFDRaw},
	{Name: "fd.directory", Type: String, Help: "directory of the opened file, the path itself of an opened directory", Example: "fd.directory = /etc",
		Source: fromPath, Needs: needsPath, get: getFDDirectory},
	{Name: "fd.filename", Type: String, Help: "base name of the opened file, none of a directory", Example: "fd.filename = shadow",
		Source: fromPath, Needs: needsPath, get: getFDFilename},
	{Name: "fd.type", Type: String, Help: "file, directory, pipe, unix, ipv4, ipv6", Example: "fd.type in (ipv4, ipv6)",
		Source: "PATH mode=; " + fromAddr, Needs: needsFD, get: getFDType(true)},
	{Name: "fd.typechar", Type: String, Help: "the type as a character: f, d, p, u, 4, 6", Example: "fd.typechar = f",
		Source: "PATH mode=; " + fromAddr, Needs: needsFD, get: getFDType(false)},
	{Name: "fd.sockfamily", Type: String, Help: "ip or unix", Example: "fd.sockfamily = ip", Source: fromAddr, Needs: needsAddr,
		get: getSockFamily},
	{Name: "fd.ip", Type: IP, Many: Each, Help: "address of client or server", Example: "fd.ip = 192.0.2.7", Source: fromAddr,
		Needs: needsAddr, get: getIP(anySide)},
	{Name: "fd.cip", Type: IP, Help: "address of the client", Example: "fd.cip = 192.0.2.7", Source: fromAddr, Needs: needsAddr,
		get: getIP(client)},
	{Name: "fd.sip", Type: IP, Help: "address of the server", Example: "fd.sip = 192.0.2.7", Source: fromAddr, Needs: needsAddr,
		get: getIP(server)},
	{Name: "fd.lip", Type: IP, Help: "own address", Example: "fd.lip = 127.0.0.1", Source: fromAddr, Needs: needsAddr, get: getIP(local)},
	{Name: "fd.rip", Type: IP, Help: "address of the other side", Example: "fd.rip = 192.0.2.7", Source: fromAddr, Needs: needsAddr,
		get: getIP(remote)},
	{Name: "fd.net", Type: Net, Many: Each, Help: "address of client or server, compared with networks", Example: "fd.net = 10.0.0.0/8",
		Source: fromAddr, Needs: needsAddr, get: getIP(anySide)},
	{Name: "fd.cnet", Type: Net, Help: "address of the client, compared with networks", Example: "fd.cnet in (10.0.0.0/8, fd00::/8)",
		Source: fromAddr, Needs: needsAddr, get: getIP(client)},
	{Name: "fd.snet", Type: Net, Help: "address of the server, compared with networks", Example: "fd.snet != 10.0.0.0/8",
		Source: fromAddr, Needs: needsAddr, get: getIP(server)},
	{Name: "fd.lnet", Type: Net, Help: "own address, compared with networks", Example: "fd.lnet = 127.0.0.0/8", Source: fromAddr,
		Needs: needsAddr, get: getIP(local)},
	{Name: "fd.rnet", Type: Net, Help: "address of the other side, compared with networks", Example: "fd.rnet = 10.0.0.0/8",
		Source: fromAddr, Needs: needsAddr, get: getIP(remote)},
	{Name: "fd.port", Type: Uint, Many: Each, Help: "port of client or server", Example: "fd.port in (22, 2222)", Source: fromAddr,
		Needs: needsAddr, get: getPort(anySide)},
	{Name: "fd.cport", Type: Uint, Help: "port of the client", Example: "fd.cport < 1024", Source: fromAddr, Needs: needsAddr,
		get: getPort(client)},
	{Name: "fd.sport", Type: Uint, Help: "port of the server", Example: "fd.sport = 443", Source: fromAddr, Needs: needsAddr,
		get: getPort(server)},
	{Name: "fd.lport", Type: Uint, Help: "own port", Example: "fd.lport = 22", Source: fromAddr, Needs: needsAddr, get: getPort(local)},
	{Name: "fd.rport", Type: Uint, Help: "port of the other side", Example: "fd.rport = 443", Source: fromAddr, Needs: needsAddr,
		get: getPort(remote)},
	{Name: "fd.is_server", Type: Bool, Help: "whether the process is the server", Example: "fd.is_server = true", Source: fromAddr,
		Needs: needsAddr, get: getIsServer},
	{Name: "fd.dev", Type: Uint, Help: "number of the device that the opened file is on", Example: "fd.dev exists", Source: "PATH dev=",
		Needs: needsPath, get: getDev(2)},
	{Name: "fd.dev.major", Type: Uint, Help: "major number of that device", Example: "fd.dev.major = 8", Source: "PATH dev=",
		Needs: needsPath, get: getDev(0)},
	{Name: "fd.dev.minor", Type: Uint, Help: "minor number of that device", Example: "fd.dev.minor = 1", Source: "PATH dev=",
		Needs: needsPath, get: getDev(1)},
	{Name: "fd.ino", Type: Uint, Help: "inode of the opened file", Example: "fd.ino = 131074", Source: "PATH inode=",
		Needs: needsPath, get: getIno},
}

// side says whose address is meant.
type side uint8

const (
	anySide side = iota
	client
	server
	local
	remote
)

// has reports whether the socket address of a call is that of the side: what is
// connected or sent to is the server and remote, what is accepted or received
// from the client and remote, what is bound the server and local.
func (s side) has(call string) bool {
	switch call {
	case "connect", "sendto", "sendmsg", "sendmmsg":
		return s == anySide || s == server || s == remote
	case "accept", "accept4", "recvfrom", "recvmsg", "recvmmsg":
		return s == anySide || s == client || s == remote
	case "bind":
		return s == anySide || s == server || s == local
	case "getsockname":
		return s == anySide || s == local
	case "getpeername":
		return s == anySide || s == remote
	}
	return s == anySide
}

func (v *View) ip(s side) (netip.Addr, uint32, bool) {
	a, ok := v.addr()
	if !ok || a.Family != audit.FamilyInet && a.Family != audit.FamilyInet6 || !s.has(v.syscall()) {
		return netip.Addr{}, 0, false
	}
	return a.Addr, a.Port, true
}

func getIP(s side) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if ip, _, ok := v.ip(s); ok {
			out.Addr(ip)
		}
	}
}

func getPort(s side) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if _, port, ok := v.ip(s); ok {
			out.Uint(uint64(port))
		}
	}
}

func getIsServer(v *View, _ *Ref, out *Values) {
	if _, _, ok := v.ip(anySide); !ok {
		return
	}
	switch v.syscall() {
	case "accept", "accept4", "bind":
		out.Bool(true)
	case "connect":
		out.Bool(false)
	}
}

// hasFile reports whether the event's PATH is that of a file descriptor.
func (v *View) hasFile() bool {
	switch call := v.syscall(); call {
	case "open", "openat", "openat2", "creat", "open_by_handle_at":
		return true
	default:
		// The calls on a descriptor, of which PATH tells the name if the
		// descriptor's file has one: fchmod, ftruncate, but not fchmodat.
		return strings.HasPrefix(call, "f") && !strings.HasSuffix(call, "at") && !strings.HasSuffix(call, "at2") &&
			isFileCall(call)
	}
}

func getFDNum(v *View, _ *Ref, out *Values) {
	call := v.syscall()
	switch call {
	case "open", "openat", "openat2", "creat", "open_by_handle_at", "accept", "accept4", "socket", "memfd_create", "epoll_create1":
		start := len(out.List)
		getExit(v, nil, out)
		if len(out.List) > start && int64(out.List[start].N) < 0 {
			out.List[start].N = math.MaxUint64 // -1: there is no descriptor
		}
		return
	}
	if v.hasFile() || isNet(call) || call == "read" || call == "write" || call == "close" || call == "finit_module" {
		if n, ok := v.arg(0); ok {
			out.Int(int64(int32(n)))
		}
	}
}

func (v *View) fdPath(absolute bool) ([]byte, bool) {
	if !v.hasFile() {
		return nil, false
	}
	return v.pathText(pathMain, absolute)
}

func getFDName(v *View, _ *Ref, out *Values) {
	if b, ok := v.fdPath(true); ok {
		out.Bytes(b)
		return
	}
	a, ok := v.addr()
	if !ok {
		return
	}
	switch a.Family {
	case audit.FamilyUnix:
		if len(a.Path) > 0 {
			start := len(v.buf)
			if a.Abstract {
				v.buf = append(v.buf, '@')
			}
			v.buf = append(v.buf, a.Path...)
			out.Bytes(v.cut(start))
		}
	case audit.FamilyInet, audit.FamilyInet6:
		start := len(v.buf)
		if call := v.syscall(); server.has(call) && remote.has(call) {
			v.buf = append(v.buf, "->"...)
		}
		v.buf = a.Addr.Unmap().AppendTo(v.buf)
		v.buf = append(v.buf, ':')
		v.buf = strconv.AppendUint(v.buf, uint64(a.Port), 10)
		if client.has(v.syscall()) {
			v.buf = append(v.buf, "->"...)
		}
		out.Bytes(v.cut(start))
	}
}

func getFDRaw(v *View, r *Ref, out *Values) {
	if b, ok := v.fdPath(false); ok {
		out.Bytes(b)
		return
	}
	getFDName(v, r, out)
}

func getFDDirectory(v *View, _ *Ref, out *Values) {
	b, ok := v.fdPath(true)
	if !ok {
		return
	}
	if _, char := v.fdType(); char == "d" { // as in Falco
		out.Bytes(b)
	} else if i := bytes.LastIndexByte(b, '/'); i >= 0 {
		out.Bytes(b[:max(i, 1)])
	}
}

func getFDFilename(v *View, _ *Ref, out *Values) {
	if _, char := v.fdType(); char == "d" { // as in Falco
		return
	}
	if b, ok := v.fdPath(true); ok {
		out.Bytes(b[bytes.LastIndexByte(b, '/')+1:])
	}
}

func getFDType(long bool) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		word, char := v.fdType()
		if word == "" {
			return
		}
		if !long {
			word = char
		}
		out.Bytes(v.own(word))
	}
}

func (v *View) fdType() (word, char string) {
	if v.hasFile() {
		r, _, ok := v.path(pathMain)
		if !ok {
			return "", ""
		}
		f, ok := r.Get("mode")
		if !ok {
			return "", ""
		}
		mode, ok := f.Octal()
		if !ok {
			return "", ""
		}
		switch mode & 0170000 { // S_IFMT
		case 0040000:
			return "directory", "d"
		case 0010000:
			return "pipe", "p"
		case 0140000:
			return "unix", "u"
		}
		return "file", "f"
	}
	if a, ok := v.addr(); ok {
		switch a.Family {
		case audit.FamilyInet:
			return "ipv4", "4"
		case audit.FamilyInet6:
			if a.Addr.Is4In6() {
				return "ipv4", "4"
			}
			return "ipv6", "6"
		case audit.FamilyUnix:
			return "unix", "u"
		case audit.FamilyNetlink:
			return "netlink", "n"
		}
	}
	return "", ""
}

func getSockFamily(v *View, _ *Ref, out *Values) {
	if a, ok := v.addr(); ok {
		switch a.Family {
		case audit.FamilyInet, audit.FamilyInet6:
			out.Bytes(v.own("ip"))
		case audit.FamilyUnix:
			out.Bytes(v.own("unix"))
		}
	}
}

// getDev gives part 0 or 1 of PATH's dev=fd:01, or both as the kernel's old 16 bit
// number and its extension (include/linux/kdev_t.h, new_encode_dev).
func getDev(part int) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if !v.hasFile() {
			return
		}
		r, _, ok := v.path(pathMain)
		if !ok {
			return
		}
		f, _ := r.Get("dev")
		a, b, ok := bytes.Cut(f.Value, []byte(":"))
		major, ok1 := audit.Field{Value: a}.Hex()
		minor, ok2 := audit.Field{Value: b}.Hex()
		if !ok || !ok1 || !ok2 {
			return
		}
		switch part {
		case 0:
			out.Uint(major)
		case 1:
			out.Uint(minor)
		default:
			out.Uint(minor&0xff | major<<8 | minor&^0xff<<12)
		}
	}
}

func getIno(v *View, _ *Ref, out *Values) {
	if v.hasFile() {
		if r, _, ok := v.path(pathMain); ok {
			if f, ok := r.Get("inode"); ok {
				if n, ok := f.Uint(); ok {
					out.Uint(n)
				}
			}
		}
	}
}
