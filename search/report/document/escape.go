package document

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape returns text in which every character takes a place on a terminal and none
// does anything else: control characters, what cannot be seen, what turns the
// direction of writing, and bytes that are no UTF-8 become \n, \x1b, \u202e.
func Escape(text string) string {
	if clean(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(text[i])+0x100, 16)[1:])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}

func clean(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return true
}

// valid returns text with the bytes that are no UTF-8 as \xNN, for JSON.
func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(text[i])+0x100, 16)[1:])
		} else {
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}
