package identity

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
