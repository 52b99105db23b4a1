package forward

import (
	"slices"
	"time"
)

// builder makes batches within a far end's limits.
type builder struct {
	limits Limits
	open   *packing
	spare  [][]byte // what next batches are encoded into, at most maxSpare
}

// maxSpare is how many buffers are kept for batches to come.
const maxSpare = 4

// buffer returns an empty buffer.
func (b *builder) buffer() []byte {
	if n := len(b.spare); n > 0 {
		buf := b.spare[n-1]
		b.spare = b.spare[:n-1]
		return buf[:0]
	}
	return nil
}

// reuse takes the buffer of a batch that nobody looks at any more.
func (b *builder) reuse(f *flight) {
	if f.buf != nil && len(b.spare) < maxSpare {
		b.spare = append(b.spare, f.buf)
	}
	f.buf, f.batch = nil, nil
}

// packing is a batch that may take more.
type packing struct {
	buf   []byte
	items []packed
	since time.Time // of the first item
}

// packed is an item whose bytes end there in the buffer.
type packed struct {
	Item
	number uint64
	end    int
}

// size returns the bytes of the batch as the far end counts them.
func (b *builder) size(bytes, items int) int {
	return b.limits.PerBatch + bytes + items*b.limits.PerEvent
}

// add encodes an event. The flight that it returns is complete, nil if none is: it
// does not hold the event when that did not fit in. tooLarge is the event's bytes if
// there are more than the far end takes, and empty says that the encoder made nothing
// of the event: in both cases it is in no batch.
func (b *builder) add(enc Encoder, e Event, place ref, number uint64, now time.Time) (full *flight, tooLarge []byte, empty bool) {
	if b.open == nil {
		b.open = &packing{buf: b.buffer(), since: now}
	}
	p := b.open
	start := len(p.buf)
	p.buf = enc.Append(p.buf, e)
	n := len(p.buf) - start
	switch {
	case n == 0:
		return nil, nil, true
	case n > b.limits.MaxEvent:
		tooLarge = slices.Clone(p.buf[start:])
		p.buf = p.buf[:start]
		return nil, tooLarge, false
	}
	if len(p.items) > 0 && b.size(len(p.buf), len(p.items)+1) > b.limits.MaxBytes {
		rest := p.buf[start:]
		p.buf = p.buf[:start]
		full = b.close()
		p = &packing{buf: append(b.buffer(), rest...), since: now}
		b.open = p
	}
	p.items = append(p.items, packed{Item{UID: e.UID, ID: e.ID, place: place}, number, len(p.buf)})
	if full == nil && len(p.items) >= b.limits.MaxEvents {
		full = b.close()
	}
	return full, nil, false
}

// close returns the batch as it is, nil if it is empty.
func (b *builder) close() *flight {
	p := b.open
	b.open = nil
	if p == nil {
		return nil
	}
	if len(p.items) == 0 {
		b.reuse(&flight{buf: p.buf})
		return nil
	}
	f := &flight{buf: p.buf, batch: &Batch{Items: make([]Item, len(p.items))}, numbers: make([]uint64, len(p.items))}
	start := 0
	for i, it := range p.items {
		it.Data = p.buf[start:it.end:it.end]
		f.batch.Items[i], f.numbers[i] = it.Item, it.number
		start = it.end
	}
	return f
}

// due returns when the open batch is not to wait any longer; ok is false if there is
// none.
func (b *builder) due() (at time.Time, ok bool) {
	if b.open == nil || len(b.open.items) == 0 {
		return time.Time{}, false
	}
	return b.open.since.Add(b.limits.Linger), true
}

// flight is a batch on its way.
type flight struct {
	batch   *Batch // nil once the far end has it
	buf     []byte // that the items are in, if they are all of it
	numbers []uint64
	state   state
	until   time.Time // a held one is settled then
}

type state uint8

const (
	waiting state = iota // to be sent
	sending
	held  // sent, and not certain yet
	ended // all items are settled
)

// halves returns two flights with the halves of f.
func (f *flight) halves() (a, b *flight) {
	n := len(f.batch.Items) / 2
	part := func(from, to int) *flight {
		return &flight{batch: &Batch{Items: f.batch.Items[from:to], Try: f.batch.Try}, numbers: f.numbers[from:to]}
	}
	return part(0, n), part(n, len(f.batch.Items))
}
