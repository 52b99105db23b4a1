package trail_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
)

// TestLiveReaderFollows appends, rotates and reads in turn; what is read must be
// what was appended.
func TestLiveReaderFollows(t *testing.T) {
	f := func(name string, steps string) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.cfg.MaxFile, b.cfg.Files = 0, 20
			r := trail.OpenLive(b.cfg.Path, trail.Position{})
			defer r.Close()
			var got []string
			for _, step := range strings.Fields(steps) {
				switch step {
				case "open":
					b.open()
				case "reopen":
					b.reopen()
				case "append":
					b.append(3)
				case "rotate":
					if err := b.w.Rotate(); err != nil {
						t.Fatal(err)
					}
				case "read":
					got = append(got, drain(t, r)...)
				case "read1":
					if !r.Next() {
						t.Fatal("no line")
					}
					got = append(got, string(r.Bytes()))
				case "resume":
					r.Close()
					r = trail.OpenLive(b.cfg.Path, roundTrip(t, r.Position()))
				}
			}
			if diff := cmp.Diff(got, b.all()); diff != "" {
				t.Errorf("lines (-got +want):\n%s", diff)
			}
			if !r.Stats().Lost.IsZero() {
				t.Errorf("lost: %+v", r.Stats().Lost)
			}
		})
	}
	f("in one segment", "open read append read read append append read")
	f("before there is a trail", "read open read append read")
	f("over a rotation", "open append read rotate append read")
	f("with lines left before the rotation", "open append read1 rotate append read")
	f("over several rotations", "open append read1 rotate append rotate append rotate append read")
	f("a rotation after each line", "open append read1 rotate read1 rotate read1 rotate read")
	f("over a restart of the writer", "open append read reopen append read")
	f("resumed in the middle", "open append read1 resume rotate append resume read")
	f("resumed at an end", "open append read resume rotate read resume append read")
	f("resumed in an empty trail", "open read resume append read")
}

func TestLiveReaderAtEnd(t *testing.T) {
	b := newBench(t).open()
	b.append(15)
	b.write("", append(b.read(""), "half"...))
	r := trail.OpenLiveAtEnd(b.cfg.Path)
	defer r.Close()
	if got := drain(t, r); got != nil {
		t.Errorf("at the end: got %q", got)
	}
	b.write("", append(b.read(""), " a line\nmore\n"...))
	if diff := cmp.Diff(drain(t, r), []string{"half a line", "more"}); diff != "" {
		t.Errorf("what came after (-got +want):\n%s", diff)
	}
}

// TestLiveReaderAndACutLine: a line that the writer begins, cuts off and writes
// anew is read as it is in the end.
func TestLiveReaderAndACutLine(t *testing.T) {
	b := newBench(t).open()
	r := trail.OpenLive(b.cfg.Path, trail.Position{})
	defer r.Close()
	var got []string
	for _, text := range []string{"one\ntw", "one\n", "one\nzwei\n"} {
		b.write("", []byte(text))
		got = append(got, drain(t, r)...)
	}
	if diff := cmp.Diff(got, []string{"one", "zwei"}); diff != "" {
		t.Errorf("lines (-got +want):\n%s", diff)
	}
}

func TestLiveReaderOfALongLineInPieces(t *testing.T) {
	b := newBench(t).open()
	r := trail.OpenLive(b.cfg.Path, trail.Position{})
	defer r.Close()
	text := ""
	for range 5 {
		text += strings.Repeat("x", 50_000)
		b.write("", []byte(text))
		if got := drain(t, r); got != nil {
			t.Fatalf("before its end: got a line of %d bytes", len(got[0]))
		}
		if p := r.Position(); p.Offset != 0 {
			t.Errorf("position in a line that has not ended: got %v", p)
		}
	}
	b.write("", []byte(text+"\nnext\n"))
	if diff := cmp.Diff(drain(t, r), []string{text[:trail.MaxLine], "next"}); diff != "" {
		t.Errorf("lines (-got +want):\n%.200s", diff)
	}
}

func TestLiveReaderOfATruncatedSegment(t *testing.T) {
	b := newBench(t)
	b.cfg.MaxFile = 0
	b.open()
	b.seal("start")
	b.append(3)
	r := trail.OpenLive(b.cfg.Path, trail.Position{})
	defer r.Close()
	drain(t, r)
	b.append(2) // not read before it is gone
	if err := os.Truncate(b.cfg.Path, 0); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Second)
	b.append(1)
	b.seal("repair")
	if got, want := serials(drain(t, r)), []int{6}; !cmp.Equal(got, want) {
		t.Errorf("serials: got %v, want %v", got, want)
	}
	if got, want := r.Stats().Lost, (trail.Lost{Segments: 1, Bytes: 200}); got != want {
		t.Errorf("lost: got %+v, want %+v", got, want)
	}
}

