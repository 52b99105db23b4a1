package aulog

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"vigil/audit"
	"vigil/audit/tables"
)

// path finds the facts of a PATH record.
func (s *scan) path() int {
	if s.wants(WantFile) {
		if i := s.find(" name="); i >= 0 {
			v, ok := s.value(i)
			if !ok {
				return 4
			}
			s.addFile(v)
		}
	}
	return s.object()
}

// object finds the label obj=.
func (s *scan) object() int {
	if s.wants(WantObject) {
		if i := s.find("obj="); i >= 0 {
			s.addLabels(nil, s.tail(i))
		}
	}
	return 0
}

// packet finds the host that sent a packet, and the label.
func (s *scan) packet() int {
	if s.wants(WantHost) {
		if i := s.find("saddr="); i >= 0 {
			w, ok := s.word(i)
			if !ok {
				return 1
			}
			s.f.Host = w
		}
	}
	return s.object()
}

// cwd finds the facts of a CWD record.
func (s *scan) cwd() int {
	if !s.wants(WantFile) {
		return 0
	}
	if i := s.find("cwd="); i >= 0 {
		v, ok := s.value(i)
		if !ok {
			return 4
		}
		s.f.Cwd = v
		s.addFile(v)
	}
	return 0
}

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

// config finds the facts of a CONFIG_CHANGE record.
func (s *scan) config() int {
	s.messageWho(0)
	if s.wants(WantFile) {
		if i := s.find("path="); i >= 0 {
			if v, ok := s.value(i); ok {
				s.addFile(v)
			}
		}
	}
	s.messageRest()
	if s.wants(WantSuccess) {
		s.f.Result = ResultSuccess
		s.numericResult()
	}
	return 0
}

// mac finds the facts of a MAC_ record.
func (s *scan) mac() int {
	if code := s.messageWho(1); code != 0 {
		return code
	}
	s.messageRest()
	s.numericResult()
	return 0
}

// messageWho finds who has changed a setting.
func (s *scan) messageWho(missing int) int {
	if s.wants(WantLoginUID) {
		i := s.find("auid=")
		if i < 0 {
			return missing
		}
		v, ok := strtoul(s.tail(i), 10)
		if !ok {
			return 2
		}
		s.f.LoginUID = uint32(v)
	}
	if s.wants(WantSession) {
		if i := s.find("ses="); i >= 0 {
			if v, ok := strtoul(s.tail(i), 10); ok {
				s.f.Session = uint32(v)
			}
		}
	}
	return 0
}

func (s *scan) messageRest() {
	if s.wants(WantSubject) {
		if i := s.find("subj="); i >= 0 {
			s.addLabels(s.tail(i), nil)
		}
	}
	if s.wants(WantKey) {
		_ = s.keys() // a key that makes no sense is none here
	}
}

// tty finds the facts of a TTY record.
func (s *scan) tty() int {
	if s.wants(WantPID) {
		if code := s.number("pid=", &s.f.PID, 0, 1); code != 0 {
			return code
		}
	}
	if s.wants(WantUID) {
		if code := s.number(" uid=", &s.f.UID, 0, 3); code != 0 {
			return code
		}
	}
	if s.wants(WantLoginUID) {
		if code := s.numberTail("auid=", &s.f.LoginUID, 5, 6); code != 0 {
			return code
		}
	}
	if s.wants(WantSession) {
		if i := s.find("ses="); i >= 0 {
			if code := s.numberAt(i, &s.f.Session, 7); code != 0 {
				return code
			}
		}
	}
	if s.wants(WantComm) {
		return s.comm(0)
	}
	return 0
}

// simple finds the facts of a NETFILTER_CFG or EVENT_LISTENER record.
func (s *scan) simple() int {
	if s.wants(WantPID) {
		if code := s.number(" pid=", &s.f.PID, 54, 52); code != 0 {
			return code
		}
	}
	if s.wants(WantUID) {
		if code := s.number("uid=", &s.f.UID, 0, 55); code != 0 {
			return code
		}
	}
	if s.wants(WantLoginUID) {
		if i := s.find("auid="); i >= 0 {
			if code := s.numberAt(i, &s.f.LoginUID, 57); code != 0 {
				return code
			}
		} else if s.f.LoginUID == NotFound {
			s.f.LoginUID = Unset
		}
	}
	if s.wants(WantTerminal) {
		if s.f.Terminal == nil {
			s.f.Terminal = []byte("(none)")
		}
		if i := s.find("tty="); i >= 0 {
			w, ok := s.word(i)
			if !ok {
				return 59
			}
			s.f.Terminal = w
		}
	}
	if s.wants(WantSession) {
		if i := s.find("ses="); i >= 0 {
			if code := s.numberAt(i, &s.f.Session, 60); code != 0 {
				return code
			}
		}
	}
	return s.simpleRest()
}

