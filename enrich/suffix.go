package enrich

import (
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// maxLine is the length of the longest line that auditd writes, without the
// newline: MAX_AUDIT_MESSAGE_LENGTH (8970, libaudit.h) less the NUL of C.
const maxLine = 8969

// AppendSuffix appends what auditd adds to r's line with
// log_format = ENRICHED: audit.Separator and the names behind the numbers. It
// appends nothing if there is nothing to say. It does not look at
// r.Enrichment.
//
// A record that tells of a change of users or groups makes names look at its
// files first.
func AppendSuffix(dst []byte, r audit.Record, names *Names) []byte {
	switch r.Type {
	case tables.TypeExecve, tables.TypeProctitle, tables.TypeCWD, tables.TypeEOE:
		return dst // no such fields
	case tables.TypeTrustedApp:
		return dst // libauparse does not look into these
	}
	names.Observe(r.Type)
	w := writer{
		dst:   dst,
		limit: len(dst) + maxLine - stampLength(r) - len(r.Body),
		kind:  r.Type,
		start: newScanner(r.Type, r.Body),
		names: names,
	}
	w.fields()
	return w.dst
}

// stampLength returns the length of what stands before r's text in its line, but
// for the node name.
func stampLength(r audit.Record) int {
	length := len("type= msg=audit(.mmm:): ") + len(r.Type.String()) + 2
	for n := uint64(r.ID.Sec); n > 9; n /= 10 {
		length++
	}
	for n := r.ID.Serial; n > 9; n /= 10 {
		length++
	}
	return length
}

// writer appends one record's enrichment.
type writer struct {
	dst    []byte
	limit  int         // length that dst must not pass
	begun  bool        // the separator is written
	kind   tables.Type // of the record
	start  scanner     // at the start of its text
	names  *Names
	call   call
	called bool // call is filled in
	users  written
	groups written
}

// fields goes through the record's fields and writes those that have a name.
func (w *writer) fields() {
	s := w.start
	for s.next() {
		kind, key := kindOf(s.name)
		if kind == kindNone {
			continue
		}
		if kind == kindAddress && noAddress(w.kind) ||
			kind == kindUring && w.kind != tables.TypeUringOp {
			continue
		}
		w.field(kind, key, trim(s.value))
	}
}

// noAddress reports whether saddr is plain text in records of the type, not a
// socket address.
func noAddress(t tables.Type) bool {
	return t == tables.TypeAVC || t == tables.TypeNetfilterPkt
}

// field writes one key and its value, or nothing if there is no room.
func (w *writer) field(kind kind, key string, value []byte) {
	before := len(w.dst)
	if w.begun {
		w.dst = append(w.dst, ' ')
	} else {
		w.dst = append(w.dst, audit.Separator)
	}
	w.dst = append(w.dst, key...)
	w.dst = append(w.dst, '=')
	switch kind {
	case kindUser, kindGroup:
		w.id(kind, value)
	case kindArch:
		w.arch(value)
	case kindSyscall:
		w.syscall()
	case kindUring:
		w.uring()
	case kindAddress:
		w.dst = appendAddress(w.dst, value, w.names)
	}
	if len(w.dst) > w.limit {
		w.dst = w.dst[:before]
		w.users, w.groups = written{}, written{}
		return
	}
	w.begun = true
}

// id writes the name of a user or group.
func (w *writer) id(kind kind, value []byte) {
	number, ok := parseNumber(value, 10)
	if !ok {
		w.dst = appendConversionError(w.dst, value)
		return
	}
	// Most records name one user and one group again and again.
	last := &w.users
	if kind == kindGroup {
		last = &w.groups
	}
	if id := uint32(number); last.end > 0 && last.id == id {
		w.dst = append(w.dst, w.dst[last.start:last.end]...)
	} else {
		last.id, last.start = id, len(w.dst)
		w.dst = w.appendName(kind, id)
		last.end = len(w.dst)
	}
}

// written is a name that stands in the output already.
type written struct {
	id         uint32
	start, end int // end is 0 if there is none
}

// appendName appends the name of a user or group, in quotes or in hexadecimal.
func (w *writer) appendName(kind kind, id uint32) []byte {
	if id == unset {
		return append(w.dst, `"unset"`...)
	}
	lookup := (*Names).userName
	if kind == kindGroup {
		lookup = (*Names).groupName
	}
	if name, ok := lookup(w.names, id); ok {
		return name.appendQuoted(w.dst)
	}
	dst := append(w.dst, `"unknown(`...)
	dst = strconv.AppendInt(dst, int64(int32(id)), 10)
	return append(dst, `)"`...)
}

// unset is the id of nobody: (uid_t)-1.
const unset = 0xffffffff

// appendConversionError appends auditd's word for a number that does not fit,
// which has a space and therefore stands in hexadecimal.
func appendConversionError(dst, value []byte) []byte {
	dst = appendHex(dst, "conversion error(")
	dst = appendHex(dst, value)
	return appendHex(dst, ")")
}

// appendHex appends upper-case hexadecimal digits.
func appendHex[T string | []byte](dst []byte, s T) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		dst = append(dst, digits[s[i]>>4], digits[s[i]&15])
	}
	return dst
}

// parseNumber reads a number as C's strtoul does: white space, a sign, as many
// digits as there are. What has no digits is 0. It fails if the number does not
// fit 64 bits.
func parseNumber(s []byte, base uint64) (uint64, bool) {
	for len(s) > 0 && (s[0] == ' ' || s[0] >= '\t' && s[0] <= '\r') {
		s = s[1:]
	}
	negative := false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		s = s[1:]
	}
	if base == 16 && len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && hexDigit(s[2]) < 16 {
		s = s[2:]
	}
	var n uint64
	for _, c := range s {
		d := uint64(hexDigit(c))
		if d >= base {
			break
		}
		if n >= 1<<59 && n > (1<<64-1-d)/base { // the division is slow
			return 0, false
		}
		n = n*base + d
	}
	if negative {
		n = -n
	}
	return n, true
}

// hexDigit returns the value of a hexadecimal digit, 16 for what is none.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}
