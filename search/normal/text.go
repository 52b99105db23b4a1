package normal

import (
	"bytes"

	"vigil/audit"
)

// AppendText appends the sentence that ausearch --format text prints for e, with
// its newline.
func (n *Normalizer) AppendText(dst []byte, e *audit.Event) []byte {
	n.find(e, false)
	f := &n.fields
	if len(e.Node) > 0 {
		dst = append(dst, "On "...)
		dst = appendPrintable(dst, e.Node)
		dst = append(dst, " at "...)
	} else {
		dst = append(dst, "At "...)
	}
	at := e.ID.Time().In(n.cfg.Location)
	dst = at.AppendFormat(dst, "15:04:05 ")
	dst = append(n.cfg.Dates.Append(dst, at), ' ')
	dst = append(dst, f.SubjPrime...)
	if len(f.SubjPrime) > 0 && len(f.SubjSec) > 0 && n.acting() {
		dst = append(dst, ", acting as "...)
		dst = append(dst, f.SubjSec...)
		dst = append(dst, ',')
	}
	dst = append(dst, ' ')
	switch string(f.Result) {
	case "success":
		dst = append(dst, "successfully "...)
	case "failed":
		dst = append(dst, "unsuccessfully "...)
	}
	if f.Action == nil {
		dst = append(dst, "did-unknown "...)
		dst = n.appendObject(dst)
		return append(dst, '\n')
	}
	dst = append(dst, f.Action...)
	dst = append(dst, ' ')
	dst = n.appendObject(dst)
	if len(f.How) > 0 && !withoutHow(f.Action) {
		dst = append(dst, "using "...)
		dst = append(dst, f.How...)
	}
	return append(dst, '\n')
}

// acting reports whether something was done as somebody else than who logged in. Stock compares the numbers.
func (n *Normalizer) acting() bool {
	id := number(n.at.value(n.parts.subjSec))
	return id != -1 && id != number(n.at.value(n.parts.subjPrime))
}

// tcontext reports whether the object is a label, which the sentence leaves out.
func (n *Normalizer) tcontext() bool {
	p := n.parts.objPrime
	return p.rec != 0 && string(n.fieldName(p)) == "tcontext"
}

// appendObject appends what it was done to, and the space behind it.
func (n *Normalizer) appendObject(dst []byte) []byte {
	f := &n.fields
	if n.tcontext() {
		return dst
	}
	if len(f.ObjPrime) > 0 {
		dst = append(dst, address(f.ObjPrime)...)
		dst = append(dst, ' ')
	}
	dst = n.appendVictims(dst)
	if len(f.Obj2) > 0 {
		dst = append(dst, "to "...)
		dst = append(dst, f.Obj2...)
		dst = append(dst, ' ')
	}
	return dst
}

// appendVictims appends the first three of the processes that were killed, which stock names since audit 4. It goes on
// with "..." behind the third even if there is no fourth.
func (n *Normalizer) appendVictims(dst []byte) []byte {
	named := 0
	for _, i := range n.victims {
		opid := n.at.at(i, "opid")
		switch {
		case opid.rec == 0:
			continue
		case named == 0:
			dst = append(dst, '(')
		default:
			dst = append(dst, ',')
		}
		dst = n.appendValue(dst, opid)
		if named++; named == 3 {
			dst = append(dst, ",..."...)
			break
		}
	}
	if named > 0 {
		dst = append(dst, ") "...)
	}
	return dst
}

// withoutHow reports whether the sentence leaves out how an action was done.
func withoutHow(action []byte) bool {
	switch string(action) {
	case "executed", "ended-session", "entered-promiscuous-mode-on-device", "left-promiscuous-mode-on-device":
		return true
	}
	return false
}

// address is what a sentence says of a socket's address, "{ saddr_fam=inet laddr=1.2.3.4 lport=80 }": the host, or
// the family if there is none.
func address(v []byte) []byte {
	rest, ok := bytes.CutPrefix(v, []byte("{ saddr_fam="))
	if !ok {
		return v
	}
	family, rest, _ := bytes.Cut(rest, []byte(" "))
	if host, ok := bytes.CutPrefix(rest, []byte("laddr=")); ok {
		host, _, _ = bytes.Cut(host, []byte(" "))
		return host
	}
	return family
}
