package tally

// maxBuckets is how many buckets of time there are at most.
const maxBuckets = 512

// Timeline counts several kinds of things over time. Its buckets are as wide, a
// power of two of seconds, as it takes for 512 of them to reach from the first
// time to the last, so the result does not depend on the order of adding.
type Timeline struct {
	kinds   int
	shift   uint
	first   int64 // index of the first bucket: second >> shift
	buckets []uint64
}

// NewTimeline returns a Timeline for so many kinds of things.
func NewTimeline(kinds int) *Timeline { return &Timeline{kinds: kinds} }

// Add counts n things of a kind, 0 being the first, in a second since the epoch.
func (t *Timeline) Add(second int64, kind int, n uint64) {
	i := t.index(second)
	t.buckets[i*t.kinds+kind] += n
}

// index makes room for second and returns its bucket.
func (t *Timeline) index(second int64) int {
	second = max(second, 0)
	if len(t.buckets) == 0 {
		t.first = second >> t.shift
		t.buckets = make([]uint64, t.kinds, 64*t.kinds)
		return 0
	}
	for {
		at, last := second>>t.shift, t.first+t.len()-1
		from, to := min(at, t.first), max(at, last)
		if to-from >= maxBuckets {
			t.widen()
			continue
		}
		if from < t.first {
			grown := make([]uint64, int(to-from+1)*t.kinds, maxBuckets*t.kinds)
			copy(grown[int(t.first-from)*t.kinds:], t.buckets)
			t.buckets, t.first = grown, from
		}
		for t.first+t.len()-1 < to {
			for range t.kinds {
				t.buckets = append(t.buckets, 0)
			}
		}
		return int(at - t.first)
	}
}

func (t *Timeline) len() int64 { return int64(len(t.buckets) / t.kinds) }

// widen makes the buckets twice as wide.
func (t *Timeline) widen() {
	first := t.first >> 1
	n := (t.first+t.len()-1)>>1 - first + 1
	wide := make([]uint64, int(n)*t.kinds, maxBuckets*t.kinds)
	for i, v := range t.buckets {
		at := (t.first + int64(i/t.kinds)) >> 1
		wide[int(at-first)*t.kinds+i%t.kinds] += v
	}
	t.buckets, t.first = wide, first
	t.shift++
}

// Merge adds what from has counted.
func (t *Timeline) Merge(from *Timeline) {
	for from.shift > t.shift {
		if len(t.buckets) == 0 {
			t.shift = from.shift
			break
		}
		t.widen()
	}
	for i := range from.len() {
		at := t.index((from.first + i) << from.shift)
		// Only buckets that hold something were made for a second; the others lie
		// between them.
		for k := range t.kinds {
			t.buckets[at*t.kinds+k] += from.buckets[int(i)*t.kinds+k]
		}
	}
}

// Rows returns the counts in at most n buckets of width seconds each, the first of
// which begins at start, in seconds since the epoch; counts[i][kind]. n is at least 1.
func (t *Timeline) Rows(n int) (start, width int64, counts [][]uint64) {
	if len(t.buckets) == 0 {
		return 0, 1, nil
	}
	each := (t.len() + int64(n) - 1) / int64(n)
	counts = make([][]uint64, (t.len()+each-1)/each)
	for i := range counts {
		counts[i] = make([]uint64, t.kinds)
	}
	for i, v := range t.buckets {
		counts[int64(i/t.kinds)/each][i%t.kinds] += v
	}
	return t.first << t.shift, each << t.shift, counts
}
