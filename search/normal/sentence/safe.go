package sentence

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"vigil/audit"
)

// limit bounds a value, such as a command line, in bytes.
const limit = 1000

// few bounds how many of a kind are told one by one.
const few = 8

// appendSafe appends text so that it stays where it is: a byte that is not part of a character that can be seen is
// printed as \ooo, and so is every byte of one that cannot. What is longer than limit is cut.
func appendSafe(dst, text []byte) []byte {
	cut := len(text) > limit
	if cut {
		text = text[:limit]
	}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			for _, c := range text[:size] {
				dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
			}
		} else {
			dst = append(dst, text[:size]...)
		}
		text = text[size:]
	}
	if cut {
		dst = append(dst, "..."...)
	}
	return dst
}

// appendText appends the text that a field stands for.
func (t *Teller) appendText(dst []byte, f audit.Field) []byte {
	if v, ok := f.View(); ok {
		return appendSafe(dst, v)
	}
	t.buf = f.Text(t.buf[:0])
	return appendSafe(dst, t.buf)
}

// appendWord appends one argument of a command line, quoted as for a shell if it must be.
func appendWord(dst, word []byte) []byte {
	for _, c := range word {
		if c >= 0x80 || c == '_' || '-' <= c && c <= ':' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' ||
			c == '=' || c == ',' || c == '+' || c == '@' || c == '%' {
			continue
		}
		return appendQuoted(dst, word)
	}
	if len(word) == 0 {
		return append(dst, "''"...)
	}
	return appendSafe(dst, word)
}

// appendQuoted appends a word in single quotes.
func appendQuoted(dst, word []byte) []byte {
	dst = append(dst, '\'')
	for {
		before, rest, found := bytes.Cut(word, []byte("'"))
		dst = appendSafe(dst, before)
		if !found {
			return append(dst, '\'')
		}
		dst, word = append(dst, `'\''`...), rest
	}
}

// appendCommand appends a command line, cut at limit.
func appendCommand(dst []byte, args *audit.Args) []byte {
	start := len(dst)
	for i := range args.Len() {
		if len(dst)-start > limit {
			return append(dst, " ..."...)
		}
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendWord(dst, args.At(i))
	}
	return dst
}
