package explain

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
)

// Counts says how often each key matched.
type Counts struct {
	Events map[string]uint64 // by key; an event with several keys counts for each
	// First and Last are the stamps of the first and last record read, key or not.
	First, Last time.Time
	Lines       uint64
}

// maxLine bounds a line of a trail: the kernel's longest record and its
// enrichment are far below.
const maxLine = 64 << 10

// Count reads a trail, or any audit.log, and counts the events of each key. Lines
// that are no records are passed over. What was counted before an error of the
// reader is returned with it.
func Count(r io.Reader) (Counts, error) {
	c := Counts{Events: map[string]uint64{}}
	err := c.Add(r)
	return c, err
}

// Add counts a further part of the trail, one that does not begin within an event.
func (c *Counts) Add(r io.Reader) error {
	if c.Events == nil {
		c.Events = map[string]uint64{}
	}
	in := bufio.NewReaderSize(r, maxLine)
	var text []byte
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if err := skipLine(in); err != nil {
				return ignoreEnd(err)
			}
			continue
		case err != nil && len(line) == 0:
			return ignoreEnd(err)
		}
		text = c.line(bytes.TrimRight(line, "\n"), text)
	}
}

func skipLine(in *bufio.Reader) error {
	for {
		_, err := in.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read trail: %w", err)
}

// line counts one line; text is scratch.
func (c *Counts) line(line, text []byte) []byte {
	record, err := audit.ParseLine(line)
	if err != nil {
		return text
	}
	c.Lines++
	at := record.ID.Time()
	if c.First.IsZero() || at.Before(c.First) {
		c.First = at
	}
	if at.After(c.Last) {
		c.Last = at
	}
	// The keys of other records are those of rules that were changed.
	if record.Type != tables.TypeSyscall && record.Type != tables.TypeUringOp {
		return text
	}
	field, ok := record.Get("key")
	if !ok || field.IsNull() {
		return text
	}
	text = field.Text(text[:0])
	for key := range bytes.SplitSeq(text, []byte{1}) {
		if len(key) > 0 {
			c.Events[strings.ToValidUTF8(string(key), "\uFFFD")]++
		}
	}
	return text
}

// Seconds is the time between the first and the last record.
func (c *Counts) Seconds() float64 { return c.Last.Sub(c.First).Seconds() }

// PerSecond is how many events a second had a key. ok is false if the trail is too
// short to tell.
func (c *Counts) PerSecond(key string) (rate float64, ok bool) {
	if c.Seconds() < 1 {
		return 0, false
	}
	return float64(c.Events[key]) / c.Seconds(), true
}
