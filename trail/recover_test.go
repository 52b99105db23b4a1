package trail_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
)

func TestTornEnd(t *testing.T) {
	whole := record(1) + record(2)
	f := func(name, text string, wantText string, wantTorn, wantNULs int64, wantBroken string) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t).open()
			b.write("", []byte(text))
			b.reopen()
			if got := string(b.read("")); got != wantText {
				t.Errorf("live segment: got %q, want %q", got, wantText)
			}
			if b.rec.Torn != wantTorn || b.rec.NULs != wantNULs || b.rec.Problem != nil {
				t.Errorf("recovery: got %d torn, %d NUL, %v, want %d and %d", b.rec.Torn, b.rec.NULs, b.rec.Problem, wantTorn, wantNULs)
			}
			got, err := os.ReadFile(b.cfg.Path + ".broken")
			if wantBroken == "" && (!errors.Is(err, os.ErrNotExist) || b.rec.Broken != "") {
				t.Errorf("set aside: got %q, %v, want no file", got, err)
			}
			if wantBroken != "" && (string(got) != wantBroken || b.rec.Broken != b.cfg.Path+".broken") {
				t.Errorf("set aside: got %q in %s, want %q", got, b.rec.Broken, wantBroken)
			}
			b.append(1)
			b.seal("start")
			b.mustVerify()
		})
	}
	f("nothing torn", whole, whole, 0, 0, "")
	f("empty", "", "", 0, 0, "")
	f("half a line", whole+"type=SYSC", whole, 9, 0, "type=SYSC\n")
	f("only half a line", "type=SYSC", "", 9, 0, "type=SYSC\n")
	f("NUL bytes", whole+strings.Repeat("\x00", 5000), whole, 5000, 5000, "")
	f("only NUL bytes", strings.Repeat("\x00", 200_000), "", 200_000, 200_000, "")
	f("half a line and NUL bytes", whole+"type=S\x00\x00\x00", whole, 9, 3, "type=S\n")
	f("a long half line", whole+strings.Repeat("x", 300_000), whole, 300_000, 0, strings.Repeat("x", 300_000)+"\n")
}

func TestBrokenIsAppendedTo(t *testing.T) {
	b := newBench(t).open()
	for _, half := range []string{"one", "two"} {
		b.write("", append(b.read(""), half...))
		b.reopen()
	}
	if got, want := string(b.read(".broken")), "one\ntwo\n"; got != want {
		t.Errorf("set aside: got %q, want %q", got, want)
	}
	info, err := os.Stat(b.cfg.Path + ".broken")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: got %v, %v, want 0600", info.Mode(), err)
	}
}

// TestBrokenCannotBeWritten: the trail is mended nevertheless, and what was cut
// off is handed to the caller.
func TestBrokenCannotBeWritten(t *testing.T) {
	b := newBench(t).open()
	if err := os.Symlink("/dev/null", b.cfg.Path+".broken"); err != nil {
		t.Fatal(err)
	}
	b.write("", []byte(record(1)+"half"))
	b.reopen()
	if b.rec.Problem == nil || b.rec.Broken != "" || string(b.rec.Lost) != "half" {
		t.Errorf("got %q in %q, %v, want the bytes and why", b.rec.Lost, b.rec.Broken, b.rec.Problem)
	}
	if got := string(b.read("")); got != record(1) {
		t.Errorf("live segment: got %q", got)
	}
}

