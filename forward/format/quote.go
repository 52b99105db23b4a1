package format

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Control characters and all else that
// does not print, such as those that turn the direction of writing, are escaped as
// JSON has it. A byte that is not part of UTF-8 becomes the four characters \xNN:
// a name that holds these characters themselves reads the same; which it was, the
// trail says.
func appendString(dst, s []byte) []byte {
	if n := plain(s); n == len(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"')
	}
	return appendEscaped(dst, s)
}

func appendEscaped(dst, s []byte) []byte {
	dst = append(dst, '"')
	for {
		n := plain(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; len(s) == 0 {
			return append(dst, '"')
		}
		switch c := s[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < utf8.RuneSelf:
			dst = appendUnicode(dst, rune(c))
		default:
			r, size := utf8.DecodeRune(s)
			switch {
			case r == utf8.RuneError && size == 1:
				dst = append(dst, '\\', '\\', 'x', hexDigits[c>>4], hexDigits[c&0xf])
			case strconv.IsPrint(r):
				dst = append(dst, s[:size]...)
			case r > 0xffff:
				r -= 0x10000
				dst = appendUnicode(dst, 0xd800+r>>10)
				dst = appendUnicode(dst, 0xdc00+r&0x3ff)
			default:
				dst = appendUnicode(dst, r)
			}
			s = s[size:]
			continue
		}
		s = s[1:]
	}
}

func appendUnicode(dst []byte, r rune) []byte {
	return append(dst, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// plain returns how many bytes at the start of s are ASCII that JSON takes as it
// is. It looks at eight bytes at a time, at the end twice at some of them.
func plain(s []byte) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if odd(binary.LittleEndian.Uint64(s[i:])) {
			return i + plainBytes(s[i:])
		}
	}
	rest := s[i:]
	switch {
	case len(rest) == 0:
		return len(s)
	case len(s) >= 8:
		if !odd(binary.LittleEndian.Uint64(s[len(s)-8:])) {
			return len(s)
		}
	case len(rest) >= 4:
		first, last := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[len(rest)-4:])
		if !odd(uint64(last)<<32 | uint64(first)) {
			return len(s)
		}
	}
	return i + plainBytes(rest)
}

// odd reports whether w may hold a byte that is not plain. A byte may borrow from
// the one above it, which is then taken for odd too; none is taken for plain.
func odd(w uint64) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	control := w - ones*0x20
	quote := (w ^ ones*'"') - ones
	slash := (w ^ ones*'\\') - ones
	return (w|control|quote|slash)&highs != 0
}

func plainBytes(s []byte) int {
	for i, c := range s {
		if c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return i
		}
	}
	return len(s)
}

// The ways to write a word for a shell.
const (
	bare    = iota // as it is
	quoted         // in '...'
	escaped        // in $'...'
)

// appendShell appends s as one word of a POSIX shell (of bash, if it holds what
// does not print). What comes out prints, and is no command for a terminal.
func appendShell(dst, s []byte) []byte {
	switch shellForm(s) {
	case bare:
		return append(dst, s...)
	case quoted:
		dst = append(dst, '\'')
		for _, c := range s {
			if c == '\'' {
				dst = append(dst, `'\'`...)
			}
			dst = append(dst, c)
		}
		return append(dst, '\'')
	}
	dst = append(dst, '$', '\'')
	for len(s) > 0 {
		r, size := utf8.DecodeRune(s)
		switch c := s[0]; {
		case r == '\'' || r == '\\':
			dst = append(dst, '\\', c)
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1:
			dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&0xf])
		case strconv.IsPrint(r):
			dst = append(dst, s[:size]...)
		case r > 0xffff:
			dst = append(dst, '\\', 'U', '0', '0', '0', hexDigits[r>>16&0xf])
			dst = append(dst, hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
		default:
			dst = appendUnicode(dst, r)
		}
		s = s[size:]
	}
	return append(dst, '\'')
}

func shellForm(s []byte) int {
	form := bare
	if len(s) == 0 {
		form = quoted
	}
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && size == 1 || !strconv.IsPrint(r) {
				return escaped
			}
			i += size
			continue
		case c < ' ' || c == 0x7f:
			return escaped
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case c == '_' || c >= '+' && c <= '/' || c == ':' || c == '=' || c == '@' || c == '%':
			// '+' to '/' are + , - . /
		default:
			form = quoted
		}
		i++
	}
	return form
}
