package aulog

import "bytes"

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
