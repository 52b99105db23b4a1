package search

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"vigil/enrich/attribution"
)

// ErrStop is what a visit returns to end a scan early: Scan, Each and Blocks then
// return nil.
var ErrStop = errors.New("stop the scan")

// Range is a span of time by the stamps of records, both ends inclusive. A zero
// time is an open end; the zero Range is all time.
type Range struct{ From, To time.Time }

// Contains reports whether a time is in the range.
func (r Range) Contains(t time.Time) bool {
	return (r.From.IsZero() || !t.Before(r.From)) && (r.To.IsZero() || !t.After(r.To))
}

// Options say what a scan reads and how. The zero value reads everything.
type Options struct {
	// Range chooses events by their stamps. Parts of files that cannot have any are
	// not read.
	Range Range
	// WholeFiles reads files whole that have any part in Range, for Blocks.
	WholeFiles bool
	// Query chooses events; nil: all. It is not used by Blocks.
	Query *Query
	// Containers completes the events from what it knows of containers, before Query
	// is asked; nil: they are as they stand in the log. It is shared by all workers.
	Containers *attribution.Completer
	// Newest hands out the last event first. Scan alone obeys it.
	Newest bool
	// Torn takes the last line of a file for a whole one when no newline follows it,
	// as stock ausearch does. Otherwise it is counted in Stats.Torn: a writer may be
	// in the middle of it. The last line of a stream is always taken.
	Torn bool
	// Workers is how many goroutines read and match at once. 0: GOMAXPROCS.
	Workers int
	// BlockSize is the size of the pieces in which files are read, in bytes. 0: 1 MiB,
	// less if there are many workers or logs.
	BlockSize int
	// Progress is told now and then, from one goroutine at a time, how far the scan
	// is; nil: nobody is.
	Progress func(Progress)
}

// Progress is how much of the logs has been dealt with, in bytes as they lie on the
// disk. What a range leaves out counts as dealt with.
type Progress struct {
	Done, Total int64 // Total is 0 if it is not known, as of a stream
}

// Stats say what a scan has read, and what it has passed over.
type Stats struct {
	Files   int    // read, at least in part
	Bytes   int64  // of lines, after decompression
	Lines   uint64 // read, good or bad
	Records uint64 // of them, audit records
	Events  uint64 // that were in the range
	Matched uint64 // of them, those that the query chose and visit was given

	Skipped Skipped
}

// Skipped is what was passed over because it is no whole record.
type Skipped struct {
	Malformed uint64 // lines without "type=T msg=audit(SEC.mmm:SERIAL):", or of no known type
	Binary    uint64 // lines of that kind with NUL bytes in them
	Long      uint64 // lines longer than trail.MaxLine
	Torn      uint64 // last lines without a newline
	Damaged   uint64 // compressed files that end in the middle or are damaged, read as far as they could be
	Gone      uint64 // files that rotation removed before they were read
}

// Total is how many lines and files were passed over, in whole or in part.
func (s Skipped) Total() uint64 { return s.Malformed + s.Binary + s.Long + s.Torn + s.Damaged + s.Gone }

// String says what was passed over, for people: "3 lines that are no audit records,
// 1 line cut off at the end of a file"; "" if nothing was.
func (s Skipped) String() string {
	var parts []string
	for _, p := range [...]struct {
		n         uint64
		one, many string
	}{
		{s.Malformed, "line that is no audit record", "lines that are no audit records"},
		{s.Binary, "line of binary data", "lines of binary data"},
		{s.Long, "line that is too long", "lines that are too long"},
		{s.Torn, "line cut off at the end of a file", "lines cut off at the end of a file"},
		{s.Damaged, "damaged compressed file, behind the damage", "damaged compressed files, behind the damage"},
		{s.Gone, "file that was rotated away meanwhile", "files that were rotated away meanwhile"},
	} {
		switch p.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+p.one)
		default:
			parts = append(parts, strconv.FormatUint(p.n, 10)+" "+p.many)
		}
	}
	return strings.Join(parts, ", ")
}

func (s *Stats) add(o Stats) {
	s.Files += o.Files
	s.Bytes += o.Bytes
	s.Lines += o.Lines
	s.Records += o.Records
	s.Events += o.Events
	s.Matched += o.Matched
	s.Skipped.Malformed += o.Skipped.Malformed
	s.Skipped.Binary += o.Skipped.Binary
	s.Skipped.Long += o.Skipped.Long
	s.Skipped.Torn += o.Skipped.Torn
	s.Skipped.Damaged += o.Skipped.Damaged
	s.Skipped.Gone += o.Skipped.Gone
}
