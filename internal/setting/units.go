package setting

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size in bytes, written as 8MiB, 64KiB, 1GiB or a bare number.
type Bytes int64

// byteUnits from large to small, so that String finds the largest that fits.
func byteUnits() []struct {
	name string
	size Bytes
} {
	return []struct {
		name string
		size Bytes
	}{
		{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
		{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
	}
}

// ParseBytes reads a size. The error says which forms are right.
func ParseBytes(s string) (Bytes, error) {
	number, unit := s, Bytes(1)
	for _, u := range byteUnits() {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = strings.TrimSpace(n), u.size
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || Bytes(n) > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a size: write it like 8MiB, 512KiB or 1000000", s)
	}
	return Bytes(n) * unit, nil
}

// String prints the size in the largest binary unit that divides it.
func (b Bytes) String() string {
	for _, u := range byteUnits()[:4] {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Share is a part of a whole, from 0 to 1, written as 0.1 or 10%.
type Share float64

// ParseShare reads a share. The error says which forms are right.
func ParseShare(s string) (Share, error) {
	number, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(number, 64)
	if percent {
		f /= 100
	}
	if err != nil || !(f >= 0 && f <= 1) {
		return 0, fmt.Errorf("%q is not a share: write it like 0.1 or 10%%, from 0 to 1", s)
	}
	return Share(f), nil
}

// String prints the share as a number.
func (s Share) String() string { return strconv.FormatFloat(float64(s), 'g', -1, 64) }

// Duration is a span of time, written as 5ms, 1s or 2m.
type Duration time.Duration

// ParseDuration reads a span of time. The error says which forms are right.
func ParseDuration(s string) (Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a time span: write it like 5ms, 1s or 2m", s)
	}
	return Duration(d), nil
}

// String prints the span as it is written in the configuration.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
