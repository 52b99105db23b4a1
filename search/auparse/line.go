package auparse

import (
	"bytes"

	"vigil/audit/tables"
)

// AppendLine appends the line that ausearch -i prints for r, without a newline:
// "type=SYSCALL msg=audit(11/21/26 10:49:55.263:123) : arch=x86_64 ... ".
//
// ausearch does not print what libauparse has split. It walks the text on its own: a name is what stands between the
// last space and '=', a value goes up to a space, or its closing quote, or a comma, and what stands between is printed as
// it is. Its system call is that of the last arch= and the first syscall=, wherever they stand. The name that 3.0.9 looks
// at begins with a space if it does not stand directly behind a value, and then is neither msg nor that of a label, in
// which a comma is no end.
func (x *Interpreter) AppendLine(dst []byte, r *Record) []byte {
	if r.Node != nil {
		dst = append(dst, "node="...)
		dst = x.appendPlain(dst, r.Node)
		dst = append(dst, ' ')
	}
	dst = append(dst, "type="...)
	dst = x.appendType(dst, r)
	dst = append(dst, " msg=audit("...)
	dst = x.AppendStamp(dst, r.ID)
	dst = append(dst, ") "...)
	p := printer{x: x, r: r, rest: r.Body, call: newCall(x.version, r.Type)}
	return p.print(dst)
}

// appendType appends the name that the line has for the type. Of UNKNOWN[1423] it is the number that counts.
func (x *Interpreter) appendType(dst []byte, r *Record) []byte {
	switch {
	case len(r.TypeName) > 0 && (r.Type == 0 || !bytes.HasPrefix(r.TypeName, []byte("UNKNOWN["))):
		return x.appendPlain(dst, r.TypeName)
	case x.version == V4 && (r.Type == tables.TypeDMCtrl || r.Type == tables.TypeDMEvent):
		return r.Type.AppendTo(dst)
	}
	return r.Type.AppendLog(dst)
}

// appendPlain appends text that is printed as it is; see harmless.
func (x *Interpreter) appendPlain(dst, text []byte) []byte {
	start := len(dst)
	dst = append(dst, text...)
	return x.harmless(dst, start)
}

// printer walks a record's text as ausearch does.
type printer struct {
	x    *Interpreter
	r    *Record
	rest []byte
	call call
}

func (p *printer) print(dst []byte) []byte {
	r := p.r
	syscall := r.Type == tables.TypeSyscall || r.Type == tables.TypeSeccomp
	if p.call.native = syscall; !syscall && !p.call.uring {
		p.call.number = 0
	}
	if r.Type == tables.TypeSyscall {
		p.arguments()
	}
	found, comma, first := false, false, true
	for {
		equals := bytes.IndexByte(p.rest, '=')
		if equals < 0 {
			break
		}
		if !found {
			dst = append(dst, ": "...)
		}
		found, comma = true, false
		name := p.rest[:equals]
		if i := bytes.LastIndexByte(name, ' '); i >= 0 {
			name = name[i:]
		} else if first && p.x.version == V3 {
			name = p.spaced(name)
		}
		first = false
		dst = p.x.appendPlain(dst, p.rest[:equals+1])
		p.rest = p.rest[equals+1:]
		if p.x.version == V4 {
			name = bytes.TrimPrefix(name, []byte(" "))
		}
		if string(name) == "msg" {
			continue
		}
		name = bytes.TrimPrefix(name, []byte("'"))
		var value []byte
		value, comma = p.value(name)
		dst = p.field(dst, name, value, comma)
	}
	start := len(dst)
	if !found {
		dst = append(dst, ": "...)
	}
	if !found || comma {
		dst = append(dst, p.rest...)
	}
	return p.x.escape.escape(dst, start)
}

// spaced returns name with a space before it, as it is behind the stamp.
func (p *printer) spaced(name []byte) []byte {
	p.r.text = append(append(p.r.text[:0], ' '), name...)
	return p.r.text
}

