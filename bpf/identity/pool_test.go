package identity

import (
	"math/rand/v2"
	"testing"
)

// TestPIDs compares with a map, with pids as the kernel gives them: in a row, and from the start again.
func TestPIDs(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	p, want := newPIDs(), map[uint32]int32{}
	next := uint32(300)
	var order []uint32
	for i := range int32(200_000) {
		if next++; next > 9_000 {
			next = 300
		}
		p.set(next, i+1)
		if want[next] == 0 {
			order = append(order, next)
		}
		want[next] = i + 1
		for len(want) > 3_000 || len(want) > 0 && random.IntN(3) == 0 {
			at := random.IntN(min(len(order), 50)) // the oldest, more or less
			pid := order[at]
			order = append(order[:at], order[at+1:]...)
			p.remove(pid)
			delete(want, pid)
		}
		p.remove(next + 20_000) // was never there
		if i%1000 != 0 {
			continue
		}
		if p.n != len(want) || p.get(0) != 0 {
			t.Fatalf("got %d pids, want %d", p.n, len(want))
		}
		for pid := range uint32(10_000) {
			if got := p.get(pid); got != want[pid] {
				t.Fatalf("pid %d: got %d, want %d", pid, got, want[pid])
			}
		}
	}
}