// TestLiveReaderAndLogrotate: the writer goes on in the renamed file for up to a
// second; nothing of that is missed.
func TestLiveReaderAndLogrotate(t *testing.T) {
	f := func(name, suffix string, create bool) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.cfg.MaxFile = 0
			b.open()
			b.append(3)
			r := trail.OpenLive(b.cfg.Path, trail.Position{})
			defer r.Close()
			got := drain(t, r)
			if err := os.Rename(b.cfg.Path, b.cfg.Path+suffix); err != nil {
				t.Fatal(err)
			}
			if create {
				b.write("", nil)
			}
			got = append(got, drain(t, r)...)
			b.append(1)
			got = append(got, drain(t, r)...)
			b.append(1)
			b.clock.advance(time.Second)
			b.append(1)
			got = append(got, drain(t, r)...)
			if diff := cmp.Diff(serials(got), oneTo(6)); diff != "" {
				t.Errorf("serials (-got +want):\n%s", diff)
			}
		})
	}
	f("moved to .1", ".1", false)
	f("moved to .1, a new one created", ".1", true)
	f("moved to a date", "-20261121", false)
	f("moved to a date, a new one created", "-20261121", true)
}

// TestLiveReaderIsOvertaken: the writer deletes segments that have not been read.
// The one that is open is read to its end nevertheless.
func TestLiveReaderIsOvertaken(t *testing.T) {
	b := newBench(t).open()
	b.seal("start")
	b.append(3)
	r := trail.OpenLive(b.cfg.Path, trail.Position{})
	defer r.Close()
	var got []string
	var bytes int64
	read := func(line string) {
		got = append(got, line)
		bytes += int64(len(line)) + 1
	}
	r.Next()
	read(string(r.Bytes()))
	for range 97 {
		b.append(1)
	}
	for _, line := range drain(t, r) {
		read(line)
	}
	if n := serials(got); n[0] != 1 || n[2] != 3 || n[len(n)-1] != 100 {
		t.Errorf("serials: got %v, want 1 to the end of its segment, and the newest", n)
	}
	stats := b.w.Stats()
	want := trail.Lost{Segments: int64(stats.Segment) - 1 - 5, Bytes: stats.Stream - bytes}
	if got := r.Stats().Lost; got != want || want.Segments < 3 {
		t.Errorf("lost: got %+v, want %+v", got, want)
	}
}

// TestLiveReaderAccountsForEverything does all kinds of things in random order, to
// a trail that keeps three segments. In the end each byte of the stream was read
// once, or is counted as lost.
func TestLiveReaderAccountsForEverything(t *testing.T) {
	for seed := range uint64(150) {
		random := rand.New(rand.NewPCG(seed, 0))
		b := newBench(t)
		b.cfg.Files, b.cfg.Path = 3, filepath.Join(memoryDir(t), "audit.log")
		b.open()
		b.seal("start")
		r := trail.OpenLive(b.cfg.Path, trail.Position{})
		var read int64
		var lost trail.Lost
		count := func() { read += int64(len(r.Bytes())) + 1 }
		if r.Next() { // what is deleted before a reader begins is not lost to it
			count()
		}
		for range 60 {
			switch random.IntN(10) {
			case 0:
				b.seal("mark")
			case 1:
				if err := b.w.Rotate(); err != nil {
					t.Fatal(err)
				}
			case 2:
				b.reopen()
			case 3: // the reader is restarted
				lost = sum(lost, r.Stats().Lost)
				position := roundTrip(t, r.Position())
				r.Close()
				r = trail.OpenLive(b.cfg.Path, position)
			case 4, 5:
				for range random.IntN(8) {
					if r.Next() {
						count()
					}
				}
			case 6:
				for r.Next() {
					count()
				}
			default:
				b.append(1 + random.IntN(9))
			}
		}
		b.seal("end") // tells a reader that is in the live segment where it stands
		for r.Next() {
			count()
		}
		lost = sum(lost, r.Stats().Lost)
		if got, want := read+lost.Bytes, b.w.Stats().Stream; got != want || lost.Unknown != 0 || r.Err() != nil {
			t.Errorf("seed %d: got %d read and %d lost (%+v), want %d together: %v", seed, read, lost.Bytes, lost, want, r.Err())
		}
		r.Close()
		b.w.Close()
	}
}

func sum(a, b trail.Lost) trail.Lost {
	return trail.Lost{Segments: a.Segments + b.Segments, Bytes: a.Bytes + b.Bytes, Unknown: a.Unknown + b.Unknown}
}

// TestLiveReaderKeepsUp reads in one goroutine while another appends and
// rotates, woken by Changed.
func TestLiveReaderKeepsUp(t *testing.T) {
	const records = 5000
	b := newBench(t)
	b.cfg.MaxFile, b.cfg.Files, b.cfg.Notify = 10_000, 500, nil
	b.open()
	r := trail.OpenLive(b.cfg.Path, trail.Position{})
	defer r.Close()
	written := make(chan struct{})
	go func() {
		defer close(written)
		for serial := 1; serial <= records; serial++ {
			if err := b.w.Append([]byte(record(serial)), 1); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	var got []string
	for done := false; !done; {
		changed := b.w.Changed()
		select {
		case <-written:
			done = true
		default:
		}
		got = append(got, drain(t, r)...)
		if !done {
			select {
			case <-changed:
			case <-written:
			}
		}
	}
	if !cmp.Equal(serials(got), oneTo(records)) || !r.Stats().Lost.IsZero() {
		t.Errorf("got %d records, lost %+v", len(serials(got)), r.Stats().Lost)
	}
}

func TestWatch(t *testing.T) {
	b := newBench(t).open()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	changed, err := trail.Watch(ctx, b.cfg.Path)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.append(1)
		<-changed
	}
	b.append(10) // rotates
	<-changed
	cancel()
	for range changed { // ends when the watch has
	}
	if _, err := trail.Watch(ctx, "/nowhere/audit.log"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing directory: got %v", err)
	}
}
