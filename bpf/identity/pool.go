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

// pids finds the life that has, or had last, a pid: a hash table with open addresses. Eight pids that follow one another lie
// side by side, so that processes that are made one after another, as nearly all are that anybody asks for, share a line
// of the processor's cache. It grows and never shrinks.
type pids struct {
	slots []pidSlot // a power of two
	n     int
}

// pidSlot is empty if pid is 0, which is no process's.
type pidSlot struct {
	pid  uint32
	life int32
}

func newPIDs() *pids { return &pids{slots: make([]pidSlot, 512)} }

// home is where a pid's slot is unless others are there.
func (p *pids) home(pid uint32) uint32 {
	h := uint32(uint64(pid>>3) * 0x9e3779b97f4a7c15 >> 32)
	return (h<<3 | pid&7) & uint32(len(p.slots)-1)
}

// find is pid's slot, or the empty one where it would be.
func (p *pids) find(pid uint32) uint32 {
	i := p.home(pid)
	for p.slots[i].pid != pid && p.slots[i].pid != 0 {
		i = (i + 1) & uint32(len(p.slots)-1)
	}
	return i
}

// get returns the life, 0 if there is none.
func (p *pids) get(pid uint32) int32 { return p.slots[p.find(pid)].life }

func (p *pids) set(pid uint32, life int32) {
	if pid == 0 {
		return
	}
	i := p.find(pid)
	if p.slots[i].pid == 0 {
		if p.n++; p.n > len(p.slots)/3*2 {
			p.grow()
			i = p.find(pid)
		}
	}
	p.slots[i] = pidSlot{pid, life}
}

func (p *pids) grow() {
	old := p.slots
	p.slots = make([]pidSlot, 2*len(old))
	for _, s := range old {
		if s.pid != 0 {
			p.slots[p.find(s.pid)] = s
		}
	}
}

// remove takes a pid out and moves up those that it stood in the way of.
func (p *pids) remove(pid uint32) {
	mask := uint32(len(p.slots) - 1)
	i := p.find(pid)
	if pid == 0 || p.slots[i].pid == 0 {
		return
	}
	p.n--
	for j := (i + 1) & mask; p.slots[j].pid != 0; j = (j + 1) & mask {
		if (j-p.home(p.slots[j].pid))&mask >= (j-i)&mask { // it came from i or before
			p.slots[i] = p.slots[j]
			i = j
		}
	}
	p.slots[i] = pidSlot{}
}
