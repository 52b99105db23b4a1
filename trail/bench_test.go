package trail_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigil/trail"
)

// event is the text of an openat event as the kernel gives it: five records of
// about 800 bytes together.
var event = strings.Join([]string{
	`type=SYSCALL msg=audit(1795258195.263:348501): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7ffd3a1e5a40 a2=0 a3=0 items=1 ppid=722076 pid=724395 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts3 ses=3 comm="storm" exe="/usr/local/bin/storm" subj=unconfined key="open"` + "\x1d" + `ARCH=x86_64 SYSCALL=openat AUID="user" UID="root" GID="root" EUID="root" SUID="root" FSUID="root" EGID="root" SGID="root" FSGID="root"`,
	`type=CWD msg=audit(1795258195.263:348501): cwd="/root"`,
	`type=PATH msg=audit(1795258195.263:348501): item=0 name="/etc/passwd" inode=401923 dev=fd:01 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0` + "\x1d" + `OUID="root" OGID="root"`,
	`type=PROCTITLE msg=audit(1795258195.263:348501): proctitle=73746F726D002D2D6F70656E73`,
}, "\n") + "\n"

const eventRecords = 4

// BenchmarkAppend writes batches of events to a real file, as a storm makes them,
// hashed, rotated at 8 MiB.
func BenchmarkAppend(b *testing.B) {
	for _, events := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) {
			w := openBench(b, trail.Config{MaxFile: 8 << 20, Files: 5})
			batch := []byte(strings.Repeat(event, events))
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				if err := w.Append(batch, events*eventRecords); err != nil {
					b.Fatal(err)
				}
			}
			perRecord(b, events*eventRecords)
		})
	}
}

func openBench(b *testing.B, cfg trail.Config) *trail.Writer {
	b.Helper()
	cfg.Path = filepath.Join(b.TempDir(), "audit.log")
	cfg.Flush = trail.None
	cfg.Now = time.Now
	cfg.Head = func(trail.NewSegment) trail.Head { return trail.Head{Ledger: ledgerPrefix("segment")} }
	w, _, err := trail.Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.Close() })
	return w
}

func perRecord(b *testing.B, records int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
}

// benchTrail is a trail of five segments of 8 MiB.
func benchTrail(b *testing.B) (path string, bytes int64, records int) {
	b.Helper()
	w := openBench(b, trail.Config{MaxFile: 8 << 20, Files: 5})
	batch := []byte(strings.Repeat(event, 64))
	for w.Stats().Bytes < 40<<20 {
		if err := w.Append(batch, 64*eventRecords); err != nil {
			b.Fatal(err)
		}
	}
	s := w.Stats()
	w.Close()
	return w.Path(), int64(s.Bytes), int(s.Records)
}

func BenchmarkReader(b *testing.B) {
	path, bytes, records := benchTrail(b)
	b.SetBytes(bytes)
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		r, err := trail.OpenReader(path, trail.Position{})
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for r.Next() {
			n++
		}
		if n != records || r.Err() != nil {
			b.Fatalf("read %d of %d records: %v", n, records, r.Err())
		}
		r.Close()
	}
	perRecord(b, records)
}

// BenchmarkLiveReader reads each batch as it is appended.
func BenchmarkLiveReader(b *testing.B) {
	const events = 16
	w := openBench(b, trail.Config{MaxFile: 8 << 20, Files: 5})
	batch := []byte(strings.Repeat(event, events))
	r := trail.OpenLive(w.Path(), trail.Position{})
	defer r.Close()
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		if err := w.Append(batch, events*eventRecords); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for r.Next() {
		}
	}
	if r.Err() != nil || !r.Stats().Lost.IsZero() {
		b.Fatal(r.Err(), r.Stats())
	}
	perRecord(b, events*eventRecords)
}

func BenchmarkVerify(b *testing.B) {
	path, bytes, _ := benchTrail(b)
	b.SetBytes(bytes)
	b.ResetTimer()
	for b.Loop() {
		report, err := trail.Verify(b.Context(), path)
		if err != nil || !report.OK() {
			b.Fatal(err, report)
		}
	}
}

// BenchmarkOpen takes up a chain whose last LEDGER line is 8 MiB back.
func BenchmarkOpen(b *testing.B) {
	w := openBench(b, trail.Config{})
	batch := []byte(strings.Repeat(event, 64))
	if err := w.Seal(ledgerPrefix("start")); err != nil {
		b.Fatal(err)
	}
	for w.Stats().Bytes < 8<<20 {
		if err := w.Append(batch, 64*eventRecords); err != nil {
			b.Fatal(err)
		}
	}
	w.Close()
	size, err := os.Stat(w.Path())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size.Size())
	b.ResetTimer()
	for b.Loop() {
		w, _, err := trail.Open(trail.Config{Path: w.Path(), Flush: trail.None})
		if err != nil {
			b.Fatal(err)
		}
		w.Close()
	}
}
