package audit

import (
	"math"
	"strconv"
	"time"
)

// ID is the stamp that all records of one event share: the time at which the
// kernel began the event and its serial. Serials restart at boot and wrap, so
// the serial alone names nothing.
type ID struct {
	Sec    int64  // seconds since the epoch
	Milli  uint16 // 0 to 999
	Serial uint32
}

// Time returns the time of the stamp, in UTC.
func (id ID) Time() time.Time {
	return time.Unix(id.Sec, int64(id.Milli)*int64(time.Millisecond)).UTC()
}

// AppendTo appends the stamp as the kernel writes it between the parentheses of
// audit(...): "1626611363.720:348501".
func (id ID) AppendTo(dst []byte) []byte {
	dst = strconv.AppendInt(dst, id.Sec, 10)
	m := id.Milli
	dst = append(dst, '.', '0'+byte(m/100%10), '0'+byte(m/10%10), '0'+byte(m%10), ':')
	return strconv.AppendUint(dst, uint64(id.Serial), 10)
}

// String returns what AppendTo appends.
func (id ID) String() string { return string(id.AppendTo(nil)) }

// parseID reads "SEC.mmm:SERIAL" from the start of b and returns the number of
// bytes read, 0 if b does not begin with a stamp. One to three digits of
// milliseconds are taken as a number of milliseconds, as ausearch does; the
// kernel always writes three (kernel/audit.c, audit_log_start).
func parseID(b []byte) (id ID, n int) {
	sec, i := parseUint(b, math.MaxInt64)
	if i == 0 || i >= len(b) || b[i] != '.' {
		return ID{}, 0
	}
	n = i + 1
	milli, i := parseUint(b[n:], 999)
	n += i
	if i == 0 || i > 3 || n >= len(b) || b[n] != ':' {
		return ID{}, 0
	}
	n++
	serial, i := parseUint(b[n:], math.MaxUint32)
	if i == 0 {
		return ID{}, 0
	}
	return ID{Sec: int64(sec), Milli: uint16(milli), Serial: uint32(serial)}, n + i
}

// parseUint reads decimal digits from the start of b and returns how many there
// are: 0 if there is none or the number exceeds limit.
func parseUint(b []byte, limit uint64) (v uint64, n int) {
	for n < len(b) {
		d := uint64(b[n] - '0')
		if d > 9 {
			break
		}
		if v > (limit-d)/10 {
			return 0, 0
		}
		v = v*10 + d
		n++
	}
	return v, n
}
