package auparse

import (
	"strconv"

	"vigil/audit/tables"
	"vigil/search/auparse/words"
)

// AppendValue appends what libauparse's auparse_interpret_field gives for field i of r: the field's value in words.
func (x *Interpreter) AppendValue(dst []byte, r *Record, i int) []byte {
	f := &r.Fields[i]
	k := x.kindOf(r.Type, f.Name, f.Value)
	if dst, ok := x.appendExtra(dst, r, k, f.Name); ok {
		return dst
	}
	return x.appendKind(dst, k, &r.call, f.Value)
}

// appendKind appends a value of a kind, escaped.
func (x *Interpreter) appendKind(dst []byte, k kind, c *call, value []byte) []byte {
	start := len(dst)
	switch k {
	case kindUser:
		dst = x.appendID(dst, value, 10, x.AppendUser)
	case kindGroup:
		dst = x.appendID(dst, value, 10, x.AppendGroup)
	case kindSyscall:
		dst = x.appendSyscall(dst, c)
	case kindArch:
		dst = appendArch(dst, c, value)
	case kindExit:
		dst = x.appendExit(dst, value)
	case kindEscaped:
		dst = x.appendEscaped(dst, value)
	case kindKey:
		dst = x.appendKey(dst, value)
	case kindProctitle:
		dst = x.appendProctitle(dst, value)
	case kindA0, kindA1, kindA2, kindA3:
		dst = x.appendArgument(dst, int(k-kindA0), c, value)
	case kindSession:
		if string(value) == "4294967295" {
			return append(dst, "unset"...)
		}
		dst = append(dst, value...)
	case kindNone, kindLabel, kindAddr:
		dst = append(dst, value...)
	case kindMode:
		dst = appendMode(dst, value)
	case kindModeShort:
		dst = appendModeShort(dst, value, 8)
	case kindCapabilities:
		dst = x.appendCapabilities(dst, value)
	case kindResult:
		dst = appendResult(dst, value)
	case kindSockaddr:
		dst = x.appendSockaddr(dst, value)
	case kindTTY:
		dst = appendTTY(dst, value)
	default:
		dst = x.appendRare(dst, k, c, value)
	}
	return x.escape.escape(dst, start)
}

// appendRare is appendKind for the kinds that hardly any record has.
func (x *Interpreter) appendRare(dst []byte, k kind, c *call, value []byte) []byte {
	switch k {
	case kindPerm:
		return appendPerm(dst, value)
	case kindWalkFlags:
		return appendWalkFlags(dst, value)
	case kindPromiscuous:
		return appendPromiscuous(dst, value)
	case kindCapability:
		return x.number(dst, words.Capability, value, 10, "unknown-capability(")
	case kindSignal:
		return x.number(dst, words.Signal, value, 10, "unknown-signal(")
	case kindList:
		return x.number(dst, words.List, value, 10, "unknown-list(")
	case kindNetfilterFamily:
		return x.number(dst, words.NetfilterFamily, value, 10, "unknown-netfilter-protocol(")
	case kindICMP:
		return x.number(dst, words.Icmp, value, 10, "unknown-icmp-type(")
	case kindHook:
		return x.number(dst, words.Hook, value, 16, "unknown-hook(")
	case kindNetfilterAction:
		return x.number(dst, words.NetfilterAction, value, 16, "unknown-action(")
	case kindProtocol:
		return x.appendProtocol(dst, value)
	case kindPersonality:
		return x.appendPersonality(dst, value)
	case kindSeccomp:
		return x.appendSeccomp(dst, value)
	case kindOpenFlags:
		return x.appendOpenFlags(dst, value, x.oflagBase())
	case kindMmap:
		return x.appendMmap(dst, value)
	case kindMACProtocol:
		return appendMACProtocol(dst, value)
	case kindIoctl:
		return x.appendIoctl(dst, value)
	case kindFanotify:
		return appendFanotify(dst, value)
	case kindMulticast:
		return appendMulticast(dst, value)
	case kindResolve:
		return x.flags(dst, words.Resolve, value)
	case kindTrust:
		return appendTrust(dst, value)
	case kindFanType:
		return appendFanType(dst, value)
	case kindFanInfo:
		return appendFanInfo(dst, c, value)
	case kindErrno:
		return appendErrno(dst, value)
	}
	return append(dst, value...)
}

