package ledger

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
)

// Op says why a LEDGER record was written.
type Op string

// Why LEDGER records are written.
const (
	Start   Op = "start"   // the daemon began
	End     Op = "end"     // it ended in order
	Segment Op = "segment" // a segment of the trail begins
	Lost    Op = "loss"    // something was lost
	Repair  Op = "repair"  // the trail had to be mended
	Mark    Op = "mark"    // much was written since the last one
)

// Counts are what a LEDGER record says of the stream since its op=start.
type Counts struct {
	Received  uint64 `json:"received"`  // records from the kernel
	Assembled uint64 `json:"assembled"` // events made of them
	Written   uint64 `json:"written"`   // records in the trail, Vigil's own included
	Lost      uint64 `json:"lost"`      // rise of the kernel's count of lost records
	Gaps      uint64 `json:"gaps"`      // missing serials, settled, less those that came after all
	ENOBUFS   uint64 `json:"enobufs"`   // overflows of the socket's buffer
	Dropped   uint64 `json:"dropped"`   // records that came and could not be written
}

// Line is a LEDGER record.
type Line struct {
	ID     audit.ID
	Node   string // empty without node=
	Op     Op
	Boot   string // boot id
	Mode   string // "daemon" or "observer"
	Counts Counts
	Loss   Loss // zero if the record tells of none

	// What the trail adds when it seals; zero in a line that is not sealed.
	Segment uint64
	Bytes   int64
	Chain   string // 64 hexadecimal digits
}

// ErrLine is returned by ParseLine for a line that is no LEDGER record of
// Vigil's.
var ErrLine = errors.New("no LEDGER record")

// Append appends the record without newline and without what the trail adds, the
// prefix of trail.Writer.Seal.
func (l Line) Append(dst []byte) []byte {
	if l.Node != "" {
		dst = append(dst, "node="...)
		dst = appendWord(dst, l.Node)
		dst = append(dst, ' ')
	}
	dst = append(dst, "type=LEDGER msg=audit("...)
	dst = l.ID.AppendTo(dst)
	dst = append(dst, "): op="...)
	dst = appendWord(dst, string(l.Op))
	dst = append(dst, " boot="...)
	dst = appendWord(dst, l.Boot)
	dst = append(dst, " role="...) // not mode=: ausearch -i prints that as a file's
	dst = appendWord(dst, l.Mode)
	dst = appendCount(dst, " received=", l.Counts.Received)
	dst = appendCount(dst, " assembled=", l.Counts.Assembled)
	dst = appendCount(dst, " written=", l.Counts.Written)
	dst = appendCount(dst, " lost=", l.Counts.Lost)
	dst = appendCount(dst, " gaps=", l.Counts.Gaps)
	dst = appendCount(dst, " enobufs=", l.Counts.ENOBUFS)
	dst = appendCount(dst, " dropped=", l.Counts.Dropped)
	if l.Loss.Reason == NoLoss {
		return dst
	}
	dst = append(dst, " reason="...)
	dst = append(dst, l.Loss.Reason.String()...)
	dst = appendCount(dst, " first=", uint64(l.Loss.First))
	dst = appendCount(dst, " last=", uint64(l.Loss.Last))
	dst = appendCount(dst, " count=", l.Loss.Count)
	dst = appendTime(dst, " since=", l.Loss.Since)
	dst = appendTime(dst, " until=", l.Loss.Until)
	if l.Loss.Sink != "" {
		dst = append(dst, " sink="...)
		dst = appendWord(dst, l.Loss.Sink)
	}
	return dst
}

// maxWord bounds each word of a line, so that a line fits into what the trail
// takes for a LEDGER line (4096 bytes).
const maxWord = 300

