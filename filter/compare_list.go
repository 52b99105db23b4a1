package filter

import (
	"bytes"
	"net/netip"

	"vigil/filter/field"
)

// listComparison compiles in, intersects, pmatch and the quantifiers, whose right
// side is a list of constants.
func (k *compiler) listComparison(c *check, left int, right *listExpr, done *compiled) (func(*Env) bool, *Error) {
	s := &k.space.slots[left]
	var tests []test
	one := *c
	for i := range right.items {
		t, text, err := k.testOf(&one, s, &right.items[i])
		if err != nil {
			return nil, err
		}
		tests = append(tests, t)
		done.values = append(done.values, text)
	}
	var t test
	switch {
	case c.quant != 0:
		t = quantified(c.quant, tests)
		if s.many == field.Each && c.op == opNotEqual {
			// As for != alone: it must hold for all values of the field.
			return quantify(opNotEqual, s.many, left, t), nil
		}
		return quantify(opEqual, s.many, left, t), nil
	case c.op == opPmatch:
		p := newPrefixes(done.values)
		t = func(v *field.Value) bool { return p.match(v.B) }
	default:
		t = k.member(s, right, done.values, tests)
	}
	if s.many == field.One {
		done.one = t
	}
	return quantify(c.op, s.many, left, t), nil
}

// fewValues is up to where looking at each value is faster than a table.
const fewValues = 8

// member returns the test for being in a set.
func (k *compiler) member(s *slot, right *listExpr, values []string, tests []test) test {
	switch {
	case len(tests) <= fewValues && s.typ.IsText():
		return fewTexts(values)
	case len(tests) <= fewValues || s.typ == field.Net:
		return quantified(anyOf, tests)
	}
	switch s.typ {
	case field.IP:
		set := map[netip.Addr]struct{}{}
		for i := range right.items {
			if p, err := network(s.typ, right.items[i].text); err == nil {
				set[p.Addr()] = struct{}{}
			}
		}
		return func(v *field.Value) bool { _, ok := set[v.Addr()]; return ok }
	case field.Int, field.Uint, field.Bool:
		set := map[uint64]struct{}{}
		for i := range right.items {
			if n, err := number(s, right.items[i].text); err == nil {
				set[n] = struct{}{}
			}
		}
		return func(v *field.Value) bool { _, ok := set[v.N]; return ok }
	}
	set := make(map[string]struct{}, len(values))
	for _, v := range values {
		set[v] = struct{}{}
	}
	return func(v *field.Value) bool { _, ok := set[string(v.B)]; return ok }
}

// fewTexts returns the test for being one of a few texts. Most values are none of
// them, which their last byte tells: lists often have a common beginning.
func fewTexts(values []string) test {
	var last [256]bool
	empty := false
	for _, s := range values {
		if s == "" {
			empty = true
		} else {
			last[s[len(s)-1]] = true
		}
	}
	return func(v *field.Value) bool {
		n := len(v.B)
		if n == 0 {
			return empty
		}
		if !last[v.B[n-1]] {
			return false
		}
		for i := range values {
			if string(v.B) == values[i] {
				return true
			}
		}
		return false
	}
}

func quantified(q quantifier, tests []test) test {
	switch q {
	case oneOf:
		return func(v *field.Value) bool {
			n := 0
			for _, t := range tests {
				if t(v) {
					if n++; n > 1 {
						return false
					}
				}
			}
			return n == 1
		}
	case allOf:
		return func(v *field.Value) bool {
			for _, t := range tests {
				if !t(v) {
					return false
				}
			}
			return true
		}
	}
	return func(v *field.Value) bool {
		for _, t := range tests {
			if t(v) {
				return true
			}
		}
		return false
	}
}

// dynamic compiles a comparison whose right side is read of the event too.
func (k *compiler) dynamic(c *check, left, right int) (func(*Env) bool, *Error) {
	l, r := &k.space.slots[left], &k.space.slots[right]
	if !comparable2(l.typ, r.typ) {
		return nil, k.fail(c.right.place(), "a value of type %s cannot be compared with one of type %s", l.typ, r.typ)
	}
	if c.op == opRegex || c.op == opBContains || c.op == opBStartsWith {
		return nil, k.fail(c.right.place(), "%s needs a text in quotes on its right", c.op)
	}
	isSet := c.op == opIn || c.op == opIntersects || c.op == opPmatch
	if r.many == field.List && !isSet {
		return nil, k.fail(c.right.place(), "%s cannot compare with a list", c.op)
	}
	pair := pairTest(c.op, l.typ)
	// A value on the right that is one of several: != must hold for all of them.
	each := func(v *field.Value, list []field.Value) bool {
		for i := range list {
			if pair(v, &list[i]) != (c.op != opNotEqual) {
				continue
			}
			return c.op != opNotEqual
		}
		return c.op == opNotEqual
	}
	all := l.many == field.Each && c.op == opNotEqual || l.many == field.List && c.op == opIn
	return func(e *Env) bool {
		values, with := e.values(left), e.values(right)
		if len(values) == 0 || len(with) == 0 {
			return false
		}
		for i := range values {
			if each(&values[i], with) != all {
				return !all
			}
		}
		return all
	}, nil
}

// comparable2 reports whether values of two types can be compared with each other.
func comparable2(a, b field.Type) bool {
	return a == b || a.IsNumber() && b.IsNumber() || a.IsText() && b.IsText()
}

// pairTest compares two values of a type.
func pairTest(op operator, t field.Type) func(a, b *field.Value) bool {
	switch {
	case t.IsText():
		f := textOperator(op)
		return func(a, b *field.Value) bool { return f(a.B, b.B) }
	case t == field.IP || t == field.Net:
		return func(a, b *field.Value) bool { return bytes.Equal(a.B, b.B) != (op == opNotEqual) }
	}
	signed := t == field.Int
	less := func(a, b *field.Value) bool {
		if signed {
			return int64(a.N) < int64(b.N)
		}
		return a.N < b.N
	}
	switch op {
	case opLess:
		return less
	case opLessEqual:
		return func(a, b *field.Value) bool { return !less(b, a) }
	case opGreater:
		return func(a, b *field.Value) bool { return less(b, a) }
	case opGreaterEqual:
		return func(a, b *field.Value) bool { return !less(a, b) }
	case opNotEqual:
		return func(a, b *field.Value) bool { return a.N != b.N }
	}
	return func(a, b *field.Value) bool { return a.N == b.N }
}