func (s *scan) simpleRest() int {
	if s.wants(WantSubject) {
		l, code := s.label("subj=", 62)
		if code != 0 {
			return code
		}
		if l == nil {
			return 64
		}
		s.addLabels(l, nil)
	}
	if s.wants(WantComm) {
		if code := s.comm(66); code != 0 {
			return code
		}
	}
	if s.wants(WantExe) {
		if i := s.find("exe="); i >= 0 {
			if v, ok := s.value(i); ok {
				s.f.Exe = v
			}
		} else if s.f.Exe == nil {
			s.f.Exe = []byte("(null)")
		}
	}
	s.numericResult()
	return 0
}

// anomaly finds the facts of SECCOMP, ANOM_ABEND and ANOM_PROMISCUOUS records.
func (s *scan) anomaly() int {
	if s.wants(WantLoginUID) {
		if code := s.numberTail("auid=", &s.f.LoginUID, 1, 2); code != 0 {
			return code
		}
	}
	if s.wants(WantUID) {
		if code := s.number("uid=", &s.f.UID, 0, 3); code != 0 {
			return code
		}
	}
	if s.wants(WantGID) {
		if code := s.number("gid=", &s.f.GID, 0, 5); code != 0 {
			return code
		}
	}
	if s.wants(WantSession) {
		if i := s.find("ses="); i >= 0 {
			v, ok := strtoul(s.tail(i), 10)
			if !ok {
				return 7
			}
			s.f.Session = uint32(v)
		}
	}
	if s.typ == tables.TypeAnomPromiscuous {
		return 0
	}
	if s.wants(WantSubject) {
		l, code := s.label("subj=", 8)
		if code != 0 {
			return code
		}
		if l != nil {
			s.addLabels(l, nil)
		}
	}
	if s.wants(WantPID) {
		if code := s.number("pid=", &s.f.PID, 0, 10); code != 0 {
			return code
		}
	}
	return s.anomalyRest()
}

func (s *scan) anomalyRest() int {
	if s.wants(WantComm) {
		if code := s.comm(0); code != 0 {
			return code
		}
	}
	if s.wants(WantExe) {
		i := s.find("exe=")
		if i < 0 && s.typ == tables.TypeSeccomp {
			return 14
		}
		if i >= 0 {
			if v, ok := s.value(i); ok {
				s.f.Exe = v
			}
		}
	}
	if s.typ == tables.TypeSeccomp {
		i := s.find("arch=")
		if i < 0 {
			return 0
		}
		w, ok := s.word(i)
		if !ok {
			return 15
		}
		v, ok := strtoul(w, 16)
		if !ok {
			return 16
		}
		s.f.Arch = uint32(v)
		var nr uint32
		if code := s.number("syscall=", &nr, 17, 18); code != 0 {
			return code
		}
		s.f.Syscall = int(int32(nr))
	}
	s.numericResult()
	return 0
}

// integrity finds the facts of an INTEGRITY_ record.
func (s *scan) integrity() int {
	for _, x := range [...]struct {
		want Want
		key  string
		dst  *uint32
		open int
	}{
		{0, "pid=", &s.f.PID, 1},
		{WantUID, " uid=", &s.f.UID, 3},
		{WantLoginUID, "auid=", &s.f.LoginUID, 5},
		{WantSession, "ses=", &s.f.Session, 10},
	} {
		if x.want != 0 && !s.wants(x.want) {
			continue
		}
		if x.want == WantLoginUID {
			s.pos = 0
		}
		i := s.find(x.key)
		if i < 0 {
			continue
		}
		if code := s.numberAt(i, x.dst, x.open); code != 0 {
			return code
		}
	}
	if s.wants(WantSubject) {
		l, code := s.label("subj=", 12)
		if code != 0 {
			return code
		}
		if l != nil {
			s.addLabels(l, nil)
		}
	}
	if s.wants(WantComm) {
		if code := s.comm(0); code != 0 {
			return code
		}
	}
	if s.wants(WantFile) {
		if i := s.find(" name="); i >= 0 {
			if v, ok := s.value(i); ok {
				s.addFile(v)
			}
		}
	}
	s.numericResult()
	return 0
}

