package aulog

import "bytes"

// syscall finds the facts of a SYSCALL record.
func (s *scan) syscall() int {
	if s.wants(WantArch) {
		i := s.find("arch=")
		if i < 0 {
			return 1
		}
		w, ok := s.word(i)
		if !ok {
			return 2
		}
		v, ok := strtoul(w, 16)
		if !ok {
			return 3
		}
		s.f.Arch = uint32(v)
	}
	var nr uint32
	if code := s.number("syscall=", &nr, 4, 5); code != 0 {
		return code
	}
	s.f.Syscall = int(int32(nr))
	if code := s.outcome(); code != 0 {
		return code
	}
	for _, a := range [...]struct {
		key           string
		missing, open int
	}{{"a0=", 11, 12}, {"a1=", 11, 12}} {
		i := s.find(a.key)
		if i < 0 {
			return a.missing
		}
		if _, ok := s.word(i); !ok {
			return a.open
		}
	}
	return s.task()
}

// outcome finds success= and exit=.
func (s *scan) outcome() int {
	if s.wants(WantSuccess) {
		if i := s.find("success="); i >= 0 {
			w, ok := s.word(i)
			if !ok {
				return 7
			}
			if s.f.Result = ResultFailed; string(w) == "yes" {
				s.f.Result = ResultSuccess
			}
		}
	}
	if s.wants(WantExit) {
		i := s.find("exit=")
		if i < 0 {
			return 8
		}
		w, ok := s.word(i)
		if !ok {
			return 9
		}
		v, ok := strtoul(w, 10)
		if !ok {
			return 10
		}
		s.f.Exit, s.f.HasExit = int64(v), true
	}
	return 0
}

// task finds who has done it, in the fields that the kernel prints of a task.
func (s *scan) task() int {
	if s.wants(WantPPID) {
		if code := s.number("ppid=", &s.f.PPID, 0, 14); code != 0 {
			return code
		}
	}
	if s.wants(WantPID) {
		if code := s.number(" pid=", &s.f.PID, 16, 17); code != 0 {
			return code
		}
	}
	if s.wants(WantLoginUID) {
		if code := s.number("auid=", &s.f.LoginUID, 19, 20); code != 0 {
			return code
		}
		s.f.HasLoginUID = true
	}
	if code := s.taskIDs(); code != 0 {
		return code
	}
	if s.wants(WantTerminal) {
		if i := s.find("tty="); i >= 0 {
			w, ok := s.word(i)
			if !ok {
				return 34
			}
			s.f.Terminal = w
		}
	}
	if s.wants(WantSession) {
		if i := s.find("ses="); i >= 0 {
			if code := s.numberAt(i, &s.f.Session, 35); code != 0 {
				return code
			}
			s.f.HasSession = true
		}
	}
	return s.taskNames()
}

func (s *scan) taskIDs() int {
	if s.wants(WantUID) {
		i := s.find("uid=")
		if i >= 5 && s.text[i-5] == 'a' {
			at := s.pos
			s.pos = i
			i = s.find("uid=")
			s.pos = at
		}
		if i < 0 {
			return 22
		}
		if code := s.numberAt(i, &s.f.UID, 23); code != 0 {
			return code
		}
	}
	for _, x := range [...]struct {
		want    Want
		key     string
		dst     *uint32
		missing int
	}{
		{WantGID, "gid=", &s.f.GID, 25},
		{WantEUID, "euid=", &s.f.EUID, 28},
		{WantEGID, "egid=", &s.f.EGID, 31},
	} {
		if s.wants(x.want) {
			if code := s.number(x.key, x.dst, x.missing, x.missing+1); code != 0 {
				return code
			}
		}
	}
	return 0
}

// taskNames finds what stands behind the ids.
func (s *scan) taskNames() int {
	if s.wants(WantComm) {
		if code := s.comm(38); code != 0 {
			return code
		}
	}
	if s.wants(WantExe) {
		i := s.find("exe=")
		if i < 0 {
			return 40
		}
		v, ok := s.value(i)
		if !ok {
			return 41
		}
		s.f.Exe = v
	}
	if s.wants(WantSubject) {
		l, code := s.label("subj=", 41)
		if code != 0 {
			return code
		}
		if l != nil {
			s.addLabels(l, nil)
		}
	}
	if s.wants(WantKey) {
		s.keys()
	}
	return 0
}

// comm finds comm=, whose absence is wrong if missing is not 0.
func (s *scan) comm(missing int) int {
	i := s.find("comm=")
	if i < 0 {
		return missing
	}
	v, ok := s.value(i)
	if !ok {
		return 37
	}
	s.f.Comms = append(s.f.Comms, v)
	return 0
}

// keySeparator stands between the keys of a rule (AUDIT_KEY_SEPARATOR).
const keySeparator = 1

// keys finds key=, of which a rule may have several.
func (s *scan) keys() {
	i := s.find("key=")
	if i < 0 {
		return
	}
	if i < len(s.text) && s.text[i] == '"' {
		if v, ok := s.value(i); ok {
			s.f.Keys = append(s.f.Keys, v)
		}
		return
	}
	w := s.tail(i)
	if string(w) == "(null)" {
		return
	}
	for v := s.unhex(w); ; {
		j := bytes.IndexByte(v, keySeparator)
		if j < 0 {
			s.f.Keys = append(s.f.Keys, v)
			return
		}
		s.f.Keys = append(s.f.Keys, v[:j])
		v = v[j+1:]
	}
}

// taskMessage finds the facts of a record that consists of a task's fields and a
// result.
func (s *scan) taskMessage() int {
	if code := s.task(); code != 0 {
		return code
	}
	s.result("res=", "1", "yes")
	return 0
}

// uring finds the facts of a URINGOP record.
func (s *scan) uring() int { return s.task() }