// TestChainOverRestart: the chain goes on from what is on the disk, whatever had
// become of the writer.
func TestChainOverRestart(t *testing.T) {
	f := func(name string, do func(b *bench), want trail.ChainState, wantLedger string, wantNumber uint64) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t).open()
			b.seal("start")
			b.append(3)
			do(b)
			b.reopen()
			if b.rec.Chain != want || !bytes.Contains(b.rec.Ledger, []byte(wantLedger)) || (wantLedger == "") != (b.rec.Ledger == nil) {
				t.Errorf("chain: got %d from %q, want %d from one with %q", b.rec.Chain, b.rec.Ledger, want, wantLedger)
			}
			if got := b.w.Stats().Segment; got != wantNumber {
				t.Errorf("segment: got %d, want %d", got, wantNumber)
			}
			b.append(1)
			b.seal("start")
			if report := b.mustVerify(); report.Tail != 0 {
				t.Errorf("verify: got %+v", report)
			}
		})
	}
	remove := func(b *bench, suffix string) {
		if err := os.Remove(b.cfg.Path + suffix); err != nil {
			b.t.Fatal(err)
		}
	}
	f("closed in order", func(b *bench) { b.seal("end") }, trail.ChainResumed, "op=end", 1)
	f("killed", func(b *bench) {}, trail.ChainResumed, "op=start", 1)
	f("killed in a line", func(b *bench) { b.write("", append(b.read(""), "type=SYS"...)) }, trail.ChainResumed, "op=start", 1)
	f("after a rotation", func(b *bench) { b.append(9) }, trail.ChainResumed, "op=segment", 2)
	f("in a rotation, before the new segment", func(b *bench) {
		if err := os.Rename(b.cfg.Path, b.cfg.Path+".1"); err != nil {
			b.t.Fatal(err)
		}
	}, trail.ChainResumed, "op=start", 2)
	f("in a rotation, new segment lost", func(b *bench) {
		b.append(9)
		b.write("", nil)
	}, trail.ChainResumed, "op=start", 2)
	f("a segment left over from a rotation", func(b *bench) { b.write(".next", []byte("x")) }, trail.ChainResumed, "op=start", 1)
	f("several segments back", func(b *bench) {
		for _, suffix := range []string{".1", ""} {
			if suffix == "" {
				continue
			}
			if err := os.Rename(b.cfg.Path, b.cfg.Path+".3"); err != nil {
				b.t.Fatal(err)
			}
		}
		b.write(".2", []byte(record(101)))
		b.write(".1", []byte(record(102)))
		b.write("", []byte(record(103)))
	}, trail.ChainResumed, "op=start", 4)
	f("everything gone", func(b *bench) { remove(b, "") }, trail.ChainNew, "", 1)
	f("a log of auditd's", func(b *bench) { b.write("", []byte(record(1)+record(2))) }, trail.ChainNew, "", 1)
	f("written to by auditd meanwhile", func(b *bench) { b.write("", append(b.read(""), record(50)...)) }, trail.ChainResumed, "op=start", 1)
}

// TestChainOverAuditdsLog: old segments without LEDGER lines are not part of the
// chain, and not damaged.
func TestChainOverAuditdsLog(t *testing.T) {
	b := newBench(t).open()
	b.write(".2", []byte(record(1)+record(2)))
	b.write(".1", []byte(record(3)+record(4)))
	b.write("", []byte(record(5)))
	b.reopen()
	if b.rec.Chain != trail.ChainNew || b.rec.Since != 100 {
		t.Errorf("chain: got %d with %d bytes, want a new one over the live segment", b.rec.Chain, b.rec.Since)
	}
	b.seal("start")
	report := b.mustVerify()
	if report.Before != 400 || !report.Begins || report.Segments != 3 || report.Anchor.Number != 1 {
		t.Errorf("verify: got %+v", report)
	}
}

func TestChainTooFarBack(t *testing.T) {
	f := func(name string, rehash int64, wantSince int64, wantBefore int64) {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.cfg.MaxFile = 0
			b.open()
			for range 3000 {
				b.append(1)
			}
			b.w.Close()
			b.cfg.Rehash = rehash
			b.open()
			if b.rec.Since != wantSince {
				t.Errorf("since: got %d, want %d", b.rec.Since, wantSince)
			}
			b.append(1)
			b.seal("start")
			if report := b.mustVerify(); report.Before != wantBefore || !report.Begins {
				t.Errorf("verify: got %+v, want %d bytes before", report, wantBefore)
			}
		})
	}
	f("within the limit", 1<<20, 300_000, 0)
	f("the live segment is larger", 100_000, 0, 300_000)
}