// number appends the word that a table has for a number, else what is unknown of it.
func (x *Interpreter) number(dst []byte, t words.Table, value []byte, base uint64, unknown string) []byte {
	n, ok := parseUint(value, base)
	if !ok {
		return conversionError(dst, value)
	}
	if word, ok := t.Find(uint64(uint32(n)), x.version); ok {
		return append(dst, word...)
	}
	return appendIn(dst, unknown, value)
}

// flags appends the words of a hexadecimal number's bits, the number if it has none.
func (x *Interpreter) flags(dst []byte, t words.Table, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	start := len(dst)
	if dst = t.AppendFlags(dst, start, n, x.version); len(dst) == start {
		dst = appendHex(dst, value)
	}
	return dst
}

// appendID appends the name of a user or a group.
func (x *Interpreter) appendID(dst, value []byte, base uint64, name func([]byte, uint32) []byte) []byte {
	n, ok := parseUint(value, base)
	if !ok {
		return conversionError(dst, value)
	}
	return name(dst, uint32(n))
}

// AppendUser appends what an interpreted uid field is: the user's name, "unset" for 4294967295, "unknown(1000)".
func (x *Interpreter) AppendUser(dst []byte, uid uint32) []byte {
	if uid == 1<<32-1 {
		return append(dst, "unset"...)
	}
	if x.names != nil {
		if name, ok := x.names.User(uid); ok {
			return append(dst, name...)
		}
	}
	return appendIntIn(dst, "unknown(", int32(uid))
}

// AppendGroup is AppendUser for groups.
func (x *Interpreter) AppendGroup(dst []byte, gid uint32) []byte {
	if gid == 1<<32-1 {
		return append(dst, "unset"...)
	}
	if x.names != nil {
		if name, ok := x.names.Group(gid); ok {
			return append(dst, name...)
		}
	}
	return appendIntIn(dst, "unknown(", int32(gid))
}

// appendArch appends the name of the record's architecture.
func appendArch(dst []byte, c *call, value []byte) []byte {
	arch := c.arch
	if !c.known {
		n, ok := parseUint(value, 16)
		if !ok {
			return append(conversionError(dst, value), ' ')
		}
		arch = tables.Arch(uint32(n))
	}
	switch {
	case c.uring:
		return append(dst, "uring"...)
	case arch == tables.ArchARM:
		return append(dst, "armeb"...) // the first of the names that the audit tools have for 32-bit ARM
	case arch.Known():
		return append(dst, arch.String()...)
	}
	return appendIn(dst, "unknown-elf-type(", value)
}

// appendKey appends a rule's key. One that is no string as the kernel encodes it is left out.
func (x *Interpreter) appendKey(dst, value []byte) []byte {
	if value == nil {
		return append(dst, ' ')
	}
	return x.appendEscaped(dst, value)
}

// appendResult appends what a program says of its success: a word of its own, or a number.
func appendResult(dst, value []byte) []byte {
	if len(value) == 0 || value[0] < '0' || value[0] > '9' {
		return append(dst, value...)
	}
	n, ok := parseUint(value, 10)
	switch {
	case !ok:
		return conversionError(dst, value)
	case uint32(n) == 0:
		return append(dst, "no"...)
	case uint32(n) == 1:
		return append(dst, "yes"...)
	}
	return append(dst, "unset"...)
}

// appendPromiscuous appends whether a device is in promiscuous mode.
func appendPromiscuous(dst, value []byte) []byte {
	n, ok := parseInt(value, 10)
	switch {
	case !ok:
		return conversionError(dst, value)
	case uint32(n) == 0:
		return append(dst, "no"...)
	}
	return append(dst, "yes"...)
}

// appendProtocol appends the name of an IP protocol.
func (x *Interpreter) appendProtocol(dst, value []byte) []byte {
	n, ok := parseUint(value, 10)
	if !ok {
		return conversionError(dst, value)
	}
	if word, ok := words.Protocol.Find(uint64(uint32(n)), x.version); ok {
		return append(dst, word...)
	}
	return append(dst, "undefined protocol"...)
}

