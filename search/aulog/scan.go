package aulog

import (
	"bytes"
	"math"

	"vigil/audit/tables"
)

// scan looks for fields in a record as stock does: for the bytes of "pid=",
// wherever they stand, from the place on where the last field that was found
// ended. So "pid=" is found in "ppid=5" if that comes first.
//
// Its methods for the types of records return 0, or stock's number for what is
// wrong with the record.
type scan struct {
	f    *Facts
	want Want
	text []byte
	pos  int
	typ  tables.Type
	v4   bool

	resultFrom int // where res= of a user message is looked for: behind comm=, if that was found
}

func (s *scan) wants(w Want) bool { return s.want&w != 0 }

// find returns the place behind key, -1 if it is not there.
func (s *scan) find(key string) int {
	i := bytes.Index(s.text[s.pos:], []byte(key))
	if i < 0 {
		return -1
	}
	return s.pos + i + len(key)
}

// word returns the text from a place to the next space, at which the search goes
// on; false if there is none.
func (s *scan) word(from int) ([]byte, bool) {
	i := bytes.IndexByte(s.text[from:], ' ')
	if i < 0 {
		return nil, false
	}
	s.pos = from + i
	return s.text[from:s.pos], true
}

// tail is word that may end with the record.
func (s *scan) tail(from int) []byte {
	if w, ok := s.word(from); ok {
		return w
	}
	s.pos = len(s.text)
	return s.text[from:]
}

// number reads a field that ends with a space into dst. missing is what is
// wrong if it is not there, 0 if it need not be; open, if nothing follows it;
// open+1, if it is no number that fits.
func (s *scan) number(key string, dst *uint32, missing, open int) int {
	i := s.find(key)
	if i < 0 {
		return missing
	}
	return s.numberAt(i, dst, open)
}

func (s *scan) numberAt(i int, dst *uint32, open int) int {
	w, ok := s.word(i)
	if !ok {
		return open
	}
	v, ok := strtoul(w, 10)
	if !ok {
		return open + 1
	}
	*dst = uint32(v)
	return 0
}

// numberTail is number for a field that may be the last.
func (s *scan) numberTail(key string, dst *uint32, missing, wrong int) int {
	i := s.find(key)
	if i < 0 {
		return missing
	}
	v, ok := strtoul(s.tail(i), 10)
	if !ok {
		return wrong
	}
	*dst = uint32(v)
	return 0
}

// label reads a security label that ends with a space.
func (s *scan) label(key string, open int) ([]byte, int) {
	i := s.find(key)
	if i < 0 {
		return nil, 0
	}
	w, ok := s.word(i)
	if !ok {
		return nil, open
	}
	return w, 0
}

// text-valued fields: quoted, or in hexadecimal.

// value returns what stands at a place: the text between quotes, or the bytes
// that hexadecimal digits up to the next space stand for. false: the closing
// quote is missing.
func (s *scan) value(i int) ([]byte, bool) {
	if i < len(s.text) && s.text[i] == '"' {
		n := bytes.IndexByte(s.text[i+1:], '"')
		if n < 0 {
			return nil, false
		}
		s.pos = i + 1 + n
		return s.text[i+1 : s.pos], true
	}
	return s.unhex(s.tail(i)), true
}

// unhex decodes pairs of hexadecimal digits up to the first that is none. What
// stands in parentheses, as (null) does, is left as it is; nil if nothing is
// there.
func (s *scan) unhex(w []byte) []byte {
	if len(w) > 0 && w[0] == '(' {
		return w
	}
	w = bytes.TrimPrefix(w, []byte("00")) // of an abstract socket
	start := len(s.f.mem)
	for len(w) >= 2 {
		hi, lo := nibble(w[0]), nibble(w[1])
		if hi > 15 || lo > 15 || hi|lo == 0 {
			break
		}
		s.f.mem = append(s.f.mem, hi<<4|lo)
		w = w[2:]
	}
	if len(s.f.mem) == start {
		return nil
	}
	if len(w) == 1 && nibble(w[0]) <= 15 && !s.v4 { // of an odd number of digits
		s.f.mem = append(s.f.mem, nibble(w[0])<<4)
	}
	return s.f.mem[start:len(s.f.mem):len(s.f.mem)]
}

// nibble returns the value of a hexadecimal digit, more than 15 if it is none.
func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xFF
}

// strtoul is C's: leading space and sign, digits up to the first that is none;
// false if the number is too large. Digits may be missing.
func strtoul(w []byte, base uint64) (uint64, bool) {
	for len(w) > 0 && (w[0] == ' ' || w[0] >= '\t' && w[0] <= '\r') {
		w = w[1:]
	}
	negative := false
	if len(w) > 0 && (w[0] == '-' || w[0] == '+') {
		negative = w[0] == '-'
		w = w[1:]
	}
	if base == 16 && len(w) > 1 && w[0] == '0' && w[1]|0x20 == 'x' {
		w = w[2:]
	}
	var v uint64
	for _, c := range w {
		var d uint64
		switch {
		case c >= '0' && c <= '9':
			d = uint64(c - '0')
		case c >= 'a' && c <= 'f':
			d = uint64(c-'a') + 10
		case c >= 'A' && c <= 'F':
			d = uint64(c-'A') + 10
		default:
			d = 99
		}
		if d >= base {
			break
		}
		if v > (math.MaxUint64-d)/base {
			return 0, false
		}
		v = v*base + d
	}
	if negative {
		v = -v
	}
	return v, true
}

func (s *scan) addFile(name []byte) {
	s.f.Files = append(s.f.Files, File{Name: name, Type: s.typ})
}

func (s *scan) addLabels(subject, object []byte) {
	s.f.AVCs = append(s.f.AVCs, AVC{Subject: subject, Object: object})
}

// numericResult reads the res= of a record of the kernel's: 1 or 0.
func (s *scan) numericResult() {
	if !s.wants(WantSuccess) {
		return
	}
	i := s.find("res=")
	if i < 0 {
		return
	}
	switch v, _ := strtoul(s.tail(i), 10); v {
	case 0:
		s.f.Result = ResultFailed
	case 1:
		s.f.Result = ResultSuccess
	default:
		s.f.Result = ResultUnset
	}
}

// wordResult reads the res= at a place: "failed" is a failure, anything else is
// none.
func (s *scan) wordResult(i int) {
	s.f.Result = ResultSuccess
	if bytes.HasPrefix(s.text[i:], []byte("failed")) {
		s.f.Result = ResultFailed
	}
}

// daemonResult reads the res= of a record of auditd's. missing is what is wrong
// with one that is no word.
func (s *scan) daemonResult(wrong int) int {
	if !s.wants(WantSuccess) {
		return 0
	}
	i := s.find("res=")
	if i < 0 {
		return 0
	}
	if i == len(s.text) || s.text[i]|0x20 < 'a' || s.text[i]|0x20 > 'z' {
		return wrong
	}
	s.wordResult(i)
	return 0
}
