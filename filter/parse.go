package filter

import (
	"strings"

	"vigil/internal/nearest"
)

// Bounds of a condition.
const (
	maxText  = 1 << 20 // bytes
	maxNodes = 20000   // comparisons, and, or, not, values, ...
	maxDepth = 100     // of parentheses and transformers
	maxList  = 10000   // values in one list
)

// Parse parses a condition. Names of fields are not looked at yet, see Compile. The
// error is an *Error.
func Parse(text string) (*Condition, error) {
	p := parser{scanner: scanner{text: text}}
	root, err := p.condition()
	if err != nil {
		return nil, err
	}
	return &Condition{text: text, root: root, size: p.nodes}, nil
}

type parser struct {
	scanner
	nodes int
	depth int
}

func (p *parser) fail(format string, args ...any) *Error {
	return errorAt(p.text, p.at, format, args...)
}

// count bounds the size of what is made.
func (p *parser) count() *Error {
	if p.nodes++; p.nodes > maxNodes {
		return p.fail("the condition is too large: more than %d parts", maxNodes)
	}
	return nil
}

func (p *parser) enter() *Error {
	if p.depth++; p.depth > maxDepth {
		return p.fail("exceeded max depth limit of %d", maxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) condition() (node, *Error) {
	if len(p.text) > maxText {
		return nil, errorAt("", 0, "the condition is too large: more than %d bytes", maxText)
	}
	if i := strings.IndexByte(p.text, 0); i >= 0 {
		return nil, errorAt(p.text, i, "there is a NUL in the condition")
	}
	if p.blank(); p.end() {
		return nil, p.fail("the condition is empty")
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.end() {
		return nil, p.unexpected()
	}
	return root, nil
}

// unexpected says what is wrong after a whole comparison.
func (p *parser) unexpected() *Error {
	at := p.at
	if word, ok := p.identifier(); ok {
		p.at = at
		if near, ok := nearest.Word(word, []string{"and", "or"}); ok {
			return p.fail("unexpected %s: did you mean %s?", word, near)
		}
		return p.fail("unexpected %s: expected and, or, or the end", word)
	}
	if p.text[at] == ')' {
		return p.fail("there is no ( for this )")
	}
	return p.fail("unexpected %q: expected and, or, or the end", p.text[at:at+1])
}

// or parses conditions joined by or, and those joined by and within.
func (p *parser) or() (node, *Error) {
	p.blank()
	return p.joined(p.at, "or", func() (node, *Error) {
		p.blank()
		return p.joined(p.at, "and", p.not)
	})
}

func (p *parser) joined(at int, word string, kid func() (node, *Error)) (node, *Error) {
	first, err := kid()
	if err != nil {
		return nil, err
	}
	kids := []node{first}
	for p.blank(); p.keyword(word); p.blank() {
		if err := p.after(word); err != nil {
			return nil, err
		}
		n, err := kid()
		if err != nil {
			return nil, err
		}
		kids = append(kids, n)
	}
	if len(kids) == 1 {
		return first, nil
	}
	return &boolNode{at: at, or: word == "or", kids: kids}, p.count()
}

// after checks what follows and, or, not.
func (p *parser) after(word string) *Error {
	if blank := p.blank(); p.end() {
		return p.fail("nothing follows %s", word)
	} else if !blank && !p.next('(') {
		return p.fail("expected a blank or '(' after %s", word)
	}
	return nil
}

func (p *parser) next(c byte) bool { return !p.end() && p.text[p.at] == c }

func (p *parser) not() (node, *Error) {
	p.blank()
	at, negated := p.at, false
	for {
		if !p.keyword("not") {
			break
		}
		if err := p.after("not"); err != nil {
			return nil, err
		}
		negated = !negated
		if err := p.count(); err != nil {
			return nil, err
		}
	}
	kid, err := p.primary()
	if err != nil || !negated {
		return kid, err
	}
	return &notNode{at: at, kid: kid}, nil
}

func (p *parser) primary() (node, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.count(); err != nil {
		return nil, err
	}
	at := p.at
	if p.punct("(") {
		n, err := p.or()
		if err != nil {
			return nil, err
		}
		if !p.punct(")") {
			if p.end() {
				return nil, errorAt(p.text, at, "this ( is not closed")
			}
			return nil, p.unexpected()
		}
		return n, nil
	}
	if name, ok := p.fieldName(); ok {
		f, err := p.field(at, name)
		if err != nil {
			return nil, err
		}
		return p.check(at, f)
	}
	if fn, ok := p.call(); ok {
		if fn == fnVal {
			return nil, errorAt(p.text, at, "val() stands on the right of a comparison: write the field alone")
		}
		left, err := p.transformed(at, fn)
		if err != nil {
			return nil, err
		}
		return p.check(at, left)
	}
	if name, ok := p.identifier(); ok {
		return p.name(at, name)
	}
	return nil, p.fail("expected a field, a transformer, a macro, not, or '('")
}

// name makes a macro of a name, unless something else was meant.
func (p *parser) name(at int, name string) (node, *Error) {
	if name == "and" || name == "or" {
		return nil, errorAt(p.text, at, "expected a comparison before %s", name)
	}
	if p.next('(') {
		if near, ok := nearest.Word(name, transformers[1:]); ok {
			return nil, errorAt(p.text, at, "unknown transformer %s: did you mean %s?", name, near)
		}
		return nil, errorAt(p.text, at, "unknown transformer %s: there are %s", name, strings.Join(transformers[2:], ", "))
	}
	end := p.at
	p.blank()
	if _, _, ok := p.operator(); ok {
		return nil, errorAt(p.text, at, "%s is no field: fields have a dot, as proc.name has", name)
	}
	p.at = end
	return &macro{at: at, name: name}, nil
}

// field parses the argument of a field whose name has been read.
func (p *parser) field(at int, name string) (*fieldRef, *Error) {
	f := &fieldRef{at: at, name: name}
	if !p.next('[') {
		return f, nil
	}
	arg, err := p.bracket("a field's argument")
	f.arg, f.hasArg = arg, true
	return f, err
}

func (p *parser) bracket(what string) (string, *Error) {
	p.punct("[")
	arg, ok, err := p.quoted()
	if err != nil {
		return "", err
	}
	if !ok {
		if arg, ok = p.bareArg(); !ok {
			return "", p.fail("expected %s", what)
		}
	}
	if !p.punct("]") {
		return "", p.fail("expected ']' after %s", what)
	}
	return arg, nil
}

// transformed parses the operands of a transformer whose name and parenthesis
// have been read.
func (p *parser) transformed(at int, fn transformer) (operand, *Error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	call := &callExpr{at: at, fn: fn}
	for {
		if err := p.count(); err != nil {
			return nil, err
		}
		p.blank()
		arg, err := p.transformerArg(fn)
		if err != nil {
			return nil, err
		}
		call.args = append(call.args, arg)
		p.blank()
		if !p.punct(",") {
			break
		}
	}
	if !p.punct(")") {
		return nil, p.fail("expected ')' to close %s(", fn)
	}
	if fn == fnVal {
		return p.value(call)
	}
	if p.next('[') {
		arg, err := p.bracket("the letter of an option")
		if err != nil {
			return nil, err
		}
		call.selector, call.selected = arg, true
	}
	return call, nil
}

// value checks val(field), which is the field.
func (p *parser) value(call *callExpr) (operand, *Error) {
	if f, ok := call.args[0].(*fieldRef); ok && len(call.args) == 1 {
		return f, nil
	}
	return nil, errorAt(p.text, call.at, "val() takes one field")
}

func (p *parser) transformerArg(fn transformer) (operand, *Error) {
	at := p.at
	if nested, ok := p.call(); ok {
		return p.transformed(at, nested)
	}
	if name, ok := p.fieldName(); ok {
		return p.field(at, name)
	}
	if p.next('(') {
		return p.list()
	}
	text, ok, err := p.quoted()
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, p.fail("expected a field, a transformer or a text in quotes in %s(", fn)
	}
	return &literal{at: at, text: text}, nil
}

// check parses operator and right side.
func (p *parser) check(at int, left operand) (node, *Error) {
	p.blank()
	opAt := p.at
	op, kind, ok := p.operator()
	if !ok {
		if word, ok := p.identifier(); ok {
			if near, ok := nearest.Word(word, Operators()); ok {
				return nil, errorAt(p.text, opAt, "unknown operator %s: did you mean %s?", word, near)
			}
		}
		p.at = opAt
		return nil, p.fail("expected an operator: %s", strings.Join(Operators(), " "))
	}
	c := &check{at: at, left: left, op: op}
	var err *Error
	switch kind {
	case kindNumber:
		c.right, err = p.numberValue()
	case kindText:
		if isLetter(p.text[p.at-1]) && !p.blank() {
			return nil, p.fail("expected a blank after %s", op)
		}
		p.blank()
		if c.quant = p.quantifier(); c.quant != 0 {
			c.right, err = p.list()
		} else {
			c.right, err = p.textValue()
		}
	case kindList:
		c.right, err = p.listValue()
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// transformer parses val(field) or a transformer on the right, nil if there is
// none.
func (p *parser) transformer() (operand, *Error) {
	p.blank()
	at := p.at
	if fn, ok := p.call(); ok {
		return p.transformed(at, fn)
	}
	return nil, nil
}

func (p *parser) numberValue() (operand, *Error) {
	if o, err := p.transformer(); o != nil || err != nil {
		return o, err
	}
	at := p.at
	text, ok := p.number()
	if !ok {
		return nil, p.fail("expected a number or val(field)")
	}
	return &literal{at: at, text: text}, nil
}

func (p *parser) textValue() (operand, *Error) {
	if o, err := p.transformer(); o != nil || err != nil {
		return o, err
	}
	l, err := p.literal()
	if err != nil {
		return nil, err
	}
	return &l, nil
}

func (p *parser) literal() (literal, *Error) {
	p.blank()
	l := literal{at: p.at}
	text, ok, err := p.quoted()
	if err != nil {
		return l, err
	}
	if !ok {
		if text, ok = p.bare(); !ok {
			return l, p.fail("expected a value")
		}
	}
	l.text = text
	return l, p.count()
}

func (p *parser) listValue() (operand, *Error) {
	p.blank()
	if p.next('(') {
		return p.list()
	}
	if o, err := p.transformer(); o != nil || err != nil {
		return o, err
	}
	at := p.at
	name, ok := p.identifier()
	if !ok {
		return nil, p.fail("expected a list in parentheses")
	}
	return &listExpr{at: at, items: []literal{{at: at, text: name}}}, nil
}

func (p *parser) list() (operand, *Error) {
	l := &listExpr{at: p.at}
	p.punct("(")
	p.blank()
	if p.punct(")") {
		return l, nil
	}
	for {
		item, err := p.literal()
		if err != nil {
			return nil, err
		}
		if len(l.items) == maxList {
			return nil, errorAt(p.text, item.at, "the list is too long: more than %d values", maxList)
		}
		l.items = append(l.items, item)
		p.blank()
		if p.punct(",") {
			continue
		}
		if p.punct(")") {
			return l, nil
		}
		if p.end() {
			return nil, errorAt(p.text, l.at, "this ( is not closed")
		}
		return nil, p.fail("expected ',' or ')' in the list")
	}
}
