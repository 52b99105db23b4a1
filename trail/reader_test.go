package trail_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
)

// lines is what the two readers have in common.
type lines interface {
	Next() bool
	Bytes() []byte
	Err() error
	Position() trail.Position
	Stats() trail.ReaderStats
	Close() error
}

// readers are the constructors of both, to run the same cases over them.
var readers = map[string]func(t *testing.T, path string, from trail.Position) lines{
	"Reader": func(t *testing.T, path string, from trail.Position) lines {
		t.Helper()
		r, err := trail.OpenReader(path, from)
		if err != nil {
			t.Fatal(err)
		}
		return r
	},
	"LiveReader": func(_ *testing.T, path string, from trail.Position) lines { return trail.OpenLive(path, from) },
}

// overReaders runs a test once for each reader.
func overReaders(t *testing.T, f func(t *testing.T, open func(t *testing.T, path string, from trail.Position) lines)) {
	for name, open := range readers {
		t.Run(name, func(t *testing.T) { f(t, open) })
	}
}

// drain reads what there is.
func drain(t *testing.T, r lines) []string {
	t.Helper()
	var list []string
	for r.Next() {
		list = append(list, string(r.Bytes()))
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return list
}

func TestReadersHandOutLines(t *testing.T) {
	long := strings.Repeat("x", trail.MaxLine)
	f := func(name, text string, want []string, wantStats trail.ReaderStats) {
		overReaders(t, func(t *testing.T, open func(*testing.T, string, trail.Position) lines) {
			path := filepath.Join(t.TempDir(), "audit.log")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			r := open(t, path, trail.Position{})
			defer r.Close()
			if diff := cmp.Diff(drain(t, r), want); diff != "" {
				t.Errorf("%s (-got +want):\n%s", name, diff)
			}
			wantStats := wantStats
			if _, live := r.(*trail.LiveReader); live {
				wantStats.Torn = 0 // it may become a line yet
			}
			if diff := cmp.Diff(r.Stats(), wantStats); diff != "" {
				t.Errorf("%s: stats (-got +want):\n%s", name, diff)
			}
		})
	}
	f("nothing", "", nil, trail.ReaderStats{})
	f("lines", "one\ntwo\n\nfour\n", []string{"one", "two", "", "four"}, trail.ReaderStats{})
	f("half a line", "one\ntw", []string{"one"}, trail.ReaderStats{Torn: 2})
	f("longest line", long[1:]+"\nx\n", []string{long[1:], "x"}, trail.ReaderStats{})
	f("one longer", long+"\nx\n", []string{long, "x"}, trail.ReaderStats{Long: 1})
	f("much longer", strings.Repeat(long, 9)+"y\nx\n", []string{long, "x"}, trail.ReaderStats{Long: 1})
	f("two long ones", long+"1\n"+long+"2\nx\n", []string{long, long, "x"}, trail.ReaderStats{Long: 2})
	f("half a long one", "x\n"+long+"1", []string{"x"}, trail.ReaderStats{Torn: trail.MaxLine + 1})
}

func TestReadersOverSegments(t *testing.T) {
	overReaders(t, func(t *testing.T, open func(*testing.T, string, trail.Position) lines) {
		b := newBench(t).open()
		for range 30 {
			b.append(1)
		}
		r := open(t, b.cfg.Path, trail.Position{})
		defer r.Close()
		got := drain(t, r)
		if diff := cmp.Diff(serials(got), oneTo(30)); diff != "" {
			t.Errorf("serials (-got +want):\n%s", diff)
		}
		if want := int(b.w.Stats().Records); len(got) != want {
			t.Errorf("lines: got %d, want %d", len(got), want)
		}
	})
}

// TestResumeAtEveryPosition stops after each line, and goes on from the position
// in another reader; also when the trail has rotated meanwhile.
func TestResumeAtEveryPosition(t *testing.T) {
	overReaders(t, func(t *testing.T, open func(*testing.T, string, trail.Position) lines) {
		for _, rotations := range []int{0, 1, 2} {
			b := newBench(t)
			b.cfg.Files = 50
			b.open()
			for range 30 {
				b.append(1)
			}
			want := b.all()
			var positions []trail.Position
			r := open(t, b.cfg.Path, trail.Position{})
			positions = append(positions, r.Position())
			for r.Next() {
				positions = append(positions, r.Position())
			}
			r.Close()
			for range rotations {
				if err := b.w.Rotate(); err != nil {
					t.Fatal(err)
				}
			}
			heads := b.all()[len(want):] // the rotations' own lines
			for n, p := range positions {
				r := open(t, b.cfg.Path, roundTrip(t, p))
				if r.Position() != p {
					t.Errorf("position before the first line: got %v, want %v", r.Position(), p)
				}
				got := drain(t, r)
				if diff := cmp.Diff(append(want[:n:n], got...), append(want[:len(want):len(want)], heads...)); diff != "" {
					t.Fatalf("%d rotations, stopped after %d lines at %v (-got +want):\n%s", rotations, n, p, diff)
				}
				if !r.Stats().Lost.IsZero() {
					t.Errorf("%d rotations, stopped after %d lines: lost %+v", rotations, n, r.Stats().Lost)
				}
				r.Close()
			}
		}
	})
}

// roundTrip passes a position through its text form.
func roundTrip(t *testing.T, p trail.Position) trail.Position {
	t.Helper()
	text, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var back trail.Position
	if err := back.UnmarshalText(text); err != nil || back != p {
		t.Fatalf("position %s: got %v, %v", text, back, err)
	}
	return back
}

// TestLostSegments: what was deleted before it could be read is counted exactly,
// as far as LEDGER lines tell.
func TestLostSegments(t *testing.T) {
	overReaders(t, func(t *testing.T, open func(*testing.T, string, trail.Position) lines) {
		b := newBench(t).open()
		b.seal("start")
		b.append(2)
		r := open(t, b.cfg.Path, trail.Position{})
		drain(t, r)
		position := r.Position()
		read := b.w.Stats().Stream
		r.Close()
		for range 60 {
			b.append(1)
		}
		r = open(t, b.cfg.Path, roundTrip(t, position))
		defer r.Close()
		var rest int64
		for _, line := range drain(t, r) {
			rest += int64(len(line)) + 1
		}
		stats := b.w.Stats()
		want := trail.Lost{Segments: int64(stats.Segment) - 5, Bytes: stats.Stream - read - rest}
		if diff := cmp.Diff(r.Stats().Lost, want); diff != "" || want.Bytes < 1000 {
			t.Errorf("lost (-got +want):\n%s", diff)
		}
	})
}

// TestLostWithoutLedger: in a log without LEDGER lines it can only be said that
// something was lost.
func TestLostWithoutLedger(t *testing.T) {
	overReaders(t, func(t *testing.T, open func(*testing.T, string, trail.Position) lines) {
		b := newBench(t)
		b.cfg.Head = nil
		b.open()
		b.append(2)
		r := open(t, b.cfg.Path, trail.Position{})
		drain(t, r)
		position := r.Position()
		r.Close()
		for range 80 {
			b.append(1)
		}
		r = open(t, b.cfg.Path, position)
		got := serials(drain(t, r))
		r.Close()
		if len(got) == 0 || got[len(got)-1] != 82 || r.Stats().Lost != (trail.Lost{Unknown: 1}) {
			t.Errorf("got %v, lost %+v", got, r.Stats().Lost)
		}
	})
}

func TestPositionSurvivesARestoredBackup(t *testing.T) {
	overReaders(t, func(t *testing.T, open func(*testing.T, string, trail.Position) lines) {
		b := newBench(t).open()
		b.append(15)
		r := open(t, b.cfg.Path, trail.Position{})
		for range 5 {
			r.Next()
		}
		position := r.Position()
		r.Close()
		dir := t.TempDir()
		for file := range b.files() {
			text := readFile(t, filepath.Join(filepath.Dir(b.cfg.Path), file))
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r = open(t, filepath.Join(dir, "audit.log"), position)
		defer r.Close()
		if got, want := serials(drain(t, r)), oneTo(15)[5:]; !cmp.Equal(got, want) {
			t.Errorf("serials: got %v, want %v", got, want)
		}
	})
}

func TestPositionText(t *testing.T) {
	f := func(text string, want trail.Position) {
		t.Helper()
		got, err := trail.ParsePosition(text)
		if err != nil || got != want {
			t.Errorf("parse %q: got %+v, %v, want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("String: got %q, want %q", got.String(), text)
		}
	}
	f("-", trail.Position{})
	f("t1:fd01:1234:00a1b2c3d4e5f607:3:16801210:42", trail.Position{
		Segment: trail.Segment{Dev: 0xfd01, Inode: 1234, Sum: 0xa1b2c3d4e5f607, Number: 3, Base: 16801210}, Offset: 42})
	f("t1:0:0:0000000000000000:1:-7:9", trail.Position{Segment: trail.Segment{Number: 1, Base: -7}, Offset: 9})
	for _, bad := range []string{"", "x", "t2:0:0:0:0:0:0", "t1:0:0:0:0:0", "t1:0:0:0:0:0:-1", "t1:g:0:0:0:0:0", "t1:0:0:0:0:0:0:0", "t1:0:0:0:0:0:99999999999999999999"} {
		if p, err := trail.ParsePosition(bad); err == nil {
			t.Errorf("parse %q: got %+v, want an error", bad, p)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("t1:fd01:1234:00a1b2c3d4e5f607:3:-16801210:42")
	f.Add("-")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := trail.ParsePosition(text)
		if err != nil {
			return
		}
		if back, err := trail.ParsePosition(p.String()); err != nil || back != p {
			t.Errorf("%q: got %+v, %v, want %+v", text, back, err, p)
		}
	})
}

func TestReaderOfNothing(t *testing.T) {
	if _, err := trail.OpenReader(filepath.Join(t.TempDir(), "audit.log"), trail.Position{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want that it does not exist", err)
	}
}

// TestNewReader reads a stream, as `vigil replay -` does: there the last line
// counts without its newline too.
func TestNewReader(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(text), "bytewise": onebyte{strings.NewReader(text)}} {
			if diff := cmp.Diff(drain(t, trail.NewReader(r)), want); diff != "" {
				t.Errorf("%.20q, %s (-got +want):\n%s", text, name, diff)
			}
		}
	}
	f("")
	f("one\ntwo\n", "one", "two")
	f("one\ntwo", "one", "two")
	f("\n", "")
	long := strings.Repeat("x", trail.MaxLine)
	f(long+"yyy\none", long, "one")
	f(long+"yyy", long)

	broken := trail.NewReader(io.MultiReader(strings.NewReader("one\ntw"), badReader{}))
	for broken.Next() {
	}
	if broken.Err() == nil {
		t.Error("the error of the stream was not told")
	}
}

type onebyte struct{ r io.Reader }

func (o onebyte) Read(p []byte) (int, error) { return o.r.Read(p[:1]) }

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, errors.New("bad") }

// TestReaderWhileRotating begins to read, then the trail rotates under it.
func TestReaderWhileRotating(t *testing.T) {
	b := newBench(t).open()
	b.seal("start")
	b.append(8)
	b.append(10)
	b.append(10)
	r, err := trail.OpenReader(b.cfg.Path, trail.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var got []string
	for range 3 {
		r.Next()
		got = append(got, string(r.Bytes()))
	}
	for range 2 {
		if err := b.w.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	got = append(got, drain(t, r)...)
	if diff := cmp.Diff(serials(got), oneTo(28)); diff != "" || !r.Stats().Lost.IsZero() {
		t.Errorf("lost %+v, serials (-got +want):\n%s", r.Stats().Lost, diff)
	}
}

// FuzzReader reads whatever bytes there are as two segments. Both readers give the
// lines that cutting at newlines gives, and resume anywhere.
func FuzzReader(f *testing.F) {
	f.Add([]byte("one\ntwo\n"), []byte("three\nfour"), 1)
	f.Add([]byte("\xff\xff\n"), []byte("\n\n\x00\n\xff\xff"), 0)
	f.Add([]byte("half"), []byte(record(1)), 0)
	f.Add([]byte(string(ledgerPrefix("start"))+" segment=7 bytes=9 chain="+strings.Repeat("0", 64)+"\n"), []byte(""), 2)
	f.Fuzz(func(t *testing.T, old, live []byte, stop int) {
		old, live = stretch(old), stretch(live)
		path := filepath.Join(memoryDir(t), "audit.log")
		if err := errors.Join(os.WriteFile(path+".1", old, 0o600), os.WriteFile(path, live, 0o600)); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, text := range [][]byte{old, live} {
			for line := range bytes.Lines(text) {
				if line, ok := bytes.CutSuffix(line, []byte{'\n'}); ok {
					want = append(want, string(line[:min(len(line), trail.MaxLine)]))
				}
			}
		}
		for name, open := range readers {
			r := open(t, path, trail.Position{})
			var got []string
			for len(got) < stop && r.Next() {
				got = append(got, string(r.Bytes()))
			}
			position := r.Position()
			r.Close()
			r = open(t, path, roundTrip(t, position))
			got = append(got, drain(t, r)...)
			r.Close()
			if !cmp.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	})
}
