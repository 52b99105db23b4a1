package auparse

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"vigil/audit"
	"vigil/search/auparse/words"
)

// Families that libauparse prints the address of and package audit has no name for, of <linux/socket.h>.
const (
	familyAX25   = 3
	familyATMPVC = 8
	familyX25    = 9
)

// sockaddr is a socket address out of a record: the head of the bytes, as far as anything is printed of them. What the
// record lacks is zero.
type sockaddr struct {
	bytes [112]byte // sockaddr_un, the longest, has 110
	// size is the length that libauparse believes: half that of the text.
	size int
}

// parse reads the value of saddr: hexadecimal digits, or text in parentheses. It fails if it is neither.
func (a *sockaddr) parse(value []byte, v Version) bool {
	a.size = len(value) / 2
	if len(value) > 0 && value[0] == '(' {
		for i, c := range value {
			if i < len(a.bytes) {
				a.bytes[i] = c
			}
			if c == ')' {
				return true
			}
		}
		return false
	}
	digits := countHex(value)
	if digits < 2 {
		return false
	}
	if v == V4 {
		digits &^= 1
	}
	for i := 0; i < digits && i/2 < len(a.bytes); i++ {
		d := hexDigit(value[i])
		if i%2 == 0 {
			d <<= 4
		}
		a.bytes[i/2] |= d
	}
	return true
}

// text returns up to max bytes from offset on, up to a NUL.
func (a *sockaddr) text(offset, max int) []byte {
	t := a.bytes[offset:min(offset+max, len(a.bytes))]
	for i, c := range t {
		if c == 0 {
			return t[:i]
		}
	}
	return t
}

// appendSockaddr appends a socket's address.
func (x *Interpreter) appendSockaddr(dst, value []byte) []byte {
	var a sockaddr
	if !a.parse(value, x.version) {
		return appendIn(dst, "malformed-host(", value)
	}
	family := binary.NativeEndian.Uint16(a.bytes[:])
	name, ok := words.Family.Find(uint64(family), x.version)
	if !ok {
		return appendIntIn(dst, "unknown-family(", int32(family))
	}
	dst = append(dst, "{ saddr_fam="...)
	dst = append(dst, name...)
	dst = append(dst, ' ')
	dst, whole := x.appendFamily(dst, &a, family)
	if !whole {
		return dst
	}
	return append(dst, " }"...)
}

// appendFamily appends the address itself. It returns false if what libauparse prints ends there, at a NUL.
func (x *Interpreter) appendFamily(dst []byte, a *sockaddr, family uint16) ([]byte, bool) {
	switch family {
	case audit.FamilyUnix:
		switch {
		case x.version == V4 && a.size == 2:
			return append(dst, "unnamed socket"...), true
		case a.size < 4:
			return append(dst, "sockaddr len too short"...), true
		}
		offset := 2
		if a.bytes[offset] == 0 { // an abstract name
			offset++
		}
		dst = append(dst, "path="...)
		dst = append(dst, a.text(offset, 108)...)
	case audit.FamilyInet:
		if a.size < 16 {
			return append(dst, "sockaddr len too short"...), true
		}
		dst = append(dst, "laddr="...)
		dst = netip.AddrFrom4([4]byte(a.bytes[4:])).AppendTo(dst)
		dst = a.appendPort(dst)
	case audit.FamilyInet6:
		if a.size < 28 {
			return append(dst, "sockaddr6 len too short"...), true
		}
		dst = append(dst, "laddr="...)
		dst = appendInet6(dst, [16]byte(a.bytes[8:24]))
		dst = x.appendScope(dst, a.bytes[8:24], binary.NativeEndian.Uint32(a.bytes[24:]))
		dst = a.appendPort(dst)
	case audit.FamilyNetlink:
		if a.size < 12 {
			return append(dst, "len too short"...), true
		}
		dst = append(dst, "nlnk-fam=16 nlnk-pid="...)
		dst = strconv.AppendUint(dst, uint64(binary.NativeEndian.Uint32(a.bytes[4:])), 10)
	case familyAX25, familyX25, familyATMPVC:
		return x.appendOldFamily(dst, a, family)
	default:
		dst = append(dst, "(unsupported)"...)
	}
	return dst, true
}

// appendOldFamily appends an address of a family that nobody has met for years. 4.2 wants it to be whole.
func (x *Interpreter) appendOldFamily(dst []byte, a *sockaddr, family uint16) ([]byte, bool) {
	const tooShort = "sockaddr len too short"
	switch family {
	case familyAX25:
		if x.version == V4 && a.size < 16 {
			return append(dst, tooShort...), true
		}
		sign := a.text(2, 7)
		dst = append(dst, "call="...)
		return append(dst, sign...), len(sign) == 7
	case familyX25:
		dst = append(dst, "laddr="...)
		return append(dst, a.text(2, 15)...), true
	}
	if x.version == V4 && a.size < 12 {
		return append(dst, tooShort...), true
	}
	dst = append(dst, "int="...)
	return strconv.AppendInt(dst, int64(int16(binary.NativeEndian.Uint16(a.bytes[4:]))), 10), true
}

// appendPort appends the port of an inet or inet6 address.
func (a *sockaddr) appendPort(dst []byte) []byte {
	dst = append(dst, " lport="...)
	return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(a.bytes[2:])), 10)
}

// appendInet6 appends an address as the C library's inet_ntop does. Package netip differs in ::1.2.3.4 and
// ::ffff:1.2.3.4, which it prints without an IPv4 address in it, or with hexadecimal digits.
func appendInet6(dst []byte, address [16]byte) []byte {
	zero := func(from, to int) bool {
		for _, b := range address[from:to] {
			if b != 0 {
				return false
			}
		}
		return true
	}
	switch {
	case zero(0, 10) && address[10] == 0xff && address[11] == 0xff:
		dst = append(dst, "::ffff:"...)
	case zero(0, 12) && !zero(12, 14):
		dst = append(dst, "::"...)
	default:
		return netip.AddrFrom16(address).AppendTo(dst)
	}
	return netip.AddrFrom4([4]byte(address[12:])).AppendTo(dst)
}

// appendScope appends the device of a link-local address.
func (x *Interpreter) appendScope(dst, address []byte, scope uint32) []byte {
	if scope == 0 {
		return dst
	}
	dst = append(dst, '%')
	local := address[0] == 0xfe && address[1]&0xc0 == 0x80 || address[0] == 0xff && address[1]&15 == 2
	if links, ok := x.names.(Links); ok && local {
		if name, ok := links.Link(scope); ok {
			return append(dst, name...)
		}
	}
	return strconv.AppendUint(dst, uint64(scope), 10)
}
