package normal

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
)

// AppendCSVHeader appends the line of column names, with its newline.
func (n *Normalizer) AppendCSVHeader(dst []byte) []byte {
	dst = append(dst, "NODE,EVENT,DATE,TIME,"...)
	if n.cfg.ExtraTime {
		dst = append(dst, "YEAR,MONTH,DAY,WEEKDAY,HOUR,MILLI,GMT_OFFSET,"...)
	}
	dst = append(dst, "SERIAL_NUM,EVENT_KIND,SESSION,SUBJ_PRIME,SUBJ_SEC,SUBJ_KIND,"...)
	if n.cfg.ExtraLabels {
		dst = append(dst, "SUBJ_LABEL,"...)
	}
	dst = append(dst, "ACTION,RESULT,OBJ_PRIME,OBJ_SEC,"...)
	if n.cfg.ExtraObj2 {
		dst = append(dst, "OBJ2,"...)
	}
	if n.cfg.ExtraLabels {
		dst = append(dst, "OBJ_LABEL,"...)
	}
	dst = append(dst, "OBJ_KIND,HOW"...)
	if n.cfg.ExtraKeys {
		dst = append(dst, ",KEY"...)
	}
	return append(dst, '\n')
}

// AppendCSV appends the row that ausearch --format csv prints for e, with its
// newline. ausearch quotes nothing; see Config.Quote.
func (n *Normalizer) AppendCSV(dst []byte, e *audit.Event) []byte {
	n.find(e, true)
	f := &n.fields
	dst = append(appendPrintable(dst, e.Node), ',')
	dst = n.cell(dst, n.typeName())
	dst = n.appendTime(dst, e.ID)
	if n.parts.failed {
		return n.appendNothing(dst)
	}
	for _, v := range [...][]byte{f.EventKind, f.Session, f.SubjPrime, f.SubjSec, f.SubjKind} {
		dst = n.cell(dst, v)
	}
	if n.cfg.ExtraLabels {
		dst = n.cell(dst, f.SubjLabel)
	}
	action := f.Action
	if action == nil {
		action = []byte("did-unknown")
	}
	object := f.ObjPrime
	if !n.cfg.ExtraLabels && n.tcontext() {
		object = nil // ausearch shows a label where labels were asked for
	}
	for _, v := range [...][]byte{action, f.Result, object, f.ObjSec} {
		dst = n.cell(dst, v)
	}
	if n.cfg.ExtraObj2 {
		dst = n.cell(dst, f.Obj2)
	}
	if n.cfg.ExtraLabels {
		dst = n.cell(dst, f.ObjLabel)
	}
	dst = n.cell(dst, f.ObjKind)
	dst = n.value(dst, f.How)
	if n.cfg.ExtraKeys {
		dst = append(dst, ',')
		dst = n.value(dst, f.Key)
	}
	return append(dst, '\n')
}

// appendNothing ends the row of an event that stock has nothing to say of: it has a column too few, two with OBJ2.
func (n *Normalizer) appendNothing(dst []byte) []byte {
	dst = append(dst, ",,,,,,,,,"...)
	if n.cfg.ExtraLabels {
		dst = append(dst, ",,"...)
	}
	if n.cfg.ExtraKeys {
		dst = append(dst, ',')
	}
	return append(dst, '\n')
}

// cell appends v and the comma behind it.
func (n *Normalizer) cell(dst, v []byte) []byte {
	return append(n.value(dst, v), ',')
}

// value appends v, quoted if it must be.
func (n *Normalizer) value(dst, v []byte) []byte {
	if !n.cfg.Quote || bytes.IndexByte(v, ',') < 0 && bytes.IndexByte(v, '"') < 0 {
		return append(dst, v...)
	}
	dst = append(dst, '"')
	for _, c := range v {
		if c == '"' {
			dst = append(dst, '"')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// appendTime appends the cells of date, time and serial.
func (n *Normalizer) appendTime(dst []byte, id audit.ID) []byte {
	t := id.Time().In(n.cfg.Location)
	dst = n.cfg.Dates.Append(dst, t)
	dst = t.AppendFormat(dst, ",15:04:05,")
	if n.cfg.ExtraTime {
		dst = t.AppendFormat(dst, "2006,01,02,")
		dst = append(dst, '1'+byte(t.Weekday()+6)%7, ',') // Monday is 1
		dst = appendPadded(dst, t.Hour())
		dst = append(dst, ',')
		dst = strconv.AppendUint(dst, uint64(id.Milli), 10)
		dst = t.AppendFormat(dst, ",-07:00,")
	}
	dst = strconv.AppendUint(dst, uint64(id.Serial), 10)
	return append(dst, ',')
}

// appendPadded appends a number of one or two digits, with a space before one.
func appendPadded(dst []byte, v int) []byte {
	if v < 10 {
		dst = append(dst, ' ')
	}
	return strconv.AppendInt(dst, int64(v), 10)
}

// typeName is the name of the first record's type, nil if the version that is printed for has none.
func (n *Normalizer) typeName() []byte {
	if len(n.recs) == 0 || !n.named(n.recs[0].Type) {
		return nil
	}
	start := len(n.buf)
	n.buf = n.recs[0].Type.AppendTo(n.buf)
	return n.buf[start:len(n.buf):len(n.buf)]
}

// named reports whether the version that is printed for has a name for t.
func (n *Normalizer) named(t tables.Type) bool {
	switch t {
	case tables.TypeDMCtrl, tables.TypeDMEvent:
		return n.v4()
	case tables.TypeDaemonReconfig, tables.TypeReplace, tables.TypeIPEAccess, tables.TypeIPEConfigChange,
		tables.TypeIPEPolicyLoad, tables.TypeLandlockAccess, tables.TypeLandlockDomain, tables.TypeMACTaskContexts,
		tables.TypeMACObjContexts, tables.TypeIntegrityUserspace, tables.TypeLedger, tables.TypeContainer:
		return false
	}
	return t.Known() && (t == tables.TypeUser || t == tables.TypeLogin || t >= tables.TypeUserAuth)
}

// stockType is the type of the first record, 0 if the log has a name for it that stock does not know. As UNKNOWN[n],
// which is how newer types are written, stock knows any.
func (n *Normalizer) stockType() tables.Type {
	t := n.recs[0].Type
	if n.named(t) {
		return t
	}
	start := len(n.buf)
	n.buf = t.AppendLog(n.buf)
	number := bytes.HasPrefix(n.buf[start:], []byte("UNKNOWN["))
	n.buf = n.buf[:start]
	if number {
		return t
	}
	return 0
}

// appendPrintable appends a name that no interpreter has seen, with its control bytes in octal.
func appendPrintable(dst, name []byte) []byte {
	for _, c := range name {
		if c < ' ' || c == 0x7f {
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}
