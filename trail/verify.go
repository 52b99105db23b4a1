package trail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Place is a line of a segment.
type Place struct {
	File   string `json:"file"`
	Number uint64 `json:"segment"` // in the ledger, 0 if not known
	Offset int64  `json:"offset"`  // of the line's first byte
	Line   int64  `json:"line"`    // counted from 1
}

// String returns "FILE, line 17 (byte 1234)".
func (p Place) String() string {
	return fmt.Sprintf("%s, line %d (byte %d)", p.File, p.Line, p.Offset)
}

// Harm says what is wrong with a piece of the trail.
type Harm uint8

// What Verify can find.
const (
	Changed         Harm = iota + 1 // bytes are not what they were, their number is
	BytesMissing                    // bytes were removed
	BytesAdded                      // bytes were added
	SegmentsMissing                 // whole segments are not there
	OutOfOrder                      // a segment stands where an older one should
	Restarted                       // the chain was begun anew
)

// String says it in words.
func (h Harm) String() string {
	switch h {
	case Changed:
		return "changed"
	case BytesMissing:
		return "bytes missing"
	case BytesAdded:
		return "bytes added"
	case SegmentsMissing:
		return "segments missing"
	case OutOfOrder:
		return "segments out of order"
	case Restarted:
		return "chain begun anew"
	}
	return "unknown"
}

// MarshalText returns what String returns.
func (h Harm) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// Damage is a piece of the trail that is not what a LEDGER line vouches for.
type Damage struct {
	Harm Harm `json:"harm"`
	// From is the line after the last LEDGER line before, To the LEDGER line
	// that does not fit. The harm is done somewhere from From to To inclusive.
	From Place `json:"from"`
	To   Place `json:"to"`
	// Suspect is the first line between them that is no audit record at all,
	// nil if every line looks like one.
	Suspect *Place `json:"suspect,omitempty"`
	// Bytes is how many bytes are missing or were added, as far as they are known.
	Bytes int64 `json:"bytes,omitempty"`
	// Segments is how many are missing.
	Segments int64 `json:"segments,omitempty"`
}

// String says it in one line.
func (d Damage) String() string {
	text := d.Harm.String()
	switch {
	case d.Segments != 0:
		text += fmt.Sprintf(" (%d of %d bytes)", d.Segments, d.Bytes)
	case d.Bytes != 0:
		text += fmt.Sprintf(" (%d bytes)", d.Bytes)
	}
	text += fmt.Sprintf(" between %s and the LEDGER record in %s", d.From, d.To)
	if d.Suspect != nil {
		text += fmt.Sprintf("; no audit record: %s", *d.Suspect)
	}
	return text
}

// maxDamages bounds what a Report holds of a trail that is damaged everywhere.
const maxDamages = 100

// Report is what Verify found.
type Report struct {
	Segments int   `json:"segments"`
	Lines    int64 `json:"lines"`
	Bytes    int64 `json:"bytes"`
	Ledger   int64 `json:"ledger"` // LEDGER lines of the chain

	// Sealed is how many bytes LEDGER lines vouch for, and they are right.
	Sealed int64 `json:"sealed"`
	// Before is how many bytes come before the first LEDGER line that can be
	// checked: the rest of a deleted link, or a log from before Vigil.
	Before int64 `json:"before"`
	// Tail is how many bytes come after the last one: not sealed yet.
	Tail int64 `json:"tail"`
	// Torn is how many of these are half a line.
	Torn int64 `json:"torn"`

	// Anchor is the first LEDGER line, nil if there is none. Begins says that
	// the chain begins with it, so that what it vouches for was checked too.
	Anchor *Place `json:"anchor,omitempty"`
	Begins bool   `json:"begins"`
	// Last is the newest LEDGER line, and Chain its value: to be compared with a
	// copy that was sent elsewhere.
	Last  *Place `json:"last,omitempty"`
	Chain string `json:"chain,omitempty"`

	// Damaged holds the damaged pieces, the first first; at most 100.
	Damaged []Damage `json:"damaged,omitempty"`
	// More is how many were found beyond these.
	More int64 `json:"more,omitempty"`
}

