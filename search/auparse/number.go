package auparse

import "strconv"

// parseUint reads a number as the C library's strtoul does: spaces, a sign, as many digits as there are, nothing of
// what follows. No digits are 0. Base 0 is that of the number's prefix. It returns false if the number exceeds 64 bits.
func parseUint(b []byte, base uint64) (uint64, bool) {
	magnitude, negative, ok := parseMagnitude(b, base)
	if negative {
		magnitude = -magnitude
	}
	return magnitude, ok
}

// parseInt reads a number as strtol does. It returns false if the number exceeds 63 bits and a sign.
func parseInt(b []byte, base uint64) (int64, bool) {
	magnitude, negative, ok := parseMagnitude(b, base)
	switch {
	case !ok:
		return 0, false
	case negative && magnitude <= 1<<63:
		return -int64(magnitude), true
	case magnitude < 1<<63:
		return int64(magnitude), true
	}
	return 0, false
}

func parseMagnitude(b []byte, base uint64) (n uint64, negative, ok bool) {
	for len(b) > 0 && (b[0] == ' ' || '\t' <= b[0] && b[0] <= '\r') {
		b = b[1:]
	}
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	if base == 0 {
		switch {
		case len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' && hexDigit(b[2]) < 16:
			base = 16
		case len(b) > 0 && b[0] == '0':
			base = 8
		default:
			base = 10
		}
	}
	if base == 16 && len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' && hexDigit(b[2]) < 16 {
		b = b[2:]
	}
	limit := ^uint64(0) / base
	for _, c := range b {
		d := uint64(hexDigit(c))
		if d >= base {
			break
		}
		if n > limit || n*base > ^d {
			return 0, negative, false
		}
		n = n*base + d
	}
	return n, negative, true
}

// hexDigit returns the value of a hexadecimal digit, 255 if it is none.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// conversionError appends what libauparse prints for a number that is too large.
func conversionError(dst, value []byte) []byte { return appendIn(dst, "conversion error(", value) }

// appendIn appends the words of what, which ends in a parenthesis, the value, and the other parenthesis.
func appendIn(dst []byte, what string, value []byte) []byte {
	dst = append(dst, what...)
	dst = append(dst, value...)
	return append(dst, ')')
}

// appendIntIn is appendIn for a number.
func appendIntIn(dst []byte, what string, n int32) []byte {
	dst = append(dst, what...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, ')')
}

// appendHex appends 0x and the value as it is printed.
func appendHex(dst, value []byte) []byte {
	dst = append(dst, "0x"...)
	return append(dst, value...)
}

// appendOctal appends n in octal with at least three digits.
func appendOctal(dst []byte, n uint32) []byte {
	for limit := uint32(64); n < limit && limit > 1; limit /= 8 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, uint64(n), 8)
}
