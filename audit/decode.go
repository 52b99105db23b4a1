package audit

import (
	"bytes"
	"math"

	"vigil/audit/tables"
)

// IsNull reports whether the kernel had no value to print.
func (f Field) IsNull() bool { return string(f.Value) == "(null)" }

// Text appends the value as it was before the kernel encoded it: quotes are
// stripped, and the upper-case hexadecimal digits that stand for a string with a
// space, a quote or a control character in it are decoded (kernel/audit.c,
// audit_log_n_untrustedstring). Whether bare digits are such a string only the
// name can say, together with the record type: comm=CAFE is, a1=CAFE is in
// EXECVE and not in SYSCALL. "(null)" is nothing.
//
// The text may hold any byte: NULs between the arguments of a proctitle, 0x01
// between keys, newlines, invalid UTF-8.
func (f Field) Text(dst []byte) []byte {
	text, ok := f.View()
	if !ok {
		if out, ok := AppendUnhex(dst, f.Value); ok {
			return out
		}
		text = f.Value
	}
	return append(dst, text...)
}

// View returns what Text appends, without copying it, if it stands in the record
// as it is; false if it must be decoded.
func (f Field) View() ([]byte, bool) {
	v := f.Value
	if n := len(v); n >= 2 {
		switch c := v[0]; {
		case (c == '"' || c == '\'') && v[n-1] == c:
			return v[1 : n-1], true
		case c == '(' && f.IsNull():
			return nil, true
		case isUpperHex(c) && n%2 == 0 && f.isEncoded():
			return nil, false
		}
	}
	return v, true
}

// isEncoded reports whether a bare value of f is hexadecimal for a string, if it is
// hexadecimal.
func (f Field) isEncoded() bool {
	if f.origin&inExtra != 0 {
		return bytes.HasSuffix(f.Name, []byte("UID")) || bytes.HasSuffix(f.Name, []byte("GID"))
	}
	if f.origin.typ() == tables.TypeExecve {
		_, _, ok := execveArg(f.Name)
		return ok
	}
	return encodedName(f.origin.typ(), f.Name)
}

// encodedName says of which names a bare value is hexadecimal: those printed
// with audit_log_untrustedstring in the kernel, and with
// audit_encode_nv_string(3) by programs. A name that programs also print as it
// is, like id=1000 or hostname=BEEF, is not one of them, nor are labels, which
// security modules print with %s.
func encodedName(t tables.Type, name []byte) bool {
	switch string(name) {
	case "comm", "exe", "cwd", "name", "proctitle", "path", "key", "cmd", "acct", "data",
		"file", "ocomm", "watch", "dir", "vm", "device", "cgroup", "grp", "new_group",
		"root_dir", "sw", "old-chardev", "new-chardev", "old-disk", "new-disk", "old-fs",
		"new-fs", "old-net", "new-net", "old-rng", "new-rng", "profile", "label", "peer",
		"peer_profile", "srcname", "invalid_context":
		return true
	case "dev":
		// A network device's name is printed as it is, with %s
		// (net/core/dev.c, __dev_set_promiscuity).
		return t != tables.TypeAnomPromiscuous
	case "rule", "output", "desc":
		return t == tables.TypeRespAlert // ours, see RESP_ALERT in docs/format
	}
	return false
}

// isUpperHex reports whether c is one of the digits that the kernel uses.
func isUpperHex(c byte) bool { return c-'0' <= 9 || c-'A' <= 5 }

// AppendUnhex appends the bytes that the upper-case hexadecimal digits in v stand
// for. If v is not a whole number of such pairs, dst is returned as it was, with
// false.
func AppendUnhex(dst, v []byte) ([]byte, bool) {
	if len(v)%2 != 0 {
		return dst, false
	}
	start := len(dst)
	for i := 0; i < len(v); i += 2 {
		hi, lo := upperHexValue[v[i]], upperHexValue[v[i+1]]
		if hi|lo > 0xf {
			return dst[:start], false
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, true
}

// upperHexValue maps a digit to its value and all else to 0xff.
var upperHexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "0123456789ABCDEF" {
		t[c] = byte(i)
	}
	return t
}()

// Uint returns a decimal number; false if the value is none or exceeds 64 bits.
func (f Field) Uint() (uint64, bool) {
	v, n := parseUint(f.Value, math.MaxUint64)
	return v, n > 0 && n == len(f.Value)
}

// Int returns a decimal number with or without a sign; false if the value is none
// or exceeds 64 bits.
func (f Field) Int() (int64, bool) {
	b := f.Value
	limit, neg := uint64(math.MaxInt64), false
	if len(b) > 0 && b[0] == '-' {
		b, limit, neg = b[1:], limit+1, true
	}
	v, n := parseUint(b, limit)
	if n == 0 || n != len(b) {
		return 0, false
	}
	if neg {
		return -int64(v), true
	}
	return int64(v), true
}

// Hex returns a number printed in hexadecimal, as a0 to a3 of SYSCALL are, with
// or without 0x; false if the value is none or exceeds 64 bits.
func (f Field) Hex() (uint64, bool) {
	b, _ := cutPrefix(f.Value, "0x")
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	var v uint64
	for _, c := range b {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c-'a' <= 5:
			c -= 'a' - 10
		case c-'A' <= 5:
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint64(c)
	}
	return v, true
}

// Octal returns a number printed in octal, as mode is; false if it is none or
// exceeds 32 bits.
func (f Field) Octal() (uint32, bool) {
	if len(f.Value) == 0 || len(f.Value) > 11 {
		return 0, false
	}
	var v uint64
	for _, c := range f.Value {
		if c-'0' > 7 {
			return 0, false
		}
		v = v<<3 | uint64(c-'0')
	}
	return uint32(v), v <= math.MaxUint32
}

// Errno returns the error number that a system call's exit field holds, 0 if it
// holds none: 13 for exit=-13, and for exit=EACCES, which is what interpreting
// tools write.
func (f Field) Errno() int {
	if n, ok := f.Int(); ok {
		if n < 0 && n >= -4095 { // MAX_ERRNO, include/linux/err.h
			return int(-n)
		}
		return 0
	}
	if n, ok := tables.ErrnoNumber(string(f.Value)); ok {
		return n
	}
	return 0
}