// OK reports that nothing is damaged.
func (r Report) OK() bool { return len(r.Damaged) == 0 }

// Verify computes the hash chain of a trail anew. path is the live segment, or a
// directory with an audit.log; a copy of the directory does as well. It writes
// nothing and may run while the trail is written to.
func Verify(ctx context.Context, path string) (Report, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, filepath.Base(DefaultPath))
	}
	// Segments that are rotated out while the older ones are read leave a hole
	// that is none: begin again with those that are left.
	const attempts = 5
	var report Report
	var err error
	for range attempts {
		v := verifier{ctx: ctx, chain: newChain()}
		err = v.trail(path)
		report = v.report
		if !errors.Is(err, errRotatedOut) {
			break
		}
	}
	if err != nil {
		return report, fmt.Errorf("verify trail: %w", err)
	}
	return report, nil
}

// errRotatedOut says that a segment went between two that were read.
var errRotatedOut = errors.New("segments are rotated out faster than they can be read")

// trail reads all segments.
func (v *verifier) trail(path string) error {
	entries, err := snapshot(path)
	if err == nil && len(entries) == 0 {
		err = &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		f, err := openEntry(path, e)
		if errors.Is(err, fs.ErrNotExist) {
			if v.report.Segments > 0 {
				return errRotatedOut
			}
			continue
		}
		if err == nil {
			err = v.segment(f, e)
			f.Close()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	v.report.Tail = v.chain.since
	if v.report.Anchor == nil {
		v.report.Before, v.report.Tail = v.report.Tail, 0
	}
	return nil
}

// verifier walks the segments from the oldest to the newest.
type verifier struct {
	ctx    context.Context
	report Report
	chain  chain // as it must be if everything is right, since the last LEDGER line

	file    io.ReaderAt
	here    Place  // the line being read
	files   uint64 // segments begun since the last LEDGER line
	from    Place  // the line after the last LEDGER line
	suspect *Place // the first odd line since
}

// segment reads one file.
func (v *verifier) segment(f *os.File, e entry) error {
	v.report.Segments++
	v.files++
	v.file = f
	v.here = Place{File: e.name, Line: 1}
	if v.report.Segments == 1 {
		v.from = v.here
		v.files = 0
	}
	var s scanner
	// The live segment grows; what is read of it are whole lines.
	s.reset(f, 0)
	start := true
	for n := 0; ; n++ {
		if n%1024 == 0 && v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		piece, ended, err := s.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		v.report.Bytes += int64(len(piece))
		v.piece(piece, start, ended)
		if ended {
			v.report.Lines++
			v.here.Offset, v.here.Line = s.offset, v.here.Line+1
		}
		start = ended
	}
	if rest := s.rest(); len(rest) > 0 {
		v.report.Bytes += int64(len(rest))
		v.report.Torn = int64(len(rest))
		v.chain.write(rest)
	}
	return nil
}

// piece takes a line, or a part of one that is too long to be a LEDGER line.
func (v *verifier) piece(b []byte, start, ended bool) {
	if start && ended {
		if l, ok := parseLink(b); ok {
			v.link(l, b)
			return
		}
	}
	if start && v.suspect == nil && !plausible(b) {
		odd := v.here
		v.suspect = &odd
	}
	v.chain.write(b)
}

// plausible reports whether a line begins as audit records do, and is no LEDGER
// line that lost its end.
func plausible(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("type=")) && !bytes.HasPrefix(line, []byte("node=")) {
		return false
	}
	return bytes.IndexByte(line, 0) < 0 && bytes.Contains(line, []byte("msg=audit(")) && !isLedger(line)
}

// link checks a LEDGER line against the bytes before it.
func (v *verifier) link(l link, line []byte) {
	expected := v.chain
	after := expected.since
	v.chain.hash.Write(line[:l.hashed])
	var sum [sha256.Size]byte
	v.chain.hash.Sum(sum[:0])
	v.here.Number = l.number

	place := v.here
	if v.report.Anchor == nil {
		v.anchor(l, line, after)
		v.report.Anchor = &place
	} else if sum == l.sum && l.number == expected.number+v.files {
		v.report.Sealed += after + int64(len(line))
	} else {
		v.damage(l, line, expected)
	}
	v.report.Ledger++
	v.report.Last, v.report.Chain = &place, fmt.Sprintf("%x", l.sum)
	v.chain.follow(l, line)
	v.files = 0
	v.suspect = nil
	v.from = Place{File: place.File, Number: l.number, Offset: place.Offset + int64(len(line)), Line: place.Line + 1}
}

// anchor takes the first LEDGER line. If the chain begins with it, the bytes
// since its beginning can be checked, else it is believed.
func (v *verifier) anchor(l link, line []byte, after int64) {
	begin := v.here.Offset - l.bytes
	if l.number != 1 {
		v.report.Before = after
		v.report.Sealed = int64(len(line))
		return
	}
	v.report.Begins = true
	if begin < 0 {
		v.report.Before = after - v.here.Offset
		v.add(Damage{Harm: BytesMissing, From: Place{File: v.here.File, Number: 1, Line: 1}, To: v.here, Bytes: -begin, Suspect: v.suspect})
		return
	}
	v.report.Before = after - l.bytes
	if !v.begins(l, line) {
		v.add(Damage{Harm: Changed, From: Place{File: v.here.File, Number: 1, Line: 1}, To: v.here, Suspect: v.suspect})
		return
	}
	v.report.Sealed = l.bytes + int64(len(line))
}

// begins reports whether a LEDGER line that begins a chain fits the bytes before
// it in its segment.
func (v *verifier) begins(l link, line []byte) bool {
	c := newChain()
	if hashRange(&c, v.file, v.here.Offset-l.bytes, v.here.Offset, make([]byte, scanBuffer)) != nil {
		return false
	}
	c.hash.Write(line[:l.hashed])
	return bytes.Equal(c.hash.Sum(nil), l.sum[:])
}

// damage finds out what is wrong before a LEDGER line that does not fit.
func (v *verifier) damage(l link, line []byte, expected chain) {
	d := Damage{From: v.from, To: v.here, Suspect: v.suspect, Bytes: l.bytes - expected.stream}
	number := expected.number + v.files
	switch {
	case l.number == 1 && v.here.Offset >= l.bytes && v.begins(l, line):
		d.Harm, d.Bytes = Restarted, 0
	case l.number > number:
		d.Harm, d.Segments = SegmentsMissing, int64(l.number-number)
	case l.number < number:
		d.Harm, d.Bytes = OutOfOrder, 0
		v.turnedUp(l.number)
	case d.Bytes > 0:
		d.Harm = BytesMissing
	case d.Bytes < 0:
		d.Harm, d.Bytes = BytesAdded, -d.Bytes
	default:
		d.Harm = Changed
	}
	v.add(d)
}

// turnedUp says that a segment stands too late in the order. Where it was found
// missing, it is out of order too.
func (v *verifier) turnedUp(number uint64) {
	for i := range v.report.Damaged {
		d := &v.report.Damaged[i]
		if d.Harm == SegmentsMissing && number < d.To.Number && d.To.Number-number <= uint64(d.Segments) {
			d.Harm, d.Segments, d.Bytes = OutOfOrder, 0, 0
		}
	}
}

func (v *verifier) add(d Damage) {
	if len(v.report.Damaged) < maxDamages {
		v.report.Damaged = append(v.report.Damaged, d)
	} else {
		v.report.More++
	}
}
