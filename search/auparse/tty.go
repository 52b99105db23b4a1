package auparse

import "vigil/search/auparse/words"

// appendTTY appends what was typed on a terminal: strings in quotes, and keys by their names in angle brackets.
func appendTTY(dst, value []byte) []byte {
	if countHex(value) < len(value) {
		return append(dst, value...)
	}
	start, quoted := len(dst), false
	for len(value) > 1 {
		var head [maxKey]byte
		n := 0
		for ; n < len(head) && 2*n+1 < len(value); n++ {
			head[n] = hexDigit(value[2*n])<<4 | hexDigit(value[2*n+1])
		}
		if name, sent := words.FindKey(head[:n]); sent > 0 {
			dst, quoted = unquote(dst, quoted), false
			if len(dst) > start {
				dst = append(dst, ',')
			}
			dst = append(dst, '<')
			dst = append(dst, name...)
			dst = append(dst, '>')
			value = value[2*sent:]
			continue
		}
		if !quoted {
			if len(dst) > start {
				dst = append(dst, ',')
			}
			dst, quoted = append(dst, '"'), true
		}
		dst = appendTyped(dst, head[0])
		value = value[2:]
	}
	return unquote(dst, quoted)
}

// maxKey is more than any key sends.
const maxKey = 8

func unquote(dst []byte, quoted bool) []byte {
	if quoted {
		dst = append(dst, '"')
	}
	return dst
}

// appendTyped appends a byte of a string in quotes.
func appendTyped(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case ' ' <= c && c < 0x7f:
		return append(dst, c)
	}
	return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
}
