package aulog

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"vigil/audit"
)

// Lengths of the kernel's socket addresses: struct sockaddr_in, sockaddr_in6.
// A shorter one is none to stock.
const (
	sizeInet  = 16
	sizeInet6 = 28
)

// sockaddr finds the file or the host in a SOCKADDR record.
func (s *scan) sockaddr() int {
	if !s.wants(WantFile | WantHost) {
		return 0
	}
	i := s.find("saddr=")
	if i < 0 {
		return 0
	}
	start := len(s.f.mem)
	for w := s.tail(i); len(w) >= 2; w = w[2:] {
		hi, lo := nibble(w[0]), nibble(w[1])
		if hi > 15 || lo > 15 {
			break
		}
		s.f.mem = append(s.f.mem, hi<<4|lo)
	}
	addr := s.f.mem[start:len(s.f.mem):len(s.f.mem)]
	if len(addr) < 2 {
		return 0
	}
	switch family := binary.NativeEndian.Uint16(addr); {
	case family == audit.FamilyUnix && s.wants(WantFile):
		s.socketFile(addr[2:])
	case family == audit.FamilyInet && s.wants(WantHost) && len(addr) >= sizeInet:
		s.socketHost(netip.AddrFrom4([4]byte(addr[4:8])))
	case family == audit.FamilyInet6 && s.wants(WantHost) && len(addr) >= sizeInet6:
		s.socketHost(netip.AddrFrom16([16]byte(addr[8:24])))
	}
	return 0
}

// socketFile adds the name of a socket, which begins with a NUL if it is
// abstract.
func (s *scan) socketFile(name []byte) {
	if len(name) > 0 && name[0] == 0 {
		name = name[1:]
	}
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	s.addFile(name)
}

func (s *scan) socketHost(a netip.Addr) {
	start := len(s.f.mem)
	s.f.mem = appendAddr(s.f.mem, a)
	s.f.Host = s.f.mem[start:len(s.f.mem):len(s.f.mem)]
}

// appendAddr appends an address as inet_ntop(3) prints it: as netip does, but
// that one which ends in an IPv4 address shows it.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if b := a.As16(); a.Is6() && !a.Is4In6() && [12]byte(b[:12]) == [12]byte{} && (b[12] != 0 || b[13] != 0) {
		return netip.AddrFrom4([4]byte(b[12:])).AppendTo(append(dst, "::"...))
	}
	return a.AppendTo(dst)
}
