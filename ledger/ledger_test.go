package ledger_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/ledger"
)

const boot = "7c56a1f2-3b1c-4f0e-9d0a-0123456789ab"

var start = time.Unix(1795258195, 263e6).UTC()

func after(d time.Duration) time.Time { return start.Add(d) }

// next returns the loss to be written at a time, and writes it.
func next(l *ledger.Ledger, now time.Time) string {
	loss, ok := l.Next(now)
	if !ok {
		return "none"
	}
	l.Done()
	return fmt.Sprintf("%v %d-%d %d", loss.Reason, loss.First, loss.Last, loss.Count)
}

func TestKernelCounter(t *testing.T) {
	f := func(readings []uint32, want ...uint64) {
		t.Helper()
		var c ledger.KernelCounter
		var got []uint64
		for _, r := range readings {
			got = append(got, c.Update(r))
		}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%d (-got +want):\n%s", readings, diff)
		}
	}
	f([]uint32{0, 0, 3, 3, 10}, 0, 0, 3, 0, 7)
	f([]uint32{500, 500, 501}, 0, 0, 1)                     // what was lost before is not ours
	f([]uint32{500, 0, 2}, 0, 0, 2)                         // reset by somebody
	f([]uint32{500, 7, 8}, 0, 7, 1)                         // reset, and seven lost since
	f([]uint32{math.MaxUint32 - 1, 3}, 0, 5)                // wrapped
	f([]uint32{math.MaxUint32, 0, 0}, 0, 1, 0)              // wrapped
	f([]uint32{0, math.MaxUint32, 1}, 0, math.MaxUint32, 2) // all the way round

	var c ledger.KernelCounter
	c.Update(10)
	if got := c.Reset(15); got != 5 {
		t.Errorf("our own reset: got a rise of %d, want 5", got)
	}
	if got := c.Update(2); got != 2 {
		t.Errorf("after our own reset: got %d, want 2", got)
	}
}

func TestLossesAreReportedWhenTheyAreOver(t *testing.T) {
	l := ledger.New(ledger.Config{Boot: boot, Mode: "daemon"})
	l.Dropped(3, 10, 12, after(0))
	l.Dropped(2, 13, 13, after(500*time.Millisecond))
	if got := next(l, after(time.Second)); got != "none" {
		t.Errorf("while it goes on: got %s", got)
	}
	if got := next(l, after(1500*time.Millisecond)); got != "write-error 10-13 5" {
		t.Errorf("a second after the last: got %s", got)
	}
	// One that does not end is reported every ten seconds.
	for i := range 25 {
		l.Dropped(1, uint32(100+i), uint32(100+i), after(time.Duration(100+i)*500*time.Millisecond))
	}
	if got := next(l, after(62*time.Second)); got != "write-error 100-124 25" {
		t.Errorf("one that goes on: got %s", got)
	}
	if got := l.Counts().Dropped; got != 30 {
		t.Errorf("dropped: got %d, want 30", got)
	}
}

// TestLossIsKeptUntilWritten: a LEDGER record that cannot be written is tried
// again, and what is lost meanwhile is a loss of its own.
func TestLossIsKeptUntilWritten(t *testing.T) {
	l := ledger.New(ledger.Config{Boot: boot, Mode: "daemon"})
	l.Dropped(1, 5, 5, after(0))
	for i := range 3 {
		loss, ok := l.Next(after(2 * time.Second))
		if !ok || loss.Count != 1 || loss.First != 5 {
			t.Errorf("try %d: got %+v, %v", i, loss, ok)
		}
		l.Dropped(1, 6, 6, after(2*time.Second))
	}
	l.Done()
	l.Done() // nothing more
	if got := next(l, after(5*time.Second)); got != "write-error 6-6 3" {
		t.Errorf("what was lost meanwhile: got %s", got)
	}
	if got := next(l, after(5*time.Second)); got != "none" {
		t.Errorf("then: got %s", got)
	}
}

