package tree

// generation is the programs of some processes. Most processes that it is asked for have executed nothing yet, and are not
// among them: bits small enough for a processor's cache say so without a look into the map.
type generation struct {
	of   map[key]*program
	bits [1 << 10]uint64 // one is set for each process
}

func newGeneration() *generation { return &generation{of: map[key]*program{}} }

// bit is where the bit of k is.
func (*generation) bit(k key) (word uint64, mask uint64) {
	h := (uint64(k.pid) ^ k.start) * 0x9e3779b97f4a7c15
	return h >> 54, 1 << (h >> 48 & 63)
}

func (g *generation) get(k key) *program {
	if word, mask := g.bit(k); g.bits[word]&mask == 0 {
		return nil
	}
	return g.of[k]
}

func (g *generation) put(k key, c *program) {
	word, mask := g.bit(k)
	g.bits[word] |= mask
	g.of[k] = c
}

func (g *generation) clear() {
	clear(g.of)
	clear(g.bits[:])
}
