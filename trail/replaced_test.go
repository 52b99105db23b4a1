package trail_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
)

// whats are the kinds of the notices that came.
func (b *bench) whats() []trail.What {
	var list []trail.What
	for _, n := range b.notices {
		list = append(list, n.What)
	}
	return list
}

// replaced does to the live segment what logrotate, an administrator or an
// intruder may do, after three records; appends one record at once, one after a
// second, and looks what is in the trail then.
func replaced(t *testing.T, do func(b *bench), want []trail.What, wantSerials []int, wantFiles []string) {
	b := newBench(t)
	b.cfg.MaxFile, b.cfg.Files = 0, 0
	b.open()
	b.append(2)
	b.clock.advance(time.Second)
	b.append(1) // the look at the file comes before it is written to
	do(b)
	b.append(1)
	b.clock.advance(time.Second)
	b.append(1)
	if diff := cmp.Diff(b.whats(), want); diff != "" {
		t.Errorf("notices (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(serials(b.all()), wantSerials); diff != "" {
		t.Errorf("serials (-got +want):\n%s", diff)
	}
	var files []string
	for file, size := range b.files() {
		if size > 0 {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	if diff := cmp.Diff(files, wantFiles); diff != "" {
		t.Errorf("files (-got +want):\n%s", diff)
	}
	if !whole(b.read("")) {
		t.Errorf("live segment does not end with a newline: %q", b.read(""))
	}
}

// rename moves the live segment to another name.
func rename(suffix string) func(b *bench) {
	return func(b *bench) {
		b.t.Helper()
		if err := os.Rename(b.cfg.Path, b.cfg.Path+suffix); err != nil {
			b.t.Fatal(err)
		}
	}
}

func TestReplaced(t *testing.T) {
	f := func(name string, do func(b *bench), want []trail.What, wantSerials []int, wantFiles []string) {
		t.Run(name, func(t *testing.T) { replaced(t, do, want, wantSerials, wantFiles) })
	}
	f("renamed to .1", rename(".1"),
		[]trail.What{trail.Renamed}, oneTo(5), []string{"audit.log", "audit.log.1"})
	f("renamed to another name", rename("-20261121"),
		[]trail.What{trail.Renamed}, []int{5}, []string{"audit.log", "audit.log-20261121"})
	f("renamed, a new one created", func(b *bench) {
		rename(".1")(b)
		b.write("", nil)
	}, []trail.What{trail.Renamed}, oneTo(5), []string{"audit.log", "audit.log.1"})
	f("renamed, another with text in its place", func(b *bench) {
		rename("-old")(b)
		b.write("", []byte(record(77)))
	}, []trail.What{trail.Renamed}, []int{77, 5}, []string{"audit.log", "audit.log-old", "audit.log.1"})
	f("renamed to .1, another with text in its place", func(b *bench) {
		rename(".1")(b)
		b.write("", []byte(record(77)))
	}, []trail.What{trail.Renamed}, []int{1, 2, 3, 4, 77, 5}, []string{"audit.log", "audit.log.1", "audit.log.2"})
	f("renamed, a link in its place", func(b *bench) {
		rename("-old")(b)
		if err := os.Symlink("/dev/null", b.cfg.Path); err != nil {
			b.t.Fatal(err)
		}
	}, []trail.What{trail.Renamed}, []int{5}, []string{"audit.log", "audit.log-old", "audit.log.1"})
	// Record 3 came in the last second before the look: it is saved with 4.
	f("removed", func(b *bench) {
		if err := os.Remove(b.cfg.Path); err != nil {
			b.t.Fatal(err)
		}
	}, []trail.What{trail.Removed}, []int{3, 4, 5}, []string{"audit.log"})
	f("directory removed", func(b *bench) {
		if err := os.RemoveAll(filepath.Dir(b.cfg.Path)); err != nil {
			b.t.Fatal(err)
		}
	}, []trail.What{trail.Removed}, []int{3, 4, 5}, []string{"audit.log"})
	f("truncated", func(b *bench) {
		if err := os.Truncate(b.cfg.Path, 0); err != nil {
			b.t.Fatal(err)
		}
	}, []trail.What{trail.Truncated}, []int{4, 5}, []string{"audit.log"})
	f("written to by another", func(b *bench) {
		file, err := os.OpenFile(b.cfg.Path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			b.t.Fatal(err)
		}
		_, err = file.WriteString(record(88))
		if err := errors.Join(err, file.Close()); err != nil {
			b.t.Fatal(err)
		}
	}, []trail.What{trail.Foreign}, []int{1, 2, 3, 88, 4, 5}, []string{"audit.log"})
}

// TestTruncatedInTheMiddle: the half line that is left is set aside, so that the
// next one stands alone.
func TestTruncatedInTheMiddle(t *testing.T) {
	b := newBench(t).open()
	b.append(3)
	if err := os.Truncate(b.cfg.Path, 150); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Second)
	b.append(1)
	if diff := cmp.Diff(serials(b.all()), []int{1, 4}); diff != "" {
		t.Errorf("serials (-got +want):\n%s", diff)
	}
	if got, want := string(b.read(".broken")), record(2)[:50]+"\n"; got != want {
		t.Errorf("set aside: got %q, want %q", got, want)
	}
}

// TestNoPlaceToWrite: while there is no directory, each append says so; when
// there is one again, it goes on.
func TestNoPlaceToWrite(t *testing.T) {
	b := newBench(t)
	b.cfg.Path = filepath.Join(t.TempDir(), "gone", "audit", "audit.log")
	parent := filepath.Dir(filepath.Dir(b.cfg.Path))
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	b.open()
	b.append(1)
	if err := os.RemoveAll(parent); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Second)
	var failed *trail.AppendError
	for range 3 {
		err := b.w.Append([]byte(record(2)), 1)
		if !errors.As(err, &failed) || !errors.Is(err, os.ErrNotExist) || failed.Lines != 0 {
			t.Fatalf("got %v, want that it does not exist", err)
		}
	}
	if got := b.w.Stats().WriteErrors; got != 3 {
		t.Errorf("write errors: got %d, want 3", got)
	}
	if err := os.Mkdir(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	b.append(1)
	if got := serials(b.all()); len(got) != 2 {
		t.Errorf("serials: got %v, want the one of the last second and the new one", got)
	}
	b.mustVerify()
}

// TestReopen is what a reload after logrotate does.
func TestReopen(t *testing.T) {
	b := newBench(t).open()
	b.append(1)
	if err := os.Rename(b.cfg.Path, b.cfg.Path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := b.w.Reopen(); err != nil {
		t.Fatal(err)
	}
	b.append(1)
	if diff := cmp.Diff(serials(strings.Split(string(b.read("")), "\n")), []int{2}); diff != "" {
		t.Errorf("live segment (-got +want):\n%s", diff)
	}
	report := b.mustVerify()
	if report.Segments != 2 || report.Ledger != 1 {
		t.Errorf("verify: got %+v", report)
	}
}

// TestVerifyShowsWhatOthersDid: the chain is not adapted to it.
func TestVerifyShowsWhatOthersDid(t *testing.T) {
	b := newBench(t).open()
	b.seal("start")
	b.append(3)
	if err := os.Truncate(b.cfg.Path, int64(len(b.read(""))-100)); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Second)
	b.append(1)
	b.seal("repair")
	report := b.verify()
	if len(report.Damaged) != 1 || report.Damaged[0].Harm != trail.BytesMissing || report.Damaged[0].Bytes != 100 {
		t.Errorf("verify: got %v, want 100 bytes missing", report.Damaged)
	}
}
