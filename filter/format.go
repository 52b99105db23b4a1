package filter

import (
	"sort"
	"strconv"
	"unicode/utf8"

	"vigil/filter/field"
)

// missing stands in the place of a value that an event does not have.
const missing = "<NA>"

// Bounds of a format.
const (
	maxFormat = 64 << 10 // bytes
	maxWidth  = 4096
)

// Format makes a line of an event: text with %field in it. Width and transformers
// are those of Falco and sysdig: %20proc.name is 20 characters wide, padded or cut,
// %toupper(proc.name) transforms, %% is a percent sign. A * at the start says that
// lines with missing values are wanted, which then are <NA>.
type Format struct {
	space *Space
	star  bool
	parts []part
}

// part is text, or a field with the name under which it stands in JSON.
type part struct {
	text  string
	slot  int // -1 for text
	width int // 0 for as wide as it is
	name  string
}

// ParseFormat compiles a format by itself. The error is an *Error.
func ParseFormat(text string, registry *field.Registry) (*Format, error) {
	return NewSpace(registry).ParseFormat(text)
}

// ParseFormat compiles a format into s. The error is an *Error.
func (s *Space) ParseFormat(text string) (*Format, error) {
	if len(text) > maxFormat {
		return nil, errorAt("", 0, "the format is too large: more than %d bytes", maxFormat)
	}
	p := formatParser{parser: parser{scanner: scanner{text: text}}, k: compiler{space: s, text: text, never: map[string]bool{}}}
	f := &Format{space: s, star: p.punct("*")}
	start := p.at
	flush := func(end int) {
		if end > start {
			f.parts = append(f.parts, part{text: p.text[start:end], slot: -1})
		}
	}
	for !p.end() {
		if p.text[p.at] != '%' {
			p.at++
			continue
		}
		flush(p.at)
		if p.punct("%%") {
			start = p.at - 1
			continue
		}
		part, err := p.part()
		if err != nil {
			return nil, err
		}
		f.parts = append(f.parts, part)
		start = p.at
	}
	flush(p.at)
	return f, nil
}

type formatParser struct {
	parser
	k compiler
}

// part parses what follows a percent sign.
func (p *formatParser) part() (part, *Error) {
	at := p.at
	p.at++
	width := 0
	for !p.end() && isDigit(p.text[p.at]) {
		if width = width*10 + int(p.text[p.at]-'0'); width > maxWidth {
			return part{}, errorAt(p.text, at, "the width is larger than %d", maxWidth)
		}
		p.at++
	}
	from := p.at
	o, err := p.formatOperand()
	if err != nil {
		return part{}, err
	}
	i, err := p.k.operand(o)
	if err != nil {
		return part{}, err
	}
	return part{slot: i, width: width, name: p.text[from:p.at]}, nil
}

func (p *formatParser) formatOperand() (operand, *Error) {
	at := p.at
	if fn, ok := p.call(); ok {
		return p.transformed(at, fn)
	}
	name, ok := p.fieldName()
	if !ok {
		return nil, errorAt(p.text, at, "expected a field after %%; a percent sign by itself is %%%%")
	}
	// The text may go on right behind the field: "%proc.name.gz".
	for {
		if p.next('[') {
			if _, err := p.k.space.registry.Lookup(name, "0", true); err == nil {
				return p.field(at, name)
			}
		}
		if _, err := p.k.space.registry.Lookup(name, "", false); err == nil {
			return &fieldRef{at: at, name: name}, nil
		}
		dot := len(name) - 1
		for dot > 0 && name[dot] != '.' {
			dot--
		}
		if dot <= 0 || !containsDot(name[:dot]) {
			break
		}
		name = name[:dot]
		p.at = at + dot
	}
	p.at = at
	name, _ = p.fieldName()
	return p.field(at, name) // for the error that it makes
}

func containsDot(s string) bool {
	for i := range len(s) {
		if s[i] == '.' {
			return true
		}
	}
	return false
}

// Append appends the line for the event in e, without newline, fit for a terminal.
// If a value is missing and the format has no *, dst is returned as it was, with
// false.
func (f *Format) Append(dst []byte, e *Env) ([]byte, bool) { return f.append(dst, e, f.star) }

