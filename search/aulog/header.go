package aulog

import (
	"bytes"
	"math"

	"vigil/audit"
	"vigil/audit/tables"
)

// header is what stands in front of the text of a line.
type header struct {
	node []byte // nil if there is none
	typ  tables.Type
	id   audit.ID
}

// verdict is what became of a line.
type verdict uint8

const (
	isRecord verdict = iota
	isNoise          // no record at all; stock passes over it in silence
	badStamp         // stock complains on standard error
)

// shortestStamp is the least length of the word "msg=audit(SEC.mmm:SERIAL):".
// Stock passes over a line with a shorter one: "msg=audit(1000:5):".
const shortestStamp = 19

// parseHeader reads "[node=N ]type=T msg=audit(SEC.mmm:SERIAL)" as stock does,
// which is lenient: words are separated by any number of spaces, the first five
// bytes of the first word are passed over whatever they are, a word that begins
// with n holds the node, and the stamp is what follows the first '('. stamp is
// the text of the stamp, for the complaint about it.
func parseHeader(line []byte) (h header, stamp []byte, v verdict) {
	word, rest := nextWord(line)
	if len(word) == 0 {
		return h, nil, isNoise
	}
	if word[0] == 'n' {
		h.node = skip(word, 5)
		word, rest = nextWord(rest)
	}
	name := skip(word, 5)
	word, _ = nextWord(rest)
	if len(word) < shortestStamp {
		return h, nil, isNoise
	}
	open := 9 // "msg=audit("
	if word[open] != '(' {
		if open = bytes.IndexByte(word, '('); open < 0 {
			return h, nil, isNoise
		}
	}
	stamp = word[open+1:]
	if i := bytes.IndexByte(stamp, ')'); i >= 0 {
		stamp = stamp[:i]
	}
	var ok bool
	if h.id, ok = parseStamp(stamp); !ok {
		return h, stamp, badStamp
	}
	h.typ = typeByName(name)
	return h, stamp, isRecord
}

// parseStamp reads "SEC.mmm:SERIAL". The milliseconds and the serial may be
// missing and are 0 then; what follows the digits is passed over.
func parseStamp(b []byte) (audit.ID, bool) {
	sec, n := parseUint(b, math.MaxInt64)
	if n < 0 {
		return audit.ID{}, false
	}
	id := audit.ID{Sec: int64(sec)}
	b = b[n:]
	if i := bytes.IndexByte(b, '.'); i >= 0 {
		b = b[i+1:]
		milli, n := parseUint(b, 999)
		if n < 0 {
			return audit.ID{}, false
		}
		id.Milli = uint16(milli)
		b = b[n:]
	}
	if i := bytes.IndexByte(b, ':'); i >= 0 {
		serial, n := parseUint(b[i+1:], math.MaxUint64)
		if n < 0 {
			return audit.ID{}, false
		}
		id.Serial = uint32(serial) // stock keeps as many bits
	}
	return id, true
}

// parseUint reads decimal digits from the start of b and returns how many there
// are, -1 if the number exceeds limit.
func parseUint(b []byte, limit uint64) (v uint64, n int) {
	for n < len(b) {
		d := uint64(b[n] - '0')
		if d > 9 {
			break
		}
		if v > (limit-d)/10 {
			return 0, -1
		}
		v = v*10 + d
		n++
	}
	return v, n
}

// typeByName is tables.TypeByName that knows the most frequent types by heart,
// and NoType for a name that is not known.
func typeByName(name []byte) tables.Type {
	switch string(name) {
	case "SYSCALL":
		return tables.TypeSyscall
	case "PATH":
		return tables.TypePath
	case "CWD":
		return tables.TypeCWD
	case "PROCTITLE":
		return tables.TypeProctitle
	case "EXECVE":
		return tables.TypeExecve
	case "SOCKADDR":
		return tables.TypeSockaddr
	}
	t, ok := tables.TypeByName(name)
	if !ok {
		return NoType
	}
	return t
}

// nextWord returns the first word of b, which ends at a space, and what follows.
func nextWord(b []byte) (word, rest []byte) {
	for len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i:i], b[i+1:]
	}
	return b, nil
}

func skip(b []byte, n int) []byte { return b[min(n, len(b)):] }

// alone reports whether a record of type t is complete by itself when it begins
// an event: no further record is added to it. All others wait. Audit 3 halves
// the event of which a LOGIN record is the first; audit 4 does not.
func alone(t tables.Type, d Dialect) bool {
	switch {
	case t == tables.TypeProctitle, t == tables.TypeUser, t == tables.TypeKernel:
		return true
	case t == tables.TypeLedger, t == tables.TypeContainer: // names that stock does not know
		return d == Audit3
	case d == Audit4 && t <= tables.TypeLogin:
		return false
	case t < 1300, t >= 2100:
		return true
	}
	return t >= tables.TypeMACUnlblAllow && t <= tables.TypeMACCALIPSODel
}