// appendSeccomp appends what a filter has done: the upper half of a number, without its data.
func (x *Interpreter) appendSeccomp(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	action := n & 0xffff0000
	if x.version == V3 {
		action = n & 0x7fff0000 // kill-process is younger
	}
	if word, ok := words.Seccomp.Find(action, x.version); ok {
		return append(dst, word...)
	}
	return appendIn(dst, "unknown-seccomp-code(", value)
}

// appendMACProtocol appends the protocol of an Ethernet frame.
func appendMACProtocol(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	switch {
	case !ok:
		return conversionError(dst, value)
	case uint32(n) == 0x0800:
		return append(dst, "IP"...)
	case uint32(n) == 0x0806:
		return append(dst, "ARP"...)
	}
	return append(dst, "UNKNOWN"...)
}

// appendFanotify appends a fanotify listener's response.
func appendFanotify(dst, value []byte) []byte {
	if len(value) == 0 || value[0] < '0' || value[0] > '9' {
		return append(dst, value...)
	}
	n, ok := parseUint(value, 10)
	switch {
	case !ok:
		return conversionError(dst, value)
	case uint32(n) == 1:
		return append(dst, "allow"...)
	case uint32(n) == 2:
		return append(dst, "deny"...)
	}
	return append(dst, "unknown"...)
}

// appendTrust appends whether a subject or an object is trusted: one of three words.
func appendTrust(dst, value []byte) []byte {
	switch string(value) {
	case "0":
		return append(dst, "no"...)
	case "1":
		return append(dst, "yes"...)
	}
	return append(dst, "unknown"...)
}

// appendFanType appends what fan_info is about.
func appendFanType(dst, value []byte) []byte {
	switch string(value) {
	case "0":
		return append(dst, "none"...)
	case "1":
		return append(dst, "rule_info"...)
	}
	return append(dst, "unknown"...)
}

// appendFanInfo appends the number of a rule if fan_type has said that it is one.
func appendFanInfo(dst []byte, c *call, value []byte) []byte {
	if !c.info {
		return append(dst, value...)
	}
	n, ok := parseUint(value, 16)
	if !ok {
		return conversionError(dst, value)
	}
	return strconv.AppendUint(dst, n, 10)
}

// appendMulticast appends the name of a netlink group.
func appendMulticast(dst, value []byte) []byte {
	n, ok := parseUint(value, 16)
	switch {
	case !ok:
		return conversionError(dst, value)
	case n == 1:
		return append(dst, "audit-netlink-multicast"...)
	}
	return append(dst, "audit-none"...)
}

// appendExit appends what a system call has returned: an error's name and its text, or the number.
func (x *Interpreter) appendExit(dst, value []byte) []byte {
	n, ok := parseInt(value, 10)
	switch {
	case !ok:
		return conversionError(dst, value)
	case n >= 0:
		return append(dst, value...)
	}
	errno := int32(-n)
	name, ok := errnoName(errno)
	if !ok {
		name = "(null)"
	}
	dst = append(dst, name...)
	dst = append(dst, '(')
	dst = x.appendErrorText(dst, errno)
	return append(dst, ')')
}

// appendErrorText appends what the C library's strerror says.
func (x *Interpreter) appendErrorText(dst []byte, errno int32) []byte {
	if errno >= 0 {
		if text, ok := words.ErrorText.Find(uint64(errno), x.version); ok {
			return append(dst, text...)
		}
	}
	dst = append(dst, "Unknown error "...)
	return strconv.AppendInt(dst, int64(errno), 10)
}

// errnoName returns the name of an error that the audit tools know: not the newest ones.
func errnoName(errno int32) (string, bool) {
	if errno <= 0 || errno > 133 {
		return "", false
	}
	return tables.ErrnoName(int(errno))
}

// appendErrno appends the name of an error, with or without a sign.
func appendErrno(dst, value []byte) []byte {
	n, ok := parseUint(value, 10)
	if !ok {
		return conversionError(dst, value)
	}
	errno := int32(n)
	if errno < 0 {
		errno = -errno
	}
	if name, ok := errnoName(errno); ok {
		return append(dst, name...)
	}
	return append(dst, "UNKNOWN"...)
}
