package normal

import (
	"vigil/audit"
	"vigil/search/auparse"
)

// pos is the place of a field: record and field of an event. The zero value is
// none.
type pos struct {
	rec, field int // both from 1
}

// parts are the places and words of which Fields are made.
type parts struct {
	event                           []byte // the first record's type
	kind, action, objKind, subjKind string
	session, subjPrime, subjSec     pos
	subjLabel, objLabel             pos
	result, objPrime, objSec, obj2  pos
	how, key                        pos
	howWord                         string // instead of how
	actionAt                        pos    // instead of action
}

// find takes e apart into n.fields.
func (n *Normalizer) find(e *audit.Event) {
	n.load(e)
	n.parts = parts{}
	n.fields = Fields{}
	n.buf = n.buf[:0]
	if len(n.recs) == 0 {
		return
	}
	p := &n.parts
	p.event = n.recs[0].TypeName
	n.single(p, &n.recs[0])
	n.render()
}

// load splits the records of e.
func (n *Normalizer) load(e *audit.Event) {
	if cap(n.recs) < len(e.Records) {
		n.recs = append(n.recs[:cap(n.recs)], make([]auparse.Record, len(e.Records)-cap(n.recs))...)
	}
	n.recs = n.recs[:len(e.Records)]
	for i, r := range e.Records {
		n.cfg.Interpreter.Load(&n.recs[i], r)
	}
}

// single finds the parts of an event of one record.
func (n *Normalizer) single(p *parts, r *auparse.Record) {
	p.session = n.first(0, "ses")
	p.subjPrime = n.first(0, "auid")
	p.subjSec = n.first(0, "uid")
	p.result = n.first(0, "res")
	p.how = n.first(0, "exe")
	p.kind, p.objKind = "unknown", "unknown"
}

// first is the place of record i's first field with that name.
func (n *Normalizer) first(i int, name string) pos {
	if j := n.recs[i].Find(name); j >= 0 {
		return pos{i + 1, j + 1}
	}
	return pos{}
}

// render makes n.fields of n.parts.
func (n *Normalizer) render() {
	p, f := &n.parts, &n.fields
	f.EventKind = n.word(p.kind)
	f.Session = n.interpreted(p.session)
	f.SubjPrime = n.interpreted(p.subjPrime)
	f.SubjSec = n.interpreted(p.subjSec)
	f.SubjKind = n.word(p.subjKind)
	f.SubjLabel = n.interpreted(p.subjLabel)
	if f.Action = n.interpreted(p.actionAt); f.Action == nil {
		f.Action = n.word(p.action)
	}
	f.Result = n.interpreted(p.result)
	f.ObjPrime = n.interpreted(p.objPrime)
	f.ObjSec = n.interpreted(p.objSec)
	f.Obj2 = n.interpreted(p.obj2)
	f.ObjLabel = n.interpreted(p.objLabel)
	f.ObjKind = n.word(p.objKind)
	if f.How = n.word(p.howWord); f.How == nil {
		f.How = n.interpreted(p.how)
	}
	f.Key = n.interpreted(p.key)
}

// interpreted is the value at p as words, nil if p is none.
func (n *Normalizer) interpreted(p pos) []byte {
	if p.rec == 0 {
		return nil
	}
	start := len(n.buf)
	n.buf = n.cfg.Interpreter.AppendValue(n.buf, &n.recs[p.rec-1], p.field-1)
	return n.buf[start:len(n.buf):len(n.buf)]
}

// word is s as bytes, nil if it is empty.
func (n *Normalizer) word(s string) []byte {
	if s == "" {
		return nil
	}
	start := len(n.buf)
	n.buf = append(n.buf, s...)
	return n.buf[start:len(n.buf):len(n.buf)]
}
