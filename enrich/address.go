package enrich

import (
	"encoding/binary"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// Socket families that auditd prints the address of (<linux/socket.h>).
const (
	familyLocal   = 1
	familyInet    = 2
	familyAX25    = 3
	familyATMPVC  = 8
	familyX25     = 9
	familyInet6   = 10
	familyNetlink = 16
)

// sockaddr is a socket address out of a record: the head of the bytes, as far as
// anything is printed of them. What the record lacks is zero.
type sockaddr struct {
	bytes [112]byte // sockaddr_un, the longest, has 110
	// size is the length that auditd believes: half that of the text.
	size int
}

// parse reads the value of saddr: hexadecimal digits, or text in parentheses. It
// fails if it is neither.
func (a *sockaddr) parse(value []byte) bool {
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
	digits := 0
	for digits < len(value) && hexDigit(value[digits]) < 16 {
		digits++
	}
	if digits < 2 {
		return false
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

// appendAddress appends what auditd says about the value of a saddr field.
func appendAddress(dst, value []byte, names *Names) []byte {
	var a sockaddr
	if !a.parse(value) {
		dst = append(dst, "malformed-host("...)
		dst = append(dst, value...)
		return append(dst, ')')
	}
	family := int(binary.NativeEndian.Uint16(a.bytes[:]))
	name, ok := tables.FamilyName(family)
	if !ok {
		dst = append(dst, "unknown-family("...)
		dst = strconv.AppendInt(dst, int64(family), 10)
		return append(dst, ')')
	}
	dst = append(dst, "{ saddr_fam="...)
	dst = append(dst, name...)
	dst = append(dst, ' ')
	dst, whole := a.appendFamily(dst, family, names)
	if !whole {
		return dst
	}
	return append(dst, " }"...)
}

// appendFamily appends the address itself. It returns false if what auditd
// prints ends there, at a NUL.
func (a *sockaddr) appendFamily(dst []byte, family int, names *Names) ([]byte, bool) {
	switch family {
	case familyLocal:
		if a.size < 4 {
			return append(dst, "sockaddr len too short"...), true
		}
		offset := 2
		if a.bytes[offset] == 0 { // an abstract name
			offset++
		}
		dst = append(dst, "path="...)
		dst = appendText(dst, a.text(offset, 108))
	case familyInet:
		if a.size < 16 {
			return append(dst, "sockaddr len too short"...), true
		}
		dst = append(dst, "laddr="...)
		dst = appendInet4(dst, a.bytes[4:8])
		dst = a.appendPort(dst)
	case familyInet6:
		if a.size < 28 {
			return append(dst, "sockaddr6 len too short"...), true
		}
		dst = append(dst, "laddr="...)
		dst = appendInet6(dst, [16]byte(a.bytes[8:24]))
		dst = appendScope(dst, a.bytes[8:24], binary.NativeEndian.Uint32(a.bytes[24:]), names)
		dst = a.appendPort(dst)
	case familyNetlink:
		if a.size < 12 {
			return append(dst, "len too short"...), true
		}
		dst = append(dst, "nlnk-fam=16 nlnk-pid="...)
		dst = strconv.AppendUint(dst, uint64(binary.NativeEndian.Uint32(a.bytes[4:])), 10)
	case familyAX25:
		sign := a.text(2, 7)
		dst = append(dst, "call="...)
		return appendText(dst, sign), len(sign) == 7
	case familyX25:
		dst = append(dst, "laddr="...)
		dst = appendText(dst, a.text(2, 15))
	case familyATMPVC:
		dst = append(dst, "int="...)
		dst = strconv.AppendInt(dst, int64(int16(binary.NativeEndian.Uint16(a.bytes[4:]))), 10)
	default:
		dst = append(dst, "(unsupported)"...)
	}
	return dst, true
}

// appendPort appends the port of an inet or inet6 address.
func (a *sockaddr) appendPort(dst []byte) []byte {
	dst = append(dst, " lport="...)
	return strconv.AppendUint(dst, uint64(binary.BigEndian.Uint16(a.bytes[2:])), 10)
}

// appendText appends bytes out of an address as they are, but those that would
// end the line or its enrichment.
func appendText[T string | []byte](dst []byte, text T) []byte {
	for i := range len(text) {
		c := text[i]
		if c == '\n' || c == audit.Separator {
			c = ' '
		}
		dst = append(dst, c)
	}
	return dst
}

func appendInet4(dst, address []byte) []byte {
	for i, b := range address {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendUint(dst, uint64(b), 10)
	}
	return dst
}

// appendInet6 appends an address as the C library's inet_ntop does: the first of
// the longest runs of zeros is "::", and ::1.2.3.4 and ::ffff:1.2.3.4 end in
// an IPv4 address (package netip prints the former as ::102:304).
func appendInet6(dst []byte, address [16]byte) []byte {
	var groups [8]uint16
	for i := range groups {
		groups[i] = binary.BigEndian.Uint16(address[2*i:])
	}
	start, length := zeroRun(groups)
	for i := 0; i < len(groups); i++ {
		if i == start {
			dst = append(dst, ':')
			if i+length == len(groups) {
				dst = append(dst, ':')
			}
			i += length - 1
			continue
		}
		if i > 0 {
			dst = append(dst, ':')
		}
		if i == 6 && start == 0 && (length == 6 || length == 5 && groups[5] == 0xffff) {
			return appendInet4(dst, address[12:])
		}
		dst = strconv.AppendUint(dst, uint64(groups[i]), 16)
	}
	return dst
}

// zeroRun returns the first of the longest runs of two zeros or more, -1 if
// there is none.
func zeroRun(groups [8]uint16) (start, length int) {
	start = -1
	for i := 0; i < len(groups); {
		end := i
		for end < len(groups) && groups[end] == 0 {
			end++
		}
		if end-i >= 2 && end-i > length {
			start, length = i, end-i
		}
		i = end + 1
	}
	return start, length
}

// appendScope appends the scope of an IPv6 address: the name of the interface
// for an address of the link, as the C library's getnameinfo does, else its
// number.
func appendScope(dst, address []byte, scope uint32, names *Names) []byte {
	if scope == 0 {
		return dst
	}
	dst = append(dst, '%')
	link := address[0] == 0xfe && address[1]&0xc0 == 0x80 || // fe80::/10
		address[0] == 0xff && address[1]&0x0f == 2 // ff02::/16 and its like
	if link {
		if name, ok := names.device(scope); ok {
			return appendText(dst, name)
		}
	}
	return strconv.AppendUint(dst, uint64(scope), 10)
}
