package audit

import "math/bits"

const (
	minBuffer  = 1 << 10 // most events fit into 2 KiB
	keepPooled = 1 << 20
)

// pool hands out buffers whose capacity is a power of two, and takes them back.
// All of them together, in use or not, do not exceed limit.
type pool struct {
	limit  int
	owned  int // bytes in all buffers
	pooled int // bytes in those that are not in use
	free   [32][][]byte
}

// get returns an empty buffer with room for n bytes, nil if that would exceed
// the limit.
func (p *pool) get(n int) []byte {
	class := bits.Len(uint(max(n, minBuffer) - 1))
	size := 1 << class
	if f := p.free[class]; len(f) > 0 {
		b := f[len(f)-1]
		f[len(f)-1] = nil
		p.free[class] = f[:len(f)-1]
		p.pooled -= size
		return b
	}
	if p.owned+size > p.limit && p.pooled > 0 {
		p.drop(p.owned + size - p.limit)
	}
	if p.owned+size > p.limit {
		return nil
	}
	p.owned += size
	return make([]byte, 0, size)
}

// put takes a buffer back.
func (p *pool) put(b []byte) {
	size := cap(b)
	if size == 0 {
		return
	}
	class := bits.Len(uint(size - 1))
	if size != 1<<class || class >= len(p.free) || p.owned > p.limit {
		p.owned -= size
		return
	}
	p.free[class] = append(p.free[class], b[:0])
	p.pooled += size
}

// drop gives unused buffers of at least n bytes to the garbage collector, large
// ones first, or all there are.
func (p *pool) drop(n int) {
	for class := len(p.free) - 1; class >= 0 && n > 0; class-- {
		f := p.free[class]
		for len(f) > 0 && n > 0 {
			f[len(f)-1] = nil
			f = f[:len(f)-1]
			n -= 1 << class
			p.owned -= 1 << class
			p.pooled -= 1 << class
		}
		p.free[class] = f
	}
}

// trim gives back what a storm has left behind.
func (p *pool) trim() {
	if p.pooled > keepPooled {
		p.drop(p.pooled - keepPooled)
	}
}
