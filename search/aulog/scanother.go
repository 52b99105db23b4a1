package aulog

import "vigil/audit/tables"

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
