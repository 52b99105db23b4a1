package filter

import (
	"bytes"

	"vigil/filter/field"
)

// call compiles a transformer.
func (k *compiler) call(c *callExpr) (slot, *Error) {
	if c.selected && c.fn != fnGetopt {
		return slot{}, k.fail(c.at, "%s() takes no argument in brackets", c.fn)
	}
	switch c.fn {
	case fnJoin:
		return k.join(c)
	case fnConcat:
		return k.concat(c)
	case fnGetopt:
		return k.getopt(c)
	}
	if len(c.args) != 1 {
		return slot{}, k.fail(c.at, "%s() takes one value", c.fn)
	}
	i, err := k.operand(c.args[0])
	if err != nil {
		return slot{}, err
	}
	in := k.space.slots[i]
	if !in.typ.IsText() && (c.fn != fnLen || in.many != field.List) {
		return slot{}, k.fail(c.args[0].place(), "%s() takes text, not a value of type %s", c.fn, in.typ)
	}
	s := slot{typ: in.typ, many: in.many, list: in.list}
	switch c.fn {
	case fnToLower:
		s.get = mapEach(i, func(dst, b []byte) ([]byte, bool) { return appendLower(dst, b), true })
	case fnToUpper:
		s.get = mapEach(i, func(dst, b []byte) ([]byte, bool) { return appendUpper(dst, b), true })
	case fnBase64:
		s.get = mapEach(i, appendBase64)
	case fnBasename:
		s.get = func(e *Env, out *field.Values) {
			for _, v := range e.values(i) {
				out.Bytes(v.B[bytes.LastIndexByte(v.B, '/')+1:])
			}
		}
	case fnLen:
		s.typ = field.Uint
		if in.many == field.List {
			s.many, s.list = field.One, false
			s.get = func(e *Env, out *field.Values) { out.Uint(uint64(len(e.values(i)))) }
		} else {
			s.get = func(e *Env, out *field.Values) {
				for _, v := range e.values(i) {
					out.Uint(uint64(len(v.B)))
				}
			}
		}
	}
	return s, nil
}

// mapEach makes the values of a slot into others with f; those for which it
// returns false are left out.
func mapEach(slot int, f func(dst, b []byte) ([]byte, bool)) func(*Env, *field.Values) {
	return func(e *Env, out *field.Values) {
		for _, v := range e.values(slot) {
			start := len(e.buf)
			buf, ok := f(e.buf, v.B)
			if !ok {
				e.buf = buf[:start] // what it has grown to is kept
				continue
			}
			e.buf = buf
			out.Bytes(e.buf[start:len(e.buf):len(e.buf)])
		}
	}
}

func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, lower(c))
	}
	return dst
}

