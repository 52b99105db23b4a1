package audit

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"vigil/audit/tables"
)

// none is the index of no slot.
const none int32 = -1

type slotState uint8

const (
	slotFree      slotState = iota
	slotOpen                // waits for more
	slotLingering           // complete as far as one can tell
	slotDone                // handed out; remembered for what comes late
)

// slot is an event that an Assembler knows.
type slot struct {
	key
	buf      []byte // the node's name, then the records, see append
	deadline int64  // on the Assembler's clock
	records  int
	nodeLen  int

	next, prev int32 // in its list
	chain      int32 // the next slot of the same bucket, or the next free one

	state  slotState
	hashed bool // is in the table
	end    End  // if nothing more comes; of a lingering one
	ready  bool // lingers only behind others
	late   bool // was handed out before
}

// key names an event. Node names are compared by a hash whose seed nobody knows.
type key struct {
	id   ID
	node uint64
}

// recordHeader is what stands before each record in a slot's buffer: type, whether
// there is an enrichment, and the lengths of both parts.
const recordHeader = 2 + 1 + 4 + 4

func recordSize(r Record) int { return recordHeader + len(r.Body) + len(r.Enrichment) }

// append copies r into the buffer, which has room for it.
func (s *slot) append(r Record) {
	b := s.buf
	if s.records == 0 {
		s.nodeLen = len(r.Node)
		b = append(b, r.Node...)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(r.Type))
	if r.Enrichment != nil {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Body)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Enrichment)))
	b = append(b, r.Body...)
	s.buf = append(b, r.Enrichment...)
	s.records++
}

// appendRecords appends views of the records in the buffer.
func (s *slot) appendRecords(dst []Record) (_ []Record, node []byte) {
	b := s.buf
	if s.nodeLen > 0 {
		node = b[:s.nodeLen:s.nodeLen]
		b = b[s.nodeLen:]
	}
	for range s.records {
		r := Record{Type: tables.Type(binary.LittleEndian.Uint16(b)), ID: s.id, Node: node}
		enriched := b[2] == 1
		body := int(binary.LittleEndian.Uint32(b[3:]))
		extra := int(binary.LittleEndian.Uint32(b[7:]))
		b = b[recordHeader:]
		r.Body, b = b[:body:body], b[body:]
		if enriched {
			r.Enrichment = b[:extra:extra]
		}
		b = b[extra:]
		dst = append(dst, r)
	}
	return dst, node
}

// slots is a hash table of at most as many events as it was made for. The seeds
// are random, so that stamps in a hostile log cannot be chosen to share a bucket.
type slots struct {
	at      []slot
	free    int32
	last    int32 // what find found last: records of an event come together
	buckets []int32
	seed    maphash.Seed
	a, b    uint64
}

func newSlots(n int) slots {
	s := slots{free: none, last: none, seed: maphash.MakeSeed()}
	s.a, s.b = maphash.String(s.seed, "a"), maphash.String(s.seed, "b")
	s.buckets = make([]int32, 1<<bits.Len(uint(n)))
	for i := range s.buckets {
		s.buckets[i] = none
	}
	return s
}

func (s *slots) key(id ID, node []byte) key {
	k := key{id: id}
	if len(node) > 0 {
		k.node = maphash.Bytes(s.seed, node)
	}
	return k
}

func (s *slots) bucket(k key) *int32 {
	hi, lo := bits.Mul64(uint64(k.id.Sec)<<10^uint64(k.id.Milli)^k.node^s.a, uint64(k.id.Serial)^s.b)
	return &s.buckets[int(hi^lo)&(len(s.buckets)-1)]
}

// find returns the slot of k, or none.
func (s *slots) find(k key) int32 {
	if s.last != none && s.at[s.last].key == k {
		return s.last
	}
	for i := *s.bucket(k); i != none; i = s.at[i].chain {
		if s.at[i].key == k {
			s.last = i
			return i
		}
	}
	return none
}

// insert takes a slot for k, which is not in the table.
func (s *slots) insert(k key) int32 {
	i := s.take()
	b := s.bucket(k)
	s.at[i].key, s.at[i].chain, s.at[i].hashed = k, *b, true
	*b = i
	s.last = i
	return i
}

// insertHidden takes a slot for k that find does not find.
func (s *slots) insertHidden(k key) int32 {
	i := s.take()
	s.at[i].key = k
	return i
}

func (s *slots) take() int32 {
	i := s.free
	if i == none {
		s.at = append(s.at, slot{})
		return int32(len(s.at) - 1)
	}
	s.free = s.at[i].chain
	s.at[i] = slot{}
	return i
}

// delete frees slot i.
func (s *slots) delete(i int32) {
	if s.at[i].hashed {
		p := s.bucket(s.at[i].key)
		for *p != i {
			p = &s.at[*p].chain
		}
		*p = s.at[i].chain
	}
	if s.last == i {
		s.last = none
	}
	s.at[i] = slot{chain: s.free}
	s.free = i
}

// list is a queue of slots, linked through next and prev.
type list struct {
	head, tail int32
	n          int
}

func newList() list { return list{head: none, tail: none} }

func (l *list) append(s *slots, i int32) {
	at := &s.at[i]
	at.next, at.prev = none, l.tail
	if l.tail == none {
		l.head = i
	} else {
		s.at[l.tail].next = i
	}
	l.tail = i
	l.n++
}

func (l *list) remove(s *slots, i int32) {
	at := &s.at[i]
	if at.prev == none {
		l.head = at.next
	} else {
		s.at[at.prev].next = at.next
	}
	if at.next == none {
		l.tail = at.prev
	} else {
		s.at[at.next].prev = at.prev
	}
	l.n--
}

// first returns the first slot that is not skip, or none.
func (l *list) first(s *slots, skip int32) int32 {
	if l.head != none && l.head == skip {
		return s.at[l.head].next
	}
	return l.head
}
