package index

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
)

// Suffix is what the name of an index has behind that of the trail's live segment.
const Suffix = ".index"

// magic begins the file, with the version of docs/format/index.md.
const magic = "vigil index 1\n\x00\x00"

// entrySize is the length of an entry in the file.
const entrySize = 48

// entry says what stamps the lines have that begin in a part of a segment.
type entry struct {
	sum      uint64 // of the segment, see trail.Segment
	from, to int64  // bytes
	least    int64  // the earliest stamp, milliseconds since the epoch
	most     int64  // the latest
}

// void is the times of an entry that takes back what was said of a part before.
const void = math.MinInt64

func (e entry) appendTo(dst []byte) []byte {
	start := len(dst)
	for _, v := range [...]uint64{e.sum, uint64(e.from), uint64(e.to), uint64(e.least), uint64(e.most)} {
		dst = binary.LittleEndian.AppendUint64(dst, v)
	}
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], crc32.MakeTable(crc32.Castagnoli)))
	return binary.LittleEndian.AppendUint32(dst, 0)
}

// parseEntry reads an entry; false if it is damaged.
func parseEntry(b []byte) (entry, bool) {
	if len(b) < entrySize || crc32.Checksum(b[:40], crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(b[40:]) {
		return entry{}, false
	}
	v := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[8*i:])) }
	e := entry{sum: uint64(v(0)), from: v(1), to: v(2), least: v(3), most: v(4)}
	return e, e.from >= 0 && e.from < e.to
}

// parseAll returns the good entries of a file; ok is false if it is no index.
func parseAll(text []byte) (entries []entry, ok bool) {
	rest, ok := bytes.CutPrefix(text, []byte(magic))
	for ; len(rest) >= entrySize; rest = rest[entrySize:] {
		if e, good := parseEntry(rest); ok && good {
			entries = append(entries, e)
		}
	}
	return entries, ok
}

// of returns what holds of a segment: its entries in order, without those that later
// ones contradict.
func of(entries []entry, sum uint64) []entry {
	var held []entry
	for _, e := range entries {
		if e.sum != sum {
			continue
		}
		for len(held) > 0 && held[len(held)-1].to > e.from {
			held = held[:len(held)-1]
		}
		if e.least != void {
			held = append(held, e)
		}
	}
	return held
}

// maxHead is how far into a line its stamp is looked for.
const maxHead = 512

// Stamp returns the time in the stamp of a line, "msg=audit(SEC.mmm:", in milliseconds
// since the epoch; false if it has none.
func Stamp(line []byte) (int64, bool) {
	const message = "msg=audit("
	b := line[:min(len(line), maxHead)]
	for { // behind the type, or behind node and type
		i := bytes.IndexByte(b, ' ')
		if i < 0 {
			return 0, false
		}
		if b = b[i+1:]; len(b) > len(message) && string(b[:len(message)]) == message {
			break
		}
	}
	b = b[len(message):]
	sec, n := int64(0), 0
	for n < len(b) && b[n]-'0' <= 9 {
		if sec = sec*10 + int64(b[n]-'0'); sec > math.MaxInt64/20000 {
			return 0, false
		}
		n++
	}
	if n == 0 || len(b) < n+2 || b[n] != '.' {
		return 0, false
	}
	milli, digits := int64(0), 0
	for b = b[n+1:]; digits < len(b) && digits < 4 && b[digits]-'0' <= 9; digits++ {
		milli = milli*10 + int64(b[digits]-'0')
	}
	if digits == 0 || digits > 3 || digits == len(b) || b[digits] != ':' {
		return 0, false
	}
	return sec*1000 + milli, true
}