// appendWord appends a value without blanks; what would end it becomes '_', and
// nothing becomes "?".
func appendWord(dst []byte, word string) []byte {
	if word == "" {
		return append(dst, '?')
	}
	for _, c := range []byte(word[:min(len(word), maxWord)]) {
		if c <= ' ' || c >= 0x7f || c == '=' {
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}

func appendCount(dst []byte, field string, n uint64) []byte {
	return strconv.AppendUint(append(dst, field...), n, 10)
}

// appendTime appends a field with a time as the kernel writes it, SEC.mmm, and
// nothing for the zero time or one before 1970.
func appendTime(dst []byte, field string, t time.Time) []byte {
	if t.IsZero() || t.Unix() < 0 {
		return dst
	}
	dst = strconv.AppendInt(append(dst, field...), t.Unix(), 10)
	m := t.Nanosecond() / int(time.Millisecond)
	return append(dst, '.', '0'+byte(m/100), '0'+byte(m/10%10), '0'+byte(m%10))
}

// ParseLine reads a LEDGER record, sealed or not, without its newline. Fields
// that it does not know are passed over: later versions may add some.
func ParseLine(text []byte) (Line, error) {
	r, err := audit.ParseLine(text)
	if err != nil || r.Type != tables.TypeLedger || !bytes.HasPrefix(r.Body, []byte("op=")) || r.Enrichment != nil {
		return Line{}, ErrLine
	}
	l := Line{ID: r.ID, Node: string(r.Node)}
	for field := range bytes.SplitSeq(r.Body, []byte{' '}) {
		name, value, ok := bytes.Cut(field, []byte{'='})
		if !ok {
			return Line{}, fmt.Errorf("parse LEDGER record: %.40q is not name=value", field)
		}
		if err := l.set(string(name), string(value)); err != nil {
			return Line{}, fmt.Errorf("parse LEDGER record: %.40q: %w", field, err)
		}
	}
	return l, nil
}

// set takes one field.
func (l *Line) set(name, value string) (err error) {
	switch name {
	case "op":
		l.Op = Op(value)
	case "boot":
		l.Boot = value
	case "role":
		l.Mode = value
	case "received":
		l.Counts.Received, err = strconv.ParseUint(value, 10, 64)
	case "assembled":
		l.Counts.Assembled, err = strconv.ParseUint(value, 10, 64)
	case "written":
		l.Counts.Written, err = strconv.ParseUint(value, 10, 64)
	case "lost":
		l.Counts.Lost, err = strconv.ParseUint(value, 10, 64)
	case "gaps":
		l.Counts.Gaps, err = strconv.ParseUint(value, 10, 64)
	case "enobufs":
		l.Counts.ENOBUFS, err = strconv.ParseUint(value, 10, 64)
	case "dropped":
		l.Counts.Dropped, err = strconv.ParseUint(value, 10, 64)
	case "reason":
		err = l.Loss.Reason.UnmarshalText([]byte(value))
	case "first":
		l.Loss.First, err = parseSerial(value)
	case "last":
		l.Loss.Last, err = parseSerial(value)
	case "count":
		l.Loss.Count, err = strconv.ParseUint(value, 10, 64)
	case "since":
		l.Loss.Since, err = parseTime(value)
	case "until":
		l.Loss.Until, err = parseTime(value)
	case "sink":
		l.Loss.Sink = value
	case "segment":
		l.Segment, err = strconv.ParseUint(value, 10, 64)
	case "bytes":
		l.Bytes, err = strconv.ParseInt(value, 10, 64)
	case "chain":
		l.Chain = value
		if _, err = hex.DecodeString(value); err == nil && len(value) != 64 {
			err = errors.New("not 64 hexadecimal digits")
		}
	}
	return err
}

func parseSerial(value string) (uint32, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	return uint32(n), err
}

// parseTime reads SEC.mmm.
func parseTime(value string) (time.Time, error) {
	i := len(value) - len(".mmm")
	if i < 1 || value[i] != '.' {
		return time.Time{}, errors.New("not of the form SEC.mmm")
	}
	sec, err := strconv.ParseUint(value[:i], 10, 63)
	if err != nil {
		return time.Time{}, err
	}
	milli, err := strconv.ParseUint(value[i+1:], 10, 16)
	if err != nil {
		return time.Time{}, err
	}
	if sec > math.MaxInt32*1000 {
		return time.Time{}, strconv.ErrRange
	}
	return time.Unix(int64(sec), int64(milli)*int64(time.Millisecond)).UTC(), nil
}
