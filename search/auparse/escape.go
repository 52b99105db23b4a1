package auparse

// Append appends text, with what may harm whoever reads the output escaped.
func (e Escape) Append(dst, text []byte) []byte {
	start := len(dst)
	return e.escape(append(dst, text...), start)
}

// mustEscape reports whether c is escaped.
func (e Escape) mustEscape(c byte) bool {
	if e == Raw {
		return false
	}
	if c < ' ' {
		return true
	}
	switch c {
	case ' ', '!', '"', '$', '\'', '(', ')', '\\', '`', '|':
		return e >= Shell
	case '#', '&', '*', ';', '<', '>', '?', '[', ']', '{', '}':
		return e == ShellQuote
	}
	return false
}

// escape escapes what dst has from start on: control bytes as a backslash and three octal digits, other bytes with a
// backslash before them.
func (e Escape) escape(dst []byte, start int) []byte {
	grow := 0
	for _, c := range dst[start:] {
		if c < ' ' {
			grow += 3
		} else if e > TTY && e.mustEscape(c) {
			grow++
		}
	}
	if grow == 0 || e == Raw {
		return dst
	}
	from := len(dst)
	for range grow {
		dst = append(dst, 0)
	}
	to := len(dst)
	for from > start && from < to {
		from--
		c := dst[from]
		switch {
		case c < ' ':
			to -= 4
			dst[to], dst[to+1], dst[to+2], dst[to+3] = '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7
		case e > TTY && e.mustEscape(c):
			to -= 2
			dst[to], dst[to+1] = '\\', c
		default:
			to--
			dst[to] = c
		}
	}
	return dst
}
