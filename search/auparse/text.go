package auparse

import "bytes"

// appendUnhex appends the bytes that the hexadecimal digits at the head of value stand for, up to a NUL among them. It
// returns false if there are less than two digits. Of an odd number of digits, 3.0.9 takes the last for the upper half
// of a byte, 4.2 leaves it out.
func appendUnhex(dst, value []byte, v Version) ([]byte, bool) {
	digits := countHex(value)
	if digits < 2 {
		return dst, false
	}
	for i := 0; i+1 < digits; i += 2 {
		c := hexDigit(value[i])<<4 | hexDigit(value[i+1])
		if c == 0 {
			return dst, true
		}
		dst = append(dst, c)
	}
	if digits%2 == 1 && v == V3 {
		if c := hexDigit(value[digits-1]) << 4; c != 0 {
			dst = append(dst, c)
		}
	}
	return dst, true
}

// appendEncoded appends a string as the kernel writes one that it does not trust: in quotes, or as hexadecimal digits if
// there is a quote or a byte in it that is not printed.
func appendEncoded(dst, text []byte) []byte {
	for _, c := range text {
		if c == '"' || c < 0x21 || c > 0x7e {
			const digits = "0123456789ABCDEF"
			for _, c := range text {
				dst = append(dst, digits[c>>4], digits[c&15])
			}
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

// countHex returns the number of hexadecimal digits at the head of b.
func countHex(b []byte) int {
	for i, c := range b {
		if hexDigit(c) > 15 {
			return i
		}
	}
	return len(b)
}

// appendEscaped appends what an untrusted string says: what is in quotes, or what hexadecimal digits stand for. The
// kernel writes the latter for a string with odd bytes in it; a NUL at its head is that of an abstract socket.
func (x *Interpreter) appendEscaped(dst, value []byte) []byte {
	if len(value) > 0 && value[0] == '"' {
		end := bytes.IndexByte(value[1:], '"')
		if end < 0 {
			return append(dst, ' ')
		}
		return append(dst, value[1:1+end]...)
	}
	if bytes.HasPrefix(value, []byte("00")) {
		if out, ok := appendUnhex(dst, value[2:], x.version); ok {
			return out
		}
		return append(dst, value...)
	}
	if out, ok := appendUnhex(dst, value, x.version); ok {
		return out
	}
	return append(dst, value...)
}

// appendProctitle is appendEscaped for a command line: NULs between arguments are spaces, as is whatever is no string in
// the room that so many digits would need.
func (x *Interpreter) appendProctitle(dst, value []byte) []byte {
	digits := value
	if bytes.HasPrefix(value, []byte("00")) {
		digits = value[2:]
	}
	if len(value) == 0 || value[0] == '"' || countHex(digits) < 2 {
		return x.appendEscaped(dst, value)
	}
	n := countHex(digits)
	for i := range len(value) / 2 {
		var c byte
		if 2*i+1 < n {
			c = hexDigit(digits[2*i])<<4 | hexDigit(digits[2*i+1])
		} else if 2*i < n && x.version == V3 {
			c = hexDigit(digits[2*i]) << 4
		}
		if c == 0 {
			c = ' '
		}
		dst = append(dst, c)
	}
	if n == len(value) && n%2 == 1 && x.version == V3 && digits[n-1] != '0' {
		dst = append(dst, hexDigit(digits[n-1])<<4)
	}
	return dst
}
