package aulog

import (
	"bytes"

	"vigil/audit/tables"
)

// user finds the facts of a user message: those that the kernel wrote in front,
// then those of the program.
func (s *scan) user() int {
	if s.typ == tables.TypeUserAVC {
		if code := s.userAVC(); code != 0 {
			return code
		}
		s.pos = 0
	}
	if code := s.userFront(); code != 0 {
		return code
	}
	return s.userText()
}

func (s *scan) userFront() int {
	if s.wants(WantPID) {
		if code := s.number("pid=", &s.f.PID, 1, 2); code != 0 {
			return code
		}
	}
	if s.wants(WantUID) {
		if code := s.number("uid=", &s.f.UID, 4, 5); code != 0 {
			return code
		}
	}
	if s.wants(WantLoginUID) {
		if code := s.number("auid=", &s.f.LoginUID, 7, 8); code != 0 {
			return code
		}
	}
	if s.wants(WantSession) {
		if i := s.find("ses="); i >= 0 {
			if code := s.numberAt(i, &s.f.Session, 10); code != 0 {
				return code
			}
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
	if s.typ == tables.TypeVirtMachineID {
		return s.guestLabels()
	}
	return 0
}

// guestLabels finds the labels of a virtual machine and of its image.
func (s *scan) guestLabels() int {
	at := s.pos
	if s.wants(WantSubject) {
		l, code := s.label("vm-ctx=", 26)
		if code != 0 {
			return code
		}
		if l != nil {
			s.addLabels(l, nil)
		}
	}
	s.pos = at
	if s.wants(WantObject) {
		l, code := s.label("img-ctx=", 27)
		if code != 0 {
			return code
		}
		if l != nil {
			s.addLabels(nil, l)
		}
	}
	s.pos = at
	return 0
}

func (s *scan) userText() int {
	if s.wants(WantUID) {
		if code := s.programUID(); code != 0 {
			return code
		}
	}
	if s.wants(WantGID) && s.typ == tables.TypeGrpMgmt {
		if code := s.number("gid=", &s.f.GID, 0, 31); code != 0 {
			return code
		}
	}
	if s.wants(WantComm) {
		s.resultFrom = max(0, s.find("comm="))
		if code := s.comm(0); code != 0 {
			return code
		}
	}
	if s.wants(WantVM) {
		if i := s.find("vm="); i >= 0 {
			if v, ok := s.value(i); ok {
				s.f.VM = v
			}
		}
	}
	if s.wants(WantUUID) {
		if i := s.find("uuid="); i >= 0 {
			s.f.UUID = s.tail(i)
		}
	}
	s.userAcct()
	return s.userEnd()
}

// programUID finds the uid= that a program has written, which goes before the
// kernel's.
func (s *scan) programUID() int {
	at := s.pos
	for {
		i := s.find("uid=")
		if i < 0 {
			s.pos = at
			return 0
		}
		switch s.text[max(i-5, 0)] {
		case 'a': // auid=
			s.pos = i
			continue
		case 's', 'u': // suid=, uuid=
			s.pos = at
			return 0
		case ' ', '\'':
		default:
			return 25
		}
		if i == len(s.text) || s.text[i] < '0' || s.text[i] > '9' {
			return 14
		}
		v, ok := strtoul(s.tail(i), 10)
		if !ok {
			return 15
		}
		s.f.UID = uint32(v)
		return 0
	}
}

func (s *scan) userAcct() {
	i := s.find("acct=")
	if i < 0 {
		return
	}
	if v, ok := s.said(i); ok {
		s.f.Acct = v
	}
}

// said is value for what a program has said: unless it is hexadecimal digits all
// through, it is what it is.
func (s *scan) said(i int) ([]byte, bool) {
	if i < len(s.text) && s.text[i] == '"' {
		return s.value(i)
	}
	w := s.tail(i)
	for _, c := range w {
		if nibble(c) > 15 {
			return w, true
		}
	}
	if bytes.HasPrefix(w, []byte("00")) {
		return w[:0], true
	}
	if v := s.unhex(w); v != nil || len(w) < 2 {
		return v, true
	}
	return w[:0], true
}

func (s *scan) userEnd() int {
	if s.wants(WantFile) && s.typ == tables.TypeVirtResource {
		at := s.pos
		s.pos = 0
		for _, key := range []string{"new-disk=", "path="} {
			if i := s.find(key); i >= 0 {
				if v, ok := s.value(i); ok && v != nil {
					s.addFile(v)
				}
			}
		}
		s.pos = at
	}
	if s.wants(WantFile) {
		if i := s.find("cwd="); i >= 0 {
			if v, ok := s.value(i); ok {
				s.addFile(v)
			}
		}
	}
	if s.wants(WantExe) {
		if i := s.find("exe="); i >= 0 {
			if v, ok := s.said(i); ok {
				s.f.Exe = v
			}
		}
	}
	if s.wants(WantHost) {
		if code := s.userHost(); code != 0 {
			return code
		}
	}
	if s.wants(WantTerminal) {
		if i := s.find("terminal="); i >= 0 {
			w, ok := s.word(i)
			if !ok {
				return 19
			}
			s.f.Terminal = w
		}
	}
	if s.wants(WantSuccess) {
		s.pos = s.resultFrom // so gpg_res=1 in front of it is taken for it
		if i := s.find("res="); i >= 0 {
			if bytes.IndexByte(s.text[i:], '\'') < 0 {
				return 21
			}
			s.wordResult(i)
		}
	}
	return 0
}

// userHost finds the host, or its address if the program does not know its name.
func (s *scan) userHost() int {
	i := s.find("hostname=")
	if i < 0 {
		return 0
	}
	w, ok := s.word(i)
	if !ok {
		return 17
	}
	if s.f.Host = w; string(w) != "?" {
		return 0
	}
	if i = s.find("addr="); i >= 0 {
		w, ok = s.word(i)
		if !ok {
			return 18
		}
		s.f.Host = w
	}
	return 0
}

// userAVC finds the decision in a USER_AVC record.
func (s *scan) userAVC() int {
	a := AVC{}
	if code := s.decision(&a); code != 0 {
		return code
	}
	if s.wants(WantObject) {
		if i := s.find("tcontext="); i >= 0 {
			a.Object = s.tail(i)
		}
	}
	if i := s.find("tclass="); i >= 0 {
		a.Class = s.tail(i)
	}
	s.f.AVCs = append(s.f.AVCs, a)
	return 0
}

// login finds the facts of a LOGIN record.
func (s *scan) login() int {
	if s.wants(WantPID) {
		if code := s.number("pid=", &s.f.PID, 1, 2); code != 0 {
			return code
		}
	}
	if s.wants(WantUID) {
		if code := s.number("uid=", &s.f.UID, 4, 5); code != 0 {
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
	if s.wants(WantLoginUID) {
		key := " auid="
		if s.find("new auid=") >= 0 {
			key = "new auid="
		}
		if code := s.numberTail(key, &s.f.LoginUID, 7, 8); code != 0 {
			return code
		}
	}
	if s.wants(WantSession) {
		key := " ses="
		if s.find("new ses=") >= 0 {
			key = "new ses="
		}
		if code := s.numberTail(key, &s.f.Session, 14, 15); code != 0 {
			return code
		}
	}
	if s.wants(WantSuccess) {
		s.f.Result = ResultSuccess
		s.numericResult()
	}
	return 0
}
