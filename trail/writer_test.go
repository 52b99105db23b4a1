package trail_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
)

func TestAppend(t *testing.T) {
	b := newBench(t).open()
	if !b.rec.Created || b.rec.Chain != trail.ChainNew {
		t.Errorf("recovery of a new trail: got %+v", b.rec)
	}
	b.append(3)
	b.append(2)
	if got, want := string(b.read("")), record(1)+record(2)+record(3)+record(4)+record(5); got != want {
		t.Errorf("live segment: got %q, want %q", got, want)
	}
	got := b.w.Stats()
	want := trail.Stats{Records: 5, Bytes: 500, Writes: 2, Segment: 1, Size: 500, Stream: 500, Unsealed: 500}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("stats (-got +want):\n%s", diff)
	}
}

func TestAppendRefusesHalfALine(t *testing.T) {
	b := newBench(t).open()
	if err := b.w.Append([]byte("type=SYSCALL"), 1); err == nil {
		t.Error("half a line was taken")
	}
	if err := b.w.Append(nil, 0); err != nil {
		t.Errorf("nothing: got %v", err)
	}
	for _, prefix := range []string{"", "type=SYSCALL msg=audit(1.000:1): op=x", "type=LEDGER msg=audit(1.000:1): op=x\n", "type=LEDGER msg=audit(1.000:1): pid=1 op=x"} {
		if err := b.w.Seal([]byte(prefix)); err == nil {
			t.Errorf("seal took %q for the start of a LEDGER line", prefix)
		}
	}
	if got := b.read(""); len(got) != 0 {
		t.Errorf("live segment: got %q, want nothing", got)
	}
}

// TestChainFormula computes the chain from the trail's bytes as
// docs/format/ledger.md says, by other means than the package does.
func TestChainFormula(t *testing.T) {
	b := newBench(t).open()
	b.seal("start")
	for range 32 {
		b.append(1)
	}
	b.seal("loss")
	b.seal("end")
	var text []byte
	for _, suffix := range []string{".4", ".3", ".2", ".1", ""} {
		text = append(text, b.read(suffix)...)
	}
	sealed := regexp.MustCompile(`(?m)^type=LEDGER .* segment=(\d+) bytes=(\d+) chain=([0-9a-f]{64})\n`)
	var previous [32]byte
	from, links := 0, 0
	for _, m := range sealed.FindAllSubmatchIndex(text, -1) {
		line := text[m[0]:m[1]]
		hashed := append(previous[:], text[from:m[1]-len(" chain=")-64-1]...)
		previous = sha256.Sum256(hashed)
		if got, want := string(text[m[6]:m[7]]), fmt.Sprintf("%x", previous); got != want {
			t.Fatalf("chain of %q: got %s, want %s", line, got, want)
		}
		if got, want := string(text[m[4]:m[5]]), fmt.Sprint(m[0]); got != want {
			t.Errorf("bytes of %q: got %s, want %s", line, got, want)
		}
		from = m[1]
		links++
	}
	if links != 3+4 { // start, loss, end and four rotations
		t.Errorf("links: got %d, want 7", links)
	}
	report := b.mustVerify()
	if report.Ledger != 7 || report.Sealed != int64(len(text)) || report.Chain != fmt.Sprintf("%x", previous) {
		t.Errorf("verify: got %+v", report)
	}
}

func TestModes(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to a group that is not its own")
	}
	mode := func(name string) string {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%v %d", info.Mode().Perm(), gid(info))
	}
	f := func(group int, wantDir, wantLive, wantOld string) {
		t.Helper()
		b := newBench(t)
		b.cfg.Group = group
		b.open()
		b.append(11)
		got := []string{mode(filepath.Dir(b.cfg.Path)), mode(b.cfg.Path), mode(b.cfg.Path + ".1")}
		if diff := cmp.Diff(got, []string{wantDir, wantLive, wantOld}); diff != "" {
			t.Errorf("group %d: directory, live and old segment (-got +want):\n%s", group, diff)
		}
		// What somebody loosened is put right at the next start, as in auditd.
		for _, suffix := range []string{"", ".1"} {
			if err := errors.Join(os.Chmod(b.cfg.Path+suffix, 0o666), os.Chown(b.cfg.Path+suffix, 0, 1)); err != nil {
				t.Fatal(err)
			}
		}
		b.reopen()
		got = []string{mode(b.cfg.Path), mode(b.cfg.Path + ".1")}
		if diff := cmp.Diff(got, []string{wantLive, wantOld}); diff != "" {
			t.Errorf("group %d, repaired (-got +want):\n%s", group, diff)
		}
	}
	f(0, "-rwx------ 0", "-rw------- 0", "-r-------- 0")
	f(4, "-rwxr-x--- 4", "-rw-r----- 4", "-r--r----- 4")
}

func TestOpenRefuses(t *testing.T) {
	f := func(why string, prepare func(path string) error) {
		t.Helper()
		b := newBench(t)
		if err := errors.Join(os.MkdirAll(filepath.Dir(b.cfg.Path), 0o700), prepare(b.cfg.Path)); err != nil {
			t.Fatal(err)
		}
		_, _, err := trail.Open(b.cfg)
		var unsafe *trail.UnsafeError
		if !errors.As(err, &unsafe) || unsafe.Why != why || unsafe.Path != b.cfg.Path {
			t.Errorf("got %v, want an error that it %s", err, why)
		}
	}
	f("is a symbolic link", func(path string) error { return os.Symlink("/dev/null", path) })
	f("is a symbolic link", func(path string) error { return os.Symlink(path+".1", path) })
	f("is a directory", func(path string) error { return os.Mkdir(path, 0o700) })
	f("is not a regular file", mkfifo)
	if os.Geteuid() == 0 {
		f("belongs to another user", func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, 12345, 0))
		})
	}
}

