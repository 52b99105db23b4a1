package tally

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
)

// Limit bounds what a Counter or List keeps.
type Limit struct {
	Entries int // how many entries; 0 means 16384
	Bytes   int // of their texts; 0 means 2 MiB
}

func (l Limit) orDefault() Limit {
	if l.Entries <= 0 {
		l.Entries = 16384
	}
	if l.Bytes <= 0 {
		l.Bytes = 2 << 20
	}
	return l
}

// Entry is one key of a Counter.
type Entry[V any] struct {
	Key   string
	Count uint64
	// Missing is how much Count may be too low at most, 0 if it is exact: the key
	// may have been dropped before, and have come again.
	Missing uint64
	Value   V
}

// Counter counts how often keys come, with a V beside each. When there are more
// keys than the limit allows, the half with the lowest counts is dropped (lossy
// counting): what comes often enough is always kept, with a count that is at least
// so and so much. Adding to a key that is there allocates nothing.
type Counter[V any] struct {
	limit   Limit
	merge   func(into, from *V)
	entries map[string]*Entry[V]
	bytes   int
	missing uint64 // what a key that is not there may have been counted at most
	dropped *registers
	seed    maphash.Seed
}

// NewCounter returns a Counter. merge adds a V to another; the two are of the same
// key. Counters that are to be merged must have the same seed.
func NewCounter[V any](limit Limit, seed maphash.Seed, merge func(into, from *V)) *Counter[V] {
	return &Counter[V]{limit: limit.orDefault(), merge: merge, seed: seed, entries: map[string]*Entry[V]{}}
}

// Add counts key once and returns its V, zero if the key is new. It is valid until
// the next call.
func (c *Counter[V]) Add(key []byte) *V {
	e, ok := c.entries[string(key)]
	if !ok {
		e = c.insert(string(key))
	}
	e.Count++
	return &e.Value
}

// Touch is Add without counting.
func (c *Counter[V]) Touch(key []byte) *V {
	e, ok := c.entries[string(key)]
	if !ok {
		e = c.insert(string(key))
	}
	return &e.Value
}

func (c *Counter[V]) insert(key string) *Entry[V] {
	if len(c.entries) >= c.limit.Entries || c.bytes+len(key) > c.limit.Bytes && len(c.entries) > 1 {
		c.purge()
	}
	if c.dropped != nil {
		c.dropped.add(maphash.String(c.seed, key))
	}
	e := &Entry[V]{Key: key, Missing: c.missing}
	c.entries[key] = e
	c.bytes += len(key)
	return e
}

// estimate begins to count different keys by registers, if that is not done yet.
func (c *Counter[V]) estimate() {
	if c.dropped != nil {
		return
	}
	c.dropped = new(registers)
	for key := range c.entries {
		c.dropped.add(maphash.String(c.seed, key))
	}
}

// purge drops the half of the entries that has the lowest counts.
func (c *Counter[V]) purge() {
	c.estimate()
	all := make([]*Entry[V], 0, len(c.entries))
	for _, e := range c.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *Entry[V]) int {
		return cmp.Or(cmp.Compare(a.Count+a.Missing, b.Count+b.Missing), strings.Compare(a.Key, b.Key))
	})
	half := all[:(len(all)+1)/2]
	for _, e := range half {
		c.bytes -= len(e.Key)
		delete(c.entries, e.Key)
	}
	last := half[len(half)-1]
	c.missing = max(c.missing, last.Count+last.Missing)
}

// Merge adds what from has counted and leaves from unusable.
func (c *Counter[V]) Merge(from *Counter[V]) {
	if c.dropped != nil || from.dropped != nil {
		c.estimate()
		from.estimate()
		c.dropped.merge(from.dropped)
	}
	for _, e := range c.entries {
		if _, ok := from.entries[e.Key]; !ok {
			e.Missing += from.missing
		}
	}
	for _, e := range from.entries {
		into, ok := c.entries[e.Key]
		if !ok {
			e.Missing += c.missing
			c.entries[e.Key] = e
			c.bytes += len(e.Key)
			continue
		}
		into.Count += e.Count
		into.Missing += e.Missing
		c.merge(&into.Value, &e.Value)
	}
	c.missing += from.missing
	from.entries = nil
	// Only now, so that what is dropped is what is rare in both.
	for len(c.entries) > c.limit.Entries || c.bytes > c.limit.Bytes && len(c.entries) > 1 {
		c.purge()
	}
}

// List returns the entries, the highest counts first, equal ones by key. They are
// the Counter's own.
func (c *Counter[V]) List() []*Entry[V] {
	all := make([]*Entry[V], 0, len(c.entries))
	for _, e := range c.entries {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *Entry[V]) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Key, b.Key))
	})
	return all
}

// Get returns the entry of a key, nil if there is none.
func (c *Counter[V]) Get(key string) *Entry[V] { return c.entries[key] }

// Distinct returns how many different keys there were, and whether that is exact.
func (c *Counter[V]) Distinct() (n uint64, exact bool) {
	if c.dropped == nil {
		return uint64(len(c.entries)), true
	}
	return max(c.dropped.estimate(), uint64(len(c.entries))), false
}

// Dropped reports whether keys were dropped, and how often a dropped one may have
// come at most.
func (c *Counter[V]) Dropped() (most uint64, dropped bool) { return c.missing, c.dropped != nil }
