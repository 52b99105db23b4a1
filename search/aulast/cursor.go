package aulast

import (
	"math"
	"strconv"

	"vigil/audit"
	"vigil/search/auparse"
)

// cursor looks for the fields of a record one after the other, as libauparse's
// auparse_find_field does: from the field it stands at onwards. When it has not
// found one, it finds nothing more until it is sent back to the start.
type cursor struct {
	rec *auparse.Record
	at  int
}

func (c *cursor) reset() { c.at = 0 }

// find moves to the next field of one of these names and reports whether there
// is one.
func (c *cursor) find(names ...string) bool {
	for ; c.at < len(c.rec.Fields); c.at++ {
		for _, name := range names {
			if string(c.rec.Fields[c.at].Name) == name {
				return true
			}
		}
	}
	return false
}

// step moves to the next field; at the last one it stays.
func (c *cursor) step() {
	if c.at+1 < len(c.rec.Fields) {
		c.at++
	}
}

// number is the value of the field it stands at, as C's strtol takes it.
func (c *cursor) number() uint32 { return leadingInt(c.rec.Fields[c.at].Value) }

func (c *cursor) text() string { return string(c.rec.Fields[c.at].Value) }

// uint finds a field and returns its number, or unset.
func (c *cursor) uint(names ...string) uint32 {
	if !c.find(names...) {
		return unset
	}
	return c.number()
}

// unset is what a number is that is missing, and an auid that nobody has set.
const unset = math.MaxUint32

func leadingInt(v []byte) uint32 {
	end := 0
	if end < len(v) && (v[end] == '-' || v[end] == '+') {
		end++
	}
	for end < len(v) && v[end] >= '0' && v[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(v[:end]), 10, 64)
	if err != nil && n != 0 { // out of range
		return unset
	}
	return uint32(n)
}

// load splits a record into its fields.
func load(x *auparse.Interpreter, dst *auparse.Record, r audit.Record) cursor {
	x.Load(dst, r)
	return cursor{rec: dst}
}
