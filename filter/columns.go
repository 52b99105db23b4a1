package filter

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"vigil/filter/field"
)

// Columns is a choice of fields, for JSON and CSV.
type Columns struct {
	space *Space
	parts []part
}

// ParseColumns compiles a list of fields, separated by commas or blanks, into s. A
// field may be transformed, as in a condition. The error is an *Error.
func (s *Space) ParseColumns(text string) (*Columns, error) {
	if len(text) > maxFormat {
		return nil, errorAt("", 0, "the list of fields is too large: more than %d bytes", maxFormat)
	}
	p := formatParser{parser: parser{scanner: scanner{text: text}}, k: compiler{space: s, text: text, never: map[string]bool{}}}
	c := &Columns{space: s}
	for {
		for p.blank() || p.punct(",") {
		}
		if p.end() {
			break
		}
		p.punct("%")
		from := p.at
		o, err := p.column()
		if err != nil {
			return nil, err
		}
		i, err := p.k.operand(o)
		if err != nil {
			return nil, err
		}
		c.parts = append(c.parts, part{slot: i, name: text[from:p.at]})
		if !p.end() && !isBlank(text[p.at]) && text[p.at] != ',' {
			return nil, p.fail("expected ',' after %s", text[from:p.at])
		}
	}
	if len(c.parts) == 0 {
		return nil, p.fail("expected a field")
	}
	return c, nil
}

func (p *formatParser) column() (operand, *Error) {
	at := p.at
	if fn, ok := p.call(); ok {
		return p.transformed(at, fn)
	}
	name, ok := p.fieldName()
	if !ok {
		return nil, p.fail("expected a field")
	}
	return p.field(at, name)
}

// Names returns the names of the columns.
func (c *Columns) Names() []string {
	names := make([]string, len(c.parts))
	for i := range c.parts {
		names[i] = c.parts[i].name
	}
	return names
}

// AppendJSON appends an object of the fields in their order, without newline.
// Numbers are numbers, truth values true and false, lists and fields that may have
// several values arrays, all else text; a missing value is null.
func (c *Columns) AppendJSON(dst []byte, e *Env) []byte {
	dst = append(dst, '{')
	for i := range c.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, []byte(c.parts[i].name))
		dst = append(dst, ':')
		dst = e.appendJSONValues(dst, c.parts[i].slot)
	}
	return append(dst, '}')
}

func (e *Env) appendJSONValues(dst []byte, i int) []byte {
	s := &e.space.slots[i]
	values := e.values(i)
	if len(values) == 0 {
		return append(dst, "null"...)
	}
	if s.many != field.One {
		dst = append(dst, '[')
	}
	for n := range values {
		if n > 0 {
			dst = append(dst, ',')
		}
		v := &values[n]
		switch s.typ {
		case field.String, field.Bytes:
			dst = appendJSONString(dst, v.B)
		case field.Int, field.Uint, field.Bool:
			dst = v.AppendTo(dst, s.typ, field.Decimal)
		default:
			dst = append(dst, '"')
			dst = v.AppendTo(dst, s.typ, s.style)
			dst = append(dst, '"')
		}
	}
	if s.many != field.One {
		dst = append(dst, ']')
	}
	return dst
}

// appendJSONString appends b as a string of JSON, fit for a terminal too.
func appendJSONString(dst, b []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(b); {
		start := i
		for i < len(b) && b[i] >= ' ' && b[i] < 0x7f && b[i] != '"' && b[i] != '\\' {
			i++
		}
		dst = append(dst, b[start:i]...)
		if i == len(b) {
			break
		}
		if b[i] == '"' || b[i] == '\\' {
			dst = append(dst, '\\', b[i])
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, "\uFFFD"...)
		case unsafeRune(r) && r <= 0xffff:
			dst = appendEscaped(dst, r)
		case unsafeRune(r): // a tag character: a surrogate pair in JSON
			r -= 0x10000
			dst = appendEscaped(appendEscaped(dst, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			dst = append(dst, b[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}

// AppendCSVHeader appends the names of the columns as a line of CSV (RFC 4180),
// without line end.
func (c *Columns) AppendCSVHeader(dst []byte) []byte {
	for i := range c.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCSV(dst, len(dst), []byte(c.parts[i].name))
	}
	return dst
}

// AppendCSV appends the values as a line of CSV, without line end. A missing value
// is empty. Text that a spreadsheet would take for a formula has an apostrophe
// before it.
func (c *Columns) AppendCSV(dst []byte, e *Env) []byte {
	for i := range c.parts {
		if i > 0 {
			dst = append(dst, ',')
		}
		start := len(dst)
		s := &e.space.slots[c.parts[i].slot]
		if s.typ.IsText() {
			if v := e.values(c.parts[i].slot); len(v) > 0 && len(v[0].B) > 0 && strings.IndexByte("=+-@", v[0].B[0]) >= 0 {
				dst = append(dst, '\'')
			}
		}
		dst = e.appendValues(dst, c.parts[i].slot)
		dst = quoteCSV(dst, start)
	}
	return dst
}

func appendCSV(dst []byte, start int, b []byte) []byte { return quoteCSV(append(dst, b...), start) }

// quoteCSV puts dst[start:] in quotes if it needs them.
func quoteCSV(dst []byte, start int) []byte {
	if !bytes.ContainsAny(dst[start:], "\",\r\n") && (len(dst) == start || dst[start] != ' ' && dst[len(dst)-1] != ' ') {
		return dst
	}
	quotes := bytes.Count(dst[start:], []byte{'"'})
	end := len(dst)
	for range quotes + 2 {
		dst = append(dst, '"')
	}
	// From the end, so that nothing is overwritten before it is moved.
	w := len(dst) - 1
	dst[w] = '"'
	for i := end - 1; i >= start; i-- {
		w--
		dst[w] = dst[i]
		if dst[i] == '"' {
			w--
			dst[w] = '"'
		}
	}
	dst[start] = '"'
	return dst
}
