package auparse

import (
	"bytes"
)

// maxExtra bounds the fields that are taken from what the daemon has added: no record of auditd's has as many.
const maxExtra = 64

// extra is what the daemon has added to a record: names that the log's host knew.
type extra struct {
	// address is what SADDR= has in braces; a record that begins with it has nothing else.
	address []byte
	fields  []Field
}

func (e *extra) load(enrichment []byte) {
	e.address, e.fields = nil, e.fields[:0]
	if saddr, ok := bytes.CutPrefix(enrichment, []byte("SADDR=")); ok {
		if start := bytes.IndexByte(saddr, '{'); start >= 0 {
			if end := bytes.IndexByte(saddr[start:], '}'); end >= 0 {
				e.address = saddr[start : start+end+1]
			}
		}
		return
	}
	for rest := enrichment; len(rest) > 0 && len(e.fields) < maxExtra; {
		word := rest
		if i := bytes.IndexByte(rest, ' '); i >= 0 {
			word, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if name, value, ok := bytes.Cut(word, []byte("=")); ok {
			e.fields = append(e.fields, Field{name, value})
		}
	}
}

// find returns the value of the first field of that name; case is ignored.
func (e *extra) find(name []byte) ([]byte, bool) {
	if e.address != nil {
		return e.address, string(name) == "saddr"
	}
	for i := range e.fields {
		f := &e.fields[i]
		if len(f.Name) == len(name) && equalFold(f.Name, name) {
			return f.Value, true
		}
	}
	return nil, false
}

// equalFold reports whether a, in lower case, is b. Their lengths are the same.
func equalFold(a, b []byte) bool {
	for i, c := range a {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != b[i] {
			return false
		}
	}
	return true
}

// appendExtra appends what the daemon has said of a field, and false if it has said nothing or had no word for it. Names of users and groups
// are strings as the kernel encodes them, the rest is as it is.
func (x *Interpreter) appendExtra(dst []byte, r *Record, k kind, name []byte) ([]byte, bool) {
	if len(r.Enrichment) == 0 {
		return dst, false
	}
	value, ok := r.extra.find(name)
	if !ok || bytes.HasPrefix(value, []byte("unknown-")) {
		return dst, false
	}
	start := len(dst)
	if k == kindUser || k == kindGroup {
		dst = x.appendEscaped(dst, value)
	} else {
		dst = append(dst, value...)
	}
	return x.harmless(dst, start), true
}

// harmless escapes the control bytes in what dst has from start on, where libauparse lets them through. What of it could
// pass for the daemon's own text is no exception.
func (x *Interpreter) harmless(dst []byte, start int) []byte {
	if x.escape == Raw {
		return dst
	}
	return TTY.escape(dst, start)
}