func TestOverflowIsALossForAnObserverOnly(t *testing.T) {
	f := func(mode, want string) {
		t.Helper()
		l := ledger.New(ledger.Config{Boot: boot, Mode: mode})
		l.Overflowed(2, start)
		if got := next(l, after(time.Second)); got != want {
			t.Errorf("%s: got %s, want %s", mode, got, want)
		}
		if got := l.Counts().ENOBUFS; got != 2 {
			t.Errorf("%s: counted %d, want 2", mode, got)
		}
	}
	f("daemon", "none")
	f("observer", "enobufs 0-0 2")
}

func TestKernelLost(t *testing.T) {
	l := ledger.New(ledger.Config{Boot: boot, Mode: "daemon"})
	l.KernelLost(100, after(0))
	l.KernelLost(104, after(time.Second))
	l.KernelLostReset(105, after(2*time.Second))
	l.KernelLost(1, after(20*time.Second))
	if got := next(l, after(21*time.Second)); got != "kernel-lost 0-0 4" {
		t.Errorf("first: got %s", got)
	}
	if got := l.Counts().Lost; got != 6 {
		t.Errorf("lost: got %d, want 6", got)
	}
}

// TestManyGaps: ranges stay apart as long as there are few; a flood of them is
// told as one, and their number is kept.
func TestManyGaps(t *testing.T) {
	l := ledger.New(ledger.Config{Boot: boot, Mode: "daemon"})
	for s := uint32(1); s < 20_000; s += 2 {
		l.Observe(s)
	}
	l.Flush(start)
	var ranges, serials, last uint64
	for {
		loss, ok := l.Next(start)
		if !ok {
			break
		}
		l.Done()
		ranges++
		serials += loss.Count
		last = uint64(loss.Last)
	}
	if ranges != 64 || serials != 9999 || last != 19_998 {
		t.Errorf("got %d losses of %d serials up to %d, want 64 of 9999 up to 19998", ranges, serials, last)
	}
	if got := l.Counts().Gaps; got != 9999 {
		t.Errorf("gaps: got %d", got)
	}
}

