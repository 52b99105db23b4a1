package aulog

import (
	"bytes"

	"vigil/audit/tables"
)

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
	at := s.pos
	for _, key := range [...]string{"a0=", "a1="} {
		i := s.find(key)
		if i < 0 {
			return 11
		}
		if _, ok := s.word(i); !ok {
			return 12
		}
	}
	s.pos = at
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
		}
	}
	return s.taskNames()
}

func (s *scan) taskIDs() int {
	if s.wants(WantUID) {
		at, i := s.pos, s.find("uid=")
		for i >= 5 && s.text[i-5] == 'a' {
			s.pos = i
			i = s.find("uid=")
		}
		s.pos = at
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

// taskNames finds what stands behind the ids. None of it moves the place at which
// the search goes on.
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
		at := s.pos
		l, code := s.label("subj=", 41)
		if code != 0 {
			return code
		}
		if l != nil {
			s.addLabels(l, nil)
		}
		s.pos = at
	}
	if s.wants(WantKey) && (s.typ == tables.TypeSyscall || s.typ == tables.TypeUringOp) {
		if code := s.keys(); code != 0 {
			return code
		}
	}
	s.numericResult()
	return 0
}

// comm finds comm=, whose absence is wrong if missing is not 0. The search goes
// on where it was.
func (s *scan) comm(missing int) int {
	i := s.find("comm=")
	if i < 0 {
		return missing
	}
	at := s.pos
	v, ok := s.value(i)
	s.pos = at
	if !ok {
		return 37
	}
	if v != nil {
		s.f.Comms = append(s.f.Comms, v)
	}
	return 0
}

// keySeparator stands between the keys of a rule (AUDIT_KEY_SEPARATOR).
const keySeparator = 1

// keys finds key=, of which a rule may have several.
func (s *scan) keys() int {
	i := s.find("key=")
	if i < 0 {
		return 0
	}
	quoted := i < len(s.text) && s.text[i] == '"'
	v, ok := s.value(i)
	switch {
	case !ok:
		return 44
	case v == nil:
		return 45
	case quoted:
		s.f.Keys = append(s.f.Keys, v)
		return 0
	}
	for {
		j := bytes.IndexByte(v, keySeparator)
		if j < 0 {
			s.f.Keys = append(s.f.Keys, v)
			return 0
		}
		s.f.Keys = append(s.f.Keys, v[:j])
		v = v[j+1:]
	}
}

// taskMessage finds the facts of a record that consists of a task's fields and a
// result.
func (s *scan) taskMessage() int { return s.task() }

// uring finds the facts of a URINGOP record.
func (s *scan) uring() int {
	var op uint32
	if code := s.number("uring_op=", &op, 4, 5); code != 0 {
		return code
	}
	if code := s.outcome(); code != 0 {
		return code
	}
	return s.task()
}
