package format

import (
	"bytes"
	"hash/maphash"
)

// seen is the set of the names in an object. The few names that a real record has
// are in a list, with a filter before it that says of nearly every new name that it
// is new; more of them go into a hash table with a seed that nobody knows, so that
// names cannot be chosen to be slow.
type seen struct {
	filter [16]uint64
	names  [][]byte

	// What reset starts with: the names that the encoder uses itself.
	own      [16]uint64
	ownNames int

	seed  maphash.Seed
	table []seenName
	round uint32 // of table entries that count
	n     int    // of them
}

type seenName struct {
	hash  uint64
	round uint32
}

const fewNames = 64

// newSeen returns a set that holds the names that the encoder uses itself.
func newSeen(seed maphash.Seed, own ...string) seen {
	s := seen{seed: seed}
	for _, name := range own {
		s.add([]byte(name))
	}
	s.own, s.ownNames = s.filter, len(s.names)
	return s
}

// reset forgets all names but the encoder's own. A table that a hostile record has
// made large is not kept.
func (s *seen) reset() {
	s.filter = s.own
	s.names = s.names[:s.ownNames]
	if s.n > 0 {
		s.n = 0
		s.round++
		if len(s.table) > 1<<12 || s.round == 0 {
			s.table, s.round = nil, 0
		}
	}
}

// add adds a name and reports whether it is new. The name must stay as it is until
// the next reset.
func (s *seen) add(name []byte) bool {
	if s.n == 0 {
		h := 0
		if n := len(name); n > 0 {
			h = n*131 + int(name[0])*31 + int(name[n-1])*17 + int(name[n/2])
		}
		word, bit := &s.filter[h>>6&15], uint64(1)<<(h&63)
		if *word&bit != 0 && s.listed(name) {
			return false
		}
		*word |= bit
		if len(s.names) < fewNames {
			s.names = append(s.names, name)
			return true
		}
		for _, name := range s.names {
			s.addHash(maphash.Bytes(s.seed, name))
		}
	}
	return s.addHash(maphash.Bytes(s.seed, name))
}

func (s *seen) listed(name []byte) bool {
	for _, other := range s.names {
		if bytes.Equal(name, other) {
			return true
		}
	}
	return false
}

// addHash adds a name's hash to the table. Two names that share one of 64 bits
// count as one.
func (s *seen) addHash(hash uint64) bool {
	if s.table == nil {
		s.table, s.round = make([]seenName, 4*fewNames), 1
	}
	mask := uint64(len(s.table) - 1)
	i := hash & mask
	for s.table[i].round == s.round {
		if s.table[i].hash == hash {
			return false
		}
		i = (i + 1) & mask
	}
	s.table[i] = seenName{hash, s.round}
	if s.n++; s.n > len(s.table)/2 {
		s.grow()
	}
	return true
}

func (s *seen) grow() {
	old := s.table
	s.table = make([]seenName, 2*len(old))
	mask := uint64(len(s.table) - 1)
	for _, e := range old {
		if e.round != s.round {
			continue
		}
		i := e.hash & mask
		for s.table[i].round == s.round {
			i = (i + 1) & mask
		}
		s.table[i] = e
	}
}