func TestOpenLeavesOthersDirectoriesAlone(t *testing.T) {
	b := newBench(t)
	dir := filepath.Dir(b.cfg.Path)
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o1777)); err != nil {
		t.Fatal(err)
	}
	b.cfg.Group = os.Getgid()
	b.open()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o777 {
		t.Errorf("mode of a directory like /tmp: got %v, want it unchanged", got)
	}
	b.cfg.Path = filepath.Join(dir, "a", "b", "audit.log")
	if _, _, err := trail.Open(b.cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("directory whose parent is missing: got %v, want that it does not exist", err)
	}
}

func TestOnlyOneWriter(t *testing.T) {
	b := newBench(t).open()
	f := func() {
		t.Helper()
		_, _, err := trail.Open(b.cfg)
		var locked *trail.LockedError
		if !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Command == "" {
			t.Errorf("second writer: got %v, want an error that names process %d", err, os.Getpid())
		}
	}
	f()
	b.append(11) // rotates
	f()
	b.w.Close()
	b.open()
}

func TestClose(t *testing.T) {
	b := newBench(t).open()
	changed := b.w.Changed()
	if err := errors.Join(b.w.Close(), b.w.Close()); err != nil {
		t.Error(err)
	}
	<-changed
	<-b.w.Changed()
	for name, err := range map[string]error{
		"append": b.w.Append([]byte("x\n"), 1),
		"seal":   b.w.Seal(ledgerPrefix("end")),
		"rotate": b.w.Rotate(),
		"sync":   b.w.Sync(),
		"reopen": b.w.Reopen(),
	} {
		if !errors.Is(err, trail.ErrClosed) {
			t.Errorf("%s after close: got %v, want %v", name, err, trail.ErrClosed)
		}
	}
}

func TestChanged(t *testing.T) {
	b := newBench(t).open()
	first := b.w.Changed()
	select {
	case <-first:
		t.Error("changed before anything was appended")
	default:
	}
	b.append(1)
	<-first
	b.append(1)
	if b.w.Changed() == first {
		t.Error("the channel of an earlier change came again")
	}
}

func TestReconfigure(t *testing.T) {
	b := newBench(t).open()
	b.append(5)
	cfg := b.cfg
	cfg.MaxFile, cfg.Files, cfg.Flush, cfg.Path = 300, 2, trail.Sync, "/elsewhere"
	if err := b.w.Reconfigure(cfg); err == nil {
		t.Error("the path was changed while the trail was open")
	}
	cfg.Path = b.cfg.Path
	if err := b.w.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	b.append(1)
	b.append(1)
	b.append(1)
	if got, want := len(b.files()), 2; got != want {
		t.Errorf("files: got %v", b.files())
	}
	b.mustVerify()
	if _, _, err := trail.Open(b.cfg); err == nil {
		t.Error("the lock was lost")
	}
}

func TestConcurrentUse(t *testing.T) {
	b := newBench(t)
	b.cfg.MaxFile, b.cfg.Files, b.cfg.Now, b.cfg.Flush, b.cfg.Notify = 10_000, 1000, time.Now, trail.IncrementalAsync, nil
	b.open()
	ctx, cancel := context.WithCancel(context.Background())
	var upkeep, writers sync.WaitGroup
	upkeep.Go(func() {
		if err := b.w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for i := range 4 {
		writers.Go(func() {
			for n := range 200 {
				if err := b.w.Append([]byte(record(i*200+n+1)), 1); err != nil {
					t.Error(err)
				}
				switch n % 50 {
				case 10:
					b.w.Stats()
				case 20:
					if err := b.w.Seal(ledgerPrefix("mark")); err != nil {
						t.Error(err)
					}
				case 30:
					if err := b.w.Rotate(); err != nil {
						t.Error(err)
					}
				case 40:
					if err := b.w.Sync(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	cancel()
	upkeep.Wait()
	if err := b.w.Close(); err != nil {
		t.Error(err)
	}
	report := b.mustVerify()
	if got, want := report.Segments, int(b.w.Stats().Segment); got != want {
		t.Errorf("segments: got %d, want %d", got, want)
	}
	if got := len(serials(b.all())); got != 800 {
		t.Errorf("records: got %d, want 800", got)
	}
}

func TestSealVouchesForWhatCameBefore(t *testing.T) {
	b := newBench(t).open()
	b.append(2)
	b.seal("loss")
	if got := b.w.Stats().Unsealed; got != 0 {
		t.Errorf("unsealed after a seal: got %d", got)
	}
	b.append(1)
	report := b.mustVerify()
	if report.Tail != 100 || report.Sealed+report.Tail != report.Bytes || report.Before != 0 || !report.Begins {
		t.Errorf("report: got %+v", report)
	}
	if bytes.Count(b.read(""), []byte(" chain=")) != 1 {
		t.Errorf("live segment: got %q", b.read(""))
	}
}
