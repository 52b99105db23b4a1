package audit

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// Socket address families that ParseSockaddr looks into, from <linux/socket.h>.
const (
	FamilyUnspec  = 0
	FamilyUnix    = 1
	FamilyInet    = 2
	FamilyInet6   = 10
	FamilyNetlink = 16
	FamilyPacket  = 17
	FamilyALG     = 38
	FamilyVsock   = 40
	FamilyXDP     = 44
)

// Sockaddr is a socket address. Which members count, the family says.
type Sockaddr struct {
	Family uint16

	Addr netip.Addr // inet, inet6
	Port uint32     // inet, inet6, vsock

	Path     []byte // unix: a file name or, if Abstract, a name without the leading NUL; alg: the algorithm; a view
	Abstract bool

	PID    uint32 // netlink: the port, 0 for the kernel
	Groups uint32 // netlink: multicast groups

	CID uint32 // vsock: the context, 2 for the host

	Ifindex  uint32 // packet, xdp
	Protocol uint16 // packet: an Ethernet type
}

// Sockaddr decodes the saddr field of a SOCKADDR record into buf, which it may
// use and must then be left alone as long as the result is used; nil is fine. It
// returns false if there is none or if it is cut short.
func (r Record) Sockaddr(buf []byte) (Sockaddr, bool) {
	f, ok := r.Get("saddr")
	if !ok {
		return Sockaddr{}, false
	}
	raw, ok := AppendUnhex(buf[:0], f.Value)
	if !ok {
		return Sockaddr{}, false
	}
	return ParseSockaddr(raw)
}

// ParseSockaddr decodes a struct sockaddr as the kernel logs it. Its numbers are
// in the byte order of the machine that it comes from, which the family shows: no
// family exceeds one byte. An address of a family that is not known here has the
// family alone.
func ParseSockaddr(b []byte) (Sockaddr, bool) {
	if len(b) < 2 {
		return Sockaddr{}, false
	}
	var host binary.ByteOrder = binary.LittleEndian
	if b[0] == 0 && b[1] != 0 {
		host = binary.BigEndian
	}
	a := Sockaddr{Family: host.Uint16(b)}
	need := 0
	switch a.Family {
	case FamilyUnix:
		a.parseUnix(b[2:])
	case FamilyInet:
		if need = 8; len(b) >= need {
			a.Port = uint32(binary.BigEndian.Uint16(b[2:]))
			a.Addr = netip.AddrFrom4([4]byte(b[4:]))
		}
	case FamilyInet6:
		if need = 24; len(b) >= need { // SIN6_LEN_RFC2133, without scope
			a.Port = uint32(binary.BigEndian.Uint16(b[2:]))
			a.Addr = netip.AddrFrom16([16]byte(b[8:]))
		}
	case FamilyNetlink:
		if need = 12; len(b) >= need {
			a.PID, a.Groups = host.Uint32(b[4:]), host.Uint32(b[8:])
		}
	case FamilyPacket:
		if need = 8; len(b) >= need {
			a.Protocol, a.Ifindex = binary.BigEndian.Uint16(b[2:]), host.Uint32(b[4:])
		}
	case FamilyALG:
		if need = 24; len(b) >= need {
			a.Path = cString(b[24:])
		}
	case FamilyVsock:
		if need = 12; len(b) >= need {
			a.Port, a.CID = host.Uint32(b[4:]), host.Uint32(b[8:])
		}
	case FamilyXDP:
		if need = 8; len(b) >= need {
			a.Ifindex = host.Uint32(b[4:])
		}
	}
	return a, len(b) >= need
}

// parseUnix reads what follows the family. A file name ends at the first NUL,
// behind which programs leave what was on their stack. The length of an abstract
// name is that of the address; the NULs that pad it are not shown.
func (a *Sockaddr) parseUnix(b []byte) {
	if len(b) == 0 {
		return
	}
	if b[0] != 0 {
		a.Path = cString(b)
		return
	}
	if name := bytes.TrimRight(b[1:], "\x00"); len(name) > 0 {
		a.Path, a.Abstract = name, true
	}
}

func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}
