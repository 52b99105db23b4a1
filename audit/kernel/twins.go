package kernel

import "hash/maphash"

// twinsSize is how many READLOG copies are remembered. kauditd's hold queue,
// flushed to whoever registers, may have them all.
const twinsSize = 1 << 16

// twins knows the records that came by multicast, so that they are not counted
// again when they come once more by unicast: at the moment a registration comes
// back, kauditd delivers both ways, and what it held while nobody was
// registered, it had multicast before.
type twins struct {
	seed maphash.Seed
	seen map[uint64]struct{}
	ring []uint64
	next int
}

func newTwins() *twins {
	return &twins{seed: maphash.MakeSeed(), seen: make(map[uint64]struct{})}
}

// sum is the identity of a record: its type and text, which has the serial. The
// header's length is left out, for it differs.
func (t *twins) sum(datagram []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.Write(datagram[4:6])
	h.Write(datagram[headerSize:])
	return h.Sum64()
}

// remember takes note of a READLOG copy.
func (t *twins) remember(datagram []byte) {
	sum := t.sum(datagram)
	if len(t.ring) < twinsSize {
		t.ring = append(t.ring, sum)
	} else {
		delete(t.seen, t.ring[t.next])
		t.ring[t.next] = sum
	}
	t.next = (t.next + 1) % twinsSize
	t.seen[sum] = struct{}{}
}

// has reports whether the record came by multicast, and forgets it.
func (t *twins) has(datagram []byte) bool {
	sum := t.sum(datagram)
	_, ok := t.seen[sum]
	delete(t.seen, sum)
	return ok
}
