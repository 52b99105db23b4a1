package normal

import "vigil/search/auparse"

// pos is the place of a field: its record in the event and its number in the record, both from 1. The zero value is
// none.
type pos struct{ rec, field int }

// cursor walks the fields of an event's records the way programs walk them with libauparse: what is found depends on
// where the search before it ended. Whoever prints the same parts as libauparse's normaliser, of records in any order
// and shape, must search in its order.
type cursor struct {
	recs       []auparse.Record
	rec, field int
	over       bool // a search has run off the last record: nothing is found until the cursor is set anew
}

// set puts the cursor on the first field of record i, counted from 0.
func (c *cursor) set(i int) {
	c.rec, c.field, c.over = i, 0, i >= len(c.recs)
}

// find moves to the next field of that name, the present one included.
func (c *cursor) find(name string) (pos, bool) {
	for ; !c.over; c.set(c.rec + 1) {
		fields := c.recs[c.rec].Fields
		for i := c.field; i < len(fields); i++ {
			if string(fields[i].Name) == name {
				c.field = i
				return pos{c.rec + 1, i + 1}, true
			}
		}
	}
	return pos{}, false
}

// seek is find that goes back to record i if there is no such field.
func (c *cursor) seek(name string, i int) pos {
	p, ok := c.find(name)
	if !ok {
		c.set(i)
	}
	return p
}

// seekIn is seek that takes what it finds for a field of record i, see in.
func (c *cursor) seekIn(name string, i int) pos { return in(c.seek(name, i), i) }

// in is the field of record i with the number of p, none if p is none. So stock takes what it finds: it is the field
// itself if the record is the one that was expected, and otherwise another one.
func in(p pos, i int) pos {
	if p.rec != 0 {
		p.rec = i + 1
	}
	return p
}

// at is find from the first field of record i.
func (c *cursor) at(i int, name string) pos {
	c.set(i)
	p, _ := c.find(name)
	return p
}

// value is what the field at p says, as the record has it.
func (c *cursor) value(p pos) []byte {
	if p.rec == 0 || p.field > len(c.recs[p.rec-1].Fields) {
		return nil
	}
	return c.recs[p.rec-1].Fields[p.field-1].Value
}
