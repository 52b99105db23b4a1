package auparse

import (
	"strconv"

	"vigil/audit/tables"
	"vigil/search/auparse/words"
)

// appendExit appends what a system call has returned: an error's name and its text, or the number.
func (x *Interpreter) appendExit(dst, value []byte) []byte {
	n, ok := parseInt(value, 10)
	switch {
	case !ok:
		return conversionError(dst, value)
	case n >= 0:
		return append(dst, value...)
	}
	errno := int32(-n)
	name, ok := errnoName(errno)
	if !ok {
		name = "(null)"
	}
	dst = append(dst, name...)
	dst = append(dst, '(')
	dst = x.appendErrorText(dst, errno)
	return append(dst, ')')
}

// appendErrorText appends what the C library's strerror says.
func (x *Interpreter) appendErrorText(dst []byte, errno int32) []byte {
	if errno >= 0 {
		if text, ok := words.ErrorText.Find(uint64(errno), x.version); ok {
			return append(dst, text...)
		}
	}
	dst = append(dst, "Unknown error "...)
	return strconv.AppendInt(dst, int64(errno), 10)
}

// errnoName returns the name of an error that the audit tools know: not the newest ones.
func errnoName(errno int32) (string, bool) {
	if errno <= 0 || errno > 133 {
		return "", false
	}
	return tables.ErrnoName(int(errno))
}

// appendErrno appends the name of an error, with or without a sign.
func appendErrno(dst, value []byte) []byte {
	n, ok := parseUint(value, 10)
	if !ok {
		return conversionError(dst, value)
	}
	errno := int32(n)
	if errno < 0 {
		errno = -errno
	}
	if name, ok := errnoName(errno); ok {
		return append(dst, name...)
	}
	return append(dst, "UNKNOWN"...)
}
