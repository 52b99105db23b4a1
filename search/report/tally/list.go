package tally

import (
	"container/heap"
	"slices"
)

// List keeps those of many items that come first in an order, within a limit. An
// item that was added must not change.
type List[T any] struct {
	limit   Limit
	size    func(*T) int
	kept    worst[T]
	bytes   int
	dropped uint64
}

// NewList returns a List of the items that come first by compare, which must tell
// any two apart that differ. size is what an item takes in memory.
func NewList[T any](limit Limit, compare func(a, b *T) int, size func(*T) int) *List[T] {
	return &List[T]{limit: limit.orDefault(), size: size, kept: worst[T]{compare: compare}}
}

// Add adds an item.
func (l *List[T]) Add(item T) { l.add(&item) }

func (l *List[T]) add(item *T) {
	n := l.size(item)
	full := len(l.kept.items) > 0 && (len(l.kept.items) >= l.limit.Entries || l.bytes+n > l.limit.Bytes)
	if full && l.kept.compare(item, l.kept.items[0]) >= 0 {
		l.dropped++
		return
	}
	heap.Push(&l.kept, item)
	l.bytes += n
	for len(l.kept.items) > 1 && (len(l.kept.items) > l.limit.Entries || l.bytes > l.limit.Bytes) {
		gone := heap.Pop(&l.kept).(*T)
		l.bytes -= l.size(gone)
		l.dropped++
	}
}

// Merge adds what from holds and leaves from unusable.
func (l *List[T]) Merge(from *List[T]) {
	l.dropped += from.dropped
	for _, item := range from.kept.items {
		l.add(item)
	}
	from.kept.items = nil
}

// Items returns what is kept, in order. The items are the List's own.
func (l *List[T]) Items() []*T {
	// What is in order from the last to the first is a heap, too.
	slices.SortFunc(l.kept.items, func(a, b *T) int { return l.kept.compare(b, a) })
	all := slices.Clone(l.kept.items)
	slices.Reverse(all)
	return all
}

// Dropped returns how many items were not kept.
func (l *List[T]) Dropped() uint64 { return l.dropped }

// worst is a heap whose first item comes last in the order.
type worst[T any] struct {
	compare func(a, b *T) int
	items   []*T
}

// Len is for package heap.
func (w *worst[T]) Len() int { return len(w.items) }

// Less is for package heap.
func (w *worst[T]) Less(i, j int) bool { return w.compare(w.items[i], w.items[j]) > 0 }

// Swap is for package heap.
func (w *worst[T]) Swap(i, j int) { w.items[i], w.items[j] = w.items[j], w.items[i] }

// Push is for package heap.
func (w *worst[T]) Push(x any) { w.items = append(w.items, x.(*T)) }

// Pop is for package heap.
func (w *worst[T]) Pop() any {
	last := w.items[len(w.items)-1]
	w.items[len(w.items)-1] = nil
	w.items = w.items[:len(w.items)-1]
	return last
}
