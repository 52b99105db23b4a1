package aggregate_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/filter/field"
	"vigil/forward"
	"vigil/forward/aggregate"
)

// at is an event of a program that opens a file, that many seconds after the start.
func at(t *testing.T, second, serial int, comm string) forward.Event {
	t.Helper()
	return parse(t, fmt.Sprintf("type=SYSCALL msg=audit(%d.000:%d): arch=c000003e syscall=257 success=yes exit=3 pid=%d comm=%q exe=\"/bin/x\" key=\"k\"\x1dSYSCALL=openat",
		1700000000+second, serial, serial, comm))
}

func parse(t *testing.T, line string) forward.Event {
	t.Helper()
	r, err := audit.ParseLine([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return forward.Event{Event: &audit.Event{ID: r.ID, Records: []audit.Record{r}}}
}

// told is what an aggregate says of itself: the comm, and what is behind it.
func told(a forward.Aggregate) string {
	r := a.Event.Records[0]
	comm, _ := r.Get("comm")
	_, what, _ := strings.Cut(string(r.Enrichment), "SYSCALL=openat")
	return strings.TrimSpace(fmt.Sprintf("%s %v%s", strings.Trim(string(comm.Value), `"`), a.Numbers, strings.ReplaceAll(what, "AGGREGATE_", "")))
}

// step is an event that comes, and what becomes of it.
type step struct {
	second int
	comm   string
	alone  bool     // it is sent by itself
	want   []string // the aggregates that end by it
}

// course is rules, events that come, and what is open at the end.
type course struct {
	rules []aggregate.Rule
	steps []step
	left  []string // what is open at the end
}

// courses are those of the rules, by what they show.
func courses() map[string]course {
	byName := []string{"proc.name"}
	return map[string]course{
		"by a field": {
			[]aggregate.Rule{{By: byName}},
			[]step{{0, "ls", false, nil}, {1, "ps", false, nil}, {2, "ls", false, nil}, {3, "ls", false, nil}},
			[]string{
				"ls [0 2 3] COUNT=3 FIRST=1700000000.000:100 LAST=1700000003.000:103 SERIALS=100,102,103", "ps [1]",
			},
		},
		"a condition means what it says": {
			[]aggregate.Rule{{Filter: "proc.name = ls", By: byName}},
			[]step{{0, "ls", false, nil}, {0, "lsof", true, nil}, {0, "als", true, nil}},
			[]string{"ls [0]"},
		},
		"or does not reach beyond the condition": {
			[]aggregate.Rule{{Filter: "proc.name = ls or proc.name = ps", By: []string{"proc.name", "container.id"}}},
			[]step{{0, "ls", true, nil}},
			nil,
		},
		"the first rule that is about it": {
			[]aggregate.Rule{{Filter: "proc.name = ls", By: byName}, {By: []string{"proc.exepath"}}},
			[]step{{0, "ls", false, nil}, {0, "ps", false, nil}, {0, "top", false, nil}, {0, "ls", false, nil}},
			[]string{
				"ls [0 3] COUNT=2 FIRST=1700000000.000:100 LAST=1700000000.000:103 SERIALS=100,103",
				"ps [1 2] COUNT=2 FIRST=1700000000.000:101 LAST=1700000000.000:102 SERIALS=101,102",
			},
		},
		"at most so many": {
			[]aggregate.Rule{{By: byName, MaxCount: 2}},
			[]step{{0, "ls", false, nil}, {0, "ls", false, []string{"ls [0 1] COUNT=2 FIRST=1700000000.000:100 LAST=1700000000.000:101 SERIALS=100,101"}}, {0, "ls", false, nil}},
			[]string{"ls [2]"},
		},
		"at most so long": {
			[]aggregate.Rule{{By: byName, MaxTime: 10 * time.Second}},
			[]step{{0, "ls", false, nil}, {9, "ls", false, nil}, {10, "ls", false, []string{"ls [0 1] COUNT=2 FIRST=1700000000.000:100 LAST=1700000009.000:101 SERIALS=100,101"}}},
			[]string{"ls [2]"},
		},
		"at most so many open": {
			[]aggregate.Rule{{By: byName, MaxPending: 1}},
			[]step{{0, "ls", false, nil}, {0, "ps", false, []string{"ls [0]"}}, {0, "ls", false, []string{"ps [1]"}}},
			[]string{"ls [2]"},
		},
		"the first at once": {
			[]aggregate.Rule{{By: byName, SendFirst: true}},
			[]step{{0, "ls", true, nil}, {1, "ps", true, nil}, {2, "ls", false, nil}, {3, "ls", false, nil}},
			[]string{"ls [2 3] COUNT=2 FIRST=1700000002.000:102 LAST=1700000003.000:103 SERIALS=102,103"},
		},
	}
}

func TestRules(t *testing.T) {
	for name, c := range courses() {
		t.Run(name, func(t *testing.T) {
			a, err := aggregate.New(c.rules, field.Config{})
			if err != nil {
				t.Fatal(err)
			}
			now := time.Unix(1700000000, 0)
			drain := func(below uint64) (got []string) {
				for {
					one, ok := a.Next(now, below)
					if !ok {
						return got
					}
					got = append(got, told(one))
				}
			}
			for i, s := range c.steps {
				if joined := a.Add(at(t, s.second, 100+i, s.comm), uint64(i), now); joined == s.alone {
					t.Errorf("event %d: joined is %v", i, joined)
				}
				if diff := cmp.Diff(drain(0), s.want); diff != "" {
					t.Errorf("event %d (-got +want):\n%s", i, diff)
				}
			}
			if diff := cmp.Diff(drain(math.MaxUint64), c.left); diff != "" {
				t.Errorf("at the end (-got +want):\n%s", diff)
			}
			if _, ok := a.Due(); ok {
				t.Error("something is open")
			}
		})
	}
}

// TestBounds: the list of serials, the bytes held and the time bound an aggregate, too,
// and the number of its first event.
func TestBounds(t *testing.T) {
	now := time.Unix(1700000000, 0)
	a, err := aggregate.New([]aggregate.Rule{{By: []string{"proc.name"}, MaxSize: 128, MaxTime: time.Minute}}, field.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		a.Add(at(t, 0, 1_000_000_000+i, "ls"), uint64(i), now)
	}
	var counts []int
	for one, ok := a.Next(now, 0); ok; one, ok = a.Next(now, 0) {
		counts = append(counts, len(one.Numbers))
	}
	if len(counts) != 9 || counts[0] != 11 {
		t.Errorf("lists of %v serials", counts)
	}
	if due, ok := a.Due(); !ok || !due.Equal(now.Add(time.Minute)) {
		t.Errorf("due %v, %v", due, ok)
	}
	if _, ok := a.Next(now.Add(time.Minute-1), 99); ok {
		t.Error("it ended before its time")
	}
	if one, ok := a.Next(now.Add(time.Minute), 0); !ok || len(one.Numbers) != 1 {
		t.Errorf("at its time: %v", ok)
	}
	for i := range 3000 { // of 4 KiB each
		e := at(t, 0, i, fmt.Sprint(i))
		e.Records[0].Enrichment = []byte("X=" + strings.Repeat("x", 4<<10))
		a.Add(e, uint64(100+i), now)
	}
	ended := 0
	for _, ok := a.Next(now, 0); ok; _, ok = a.Next(now, 0) {
		ended++
	}
	if ended < 3000-2048 {
		t.Errorf("%d of 3000 ended", ended)
	}
	a.Reset()
	if _, ok := a.Next(now, math.MaxUint64); ok {
		t.Error("something was left by Reset")
	}
}

// TestNeverTogether: what is lost waits for nobody, and what has none of the fields has
// nothing in common.
func TestNeverTogether(t *testing.T) {
	a, err := aggregate.New([]aggregate.Rule{{By: []string{"evt.type"}}, {By: []string{"container.id"}}}, field.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Add(parse(t, "type=LEDGER msg=audit(1700000000.000:0): reason=queue"), 0, time.Time{}) {
		t.Error("a LEDGER record joined")
	}
	a, err = aggregate.New([]aggregate.Rule{{By: []string{"container.id"}}}, field.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Add(at(t, 0, 1, "ls"), 0, time.Time{}) || a.Add(forward.Event{Event: &audit.Event{}}, 1, time.Time{}) {
		t.Error("an event without the field joined")
	}
}

func TestCheck(t *testing.T) {
	by := []string{"proc.name"}
	for _, c := range []struct {
		rule aggregate.Rule
		want string
	}{
		{aggregate.Rule{}, "aggregate: rule 2: by is missing"},
		{aggregate.Rule{By: []string{"proc.nam"}}, "by: "},
		{aggregate.Rule{By: []string{"proc.name or true"}}, "by: "},
		{aggregate.Rule{By: by, Filter: "proc.nam = x"}, "filter: "},
		{aggregate.Rule{By: by, Filter: "proc.name = x) or (proc.name = y"}, "filter: "},
		{aggregate.Rule{By: by, MaxCount: 1}, "max_count is 1: at least 2, at most 131072"},
		{aggregate.Rule{By: by, MaxSize: 100}, "max_size is 100: at least 128"},
		{aggregate.Rule{By: by, MaxPending: 20000}, "max_pending is 20000: at least 1, at most 10240"},
		{aggregate.Rule{By: by, MaxTime: 2 * time.Hour}, "max_time is 2h0m0s: at least 1s, at most 1h0m0s"},
	} {
		if err := aggregate.Check([]aggregate.Rule{{By: by}, c.rule}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.rule, err, c.want)
		}
	}
}

// BenchmarkAdd puts events together, a thousand in one.
func BenchmarkAdd(b *testing.B) {
	a, err := aggregate.New([]aggregate.Rule{{Filter: "evt.type = openat", By: []string{"proc.name", "proc.exepath"}}}, field.Config{})
	if err != nil {
		b.Fatal(err)
	}
	r, err := audit.ParseLine([]byte("type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=257 success=yes exit=3 pid=1 comm=\"ls\" exe=\"/bin/x\" key=\"k\"\x1dSYSCALL=openat"))
	if err != nil {
		b.Fatal(err)
	}
	e := forward.Event{Event: &audit.Event{ID: r.ID, Records: []audit.Record{r}}}
	now := time.Unix(1700000000, 0)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if !a.Add(e, i, now) {
			b.Fatal("it did not join")
		}
		a.Next(now, 0)
	}
}
