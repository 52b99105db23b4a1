package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/ledger"
)

// gapBench feeds serials to a Gaps on a clock of its own.
type gapBench struct {
	gaps  *ledger.Gaps
	now   time.Time
	found []ledger.Missing
}

func newGapBench(cfg ledger.GapConfig) *gapBench {
	b := &gapBench{now: time.Unix(1795258195, 0)}
	b.gaps = ledger.NewGaps(cfg, func(m ledger.Missing) { b.found = append(b.found, m) })
	return b
}

// wait lets time pass as the daemon does, which reads ten times a second.
func (b *gapBench) wait(d time.Duration) {
	for ; d > 0; d -= 100 * time.Millisecond {
		b.gaps.Settle(b.now)
		b.now = b.now.Add(min(d, 100*time.Millisecond))
	}
	b.gaps.Settle(b.now)
}

// ranges is what was found, "4 7-9".
func (b *gapBench) ranges() string {
	var list []string
	for _, m := range b.found {
		if m.First == m.Last {
			list = append(list, fmt.Sprint(m.First))
		} else {
			list = append(list, fmt.Sprintf("%d-%d", m.First, m.Last))
		}
	}
	return strings.Join(list, " ")
}

// TestGaps feeds serials and pauses, and lets everything settle.
func TestGaps(t *testing.T) {
	const pause = 0
	f := func(name string, serials []uint32, want string, wantStats ledger.GapStats) {
		t.Run(name, func(t *testing.T) {
			b := newGapBench(ledger.GapConfig{Window: 1024})
			for _, s := range serials {
				if s == pause {
					b.wait(4 * time.Second)
				} else {
					b.gaps.Observe(s)
				}
			}
			b.wait(4 * time.Second)
			if diff := cmp.Diff(b.ranges(), want); diff != "" {
				t.Errorf("missing (-got +want):\n%s", diff)
			}
			if diff := cmp.Diff(b.gaps.Stats(), wantStats); diff != "" {
				t.Errorf("stats (-got +want):\n%s", diff)
			}
		})
	}
	type st = ledger.GapStats
	f("none", nil, "", st{})
	f("one", []uint32{5}, "", st{})
	f("in a row", []uint32{1, 2, 3}, "", st{})
	f("several records of an event", []uint32{1, 1, 1, 2, 2, 3}, "", st{})
	f("out of order", []uint32{1, 4, 2, 2, 5, 3}, "", st{})
	f("one missing", []uint32{1, 2, 4}, "3", st{Ranges: 1, Missing: 1})
	f("a range missing", []uint32{1, 2, 10, 11}, "3-9", st{Ranges: 1, Missing: 7})
	f("several ranges", []uint32{1, 3, 5, 6, 9}, "2 4 7-8", st{Ranges: 3, Missing: 4})
	f("over a word's border", []uint32{60, 70, 130}, "61-69 71-129", st{Ranges: 2, Missing: 68})
	f("late within the time", []uint32{1, 3, 2}, "", st{})
	f("late after the time", []uint32{1, 3, pause, 2}, "2", st{Ranges: 1, Missing: 1, Late: 1})
	f("late, two records", []uint32{1, 3, pause, 2, 2}, "2", st{Ranges: 1, Missing: 1, Late: 1})
	f("late in the middle of a range", []uint32{1, 9, pause, 5, 5, 2, 8, 6}, "2-8", st{Ranges: 1, Missing: 7, Late: 4})
	f("further records of a settled event", []uint32{1, 2, 3, pause, 2, 3, 1}, "", st{})
	f("before the first", []uint32{10, 9, 8, 11}, "", st{})
	f("wrap", []uint32{0xfffffffe, 0xffffffff, 1, 2}, "0", st{Ranges: 1, Missing: 1})
	f("wrap in a range", []uint32{0xfffffffd, 3}, "4294967294-2", st{Ranges: 1, Missing: 5})
	f("wrap, out of order", []uint32{0xffffffff, 2, 1, 0xfffffffe}, "0", st{Ranges: 1, Missing: 1})
	f("as wide as the window", []uint32{1, 1024}, "2-1023", st{Ranges: 1, Missing: 1022})
	f("one wider than the window", []uint32{1, 1025}, "2-1024", st{Ranges: 1, Missing: 1023})
	f("wider than the window", []uint32{1, 1026}, "2-1025", st{Ranges: 1, Missing: 1024})
	f("a jump over the window", []uint32{1, 3, 1_000_000}, "2 4-999999", st{Ranges: 2, Missing: 999_997})
	f("after a jump", []uint32{1, 1_000_000, 1_000_001, 1_000_003}, "2-999999 1000002", st{Ranges: 2, Missing: 999_999})
}