// TestChainUnread: a chain that cannot be taken up begins anew, and Verify says
// so.
func TestChainUnread(t *testing.T) {
	b := newBench(t)
	b.cfg.MaxFile = 0
	b.open()
	b.seal("start")
	for range 3000 {
		b.append(1)
	}
	b.w.Close()
	b.cfg.Rehash = 100_000
	b.open()
	if b.rec.Chain != trail.ChainUnread {
		t.Errorf("chain: got %d, want %d", b.rec.Chain, trail.ChainUnread)
	}
	b.append(1)
	b.seal("start")
	b.append(1)
	b.seal("mark")
	report := b.verify()
	if len(report.Damaged) != 1 || report.Damaged[0].Harm != trail.Restarted {
		t.Errorf("verify: got %v, want a chain begun anew", report.Damaged)
	}
}

func TestTail(t *testing.T) {
	b := newBench(t).open()
	if len(b.rec.Tail) != 0 {
		t.Errorf("tail of nothing: got %q", b.rec.Tail)
	}
	for range 30 {
		b.append(1)
	}
	b.reopen()
	lines := strings.Split(strings.TrimSuffix(string(b.rec.Tail), "\n"), "\n")
	if diff := cmp.Diff(lines, b.all()); diff != "" {
		t.Errorf("tail of a small trail (-got +want):\n%s", diff)
	}

	b = newBench(t)
	b.cfg.MaxFile = 50_000
	b.open()
	for range 3000 {
		b.append(1)
	}
	b.reopen()
	if n := len(b.rec.Tail); n > 64<<10 || n < 64<<10-200 {
		t.Errorf("tail of a large trail: got %d bytes", n)
	}
	got := serials(strings.Split(string(b.rec.Tail), "\n"))
	if want := oneTo(3000)[3000-len(got):]; !cmp.Equal(got, want) {
		t.Errorf("tail of a large trail: got %d..%d", got[0], got[len(got)-1])
	}
}