func appendUpper(dst, b []byte) []byte {
	for _, c := range b {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// appendBase64 decodes base64, with or without padding. The library's errors cost
// memory, and what is not base64 is normal here.
func appendBase64(dst, b []byte) ([]byte, bool) {
	b = bytes.TrimRight(b, "=")
	bits, n := uint(0), 0
	for _, c := range b {
		d := uint(0)
		switch {
		case c-'A' < 26:
			d = uint(c - 'A')
		case c-'a' < 26:
			d = uint(c-'a') + 26
		case isDigit(c):
			d = uint(c-'0') + 52
		case c == '+':
			d = 62
		case c == '/':
			d = 63
		default:
			return dst, false
		}
		bits = bits<<6 | d
		if n += 6; n >= 8 {
			n -= 8
			dst = append(dst, byte(bits>>n))
		}
	}
	return dst, n < 6 // six bits left over are half a byte
}

// join(separator, list).
func (k *compiler) join(c *callExpr) (slot, *Error) {
	if len(c.args) != 2 {
		return slot{}, k.fail(c.at, "join() takes a separator and a list")
	}
	sep, err := k.textOperand(c.args[0])
	if err != nil {
		return slot{}, err
	}
	values, err := k.listOperand(c.args[1])
	if err != nil {
		return slot{}, err
	}
	s := slot{typ: field.String}
	s.get = func(e *Env, out *field.Values) {
		with, list := e.values(sep), e.values(values)
		if len(with) == 0 || len(list) == 0 {
			return
		}
		start := len(e.buf)
		for i := range list {
			if i > 0 {
				e.buf = append(e.buf, with[0].B...)
			}
			e.buf = append(e.buf, list[i].B...)
		}
		out.Bytes(e.buf[start:len(e.buf):len(e.buf)])
	}
	return s, nil
}

// concat(text, text, ...). Numbers and addresses count as the text that they are
// printed as, so that concat(fd.rip, ":", fd.rport) is what it says.
func (k *compiler) concat(c *callExpr) (slot, *Error) {
	if len(c.args) < 2 {
		return slot{}, k.fail(c.at, "concat() takes two values or more")
	}
	type part struct {
		slot  int
		typ   field.Type
		style field.Style
	}
	var parts []part
	for _, arg := range c.args {
		i, err := k.operand(arg)
		if err != nil {
			return slot{}, err
		}
		s := k.space.slots[i]
		if s.many == field.List {
			return slot{}, k.fail(arg.place(), "concat() takes single values, not lists: see join()")
		}
		parts = append(parts, part{i, s.typ, s.style})
	}
	s := slot{typ: field.String}
	s.get = func(e *Env, out *field.Values) {
		// Operands first: what they make is in e.buf too.
		for _, p := range parts {
			if len(e.values(p.slot)) == 0 {
				return
			}
		}
		start := len(e.buf)
		for _, p := range parts {
			e.buf = e.values(p.slot)[0].AppendTo(e.buf, p.typ, p.style)
		}
		out.Bytes(e.buf[start:len(e.buf):len(e.buf)])
	}
	return s, nil
}

func (k *compiler) textOperand(o operand) (int, *Error) {
	i, err := k.operand(o)
	if err == nil && (!k.space.slots[i].typ.IsText() || k.space.slots[i].many == field.List) {
		return 0, k.fail(o.place(), "expected a text")
	}
	return i, err
}

func (k *compiler) listOperand(o operand) (int, *Error) {
	if _, ok := o.(*fieldRef); ok {
		i, err := k.operandAs(o, true)
		if err == nil && !k.space.slots[i].typ.IsText() {
			return 0, k.fail(o.place(), "expected a list of texts")
		}
		return i, err
	}
	i, err := k.operand(o)
	if err == nil && (!k.space.slots[i].typ.IsText() || k.space.slots[i].many == field.One) {
		return 0, k.fail(o.place(), "expected a list of texts")
	}
	return i, err
}

// getopt(list, "nt:") reads short options as getopt(3) does. It is the list of
// options and their values; with [t] it is the value of the last -t, or t itself
// if the option takes none.
func (k *compiler) getopt(c *callExpr) (slot, *Error) {
	if len(c.args) != 2 {
		return slot{}, k.fail(c.at, "getopt() takes a list and the letters of the options")
	}
	spec, ok := c.args[1].(*literal)
	if !ok {
		return slot{}, k.fail(c.args[1].place(), "getopt() takes the letters of the options in quotes")
	}
	if c.selected && len(c.selector) != 1 {
		return slot{}, k.fail(c.at, "in the brackets after getopt() stands the letter of one option")
	}
	args, err := k.listOperand(c.args[0])
	if err != nil {
		return slot{}, err
	}
	o := newOptions(spec.text)
	s := slot{typ: field.String, many: field.List, list: true}
	if c.selected {
		s.many, s.list = field.One, false
		letter := c.selector[0]
		s.get = func(e *Env, out *field.Values) {
			o.scan(e.values(args), func(name, value []byte) {
				if len(name) == 1 && name[0] == letter {
					if value == nil {
						value = name
					}
					out.Reset() // the last one counts
					out.Bytes(value)
				}
			})
		}
		return s, nil
	}
	s.get = func(e *Env, out *field.Values) {
		o.scan(e.values(args), func(name, value []byte) {
			if value == nil || len(value) > 0 || len(name) == 0 {
				out.Bytes(name)
			}
			if len(value) > 0 {
				out.Bytes(value)
			}
		})
	}
	return s, nil
}

// options says which letters are options: 1 without, 2 with a value.
type options [256]uint8

func newOptions(spec string) *options {
	o := &options{}
	for i := 0; i < len(spec); i++ {
		if spec[i] == ':' {
			continue
		}
		o[spec[i]] = 1
		if i+1 < len(spec) && spec[i+1] == ':' {
			o[spec[i]] = 2
		}
	}
	return o
}

// scan calls found with each option and its value: nil if it takes none, empty if
// it is missing. An unknown option is "?". It ends at the first argument that is no
// option and at "--"; long options are passed over.
func (o *options) scan(args []field.Value, found func(name, value []byte)) {
	for i := 0; i < len(args); i++ {
		arg := args[i].B
		if len(arg) < 2 || arg[0] != '-' || string(arg) == "--" {
			return
		}
		if arg[1] == '-' {
			continue
		}
		for j := 1; j < len(arg); j++ {
			name := arg[j : j+1]
			switch o[arg[j]] {
			case 0:
				found(unknownOption, nil)
				continue
			case 1:
				found(name, nil)
				continue
			}
			value := arg[j+1:]
			if len(value) == 0 {
				value = noValue
				if i+1 < len(args) {
					i++
					value = args[i].B
				}
			}
			found(name, value)
			break
		}
	}
}

var (
	unknownOption = []byte("?")
	noValue       = []byte{}
)