func TestGapsSettleInTime(t *testing.T) {
	b := newGapBench(ledger.GapConfig{Settle: 3 * time.Second})
	b.gaps.Observe(1)
	b.gaps.Observe(3)
	start := b.now
	b.wait(2900 * time.Millisecond)
	if len(b.found) != 0 {
		t.Errorf("after 2.9 s: got %v", b.found)
	}
	b.wait(300 * time.Millisecond)
	if b.ranges() != "2" {
		t.Fatalf("after 3.2 s: got %v", b.found)
	}
	if m := b.found[0]; m.Until.Before(start) || m.Until.After(start.Add(100*time.Millisecond)) {
		t.Errorf("until: got %v, want when serial 3 had come, %v", m.Until, start)
	}
	b.gaps.Observe(5)
	b.gaps.Flush(b.now)
	if b.ranges() != "2 4" {
		t.Errorf("at the end: got %v", b.found)
	}
}

// TestGapsAfterAStall: a process that was stopped must first read what waited for
// it.
func TestGapsAfterAStall(t *testing.T) {
	b := newGapBench(ledger.GapConfig{})
	b.gaps.Observe(1)
	b.gaps.Observe(3)
	b.wait(time.Second)
	b.now = b.now.Add(time.Hour)
	b.gaps.Settle(b.now)
	b.gaps.Observe(2)
	b.wait(10 * time.Second)
	if len(b.found) != 0 {
		t.Errorf("got %v, want nothing: it had only waited to be read", b.found)
	}
}

// TestGapsAgainstASet feeds random storms, in which events interleave and some are
// lost, and compares with a plain set.
func TestGapsAgainstASet(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		b := newGapBench(ledger.GapConfig{Window: 64 << random.IntN(6)})
		window := 64
		next := random.Uint32()
		base := next
		seen := map[uint32]bool{}
		var held []uint32
		for range 2000 {
			if random.IntN(20) > 0 {
				held = append(held, next)
			}
			next++
			// Up to 30 events are on their way at once.
			if len(held) > min(30, window/2) {
				i := random.IntN(len(held))
				b.gaps.Observe(held[i])
				seen[held[i]] = true
				held = slices.Delete(held, i, i+1)
			}
			if random.IntN(50) == 0 {
				b.wait(100 * time.Millisecond)
			}
		}
		b.gaps.Flush(b.now)
		high, _ := b.gaps.High()
		missing := map[uint32]bool{}
		for _, m := range b.found {
			for s := m.First; s != m.Last+1; s++ {
				if missing[s] {
					t.Fatalf("seed %d: %d reported twice", seed, s)
				}
				missing[s] = true
			}
		}
		// Each serial from the first seen to the newest was seen or is reported;
		// one that came late is both.
		late := uint64(0)
		for s := base + 100; s != high; s++ {
			if seen[s] == missing[s] {
				if !seen[s] {
					t.Fatalf("seed %d: %d is neither seen nor missing", seed, s)
				}
				late++
			}
		}
		if late > b.gaps.Stats().Late {
			t.Errorf("seed %d: %d late, %d noticed", seed, late, b.gaps.Stats().Late)
		}
	}
}

// FuzzGaps: whatever serials come, what is reported missing is counted, in order,
// and not twice.
func FuzzGaps(f *testing.F) {
	f.Add([]byte{1, 2, 3, 200, 255, 0, 7})
	f.Fuzz(func(t *testing.T, steps []byte) {
		b := newGapBench(ledger.GapConfig{Window: 128})
		serial := uint32(0xffffff00)
		for _, step := range steps {
			switch {
			case step < 200:
				serial += uint32(step) - 20
			case step < 250:
				serial += 1 << (step - 200) % 31
			default:
				b.wait(time.Duration(step-249) * time.Second)
				continue
			}
			b.gaps.Observe(serial)
		}
		b.gaps.Flush(b.now)
		var missing uint64
		for i, m := range b.found {
			if i > 0 && int32(m.First-b.found[i-1].Last) <= 0 {
				t.Fatalf("%d-%d after %d-%d", m.First, m.Last, b.found[i-1].First, b.found[i-1].Last)
			}
			missing += m.Count()
		}
		if s := b.gaps.Stats(); s.Missing != missing || s.Ranges != uint64(len(b.found)) || s.Late > s.Missing {
			t.Errorf("stats: got %+v, want %d missing in %d", s, missing, len(b.found))
		}
	})
}

func TestGapsAllocateNothing(t *testing.T) {
	gaps := ledger.NewGaps(ledger.GapConfig{Window: 4096}, func(ledger.Missing) {})
	serial, now := uint32(0), time.Unix(1795258195, 0)
	allocs := testing.AllocsPerRun(1000, func() {
		for range 20 {
			serial += 1 + serial%3
			gaps.Observe(serial)
		}
		now = now.Add(100 * time.Millisecond)
		gaps.Settle(now)
	})
	if allocs != 0 {
		t.Errorf("got %v allocations", allocs)
	}
}

// BenchmarkObserve is one record of a storm: four records an event, two CPUs.
func BenchmarkObserve(b *testing.B) {
	gaps := ledger.NewGaps(ledger.GapConfig{}, func(ledger.Missing) {})
	now := time.Unix(1795258195, 0)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		gaps.Observe(uint32(n>>2) ^ uint32(n&1))
		if n&0xffff == 0 {
			now = now.Add(100 * time.Millisecond)
			gaps.Settle(now)
		}
	}
}
