package auparse

import "strconv"

func appendUint(dst []byte, n uint64) []byte { return strconv.AppendUint(dst, n, 10) }

func appendUnknown(dst []byte, n uint64) []byte {
	dst = append(dst, "unknown("...)
	return append(strconv.AppendUint(dst, n, 10), ')')
}
