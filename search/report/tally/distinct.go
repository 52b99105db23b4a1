package tally

import (
	"bytes"
	"hash/maphash"
	"math"
	"math/bits"
)

// maxExact is how many different keys a Set counts exactly: half a mebibyte of
// hashes, and as much again while it grows.
const maxExact = 1 << 15

// Set counts how many different keys came: exactly up to 32768, beyond that within
// two percent nearly always. Keys are told apart by a 64-bit hash with a seed that
// nobody knows.
type Set struct {
	seed   maphash.Seed
	hashes []uint64 // open addressing, 0 is free
	n      int
	more   *registers
	last   []byte // the key that was added last: what one process does comes together
}

// NewSet returns an empty Set. Sets that are to be merged must have the same seed.
func NewSet(seed maphash.Seed) *Set { return &Set{seed: seed} }

// Add adds a key.
func (s *Set) Add(key []byte) {
	if bytes.Equal(key, s.last) && s.last != nil {
		return
	}
	s.last = append(s.last[:0], key...)
	s.add(maphash.Bytes(s.seed, key))
}

func (s *Set) add(h uint64) {
	if s.more != nil {
		s.more.add(h)
		return
	}
	if h == 0 {
		h = 1
	}
	if s.n < len(s.hashes)/2 {
		if put(s.hashes, h) {
			s.n++
		}
		return
	}
	switch {
	case s.n > 0 && has(s.hashes, h):
	case s.grow():
		put(s.hashes, h)
		s.n++
	default:
		s.more.add(h)
	}
}

func has(table []uint64, h uint64) bool {
	mask := uint64(len(table) - 1)
	for i := h & mask; table[i] != 0; i = (i + 1) & mask {
		if table[i] == h {
			return true
		}
	}
	return false
}

// grow doubles the table; false if it is at its limit, so that registers stand in
// its place.
func (s *Set) grow() bool {
	old := s.hashes
	if len(old) == 2*maxExact {
		s.more, s.hashes = new(registers), nil
		for _, h := range old {
			if h != 0 {
				s.more.add(h)
			}
		}
		return false
	}
	s.hashes = make([]uint64, max(64, 2*len(old)))
	for _, h := range old {
		if h != 0 {
			put(s.hashes, h)
		}
	}
	return true
}

func put(table []uint64, h uint64) bool {
	mask := uint64(len(table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch table[i] {
		case h:
			return false
		case 0:
			table[i] = h
			return true
		}
	}
}

// Merge adds what from has seen.
func (s *Set) Merge(from *Set) {
	if from.more == nil {
		for _, h := range from.hashes {
			if h != 0 {
				s.add(h)
			}
		}
		return
	}
	if s.more == nil {
		own := s.hashes
		s.more, s.hashes = new(registers), nil
		for _, h := range own {
			if h != 0 {
				s.more.add(h)
			}
		}
	}
	s.more.merge(from.more)
}

// Count returns how many different keys there were, and whether that is exact.
func (s *Set) Count() (n uint64, exact bool) {
	if s.more == nil {
		return uint64(s.n), true
	}
	return max(s.more.estimate(), maxExact), false
}

// registers are those of a HyperLogLog of 16 KiB: its standard error is 0.8 %.
type registers [1 << precision]uint8

const precision = 14

func (r *registers) add(h uint64) {
	i := h >> (64 - precision)
	rank := uint8(bits.LeadingZeros64(h<<precision|1<<(precision-1)) + 1)
	r[i] = max(r[i], rank)
}

func (r *registers) merge(from *registers) {
	for i := range r {
		r[i] = max(r[i], from[i])
	}
}

// estimate is Flajolet's, with linear counting where it is the better one.
func (r *registers) estimate() uint64 {
	const m = 1 << precision
	sum, zero := 0.0, 0
	for _, v := range r {
		sum += math.Ldexp(1, -int(v))
		if v == 0 {
			zero++
		}
	}
	e := 0.7213 / (1 + 1.079/m) * m * m / sum
	if e <= 2.5*m && zero > 0 {
		e = m * math.Log(m/float64(zero))
	}
	return uint64(math.Round(e))
}