// TestKilled kills a process with SIGKILL while it appends, twenty times over the
// same trail, and looks that the trail is whole and goes on.
func TestKilled(t *testing.T) {
	if os.Getenv("TRAIL_TO_APPEND_TO") != "" {
		appendForever(os.Getenv("TRAIL_TO_APPEND_TO"))
	}
	path := filepath.Join(t.TempDir(), "audit.log")
	last := 0
	for round := range 20 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "TRAIL_TO_APPEND_TO="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The child prints the serial of each batch after it is in the trail.
		acknowledged := 0
		buf := make([]byte, 4096)
		for acknowledged < 20*(round+1) {
			n, err := out.Read(buf)
			if err != nil {
				t.Fatalf("child: %v", err)
			}
			acknowledged = lastNumber(buf[:n], acknowledged)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for {
			n, err := out.Read(buf)
			if err != nil {
				break
			}
			acknowledged = lastNumber(buf[:n], acknowledged)
		}
		_ = cmd.Wait()

		w, rec, err := trail.Open(trail.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if round > 0 && rec.Chain != trail.ChainResumed {
			t.Errorf("round %d: chain: got %d", round, rec.Chain)
		}
		if err := errors.Join(w.Seal(ledgerPrefix("start")), w.Close()); err != nil {
			t.Fatal(err)
		}
		report, err := trail.Verify(context.Background(), path)
		if err != nil || !report.OK() || report.Torn != 0 {
			t.Fatalf("round %d: verify: got %+v, %v", round, report, err)
		}
		got := serials(strings.Split(readFile(t, path), "\n"))
		if len(got) <= last || !cmp.Equal(got, oneTo(len(got))) || len(got) < acknowledged {
			t.Fatalf("round %d: got %d records, %d were acknowledged", round, len(got), acknowledged)
		}
		last = len(got)
	}
}

func lastNumber(text []byte, otherwise int) int {
	lines := strings.Fields(string(text))
	for i := len(lines) - 1; i >= 0; i-- {
		if n, err := strconv.Atoi(lines[i]); err == nil && n > otherwise {
			return n
		}
	}
	return otherwise
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// appendForever is the child of TestKilled. It numbers its records on from what
// is in the trail.
func appendForever(path string) {
	w, _, err := trail.Open(trail.Config{Path: path, Now: time.Now})
	if err != nil {
		panic(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	serial := len(serials(strings.Split(string(text), "\n")))
	for {
		var batch []byte
		for range 1 + serial%7 {
			serial++
			batch = append(batch, record(serial)...)
		}
		if err := w.Append(batch, 1); err != nil {
			panic(err)
		}
		if _, err := syscall.Write(1, []byte(strconv.Itoa(serial)+"\n")); err != nil {
			panic(err)
		}
		if serial%50 == 0 {
			if err := w.Seal(ledgerPrefix("mark")); err != nil {
				panic(err)
			}
		}
	}
}

// stretch makes long lines of short fuzz inputs: up to four bytes 0xff become
// 40,000 bytes each.
func stretch(text []byte) []byte {
	return bytes.Replace(text, []byte{0xff}, bytes.Repeat([]byte{'x'}, 40_000), 4)
}

// memoryDir is a directory in which an fsync costs nothing, if there is one.
func memoryDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "trail")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// FuzzRecover opens whatever bytes there are as a trail.
func FuzzRecover(f *testing.F) {
	b := func(parts ...string) { f.Add([]byte(strings.Join(parts, ""))) }
	b("")
	b("half")
	b(record(1), "half\x00\x00\x00")
	b(record(1), "\x00\x00\x00")
	b("\n\n\n")
	b("\xff\xff\n", record(1))
	sealed := string(ledgerPrefix("start")) + " segment=1 bytes=0 chain=" + strings.Repeat("0", 64) + "\n"
	b(sealed, record(1))
	b(record(1), sealed)
	b("node=n ", sealed, "type=LEDGER msg=audit(")
	b(string(ledgerPrefix("start")), " segment=18446744073709551615 bytes=9223372036854775807 chain=", strings.Repeat("f", 64), "\n")
	f.Fuzz(func(t *testing.T, text []byte) {
		text = stretch(text)
		path := filepath.Join(memoryDir(t), "audit.log")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		w, rec, err := trail.Open(trail.Config{Path: path, Flush: trail.None})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		got := []byte(readFile(t, path))
		want := text[:bytes.LastIndexByte(text, '\n')+1]
		if !bytes.Equal(got, want) {
			t.Fatalf("trail: got %q, want %q", got, want)
		}
		if rec.Torn != int64(len(text)-len(want)) {
			t.Errorf("torn: got %d of %d", rec.Torn, len(text))
		}
		if torn := bytes.TrimRight(text[len(want):], "\x00"); len(torn) > 0 {
			if got := readFile(t, path+".broken"); got != string(torn)+"\n" {
				t.Errorf("set aside: got %q, want %q", got, torn)
			}
		}
		// A LEDGER line is found exactly if there is one.
		links := 0
		for line := range bytes.Lines(want) {
			if trail.IsLink(line) {
				links++
			}
		}
		if (links > 0) != (rec.Chain == trail.ChainResumed) {
			t.Errorf("chain: got state %d with %d links", rec.Chain, links)
		}
		// What is sealed now stays right.
		if err := errors.Join(w.Append([]byte(record(1)), 1), w.Seal(ledgerPrefix("start"))); err != nil {
			t.Fatal(err)
		}
		report, err := trail.Verify(context.Background(), path)
		if err != nil {
			t.Fatal(err)
		}
		if report.Torn != 0 || links == 0 && !report.OK() {
			t.Errorf("verify: got %+v", report)
		}
	})
}