func TestResume(t *testing.T) {
	line := func(serial uint32) string {
		return fmt.Sprintf("type=SYSCALL msg=audit(1795258190.100:%d): arch=c000003e\n", serial)
	}
	ownLine := ledger.Line{ID: audit.ID{Sec: 1, Serial: 4000}, Op: ledger.Start, Boot: boot, Mode: "daemon"}
	own := string(ownLine.Append(nil)) + "\n"
	trail := func(serials ...uint32) string {
		var text strings.Builder
		for _, s := range serials {
			text.WriteString(line(s))
		}
		return text.String()
	}
	f := func(name, tail, last string, observe []uint32, wantSame bool, want ...string) {
		t.Run(name, func(t *testing.T) {
			l := ledger.New(ledger.Config{Boot: boot, Mode: "daemon"})
			newest, same := l.Resume([]byte(tail), []byte(strings.TrimSuffix(last, "\n")))
			if same != wantSame || same && newest.Sec != 1795258190 {
				t.Errorf("resume: got %v, %v", newest, same)
			}
			for _, s := range observe {
				l.Observe(s)
			}
			l.Flush(start)
			var got []string
			for {
				text := next(l, start)
				if text == "none" {
					break
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("losses (-got +want):\n%s", diff)
			}
		})
	}
	f("nothing lost", trail(1, 2, 3, 4), own, []uint32{5, 6}, true)
	f("some lost while down", trail(1, 2, 3, 4), own, []uint32{9, 10}, true, "down 5-8 4")
	f("lost while down and after", trail(1, 2, 3, 4), own, []uint32{9, 11}, true, "down 5-8 4", "gap 10-10 1")
	f("lost after only", trail(1, 2, 3, 4), own, []uint32{5, 8}, true, "gap 6-7 2")
	f("very many lost while down", trail(1, 2, 3, 4), own, []uint32{3_000_000}, true, "down 5-2999999 2999995")
	f("nothing came yet", trail(1, 2, 3, 4), own, nil, true)
	f("killed in the middle of a storm", trail(1, 2, 3, 4, 5, 6, 9, 10), own, []uint32{11, 12}, true, "gap 7-8 2")
	f("the tail begins in the middle of events", trail(7, 5, 6, 8, 9, 10), own, []uint32{11}, true)
	f("records of our own do not count", own+trail(1, 2)+own+trail(3)+own, own, []uint32{4}, true)
	f("another boot", trail(1, 2, 3), strings.Replace(own, boot, "another", 1), []uint32{50}, false)
	f("no LEDGER record: auditd's log", trail(1, 2, 3), "", []uint32{50}, false)
	f("no records", "", own, []uint32{50}, false)
	f("over the wrap", trail(4294967294, 4294967295, 0, 1), own, []uint32{4}, true, "down 2-3 2")

	lossLine := ledger.Line{ID: audit.ID{Sec: 1}, Op: ledger.Lost, Boot: boot, Loss: ledger.Loss{Reason: ledger.Gap, First: 7, Last: 8, Count: 2}}
	told := string(lossLine.Append(nil)) + "\n"
	f("gaps that are told already", trail(1, 2, 3, 4, 5, 6, 9, 10)+told, own, []uint32{11, 12}, true)
}

func TestSnapshot(t *testing.T) {
	l := ledger.New(ledger.Config{Boot: boot, Mode: "observer"})
	l.Received(12)
	l.Assembled(3)
	l.Written(11)
	for _, s := range []uint32{1, 2, 5} {
		l.Observe(s)
	}
	l.Flush(start)
	l.Dropped(1, 5, 5, start)
	next(l, start)
	got, err := json.MarshalIndent(l.Snapshot(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "boot": "` + boot + `",
  "mode": "observer",
  "received": 12,
  "assembled": 3,
  "written": 11,
  "lost": 0,
  "gaps": 2,
  "enobufs": 0,
  "dropped": 1,
  "gap_ranges": 1,
  "gaps_late": 0,
  "last_serial": 5,
  "losses": 1,
  "pending": [
    {
      "reason": "write-error",
      "first": 5,
      "last": 5,
      "count": 1,
      "since": "2026-11-21T10:49:55.263Z",
      "until": "2026-11-21T10:49:55.263Z"
    }
  ],
  "recent": [
    {
      "reason": "gap",
      "first": 3,
      "last": 4,
      "count": 2,
      "until": "2026-11-21T10:49:55.263Z"
    }
  ]
}`
	if diff := cmp.Diff(string(got), want); diff != "" {
		t.Errorf("JSON (-got +want):\n%s", diff)
	}
	var back ledger.Snapshot
	if err := json.Unmarshal(got, &back); err != nil || !cmp.Equal(back, l.Snapshot()) {
		t.Errorf("read back: got %+v, %v", back, err)
	}
	for range 40 {
		l.Lose(ledger.Loss{Reason: ledger.Trail, Count: 1, Since: start, Until: start})
		l.NextAtEnd()
		l.Done()
	}
	if got := len(l.Snapshot().Recent); got != 16 {
		t.Errorf("recent: got %d, want 16", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	l := ledger.New(ledger.Config{Boot: boot, Mode: "daemon"})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for range 1000 {
				l.Written(1)
				l.Dropped(1, 1, 1, start)
				l.KernelLost(1, start)
				if _, ok := l.Next(after(time.Hour)); ok {
					l.Done()
				}
				l.Snapshot()
			}
		})
	}
	for s := range uint32(1000) {
		l.Received(1)
		l.Observe(s * 2)
		l.Settle(after(time.Duration(s) * 100 * time.Millisecond))
	}
	others.Wait()
	if got := l.Counts(); got.Received != 1000 || got.Written != 4000 || got.Dropped != 4000 {
		t.Errorf("counts: got %+v", got)
	}
}

// BenchmarkCounts is what one batch of 64 records costs in the books.
func BenchmarkCounts(b *testing.B) {
	l := ledger.New(ledger.Config{Boot: boot, Mode: "daemon"})
	b.ReportAllocs()
	serial, now := uint32(0), start
	for b.Loop() {
		l.Received(64)
		for range 64 {
			serial++
			l.Observe(serial >> 2)
		}
		l.Assembled(16)
		l.Written(48)
		now = now.Add(time.Millisecond)
		l.Settle(now)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/record")
}