// value takes a value off the text, and says whether a comma ended it.
func (p *printer) value(name []byte) (value []byte, comma bool) {
	text := p.rest
	if len(text) > 0 && (text[0] == '\'' || text[0] == '"') {
		end := bytes.IndexByte(text[1:], text[0])
		if end < 0 {
			p.rest = nil
			return text, false
		}
		end += 2
		p.rest = nil
		if end < len(text) {
			p.rest = text[end+1:] // whatever stands there
		}
		return text[:end], false
	}
	end := -1
	for i, c := range text {
		if c == ' ' || c == ',' {
			end = i
			break
		}
	}
	if end >= 0 && text[end] == ',' {
		if p.x.kindOf(p.r.Type, name, text) != kindLabel {
			p.rest = text[end+1:]
			return text[:end], true
		}
		end = bytes.IndexByte(text, ' ')
	}
	if end < 0 {
		p.rest = nil
		return text, false
	}
	p.rest = text[end+1:]
	return text[:end], false
}

// field appends a value in words and what ends it.
func (p *printer) field(dst, name, value []byte, comma bool) []byte {
	for len(name) > 0 && (name[0] == '(' || name[0] == ' ') {
		name = name[1:]
	}
	if string(name) == "acct" && len(value) > 0 && value[len(value)-1] == ':' {
		value = value[:len(value)-1]
	}
	k := p.x.kindOf(p.r.Type, name, value)
	switch k {
	case kindArch:
		if p.r.Type == tables.TypeSyscall || p.r.Type == tables.TypeSeccomp {
			p.call.setArch(value)
		} else {
			p.call.known = false
		}
	case kindSyscall:
		if dst, ok := p.syscall(dst, value); !ok {
			return dst
		}
	case kindFanType:
		p.call.info = p.r.Type == tables.TypeFanotify && isRule(value)
	case kindNone:
		dst = p.x.appendPlain(dst, value)
		if comma {
			return append(dst, ',')
		}
		return append(dst, ' ')
	}
	if dst, ok := p.x.appendExtra(dst, p.r, k, name); ok {
		return p.end(dst, k)
	}
	start := len(dst)
	if k == kindKey {
		dst = p.appendKeys(dst, value)
	} else {
		dst = p.x.appendKind(dst, k, &p.call, value)
	}
	if k == kindTTY && len(dst) == start {
		dst = append(dst, "(null)"...) // what C prints for no string
	}
	return p.end(dst, k)
}

// syscall takes the number of the system call into account: the first counts, and of io_uring operations the last. What
// is too large is said to be, and false returned.
func (p *printer) syscall(dst, value []byte) ([]byte, bool) {
	if p.call.number >= 0 && !p.call.uring {
		return dst, true
	}
	if _, ok := parseUint(value, 10); !ok && !p.call.uring {
		return append(conversionError(append(dst, "syscall "...), value), ' '), false
	}
	p.call.setNumber(value)
	return dst, true
}

// end appends what ends a value.
func (p *printer) end(dst []byte, k kind) []byte {
	if k == kindTTY {
		return dst
	}
	return append(dst, ' ')
}

// appendKeys appends a rule's keys: those that 0x01 joins are fields of their own.
func (p *printer) appendKeys(dst, value []byte) []byte {
	p.r.text = p.x.appendKey(p.r.text[:0], value)
	keys := p.r.text
	for {
		key, rest, more := bytes.Cut(keys, []byte{1})
		start := len(dst)
		dst = p.x.escape.escape(append(dst, key...), start)
		if !more {
			return dst
		}
		dst = append(dst, " key="...)
		keys = rest
	}
}

// arguments finds the first two arguments of the system call, on which the others' meaning hangs.
func (p *printer) arguments() {
	for i := range p.r.Fields {
		f := &p.r.Fields[i]
		switch string(f.Name) {
		case "a0":
			p.call.first = parseArgument(f.Value)
		case "a1":
			p.call.second = parseArgument(f.Value)
			return
		}
	}
}
