package tally

import "slices"

// List keeps those of many items that come first in an order, within a limit. An
// item that was added must not change.
type List[T any] struct {
	limit   Limit
	compare func(a, b *T) int
	size    func(*T) int
	items   []T
	bytes   int
	dropped uint64
}

// NewList returns a List of the items that come first by compare, which must tell
// any two apart that differ. size is the length of an item's texts.
func NewList[T any](limit Limit, compare func(a, b *T) int, size func(*T) int) *List[T] {
	return &List[T]{limit: limit.orDefault(), compare: compare, size: size}
}

// Add adds an item.
func (l *List[T]) Add(item T) {
	l.items = append(l.items, item)
	l.bytes += l.size(&item)
	// A quarter over the limit is let be, so that sorting costs little.
	if len(l.items) > l.limit.Entries+l.limit.Entries/4 || l.bytes > l.limit.Bytes+l.limit.Bytes/4 {
		l.trim()
	}
}

// trim sorts and drops what is over the limit.
func (l *List[T]) trim() {
	slices.SortFunc(l.items, func(a, b T) int { return l.compare(&a, &b) })
	keep, bytes := 0, 0
	for keep < len(l.items) && keep < l.limit.Entries {
		n := l.size(&l.items[keep])
		if bytes+n > l.limit.Bytes && keep > 0 {
			break
		}
		bytes += n
		keep++
	}
	l.dropped += uint64(len(l.items) - keep)
	clear(l.items[keep:])
	l.items, l.bytes = l.items[:keep], bytes
}

// Merge adds what from holds and leaves from unusable.
func (l *List[T]) Merge(from *List[T]) {
	l.dropped += from.dropped
	for _, item := range from.items {
		l.Add(item)
	}
	from.items = nil
}

// Items returns what is kept, in order. The slice is the List's own.
func (l *List[T]) Items() []T {
	l.trim()
	return l.items
}

// Dropped returns how many items were not kept.
func (l *List[T]) Dropped() uint64 { return l.dropped }
