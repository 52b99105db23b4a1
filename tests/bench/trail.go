package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"vigil/tests/rig"
)

// template is an event of real records, without its stamp.
type template [][2][]byte // before and behind it, of each line

// templates are the events in audit/testdata/real.log.
func templates() ([]template, error) {
	root, err := rig.Root()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(root, "audit", "testdata", "real.log"))
	if err != nil {
		return nil, err
	}
	var all []template
	of := map[string]int{}
	for line := range bytes.Lines(text) {
		head, rest, ok := bytes.Cut(line, []byte("msg=audit("))
		stamp, tail, ok2 := bytes.Cut(rest, []byte("): "))
		if !ok || !ok2 {
			return nil, fmt.Errorf("no stamp in %q", line)
		}
		i, known := of[string(stamp)]
		if !known {
			i = len(all)
			of[string(stamp)] = i
			all = append(all, nil)
		}
		all[i] = append(all[i], [2][]byte{append(head, "msg=audit("...), append([]byte("): "), tail...)})
	}
	return all, nil
}

// trailEnd is when the made trail ends; it is a day long.
func trailEnd() time.Time { return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC) }

const trailLength = 24 * time.Hour

// arrival is how the events of a made trail come: steadily, or in bursts of 10,000 at
// 4,000 a second, as builds, backups and deployments make them. ausearch's time depends
// on it: it keeps all events of the last two seconds in a list.
type arrival bool

const (
	steadily arrival = false
	inBursts arrival = true
)

const (
	burst      = 10_000
	burstEvery = time.Second / 4000
)

// benchKey is the key of one event in about a hundred.
const benchKey = "needle"

// makeTrail writes a log of at least so many bytes, the real events over and over in
// the course of a day. It returns how many events bear benchKey, and a time in the
// middle at which a burst begins.
func makeTrail(path string, size int64, come arrival) (keyed int, middle time.Time, err error) {
	events, err := templates()
	if err != nil {
		return 0, middle, err
	}
	round := int64(0)
	for _, e := range events {
		for _, line := range e {
			round += int64(len(line[0]) + len(line[1]) + 30)
		}
	}
	total := (size/round + 1) * int64(len(events))
	step := trailLength / time.Duration(total)
	middle = trailEnd().Add(-trailLength + time.Duration(total/2-total/2%burst)*step)
	f, err := os.Create(path)
	if err != nil {
		return 0, middle, err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	var text []byte
	for n := int64(0); n < total; n++ {
		at := trailEnd().Add(-trailLength + time.Duration(n)*step)
		if come == inBursts {
			at = trailEnd().Add(-trailLength + time.Duration(n-n%burst)*step + time.Duration(n%burst)*burstEvery)
		}
		text = text[:0]
		e := events[n%int64(len(events))]
		marked := false
		for _, line := range e {
			text = append(text, line[0]...)
			text = fmt.Appendf(text, "%d.%03d:%d", at.Unix(), at.Nanosecond()/1e6, 1000+n)
			tail := line[1]
			if before, behind, ok := bytes.Cut(tail, []byte(" key=(null)")); ok && n%50 == 7 {
				text = append(append(append(text, before...), ` key="`+benchKey+`"`...), behind...)
				marked = true
				continue
			}
			text = append(text, tail...)
		}
		if marked {
			keyed++
		}
		if _, err := w.Write(text); err != nil {
			return 0, middle, err
		}
	}
	return keyed, middle, w.Flush()
}
