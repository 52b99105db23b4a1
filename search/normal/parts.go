package normal

import (
	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/auparse"
)

// parts are the places and words of which Fields are made.
type parts struct {
	failed                         bool // there is nothing to say of the event
	kind, action                   string
	objKind, subjKind              string
	session, subjPrime, subjSec    pos
	subjLabel, objLabel            pos
	result, objPrime, objSec, obj2 pos
	how, key                       pos
	howWord                        string // instead of how
	howName                        []byte // instead of how
	actionAt                       pos    // instead of action
}

// find takes e apart into n.fields. Without attributes, where whatever is done came from is not looked for, and so
// what is looked for behind it may be found in other places.
func (n *Normalizer) find(e *audit.Event, attributes bool) {
	n.load(e)
	n.attributes = attributes
	n.parts = parts{}
	n.fields = Fields{}
	n.buf, n.victims = n.buf[:0], n.victims[:0]
	if len(n.recs) == 0 {
		n.parts.failed = true
		return
	}
	n.first = n.stockType()
	n.parts.kind = kindOf(n.first, n.cfg.Version)
	switch sys := n.syscall(); {
	case sys >= 0:
		n.compound(sys)
	case len(n.recs) == 1 || alone(n.first, n.cfg.Version):
		n.single()
	default:
		n.parts.failed = true
		return
	}
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
	n.at.recs = n.recs
}

// syscall is the place of the event's SYSCALL record, -1 if there is none or the event does not need it.
func (n *Normalizer) syscall() int {
	if alone(n.first, n.cfg.Version) {
		return -1
	}
	for i := range n.recs {
		if n.recs[i].Type == tables.TypeSyscall {
			return i
		}
	}
	return -1
}

// alone reports whether a record of type t is an event of its own.
func alone(t tables.Type, v auparse.Version) bool {
	switch {
	case t == tables.TypeLogin:
		return v == auparse.V3
	case t >= tables.TypeMACUnlblAllow && t <= tables.TypeMACCALIPSODel:
		return true
	}
	return t < tables.TypeSyscall || t >= tables.TypeKernel
}

// render makes n.fields of n.parts.
func (n *Normalizer) render() {
	p, f := &n.parts, &n.fields
	f.EventKind = n.word(p.kind)
	f.Session = n.interpreted(p.session)
	f.SubjPrime = n.interpreted(p.subjPrime)
	if string(f.SubjPrime) == "unset" {
		f.SubjPrime = n.word("system")
	}
	f.SubjSec = n.interpreted(p.subjSec)
	f.SubjKind = n.word(p.subjKind)
	if p.subjLabel.rec != 0 && string(n.fieldName(p.subjLabel)) == "subj" {
		f.SubjLabel = n.interpreted(p.subjLabel)
	}
	if f.Action = n.interpreted(p.actionAt); f.Action == nil {
		f.Action = n.word(p.action)
	}
	f.Result = n.outcome(p.result)
	if p.objPrime.rec != 0 && string(f.Action) == "set" { // the setting is named
		start := len(n.buf)
		n.buf = appendPrintable(n.buf, n.fieldName(p.objPrime))
		f.ObjPrime = n.buf[start:len(n.buf):len(n.buf)]
	} else {
		f.ObjPrime = n.name(p.objPrime)
	}
	f.ObjSec = n.interpreted(p.objSec)
	f.Obj2 = n.name(p.obj2)
	f.ObjLabel = n.interpreted(p.objLabel)
	f.ObjKind = n.word(p.objKind)
	switch {
	case p.howWord != "":
		f.How = n.word(p.howWord)
	case p.howName != nil:
		f.How = p.howName
	default:
		f.How = n.interpreted(p.how)
	}
	f.Key = n.interpreted(p.key)
}

// outcome is the result at p in one of two words.
func (n *Normalizer) outcome(p pos) []byte {
	v := n.interpreted(p)
	switch {
	case v == nil:
		return nil
	case string(v) == "yes" || string(v) == "allow" || len(v) >= 3 && string(v[:3]) == "suc":
		return n.word("success")
	}
	return n.word("failed")
}

// appendValue appends the value at p as words.
func (n *Normalizer) appendValue(dst []byte, p pos) []byte {
	if p.rec == 0 || p.field > len(n.recs[p.rec-1].Fields) {
		return dst
	}
	return n.cfg.Interpreter.AppendValue(dst, &n.recs[p.rec-1], p.field-1)
}

// interpreted is the value at p as words, nil if p is none.
func (n *Normalizer) interpreted(p pos) []byte {
	if p.rec == 0 || p.field > len(n.recs[p.rec-1].Fields) {
		return nil
	}
	start := len(n.buf)
	n.buf = n.appendValue(n.buf, p)
	return n.buf[start:len(n.buf):len(n.buf)]
}

// fieldName is the name of the field at p.
func (n *Normalizer) fieldName(p pos) []byte {
	if fields := n.recs[p.rec-1].Fields; p.field <= len(fields) {
		return fields[p.field-1].Name
	}
	return nil
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
