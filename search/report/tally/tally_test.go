package tally_test

import (
	"cmp"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"vigil/search/report/tally"
)

func add(into, from *int) { *into += *from }

// Parts that are merged count what the whole counts, and List says it in order.
func TestCounter(t *testing.T) {
	seed := maphash.MakeSeed()
	parts := []*tally.Counter[int]{tally.NewCounter(tally.Limit{}, seed, add), tally.NewCounter(tally.Limit{}, seed, add)}
	for i, key := range []string{"a", "b", "a", "c", "a", "b", "d"} {
		*parts[i%2].Add([]byte(key)) += 10
	}
	parts[0].Merge(parts[1])
	var got []string
	for _, e := range parts[0].List() {
		got = append(got, fmt.Sprintf("%s %d+%d %d", e.Key, e.Count, e.Missing, e.Value))
	}
	if diff := gocmp.Diff(got, []string{"a 3+0 30", "b 2+0 20", "c 1+0 10", "d 1+0 10"}); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
	if n, exact := parts[0].Distinct(); n != 4 || !exact {
		t.Errorf("%d different keys, exact: %t; want 4", n, exact)
	}
	if _, dropped := parts[0].Dropped(); dropped {
		t.Error("says that keys were dropped")
	}
}

// Beyond the limit the truth lies between Count and Count+Missing, for every key
// that is kept, however the stream was parted; what comes often is kept.
func TestCounterBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 30 {
		seed := maphash.MakeSeed()
		limit := tally.Limit{Entries: 8 + random.IntN(100)}
		if round%3 == 0 {
			limit = tally.Limit{Bytes: 100 + random.IntN(1000)}
		}
		parts := make([]*tally.Counter[int], 1+random.IntN(4))
		for i := range parts {
			parts[i] = tally.NewCounter(limit, seed, add)
		}
		want := map[string]uint64{}
		for range 20000 {
			key := fmt.Sprint(random.IntN(1 + random.IntN(3000)))
			if random.IntN(4) == 0 {
				key = "often"
			}
			want[key]++
			parts[random.IntN(len(parts))].Add([]byte(key))
		}
		all := parts[0]
		for _, p := range parts[1:] {
			all.Merge(p)
		}
		for _, e := range all.List() {
			if n := want[e.Key]; n < e.Count || n > e.Count+e.Missing {
				t.Fatalf("round %d, %s: %d to %d, there were %d", round, e.Key, e.Count, e.Count+e.Missing, n)
			}
		}
		most, dropped := all.Dropped()
		for key, n := range want {
			if all.Get(key) == nil && (!dropped || n > most) {
				t.Fatalf("round %d: %s came %d times and is not there; what was dropped came %d times at most", round, key, n, most)
			}
		}
		if all.List()[0].Key != "often" {
			t.Fatalf("round %d: %s comes first", round, all.List()[0].Key)
		}
		n, exact := all.Distinct()
		if exact == dropped || exact && n != uint64(len(want)) || !near(n, len(want)) {
			t.Errorf("round %d: %d different keys, exact: %t; there were %d", round, n, exact, len(want))
		}
	}
}

// near reports whether an estimate is within five standard errors.
func near(got uint64, want int) bool {
	off := float64(got) - float64(want)
	return off <= 0.041*float64(want)+1 && -off <= 0.041*float64(want)+1
}

func TestSet(t *testing.T) {
	for _, n := range []int{0, 1, 63, 1000, 32768, 32769, 300000} {
		seed := maphash.MakeSeed()
		a, b := tally.NewSet(seed), tally.NewSet(seed)
		for i := range n {
			key := fmt.Append(nil, i)
			if i%3 > 0 {
				a.Add(key)
			}
			if i%3 < 2 { // a third is in both
				b.Add(key)
			}
		}
		a.Merge(b)
		got, exact := a.Count()
		if exact != (n <= 32768) || exact && got != uint64(n) || !near(got, n) {
			t.Errorf("%d keys: %d, exact: %t", n, got, exact)
		}
	}
}