// daemon finds the facts of what auditd says about itself.
func (s *scan) daemon() int {
	if s.wants(WantLoginUID) {
		if code := s.number("auid=", &s.f.LoginUID, 1, 2); code != 0 {
			return code
		}
	}
	if s.wants(WantPID) {
		if code := s.number("pid=", &s.f.PID, 4, 5); code != 0 {
			return code
		}
	}
	if s.wants(WantUID) {
		at := s.pos
		if s.v4 {
			s.pos = 0
		}
		if code := s.number(" uid=", &s.f.UID, 0, 7); code != 0 {
			return code
		}
		if s.v4 {
			s.pos = at
		}
	}
	if s.wants(WantSession) {
		if i := s.find("ses="); i >= 0 {
			if code := s.numberAt(i, &s.f.Session, 9); code != 0 {
				return code
			}
		}
	}
	if s.wants(WantSubject) {
		if i := s.find("subj="); i >= 0 {
			s.addLabels(s.tail(i), nil)
		}
	}
	s.pos = 0
	return s.daemonResult(12)
}

// daemonPeer finds the facts of what auditd says about a machine that sends to
// it.
func (s *scan) daemonPeer() int {
	if s.wants(WantHost) {
		if i := s.find("addr="); i >= 0 {
			w, ok := s.word(i)
			if !ok {
				return 1
			}
			s.f.Host = w
		}
	}
	return s.daemonResult(2)
}

// decision finds the verdict and the permissions of an AVC.
func (s *scan) decision(a *AVC) int {
	i := s.find("avc: ")
	if i < 0 {
		return 0
	}
	open := bytes.IndexByte(s.text[i:], '{')
	if open < 0 {
		return 0
	}
	a.Result = ResultSuccess
	if bytes.Contains(s.text[i:i+open], []byte("denied")) {
		a.Result = ResultFailed
	}
	s.f.Result = a.Result
	start := i + open + 1
	end := bytes.IndexByte(s.text[start:], '}')
	if end < 0 {
		return 2
	}
	a.Perm = bytes.Trim(s.text[start:start+end], " ")
	s.pos = start + end
	return 0
}

// avc finds the facts of an AVC record.
func (s *scan) avc() int {
	a := AVC{}
	if code := s.decision(&a); code != 0 {
		return code
	}
	if s.wants(WantPID) {
		if code := s.number("pid=", &s.f.PID, 0, 3); code != 0 {
			return code
		}
	}
	if s.wants(WantComm) {
		if code := s.comm(5); code != 0 {
			return code
		}
	}
	if s.wants(WantFile) {
		i := s.find("path=")
		if i < 0 {
			i = s.find(" name=")
		}
		if i >= 0 {
			if v, ok := s.value(i); ok {
				s.addFile(v)
			}
		}
	}
	for _, x := range [...]struct {
		want Want
		key  string
		dst  *[]byte
		open int
	}{{WantSubject, "scontext=", &a.Subject, 7}, {WantObject, "tcontext=", &a.Object, 8}} {
		if !s.wants(x.want) {
			continue
		}
		l, code := s.label(x.key, x.open)
		if code != 0 {
			return code
		}
		*x.dst = l
	}
	i := s.find("tclass=")
	if i < 0 {
		return 9
	}
	a.Class = s.tail(i)
	s.f.AVCs = append(s.f.AVCs, a)
	return 0
}

// avcPath finds the name in an AVC_PATH record.
func (s *scan) avcPath() int {
	if !s.wants(WantFile) {
		return 0
	}
	i := s.find("path=")
	if i < 0 {
		return 1
	}
	if v, ok := s.value(i); ok {
		s.addFile(v)
	}
	return 0
}
