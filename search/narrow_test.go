package search

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
	"vigil/trail/index"
)

// day makes the events of a day, a second apart, some minutes late, and writes them
// with a trail's writer or as auditd would, in several segments.
func day(t *testing.T, path string, indexed bool, jump int64) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, uint64(jump)))
	w, _, err := trail.Open(trail.Config{Path: path, MaxFile: 900_000, Files: 20})
	if err != nil {
		t.Fatal(err)
	}
	for i := range int64(20_000) {
		at := 1_795_200_000 + i
		if i > 12_000 {
			at += jump
		}
		if random.IntN(30) == 0 {
			at -= random.Int64N(280)
		}
		text := fmt.Sprintf("type=SYSCALL msg=audit(%d.%03d:%d): arch=c000003e syscall=59 success=yes exit=0 pid=%d comm=\"cat\" key=\"k%d\"\n", at, i%1000, i, i, i%7) +
			fmt.Sprintf("type=PROCTITLE msg=audit(%d.%03d:%d): proctitle=\"cat\"\n", at, i%1000, i)
		if err := w.Append([]byte(text), 2); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !indexed {
		if err := os.Remove(path + index.Suffix); err != nil {
			t.Fatal(err)
		}
	}
}

// What a range leaves unread has nothing of it, with an index and without, in one
// segment and over several, packed and not.
func TestScanRange(t *testing.T) {
	for _, c := range []struct {
		indexed bool
		packed  bool
		jump    int64 // of the clock, seconds
	}{{true, false, 0}, {false, false, 0}, {false, true, 0}, {true, false, -9000}, {false, false, -9000}, {true, true, 4000}} {
		path := filepath.Join(t.TempDir(), "audit.log")
		day(t, path, c.indexed, c.jump)
		if c.packed {
			for n := 2; ; n += 2 {
				name := fmt.Sprintf("%s.%d", path, n)
				text, err := os.ReadFile(name)
				if err != nil {
					break
				}
				if err := os.WriteFile(name+".gz", []byte(gzipped(t, string(text))), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Remove(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		l, err := FromTrail(path)
		if err != nil || len(l.Files) < 4 {
			t.Fatalf("%d files, %v", len(l.Files), err)
		}
		all := map[string]time.Time{}
		var order []string
		whole, err := Scan(t.Context(), []Log{l}, Options{}, func(e *Event) error {
			s := text(t, e)
			all[s] = e.ID.Time()
			order = append(order, s)
			return nil
		})
		if err != nil || len(all) != 20_000 {
			t.Fatalf("%d events, %v", len(all), err)
		}
		random := rand.New(rand.NewPCG(8, 8))
		for range 8 {
			from := time.Unix(1_795_200_000+random.Int64N(25_000)-2000, 0)
			r := Range{From: from, To: from.Add(time.Duration(random.IntN(600)) * time.Second)}
			switch random.IntN(5) {
			case 0:
				r.From = time.Time{}
			case 1:
				r.To = time.Time{}
			}
			var want []string
			for _, s := range order {
				if r.Contains(all[s]) {
					want = append(want, s)
				}
			}
			newest := random.IntN(2) == 0
			got, stats := scanned(t, []Log{l}, Options{Range: r, Newest: newest, BlockSize: 1 << (10 + random.IntN(10))})
			if newest {
				slices.Reverse(got)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%+v, %v: %d events, want %d (-want +got)\n%.2000s", c, r, len(got), len(want), diff)
			}
			if narrow := !r.From.IsZero() && !r.To.IsZero(); narrow && (c.indexed && !c.packed || c.jump == 0) && stats.Bytes > whole.Bytes/2 {
				t.Errorf("%+v, %v: read %d bytes of %d", c, r, stats.Bytes, whole.Bytes)
			}
		}
	}
}

// A log goes on where it was left, over rotation, and no event is told twice or left
// out.
func TestScanSince(t *testing.T) {
	for seed := range uint64(12) {
		random := rand.New(rand.NewPCG(seed, 5))
		path := filepath.Join(t.TempDir(), "audit.log")
		lines := interleaved(random, time.Now().Unix())
		want := grouped(lines)
		var mark Mark
		var got []string
		for rest := lines; len(rest) > 0; {
			n := min(random.IntN(60), len(rest))
			f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range rest[:n] {
				fmt.Fprintln(f, line)
			}
			f.Close()
			rest = rest[n:]
			if random.IntN(5) == 0 {
				for i := 9; i > 0; i-- {
					_ = os.Rename(fmt.Sprintf("%s.%d", path, i), fmt.Sprintf("%s.%d", path, i+1))
				}
				if os.Rename(path, path+".1") != nil || os.WriteFile(path, nil, 0o600) != nil {
					t.Fatal("rotate")
				}
			}
			mark = step(t, path, mark, &got)
		}
		step(t, path, mark, &got)
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d: %d events, want %d (-want +got)\n%s", seed, len(got), len(want), diff)
		}
	}
}

// interleaved makes events of now, whose records come in order and between those of
// others, PROCTITLE last.
func interleaved(random *rand.Rand, now int64) []string {
	var lines []string
	var open [][]string
	for serial := range 300 {
		stamp := fmt.Sprintf("%d.%03d:%d", now, serial, serial)
		event := []string{"type=SYSCALL msg=audit(" + stamp + "): arch=c000003e syscall=2 success=yes exit=3"}
		for range random.IntN(4) {
			event = append(event, "type=PATH msg=audit("+stamp+"): item=0 name=\"/etc\"")
		}
		event = append(event, "type=PROCTITLE msg=audit("+stamp+"): proctitle=\"cat\"")
		if random.IntN(5) == 0 {
			event = []string{"type=USER_LOGIN msg=audit(" + stamp + "): pid=1 uid=0 msg='op=login res=success'"}
		}
		open = append(open, event)
		for len(open) > 5 || serial == 299 && len(open) > 0 {
			i := random.IntN(len(open))
			lines = append(lines, open[i][0])
			if open[i] = open[i][1:]; len(open[i]) == 0 {
				open = slices.Delete(open, i, i+1)
			}
		}
	}
	return lines
}

func step(t *testing.T, path string, mark Mark, got *[]string) Mark {
	t.Helper()
	l, err := FromTrail(path)
	if err != nil {
		t.Fatal(err)
	}
	next, stats, err := ScanSince(t.Context(), l, Options{BlockSize: 700}, mark, func(e *Event) error {
		*got = append(*got, text(t, e))
		return nil
	})
	if err != nil || stats.Skipped.Gone != 0 {
		t.Fatalf("%+v, %v", stats, err)
	}
	return next
}
