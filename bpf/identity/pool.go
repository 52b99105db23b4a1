package identity

// pool hands out elements by index and takes them back. It grows by chunks that never move, holds no pointers for the
// garbage collector to follow, and never shrinks: its size is that of the busiest moment. Index 0 is never given out.
type pool[T any] struct {
	chunks [][]T
	free   []int32
	used   int32 // indexes below were given out once
}

const chunk = 256

func (p *pool[T]) at(i int32) *T { return &p.chunks[i/chunk][i%chunk] }

// get returns the index of an element, whose content is what put left in it.
func (p *pool[T]) get() int32 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		return i
	}
	if p.used == 0 {
		p.used = 1
	}
	if int(p.used) >= len(p.chunks)*chunk {
		p.chunks = append(p.chunks, make([]T, chunk))
	}
	p.used++
	return p.used - 1
}

func (p *pool[T]) put(i int32) { p.free = append(p.free, i) }

// live is how many elements are in use.
func (p *pool[T]) live() int { return max(int(p.used)-1, 0) - len(p.free) }
