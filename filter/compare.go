package filter

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"vigil/audit"
	"vigil/filter/field"
)

// test compares one value of a field with what the condition says.
type test func(v *field.Value) bool

// comparison compiles a check whose left side is in a slot.
func (k *compiler) comparison(c *check, left int, done *compiled) (func(*Env) bool, *Error) {
	s := &k.space.slots[left]
	if c.op == opExists {
		return func(e *Env) bool { return len(e.values(left)) > 0 }, nil
	}
	if err := k.suits(c, s); err != nil {
		return nil, err
	}
	switch right := c.right.(type) {
	case *literal:
		t, text, err := k.testOf(c, s, right)
		if err != nil {
			return nil, err
		}
		done.values = []string{text}
		done.quick = quickOf(c.op, s, left, text)
		if s.many == field.One {
			done.one = t
		}
		return quantify(c.op, s.many, left, t), nil
	case *listExpr:
		return k.listComparison(c, left, right, done)
	}
	right, err := k.operand(c.right)
	if err != nil {
		return nil, err
	}
	done.right = right
	return k.dynamic(c, left, right)
}

// suits checks that the operator can compare what is in the slot.
func (k *compiler) suits(c *check, s *slot) *Error {
	ok := false
	switch c.op {
	case opEqual, opNotEqual, opIn, opIntersects:
		ok = true
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		ok = s.typ.IsNumber() || s.typ == field.String
	case opContains, opStartsWith, opEndsWith:
		ok = s.typ.IsText()
	case opBContains, opBStartsWith:
		ok = s.typ == field.Bytes
	case opIContains, opGlob, opIGlob, opRegex, opPmatch:
		ok = s.typ == field.String
	}
	if !ok {
		return k.fail(c.at, "%s cannot compare a value of type %s", c.op, s.typ)
	}
	if s.many == field.List && c.op != opIn && c.op != opIntersects {
		return k.fail(c.at, "%s cannot compare a list: only in, intersects and exists can", c.op)
	}
	return nil
}

// quantify makes a comparison of a test: what holds for several values depends on
// the field.
func quantify(op operator, many field.Many, slot int, t test) func(*Env) bool {
	switch {
	case many == field.One:
		return func(e *Env) bool {
			v := e.values(slot)
			return len(v) > 0 && t(&v[0])
		}
	case many == field.Each && op == opNotEqual, many == field.List && op == opIn:
		return func(e *Env) bool {
			v := e.values(slot)
			for i := range v {
				if !t(&v[i]) {
					return false
				}
			}
			return len(v) > 0
		}
	}
	return func(e *Env) bool {
		v := e.values(slot)
		for i := range v {
			if t(&v[i]) {
				return true
			}
		}
		return false
	}
}

// testOf compiles the comparison with a constant. It also returns the constant in
// the form that the field's values have.
func (k *compiler) testOf(c *check, s *slot, l *literal) (test, string, *Error) {
	switch s.typ {
	case field.Int, field.Uint, field.Bool:
		n, err := number(s, l.text)
		if err != nil {
			return nil, "", k.fail(l.at, "%v", err)
		}
		return numberTest(c.op, s.typ == field.Int, n), l.text, nil
	case field.IP, field.Net:
		p, err := network(s.typ, l.text)
		if err != nil {
			return nil, "", k.fail(l.at, "%v", err)
		}
		want := c.op != opNotEqual
		return func(v *field.Value) bool { return p.Contains(v.Addr()) == want }, l.text, nil
	}
	text := l.text
	switch c.op {
	case opEqual, opNotEqual, opIn, opIntersects:
		if s.ref != nil {
			canonical, err := s.ref.Constant(text)
			if err != nil {
				return nil, "", k.fail(l.at, "%v", err)
			}
			text = canonical
		}
	case opLess, opLessEqual, opGreater, opGreaterEqual:
		if s.ref != nil && s.ref.IsRecord() {
			return k.recordNumber(c, l)
		}
	}
	t, err := k.textTest(c, l, text)
	return t, text, err
}

// recordNumber compares a field of a record, which is text, as the number that it
// may be.
func (k *compiler) recordNumber(c *check, l *literal) (test, string, *Error) {
	n, err := parseInt(l.text)
	if err != nil {
		return nil, "", k.fail(l.at, "%v", err)
	}
	op := c.op
	return func(v *field.Value) bool {
		i, ok := audit.Field{Value: v.B}.Int()
		switch {
		case !ok:
			return false
		case op == opLess:
			return i < n
		case op == opLessEqual:
			return i <= n
		case op == opGreater:
			return i > n
		}
		return i >= n
	}, l.text, nil
}

// textTest compares text with a constant.
func (k *compiler) textTest(c *check, l *literal, s string) (test, *Error) {
	switch c.op {
	case opEqual, opIn, opIntersects:
		return func(v *field.Value) bool { return string(v.B) == s }, nil
	case opNotEqual:
		return func(v *field.Value) bool { return string(v.B) != s }, nil
	case opLess:
		return func(v *field.Value) bool { return string(v.B) < s }, nil
	case opLessEqual:
		return func(v *field.Value) bool { return string(v.B) <= s }, nil
	case opGreater:
		return func(v *field.Value) bool { return string(v.B) > s }, nil
	case opGreaterEqual:
		return func(v *field.Value) bool { return string(v.B) >= s }, nil
	case opRegex:
		re, err := compileRegex(s)
		if err != nil {
			return nil, k.fail(l.at, "%v", err)
		}
		return func(v *field.Value) bool { return re.Match(v.B) }, nil
	case opBContains, opBStartsWith:
		b, err := unhexText(s)
		if err != nil {
			return nil, k.fail(l.at, "%v", err)
		}
		s = string(b)
	case opPmatch:
		p := newPrefixes([]string{s})
		return func(v *field.Value) bool { return p.match(v.B) }, nil
	}
	b := []byte(s)
	switch c.op { // what is used most, without another function between
	case opContains:
		return func(v *field.Value) bool { return bytes.Contains(v.B, b) }, nil
	case opIContains:
		return func(v *field.Value) bool { return containsFold(v.B, b) }, nil
	case opGlob:
		return func(v *field.Value) bool { return globMatch(b, v.B, false) }, nil
	}
	f := textOperator(c.op)
	return func(v *field.Value) bool { return f(v.B, b) }, nil
}

