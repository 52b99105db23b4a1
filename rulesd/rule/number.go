package rule

import "math"

// number reads a number as C's strtol and strtoul with base 0 do: decimal, 0x
// hexadecimal, 0 octal, a sign, as many digits as there are; too large ones
// saturate at 64 bits, and the value is cut to 32. The rest is what follows the
// digits.
func number(s string, signed bool) (value uint32, rest string) {
	negative := false
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		negative = s[i] == '-'
		i++
	}
	base := uint64(10)
	if i < len(s) && s[i] == '0' {
		base = 8
		if i+2 < len(s) && (s[i+1] == 'x' || s[i+1] == 'X') && digit(s[i+2]) < 16 {
			base = 16
			i += 2
		}
	}
	limit := uint64(math.MaxUint64)
	if signed {
		limit = math.MaxInt64
		if negative {
			limit++
		}
	}
	n, over := uint64(0), false
	for ; i < len(s) && digit(s[i]) < base; i++ {
		d := digit(s[i])
		if over || n > (limit-d)/base {
			over = true
			continue
		}
		n = n*base + d
	}
	if over {
		n = limit
		negative = negative && signed // an overflowing strtoul forgets the sign
	}
	if negative {
		n = -n
	}
	return uint32(n), s[i:]
}

// digit returns a digit's value, 255 for what is none.
func digit(c byte) uint64 {
	switch {
	case '0' <= c && c <= '9':
		return uint64(c - '0')
	case 'a' <= c && c <= 'f':
		return uint64(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return uint64(c-'A') + 10
	}
	return 255
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// startsNumber reports whether a value is a number: a digit first, or a minus and
// a digit where negative ones are allowed.
func startsNumber(s string, negative bool) bool {
	if s != "" && isDigit(s[0]) {
		return true
	}
	return negative && len(s) >= 2 && s[0] == '-' && isDigit(s[1])
}
