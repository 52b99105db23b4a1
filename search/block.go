package search

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"sort"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/trail"
)

// block is a piece of a log on its way: claimed from the source, loaded, parsed,
// put in its place among the others, matched, handed out, used again.
type block struct {
	ordinal int
	input   *input
	from    int64 // in the file, of a plain one
	size    int64
	cell    int64
	buf     []byte // what was read
	text    []byte // its whole lines
	at      int64  // where in the log text begins
	stats   Stats

	lines  []line
	groups []group
	table  []int32  // index of a group plus one, by hash
	least  audit.ID // the earliest stamp
	most   audit.ID // the latest
	links  []*block // those in which events of this block go on
	key    []byte   // scratch

	cost    int // bytes that the block holds
	refs    int // those who need it: the window, the matching, blocks whose events end in it
	matched bool
	found   []int32 // the groups that are to be handed out
}

// line is a record in a block.
type line struct {
	off, end, body uint32 // in text; end without newline, body is where the record's text begins
	group          int32
	next           int32 // the next line of the group, -1 if there is none
	typ            tables.Type
}

// group is the records in a block that have one node and stamp: an event, or a
// part of one that stands in several blocks.
type group struct {
	id          audit.ID
	first, last int32 // lines
	node        uint32
	origin      int64  // the cell in which the event was met first
	next        *block // where it goes on, nil if it does not
	rest        int32  // the group there
	continues   bool   // it is the rest of an event that begins in another block
	hit         bool   // a line has one of the plan's needles
	typed       bool   // a record is of one of the plan's types
}

// Costs of a line and a group, roughly, with the table.
const (
	lineCost  = 24
	groupCost = 72
	blockCost = 512
)

// parse finds the records of the block and puts those together that have one stamp.
func (b *block) parse(p *plan, seed maphash.Seed) {
	b.lines, b.groups, b.links, b.found = b.lines[:0], b.groups[:0], b.links[:0], b.found[:0]
	clear(b.table)
	at := int32(-1) // the group of the line before
	text := b.text
	for off := 0; off < len(text); {
		end := off + bytes.IndexByte(text[off:], '\n')
		if end < off {
			end = len(text)
		}
		r, ok := b.record(text[off:end])
		if ok {
			at = b.add(r, at, uint32(off), uint32(end), seed)
			g := &b.groups[at]
			g.typed = g.typed || p.typed(r.Type)
		}
		off = end + 1
	}
	if p.needles == nil {
		for i := range b.groups {
			b.groups[i].hit = true
		}
	}
	for _, needle := range p.needles {
		b.mark(needle)
	}
	b.cost = blockCost + cap(b.buf) + cap(b.lines)*lineCost + cap(b.groups)*groupCost
}

// record parses a line, and counts what is none.
func (b *block) record(text []byte) (audit.Record, bool) {
	b.stats.Lines++
	b.stats.Bytes += int64(len(text)) + 1
	if len(text) >= trail.MaxLine {
		b.stats.Skipped.Long++
		return audit.Record{}, false
	}
	r, err := audit.ParseLine(text)
	switch {
	case err == nil:
		b.stats.Records++
		return r, r.Type != tables.TypeEOE
	case bytes.IndexByte(text, 0) >= 0:
		b.stats.Skipped.Binary++
	default:
		b.stats.Skipped.Malformed++
	}
	return r, false
}

// add puts a record into its group, and returns that.
func (b *block) add(r audit.Record, at int32, off, end uint32, seed maphash.Seed) int32 {
	if at < 0 || b.groups[at].id != r.ID || !bytes.Equal(b.node(&b.groups[at]), r.Node) {
		at = b.place(r, seed)
	}
	n := int32(len(b.lines))
	body := end - uint32(len(r.Body))
	if r.Enrichment != nil {
		body -= uint32(len(r.Enrichment)) + 1
	}
	b.lines = append(b.lines, line{off: off, end: end, body: body, group: at, next: -1, typ: r.Type})
	g := &b.groups[at]
	if g.first < 0 {
		g.first = n
		g.node = uint32(len(r.Node))
	} else {
		b.lines[g.last].next = n
	}
	g.last = n
	return at
}

// node returns the node of a group's records.
func (b *block) node(g *group) []byte {
	if g.node == 0 {
		return nil
	}
	from := b.lines[g.first].off + uint32(len("node="))
	return b.text[from : from+g.node : from+g.node]
}

// place finds the group of a record, or makes it.
func (b *block) place(r audit.Record, seed maphash.Seed) int32 {
	if 2*(len(b.groups)+1) > len(b.table) {
		b.grow(seed)
	}
	i := b.slot(r.ID, r.Node, seed)
	if b.table[i] == 0 {
		if len(b.groups) == 0 || before(r.ID, b.least) {
			b.least = r.ID
		}
		if len(b.groups) == 0 || before(b.most, r.ID) {
			b.most = r.ID
		}
		b.groups = append(b.groups, group{id: r.ID, first: -1, origin: b.cell})
		b.table[i] = int32(len(b.groups))
	}
	return b.table[i] - 1
}

// find returns the group with a stamp and node, -1 if the block has none.
func (b *block) find(id audit.ID, node []byte, seed maphash.Seed) int32 {
	if len(b.groups) == 0 {
		return -1
	}
	return b.table[b.slot(id, node, seed)] - 1
}

// slot returns where in the table a group stands, or is to be put.
func (b *block) slot(id audit.ID, node []byte, seed maphash.Seed) int {
	mask := len(b.table) - 1
	for i := int(b.hash(id, node, seed)) & mask; ; i = (i + 1) & mask {
		n := b.table[i]
		if n == 0 || b.groups[n-1].id == id && bytes.Equal(b.node(&b.groups[n-1]), node) {
			return i
		}
	}
}

// hash has a seed, so that nobody can write a log whose stamps all collide.
func (b *block) hash(id audit.ID, node []byte, seed maphash.Seed) uint64 {
	k := binary.LittleEndian.AppendUint64(b.key[:0], uint64(id.Sec))
	k = binary.LittleEndian.AppendUint32(k, id.Serial)
	k = binary.LittleEndian.AppendUint16(k, id.Milli)
	b.key = append(k, node...)
	return maphash.Bytes(seed, b.key)
}

func (b *block) grow(seed maphash.Seed) {
	size := max(1024, 2*len(b.table))
	b.table = make([]int32, size)
	for n := range b.groups {
		g := &b.groups[n]
		i := int(b.hash(g.id, b.node(g), seed)) & (size - 1)
		for b.table[i] != 0 {
			i = (i + 1) & (size - 1)
		}
		b.table[i] = int32(n) + 1
	}
}

// mark finds the groups that have a needle in one of their lines.
func (b *block) mark(needle []byte) {
	for at := 0; ; {
		i := bytes.Index(b.text[at:], needle)
		if i < 0 {
			return
		}
		at += i
		n := sort.Search(len(b.lines), func(n int) bool { return int(b.lines[n].end) > at })
		if n == len(b.lines) {
			return
		}
		l := &b.lines[n]
		if int(l.off) > at { // in a line that is no record
			at = int(l.off)
			continue
		}
		b.groups[l.group].hit = true
		at = int(l.end)
	}
}

// before compares the times of two stamps.
func before(a, b audit.ID) bool { return a.Sec < b.Sec || a.Sec == b.Sec && a.Milli < b.Milli }