// textOperator returns the function of an operator on two texts.
func textOperator(op operator) func(value, with []byte) bool {
	switch op {
	case opEqual, opIn, opIntersects:
		return bytes.Equal
	case opNotEqual:
		return func(a, b []byte) bool { return !bytes.Equal(a, b) }
	case opLess:
		return func(a, b []byte) bool { return bytes.Compare(a, b) < 0 }
	case opLessEqual:
		return func(a, b []byte) bool { return bytes.Compare(a, b) <= 0 }
	case opGreater:
		return func(a, b []byte) bool { return bytes.Compare(a, b) > 0 }
	case opGreaterEqual:
		return func(a, b []byte) bool { return bytes.Compare(a, b) >= 0 }
	case opContains, opBContains:
		return bytes.Contains
	case opIContains:
		return containsFold
	case opStartsWith, opBStartsWith:
		return bytes.HasPrefix
	case opEndsWith:
		return bytes.HasSuffix
	case opGlob:
		return func(a, b []byte) bool { return globMatch(b, a, false) }
	case opIGlob:
		return func(a, b []byte) bool { return globMatch(b, a, true) }
	case opPmatch:
		return func(a, b []byte) bool { return pathHasPrefix(a, b) }
	}
	return nil
}

// numberTest compares numbers, two's complement if signed.
func numberTest(op operator, signed bool, n uint64) test {
	if signed {
		n := int64(n)
		switch op {
		case opLess:
			return func(v *field.Value) bool { return int64(v.N) < n }
		case opLessEqual:
			return func(v *field.Value) bool { return int64(v.N) <= n }
		case opGreater:
			return func(v *field.Value) bool { return int64(v.N) > n }
		case opGreaterEqual:
			return func(v *field.Value) bool { return int64(v.N) >= n }
		}
	}
	switch op {
	case opLess:
		return func(v *field.Value) bool { return v.N < n }
	case opLessEqual:
		return func(v *field.Value) bool { return v.N <= n }
	case opGreater:
		return func(v *field.Value) bool { return v.N > n }
	case opGreaterEqual:
		return func(v *field.Value) bool { return v.N >= n }
	case opNotEqual:
		return func(v *field.Value) bool { return v.N != n }
	}
	return func(v *field.Value) bool { return v.N == n }
}

var (
	errWhole = errors.New("is no whole number")
	errBool  = errors.New("is neither true nor false")
	errIP    = errors.New("is no IP address")
	errNet   = errors.New("is no IP address or network")
	errHex   = errors.New("is no text in hexadecimal digits")
)

// number reads a constant of the slot's type.
func number(s *slot, text string) (uint64, error) {
	if s.typ == field.Bool {
		switch strings.ToLower(text) {
		case "true":
			return 1, nil
		case "false":
			return 0, nil
		}
		return 0, valueError(text, errBool)
	}
	if s.ref != nil {
		if n, ok := s.ref.Number(text); ok {
			return n, nil
		}
	}
	if s.typ == field.Uint {
		if digits, base := splitBase(text); base == 16 || !strings.HasPrefix(text, "-") {
			n, err := strconv.ParseUint(strings.TrimPrefix(digits, "+"), base, 64)
			if err == nil {
				return n, nil
			}
		}
		return 0, valueError(text, errWhole)
	}
	n, err := parseInt(text)
	return uint64(n), err
}

func parseInt(text string) (int64, error) {
	digits, base := splitBase(text)
	n, err := strconv.ParseInt(digits, base, 64)
	if err != nil {
		return 0, valueError(text, errWhole)
	}
	return n, nil
}

func splitBase(text string) (digits string, base int) {
	if len(text) > 2 && text[0] == '0' && text[1]|0x20 == 'x' {
		return text[2:], 16
	}
	return text, 10
}

func valueError(text string, err error) error {
	return errors.New(strconv.Quote(text) + " " + err.Error())
}

// network reads an address, as a network of one for IP, or a network.
func network(t field.Type, text string) (netip.Prefix, error) {
	if t == field.Net && strings.Contains(text, "/") {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return p, valueError(text, errNet)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		if t == field.IP {
			return netip.Prefix{}, valueError(text, errIP)
		}
		return netip.Prefix{}, valueError(text, errNet)
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}

func unhexText(s string) ([]byte, error) {
	if len(s)%2 != 0 || s == "" {
		return nil, valueError(s, errHex)
	}
	b := make([]byte, len(s)/2)
	for i := range b {
		if !isHex(s[2*i]) || !isHex(s[2*i+1]) {
			return nil, valueError(s, errHex)
		}
		b[i] = unhex(s[2*i])<<4 | unhex(s[2*i+1])
	}
	return b, nil
}