// AppendAll is Append as if the format had a *.
func (f *Format) AppendAll(dst []byte, e *Env) []byte {
	dst, _ = f.append(dst, e, true)
	return dst
}

func (f *Format) append(dst []byte, e *Env, all bool) ([]byte, bool) {
	begin := len(dst)
	for i := range f.parts {
		p := &f.parts[i]
		if p.slot < 0 {
			dst = append(dst, p.text...)
			continue
		}
		start := len(dst)
		dst = e.appendValues(dst, p.slot)
		if len(e.values(p.slot)) == 0 {
			if !all {
				return dst[:begin], false
			}
			dst = append(dst, missing...)
		}
		if p.width > 0 {
			dst = pad(dst, start, p.width)
		}
	}
	return dst, true
}

// pad makes dst[start:] width characters wide.
func pad(dst []byte, start, width int) []byte {
	n := 0
	for i := start; i < len(dst); n++ {
		if n == width {
			return dst[:i]
		}
		_, size := utf8.DecodeRune(dst[i:])
		i += size
	}
	for ; n < width; n++ {
		dst = append(dst, ' ')
	}
	return dst
}

// appendValues appends the values in a slot, several separated by a comma. Lists
// stand in parentheses as they do in a condition.
func (e *Env) appendValues(dst []byte, i int) []byte {
	s := &e.space.slots[i]
	values := e.values(i)
	if s.many == field.List && len(values) > 0 {
		dst = append(dst, '(')
	}
	for n := range values {
		if n > 0 {
			dst = append(dst, ',')
		}
		if s.typ.IsText() {
			dst = appendSafe(dst, values[n].B)
		} else {
			dst = values[n].AppendTo(dst, s.typ, s.style)
		}
	}
	if s.many == field.List && len(values) > 0 {
		dst = append(dst, ')')
	}
	return dst
}

// AppendJSON appends an object of the format's fields, each once, sorted by name:
// Falco's output_fields. See Columns.AppendJSON for the values.
func (f *Format) AppendJSON(dst []byte, e *Env) []byte {
	dst = append(dst, '{')
	n := 0
	for _, i := range f.sorted() {
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		dst = appendJSONString(dst, []byte(f.parts[i].name))
		dst = append(dst, ':')
		dst = e.appendJSONValues(dst, f.parts[i].slot)
	}
	return append(dst, '}')
}

// sorted returns the parts that are fields, by name, each once.
func (f *Format) sorted() []int {
	var order []int
	seen := map[string]bool{}
	for i := range f.parts {
		if p := &f.parts[i]; p.slot >= 0 && !seen[p.name] {
			seen[p.name] = true
			order = append(order, i)
		}
	}
	sort.Slice(order, func(a, b int) bool { return f.parts[order[a]].name < f.parts[order[b]].name })
	return order
}

// appendSafe appends text for a terminal and for logs of lines: control characters
// of ASCII and Unicode, and those that change the direction of writing, are escaped
// as in JSON, bytes that are no UTF-8 become U+FFFD.
func appendSafe(dst, b []byte) []byte {
	for i := 0; i < len(b); {
		start := i
		for i < len(b) && b[i] >= ' ' && b[i] < 0x7f {
			i++
		}
		dst = append(dst, b[start:i]...)
		if i == len(b) {
			break
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case unsafeRune(r):
			dst = appendEscaped(dst, r)
		case r == utf8.RuneError && n == 1:
			dst = append(dst, "\uFFFD"...)
		default:
			dst = append(dst, b[i:i+n]...)
		}
		i += n
	}
	return dst
}

func appendEscaped(dst []byte, r rune) []byte {
	switch r {
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	}
	if r > 0xffff {
		return strconv.AppendQuoteRuneToASCII(dst, r)
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

// unsafeRune reports whether r does something to a terminal instead of being
// shown: C0 and C1 control characters, line separators, and the marks with which
// text can be made to look like other text.
func unsafeRune(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x2069 || r == 0xfeff || r == 0x061c || r >= 0xe0000 && r <= 0xe007f
}
