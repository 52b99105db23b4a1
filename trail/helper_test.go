package trail_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigil/trail"
	"vigil/trail/index"
)

// clock is a clock that goes only when told to.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{now: time.Unix(1795258195, 263e6).UTC()} }

func (c *clock) Now() time.Time          { return c.now }
func (c *clock) advance(d time.Duration) { c.now = c.now.Add(d) }

// bench is a trail in a directory of its own.
type bench struct {
	t       *testing.T
	cfg     trail.Config
	clock   *clock
	w       *trail.Writer
	rec     *trail.Recovery
	notices []trail.Notice
	lines   int
}

// newBench prepares a trail that rotates at 1000 bytes and keeps 5 files, with
// segments that begin as the daemon begins them.
func newBench(t *testing.T) *bench {
	b := &bench{t: t, clock: newClock()}
	b.cfg = trail.Config{
		Path:    filepath.Join(t.TempDir(), "audit", "audit.log"),
		MaxFile: 1000,
		Files:   5,
		Flush:   trail.None,
		Now:     b.clock.Now,
		Notify:  func(n trail.Notice) { b.notices = append(b.notices, n) },
		Head: func(s trail.NewSegment) trail.Head {
			return trail.Head{
				Lines:   fmt.Appendf(nil, "type=DAEMON_ROTATE msg=audit(1795258195.263:%d): op=rotate-logs res=success\n", s.Number),
				Records: 1,
				Ledger:  ledgerPrefix("segment"),
			}
		},
	}
	return b
}

func (b *bench) open() *bench {
	b.t.Helper()
	w, rec, err := trail.Open(b.cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { w.Close() })
	b.w, b.rec = w, rec
	return b
}

// reopen closes the trail and opens it again.
func (b *bench) reopen() {
	b.t.Helper()
	if err := b.w.Close(); err != nil {
		b.t.Fatal(err)
	}
	b.open()
}

// append appends n records of about 100 bytes, each with its own serial, in one
// call.
func (b *bench) append(n int) {
	b.t.Helper()
	var text []byte
	for range n {
		b.lines++
		text = append(text, record(b.lines)...)
	}
	if err := b.w.Append(text, n); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) seal(op string) {
	b.t.Helper()
	if err := b.w.Seal(ledgerPrefix(op)); err != nil {
		b.t.Fatal(err)
	}
}

// record is a line of exactly 100 bytes.
func record(serial int) string {
	line := fmt.Sprintf("type=SYSCALL msg=audit(1795258195.263:%d): arch=c000003e syscall=59 success=yes exe=", serial)
	return line + strings.Repeat("A", 99-len(line)) + "\n"
}

func ledgerPrefix(op string) []byte {
	return []byte("type=LEDGER msg=audit(1795258195.263:1): op=" + op + " boot=b role=daemon received=0")
}

// serials are those of the SYSCALL records among lines.
func serials(lines []string) (found []int) {
	for _, line := range lines {
		var n int
		if _, err := fmt.Sscanf(line, "type=SYSCALL msg=audit(1795258195.263:%d):", &n); err == nil {
			found = append(found, n)
		}
	}
	return found
}

// oneTo is 1, 2, ... n.
func oneTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i + 1
	}
	return list
}

// all reads the whole trail.
func (b *bench) all() []string {
	b.t.Helper()
	r, err := trail.OpenReader(b.cfg.Path, trail.Position{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Close()
	var lines []string
	for r.Next() {
		lines = append(lines, string(r.Bytes()))
	}
	if r.Err() != nil {
		b.t.Fatal(r.Err())
	}
	return lines
}

func (b *bench) verify() trail.Report {
	b.t.Helper()
	report, err := trail.Verify(context.Background(), b.cfg.Path)
	if err != nil {
		b.t.Fatal(err)
	}
	return report
}

// mustVerify demands that nothing is damaged.
func (b *bench) mustVerify() trail.Report {
	b.t.Helper()
	report := b.verify()
	for _, d := range report.Damaged {
		b.t.Errorf("undamaged trail: %v", d)
	}
	return report
}

// files lists the names in the trail's directory, but the index, with the size of
// each.
func (b *bench) files() map[string]int64 {
	b.t.Helper()
	entries, err := os.ReadDir(filepath.Dir(b.cfg.Path))
	if err != nil {
		b.t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			b.t.Fatal(err)
		}
		if !strings.HasSuffix(e.Name(), index.Suffix) {
			sizes[e.Name()] = info.Size()
		}
	}
	return sizes
}

func (b *bench) read(suffix string) []byte {
	b.t.Helper()
	text, err := os.ReadFile(b.cfg.Path + suffix)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// write replaces a segment's bytes behind the writer's back.
func (b *bench) write(suffix string, text []byte) {
	b.t.Helper()
	name := b.cfg.Path + suffix
	if _, err := os.Stat(name); err == nil {
		if err := os.Chmod(name, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := os.WriteFile(name, text, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// whole reports whether text is whole lines.
func whole(text []byte) bool { return len(text) == 0 || bytes.HasSuffix(text, []byte{'\n'}) }
