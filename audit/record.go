package audit

import (
	"bytes"
	"errors"

	"vigil/audit/tables"
)

// Separator stands between the kernel's text and what the daemon adds to a
// record in an audit log (auditd's AUDIT_INTERP_SEPARATOR).
const Separator = 0x1D

// Errors of ParseMessage and ParseLine. They are fixed values, so that a flood
// of broken lines costs no memory.
var (
	// ErrStamp: the text has no audit(SEC.mmm:SERIAL): where it must stand.
	ErrStamp = errors.New("parse record: no audit(SEC.mmm:SERIAL): stamp")
	// ErrType: the line has no type= or one whose name is not known.
	ErrType = errors.New("parse record: no type= or an unknown one")
)

// Record is one record of the audit stream: a view of the buffer that it was
// parsed from, valid as long as that buffer is left alone. Clone it to keep it.
type Record struct {
	Type       tables.Type
	ID         ID
	Node       []byte // the name after node=, nil if there is no such prefix
	Body       []byte // the text after "audit(...): ", byte for byte
	Enrichment []byte // the text after Separator, nil if there is none
}

// ParseMessage parses the payload of a netlink message from the kernel,
// "audit(1626611363.720:348501): arch=...". All of the text after the stamp is
// Body: the kernel adds no enrichment, and a Separator in it was put there by
// whoever wrote the message.
func ParseMessage(t tables.Type, payload []byte) (Record, error) {
	id, body, ok := parseStamp(payload)
	if !ok {
		return Record{}, ErrStamp
	}
	return Record{Type: t, ID: id, Body: body}, nil
}

// ParseLine parses one line of an audit log, without its newline:
// "[node=N ]type=T msg=audit(SEC.mmm:SERIAL): text[\x1Denrichment]".
func ParseLine(line []byte) (Record, error) {
	var r Record
	if rest, ok := cutPrefix(line, "node="); ok {
		i := bytes.IndexByte(rest, ' ')
		if i < 0 {
			return Record{}, ErrType
		}
		r.Node, line = rest[:i:i], rest[i+1:]
	}
	rest, ok := cutPrefix(line, "type=")
	if !ok {
		return Record{}, ErrType
	}
	i := bytes.IndexByte(rest, ' ')
	if i < 0 {
		return Record{}, ErrType
	}
	if r.Type, ok = typeByName(rest[:i]); !ok {
		return Record{}, ErrType
	}
	if rest, ok = cutPrefix(rest[i+1:], "msg="); !ok {
		return Record{}, ErrStamp
	}
	if r.ID, r.Body, ok = parseStamp(rest); !ok {
		return Record{}, ErrStamp
	}
	if i := bytes.IndexByte(r.Body, Separator); i >= 0 {
		r.Enrichment = r.Body[i+1:]
		r.Body = r.Body[:i:i]
	}
	return r, nil
}

// typeByName is tables.TypeByName that knows the most frequent types by heart.
func typeByName(name []byte) (tables.Type, bool) {
	switch string(name) {
	case "SYSCALL":
		return tables.TypeSyscall, true
	case "PATH":
		return tables.TypePath, true
	case "CWD":
		return tables.TypeCWD, true
	case "PROCTITLE":
		return tables.TypeProctitle, true
	case "EXECVE":
		return tables.TypeExecve, true
	case "SOCKADDR":
		return tables.TypeSockaddr, true
	}
	return tables.TypeByName(name)
}

// parseStamp reads "audit(SEC.mmm:SERIAL):", and one space if there is one, and
// returns what follows.
func parseStamp(b []byte) (id ID, body []byte, ok bool) {
	b, ok = cutPrefix(b, "audit(")
	if !ok {
		return ID{}, nil, false
	}
	id, n := parseID(b)
	if n == 0 || len(b) < n+2 || b[n] != ')' || b[n+1] != ':' {
		return ID{}, nil, false
	}
	b = b[n+2:]
	if len(b) > 0 && b[0] == ' ' {
		b = b[1:]
	}
	return id, b, true
}

// AppendLine appends the line that auditd writes for r with log_format=RAW,
// without newline and enrichment. The line begins with node=NODE if node is not
// empty. Whatever r holds, it is one line and parses back to the same type and
// stamp: newline, NUL and Separator in the text become spaces (the latter would
// make text of the sender's pass for enrichment of ours), then one trailing
// space is cut, as auditd does.
func (r Record) AppendLine(dst []byte, node []byte) []byte {
	if len(node) > 0 {
		dst = append(dst, "node="...)
		dst = appendNode(dst, node)
		dst = append(dst, ' ')
	}
	dst = append(dst, "type="...)
	dst = r.Type.AppendLog(dst)
	dst = append(dst, " msg=audit("...)
	dst = r.ID.AppendTo(dst)
	dst = append(dst, "): "...)
	start := len(dst)
	dst = append(dst, r.Body...)
	blank(dst[start:], '\n')
	blank(dst[start:], 0)
	blank(dst[start:], Separator)
	if dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendNode appends a node name, with what would end it replaced by '_'.
func appendNode(dst, node []byte) []byte {
	for _, c := range node {
		if c <= ' ' || c == 0x7f {
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}

// blank replaces every c in b with a space.
func blank(b []byte, c byte) {
	for {
		i := bytes.IndexByte(b, c)
		if i < 0 {
			return
		}
		b[i] = ' '
		b = b[i+1:]
	}
}

// Clone returns a copy of r that shares no memory with it.
func (r Record) Clone() Record {
	r.Node = bytes.Clone(r.Node)
	r.Body = bytes.Clone(r.Body)
	r.Enrichment = bytes.Clone(r.Enrichment)
	return r
}

// cutPrefix is bytes.CutPrefix for a prefix that is a constant string.
func cutPrefix(b []byte, prefix string) ([]byte, bool) {
	if len(b) < len(prefix) || string(b[:len(prefix)]) != prefix {
		return b, false
	}
	return b[len(prefix):], true
}
