package trail_test

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
)

var update = flag.Bool("update", false, "write the golden files anew")

// damaged makes a trail of four segments, with ten records between its LEDGER
// lines, does harm to it and verifies it.
func damaged(t *testing.T, harm func(b *bench)) trail.Report {
	t.Helper()
	b := newBench(t).open()
	b.seal("start")
	for range 3 {
		b.append(10)
	}
	b.append(3)
	b.seal("end")
	b.mustVerify()
	harm(b)
	return b.verify()
}

func TestVerifyNamesTheFirstDamagedPlace(t *testing.T) {
	f := func(name string, harm func(b *bench), want string) {
		t.Run(name, func(t *testing.T) {
			report := damaged(t, harm)
			got := "nothing"
			if len(report.Damaged) > 0 {
				got = report.Damaged[0].String()
			}
			if got = baseNames(got); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	f("nothing", func(b *bench) {}, "nothing")
	f("a byte changed", edit(".2", func(text []byte) []byte {
		text[line(text, 5)+70] ^= 1
		return text
	}), "changed between audit.log.2, line 3 (byte 249) and the LEDGER record in audit.log.1, line 2 (byte 75)")
	f("a line removed", edit(".2", func(text []byte) []byte {
		at := line(text, 5)
		return append(text[:at:at], text[at+100:]...)
	}), "bytes missing (100 bytes) between audit.log.2, line 3 (byte 249) and the LEDGER record in audit.log.1, line 2 (byte 75)")
	f("a line added", edit(".1", func(text []byte) []byte {
		at := line(text, 5)
		return append(text[:at:at], record(9999)+string(text[at:])...)
	}), "bytes added (100 bytes) between audit.log.1, line 3 (byte 249) and the LEDGER record in audit.log, line 2 (byte 75)")
	f("a line made unreadable", edit(".1", func(text []byte) []byte {
		copy(text[line(text, 7):], "\x00\x00\x00\x00\x00\x00")
		return text
	}), "changed between audit.log.1, line 3 (byte 249) and the LEDGER record in audit.log, line 2 (byte 75); no audit record: audit.log.1, line 7 (byte 649)")
	f("two lines swapped", edit(".1", func(text []byte) []byte {
		at := line(text, 4)
		first := bytes.Clone(text[at : at+100])
		copy(text[at:], text[at+100:at+200])
		copy(text[at+100:], first)
		return text
	}), "changed between audit.log.1, line 3 (byte 249) and the LEDGER record in audit.log, line 2 (byte 75)")
	f("the end of a segment cut off", edit(".1", func(text []byte) []byte {
		return text[:len(text)-200]
	}), "bytes missing (200 bytes) between audit.log.1, line 3 (byte 249) and the LEDGER record in audit.log, line 2 (byte 75)")
	f("a count in a LEDGER line changed", edit(".1", func(text []byte) []byte {
		return bytes.Replace(text, []byte("received=0"), []byte("received=9"), 1)
	}), "changed between audit.log.2, line 3 (byte 249) and the LEDGER record in audit.log.1, line 2 (byte 75)")
	f("a LEDGER line's chain made unreadable", edit(".1", func(text []byte) []byte {
		return bytes.Replace(text, []byte("chain="), []byte("chain-"), 1)
	}), "changed between audit.log.2, line 3 (byte 249) and the LEDGER record in audit.log, line 2 (byte 75); no audit record: audit.log.1, line 2 (byte 75)")
	f("a middle segment missing", func(b *bench) {
		if err := os.Remove(b.cfg.Path + ".2"); err != nil {
			b.t.Fatal(err)
		}
	}, "segments missing (1 of 1249 bytes) between audit.log.3, line 2 (byte 169) and the LEDGER record in audit.log.1, line 2 (byte 75)")
	f("the oldest segment missing", func(b *bench) {
		if err := os.Remove(b.cfg.Path + ".3"); err != nil {
			b.t.Fatal(err)
		}
	}, "nothing")
	f("two segments exchanged", func(b *bench) {
		one, two := b.read(".1"), b.read(".2")
		b.write(".1", two)
		b.write(".2", one)
	}, "segments out of order between audit.log.3, line 2 (byte 169) and the LEDGER record in audit.log.2, line 2 (byte 75)")
	f("the start of the chain cut off", edit(".3", func(text []byte) []byte {
		return text[line(text, 2):]
	}), "nothing") // what is left begins with an anchor
	f("a forged LEDGER record from a program", edit("", func(text []byte) []byte {
		return append(text, "type=LEDGER msg=audit(1.000:1): pid=1 uid=0 msg='op=x segment=9 bytes=9 chain="+strings.Repeat("0", 64)+"\n"...)
	}), "nothing")
	f("bytes before the chain's beginning", edit(".3", func(text []byte) []byte {
		return append([]byte(record(1)), text...)
	}), "nothing") // a log from before may stand there
}

// edit changes a segment behind the writer's back.
func edit(suffix string, change func(text []byte) []byte) func(b *bench) {
	return func(b *bench) { b.write(suffix, change(b.read(suffix))) }
}

// line is where line n of a text begins, counted from 1.
func line(text []byte, n int) int {
	at := 0
	for range n - 1 {
		at += bytes.IndexByte(text[at:], '\n') + 1
	}
	return at
}

// baseNames takes the directories out of a message.
func baseNames(text string) string {
	fields := strings.Split(text, " ")
	for i, field := range fields {
		if strings.Contains(field, "/") {
			fields[i] = filepath.Base(field)
		}
	}
	return strings.Join(fields, " ")
}

func TestVerifyGoesOnAfterDamage(t *testing.T) {
	report := damaged(t, func(b *bench) {
		text := b.read(".2")
		text[len(text)-50] ^= 1
		b.write(".2", text)
	})
	if len(report.Damaged) != 1 || report.Ledger != 5 || report.Tail != 0 {
		t.Errorf("got %+v, want one damage and all five LEDGER lines", report)
	}
	// All but the damaged link, its LEDGER line included, is vouched for.
	if got, want := report.Bytes-report.Sealed, int64(1000+75+174); got != want {
		t.Errorf("not vouched for: got %d bytes, want %d", got, want)
	}
}

func TestVerifyACopy(t *testing.T) {
	b := newBench(t).open()
	b.seal("start")
	b.append(25)
	b.append(5)
	dir := t.TempDir()
	for file := range b.files() {
		text := readFile(t, filepath.Join(filepath.Dir(b.cfg.Path), file))
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "audit.log"), append(b.read(""), "half"...), 0o444); err != nil {
		t.Fatal(err)
	}
	report, err := trail.Verify(context.Background(), dir)
	if err != nil || !report.OK() || report.Torn != 4 || report.Tail != 504 {
		t.Errorf("got %+v, %v, want a sound trail with half a line", report, err)
	}
}

// TestVerifyWhileWriting verifies again and again while the trail is written to
// and rotates.
func TestVerifyWhileWriting(t *testing.T) {
	b := newBench(t)
	b.cfg.MaxFile, b.cfg.Notify = 20_000, nil
	b.open()
	b.seal("start")
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for serial := 0; ; serial++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := b.w.Append([]byte(record(serial)), 1); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 50 {
		report, err := trail.Verify(context.Background(), b.cfg.Path)
		if err != nil {
			t.Log(err) // it rotates faster than it can be read: said, not guessed
			continue
		}
		for _, d := range report.Damaged {
			t.Fatalf("while it is written to: %v", d)
		}
	}
	close(stop)
	writer.Wait()
}

func TestVerifyNothing(t *testing.T) {
	if _, err := trail.Verify(context.Background(), t.TempDir()); !os.IsNotExist(unwrapAll(err)) {
		t.Errorf("empty directory: got %v, want that there is no trail", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	b := newBench(t).open()
	b.append(1)
	if _, err := trail.Verify(ctx, b.cfg.Path); err == nil {
		t.Error("a cancelled context was not heeded")
	}
}

func unwrapAll(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || os.IsNotExist(err) {
			return err
		}
		err = u.Unwrap()
	}
}

// TestGolden compares a trail with the one in testdata, byte for byte: it is the
// format of docs/format/trail.md and ledger.md, version 1.
func TestGolden(t *testing.T) {
	b := newBench(t)
	b.cfg.MaxFile = 600
	b.open()
	b.append(1)
	b.seal("start")
	b.append(4)
	b.append(2)
	b.seal("loss")
	b.reopen()
	b.append(5)
	b.append(1)
	b.seal("end")
	dir := filepath.Join("testdata", "golden")
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for file := range b.files() {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(readFile(t, filepath.Join(filepath.Dir(b.cfg.Path), file))), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(b.files()), len(names); got != want {
		t.Errorf("files: got %v, want %d", b.files(), want)
	}
	for _, name := range names {
		got := string(b.read(strings.TrimPrefix(name.Name(), "audit.log")))
		if diff := cmp.Diff(got, readFile(t, filepath.Join(dir, name.Name()))); diff != "" {
			t.Errorf("%s (-got +want):\n%s", name.Name(), diff)
		}
	}
	report, err := trail.Verify(context.Background(), dir)
	if err != nil || !report.OK() || !report.Begins || report.Before != 0 || report.Tail != 0 {
		t.Errorf("verify: got %+v, %v", report, err)
	}
}
