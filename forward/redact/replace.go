package redact

import (
	"bytes"
	"encoding/hex"

	"vigil/audit"
	"vigil/audit/tables"
)

// blank overwrites the text of a record in which a place could not be told.
func (r *Redactor) blank(i int, extra bool) {
	r.name(i, MissingName)
	b := r.text(i, extra)
	for at, c := range b {
		if c != ' ' {
			b[at] = '*'
		}
	}
}

// wholeFields overwrites the fields that were named.
func (r *Redactor) wholeFields() {
	for i := range r.event.Records {
		record := &r.event.Records[i]
		name := record.Type.String()
		r.whole(i, false, name, record.Body, record.Fields())
		if len(record.Enrichment) > 0 {
			r.whole(i, true, name, record.Enrichment, record.Extra())
		}
	}
}

func (r *Redactor) whole(i int, extra bool, name string, text []byte, fs audit.Fields) {
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		for k := range r.fields {
			rule := &r.fields[k]
			if !rule.matches(name, f.Name) || f.IsNull() {
				continue
			}
			u := &r.unit
			u.reset()
			if !u.add(i, extra, text, f) {
				r.blank(i, extra)
				return
			}
			if len(u.pieces) > 0 {
				p := &u.pieces[0]
				if p.hex { // as it is printed: it may be a number
					p.hex, p.n = false, p.size
				}
				u.mask = append(u.mask[:0], make([]byte, p.n)...)
				fill(u.mask, '*')
				r.name(i, rule.text)
				r.patch(p)
			}
			break
		}
	}
}

// replaceAll puts a text of ours in the place of each command line.
func (r *Redactor) replaceAll() {
	text := appendHex(nil, MissingText)
	first := true
	for i := range r.event.Records {
		record := &r.event.Records[i]
		switch record.Type {
		case tables.TypeExecve:
			if first {
				r.replaceBody(i, "argc=1 a0=", text)
			} else {
				r.changed[i].drop = true
			}
			first = false
			continue
		case tables.TypeProctitle:
			r.replaceBody(i, "proctitle=", text)
			continue
		}
		r.splice(i, false, func(name []byte) bool { return isCommand(record.Type, name) }, text)
		r.splice(i, true, isParents, text)
	}
}

func (r *Redactor) replaceBody(i int, before string, text []byte) {
	r.event.Records[i].Body = r.keep(append(append(r.buffer(), before...), text...))
	r.changed[i].body = true
	r.name(i, MissingName)
	r.stats.replaced.Add(1)
}

// splice puts text in the place of the values of the fields that are wanted.
func (r *Redactor) splice(i int, extra bool, want func([]byte) bool, text []byte) {
	record := &r.event.Records[i]
	old, fs := record.Body, record.Fields()
	if extra {
		old, fs = record.Enrichment, record.Extra()
	}
	u := &r.unit
	u.reset()
	for f, ok := nextWhole(&fs); ok; f, ok = nextWhole(&fs) {
		if want(f.Name) && !u.add(i, extra, old, f) {
			r.blank(i, extra)
			return
		}
	}
	if len(u.pieces) == 0 {
		return
	}
	b := r.buffer()
	at := 0
	for _, p := range u.pieces {
		b = append(append(b, old[at:p.whole]...), text...)
		at = p.whole + p.size
	}
	b = r.keep(append(b, old[at:]...))
	if extra {
		record.Enrichment, r.changed[i].extra = b, true
	} else {
		record.Body, r.changed[i].body = b, true
	}
	r.name(i, MissingName)
	r.stats.replaced.Add(1)
}

func appendHex(dst []byte, text string) []byte {
	return append(dst, bytes.ToUpper([]byte(hex.EncodeToString([]byte(text))))...)
}