func TestSetNoAllocation(t *testing.T) {
	s := tally.NewSet(maphash.MakeSeed())
	keys := [][]byte{[]byte("a"), []byte("b")}
	s.Add(keys[0])
	s.Add(keys[1])
	if n := testing.AllocsPerRun(100, func() { s.Add(keys[0]); s.Add(keys[1]) }); n != 0 {
		t.Errorf("%v allocations for keys that are there", n)
	}
}

// A List has what sorting everything and cutting would leave.
func TestList(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	compare := func(a, b *int) int { return cmp.Compare(*a, *b) }
	for round := range 200 {
		limit := 1 + random.IntN(50)
		lists := []*tally.List[int]{
			tally.NewList(tally.Limit{Entries: limit}, compare, func(*int) int { return 1 }),
			tally.NewList(tally.Limit{Entries: limit}, compare, func(*int) int { return 1 }),
		}
		all := random.Perm(random.IntN(200))
		for _, n := range all {
			lists[random.IntN(2)].Add(n)
		}
		lists[0].Merge(lists[1])
		var got []int
		for _, n := range lists[0].Items() {
			got = append(got, *n)
		}
		want := slices.Sorted(slices.Values(all))
		want = want[:min(limit, len(want))]
		if !slices.Equal(got, want) || lists[0].Dropped() != uint64(len(all)-len(want)) {
			t.Fatalf("round %d: %v and %d dropped, want %v of %d", round, got, lists[0].Dropped(), want, len(all))
		}
	}
}

// The limit of bytes holds, but one item is always kept.
func TestListBytes(t *testing.T) {
	l := tally.NewList(tally.Limit{Bytes: 10}, func(a, b *string) int { return cmp.Compare(*a, *b) }, func(s *string) int { return len(*s) })
	for _, s := range []string{"ccccc", "a", "bbbb", "dd", "0123456789abc"} {
		l.Add(s)
	}
	var got []string
	for _, s := range l.Items() {
		got = append(got, *s)
	}
	if diff := gocmp.Diff(got, []string{"0123456789abc"}); diff != "" {
		t.Errorf("(-got +want):\n%s", diff)
	}
}

// A Timeline does not depend on the order of adding, nor on how it was parted, and
// nothing is lost in it.
func TestTimeline(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for round := range 200 {
		span := int64(1) << random.IntN(40)
		whole := tally.NewTimeline(2)
		parts := []*tally.Timeline{tally.NewTimeline(2), tally.NewTimeline(2), tally.NewTimeline(2)}
		n := random.IntN(100)
		var first, last int64
		for i := range n {
			second, kind := 1795280400+random.Int64N(span), random.IntN(2)
			if i == 0 || second < first {
				first = second
			}
			last = max(last, second)
			whole.Add(second, kind, 1)
			parts[random.IntN(3)].Add(second, kind, 1)
		}
		slices.SortFunc(parts, func(*tally.Timeline, *tally.Timeline) int { return random.IntN(3) - 1 })
		parts[0].Merge(parts[1])
		parts[0].Merge(parts[2])
		start, width, counts := whole.Rows(50)
		start2, width2, counts2 := parts[0].Rows(50)
		if start != start2 || width != width2 || gocmp.Diff(counts, counts2) != "" {
			t.Fatalf("round %d: parts make %d+%d %v, the whole %d+%d %v", round, start2, width2, counts2, start, width, counts)
		}
		var sum uint64
		for _, row := range counts {
			sum += row[0] + row[1]
		}
		if sum != uint64(n) || len(counts) > 50 || n > 0 && (start > first || start+width*int64(len(counts)) <= last) {
			t.Fatalf("round %d: %d things from %d to %d are %d in %d buckets of %d from %d", round, n, first, last, sum, len(counts), width, start)
		}
	}
}

// Stamps from the end of the world cost no more than others.
func TestTimelineFar(t *testing.T) {
	l := tally.NewTimeline(1)
	for _, second := range []int64{0, 1<<63 - 1, -5, 1795280400} {
		l.Add(second, 0, 1)
	}
	if _, _, counts := l.Rows(10); len(counts) > 10 {
		t.Errorf("%d buckets, want at most 10", len(counts))
	}
}
