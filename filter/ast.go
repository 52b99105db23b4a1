package filter

import (
	"strings"
	"unicode/utf8"
)

// Condition is a parsed condition. It does not change.
type Condition struct {
	text string
	root node
	size int // nodes, those of macros that were put in counted
}

// String returns the condition in a canonical form that parses to the same.
func (c *Condition) String() string { return string(appendNode(nil, c.root, 0)) }

// node is *boolNode, *notNode, *check, *macro or *included.
type node interface{ offset() int }

type boolNode struct {
	at   int
	or   bool
	kids []node // two or more
}

type notNode struct {
	at  int
	kid node
}

// macro is a name that stands for a condition.
type macro struct {
	at   int
	name string
}

// check is one comparison.
type check struct {
	at    int
	left  operand
	op    operator
	quant quantifier
	right operand // nil for exists
}

// operand is *fieldRef, *callExpr, *literal or *listExpr.
type operand interface{ place() int }

type fieldRef struct {
	at     int
	name   string
	arg    string
	hasArg bool
}

// callExpr is a transformer with its operands; val(x) is x itself and not kept,
// but on the right of a comparison, where it is told from text by being no literal.
type callExpr struct {
	at       int
	fn       transformer
	args     []operand
	selector string // of getopt(...)[x]
	selected bool
}

type literal struct {
	at   int
	text string
}

type listExpr struct {
	at    int
	items []literal
}

func (n *boolNode) offset() int { return n.at }
func (n *notNode) offset() int  { return n.at }
func (n *macro) offset() int    { return n.at }
func (n *check) offset() int    { return n.at }

func (o *fieldRef) place() int { return o.at }
func (o *callExpr) place() int { return o.at }
func (o *literal) place() int  { return o.at }
func (o *listExpr) place() int { return o.at }

// The places where a node can stand, by how tightly they bind.
const (
	inOr = iota
	inAnd
	inNot
)

func appendNode(dst []byte, n node, place int) []byte {
	switch n := n.(type) {
	case *boolNode:
		word, inside := " and ", inAnd
		if n.or {
			word, inside = " or ", inOr
		}
		parens := place == inNot || n.or && place == inAnd
		if parens {
			dst = append(dst, '(')
		}
		for i, kid := range n.kids {
			if i > 0 {
				dst = append(dst, word...)
			}
			kidPlace := inside
			if b, ok := kid.(*boolNode); ok && b.or == n.or {
				kidPlace = inNot // (a and b) and c keeps its parentheses
			}
			dst = appendNode(dst, kid, kidPlace)
		}
		if parens {
			dst = append(dst, ')')
		}
	case *notNode:
		dst = append(dst, "not "...)
		if _, ok := n.kid.(*notNode); ok {
			dst = append(dst, '(')
			dst = append(appendNode(dst, n.kid, inOr), ')')
		} else {
			dst = appendNode(dst, n.kid, inNot)
		}
	case *macro:
		dst = append(dst, n.name...)
	case *included:
		dst = append(dst, '(')
		dst = append(appendNode(dst, n.condition.root, inOr), ')')
	case *check:
		dst = appendOperand(dst, n.left)
		dst = append(dst, ' ')
		dst = append(dst, n.op.String()...)
		if n.quant != 0 {
			dst = append(append(dst, ' '), n.quant.String()...)
		}
		if n.right != nil {
			dst = append(dst, ' ')
			if f, ok := n.right.(*fieldRef); ok {
				dst = append(dst, "val("...)
				dst = append(appendOperand(dst, f), ')')
			} else {
				dst = appendOperand(dst, n.right)
			}
		}
	}
	return dst
}

func appendOperand(dst []byte, o operand) []byte {
	switch o := o.(type) {
	case *fieldRef:
		dst = append(dst, o.name...)
		if o.hasArg {
			dst = append(dst, '[')
			dst = appendText(dst, o.arg, bareArgument)
			dst = append(dst, ']')
		}
	case *callExpr:
		dst = append(dst, o.fn.String()...)
		dst = append(dst, '(')
		for i, arg := range o.args {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			if l, ok := arg.(*literal); ok {
				dst = appendQuoted(dst, l.text) // a bare one would be a field
			} else {
				dst = appendOperand(dst, arg)
			}
		}
		dst = append(dst, ')')
		if o.selected {
			dst = append(dst, '[')
			dst = appendText(dst, o.selector, bareArgument)
			dst = append(dst, ']')
		}
	case *literal:
		dst = appendText(dst, o.text, bareValue)
	case *listExpr:
		dst = append(dst, '(')
		for i := range o.items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendText(dst, o.items[i].text, bareValue)
		}
		dst = append(dst, ')')
	}
	return dst
}

// appendText appends a value, in quotes if it needs them.
func appendText(dst []byte, s string, bare func(string) bool) []byte {
	if bare(s) && utf8.ValidString(s) {
		return append(dst, s...)
	}
	return appendQuoted(dst, s)
}

func bareValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isBare(s[i]) || s[i] == '\\' || s[i] < ' ' || s[i] == 0x7f {
			return false
		}
	}
	// The quantifiers are told by what follows them; quotes make it plain.
	return s != "" && s != "oneof" && s != "anyof" && s != "allof"
}

func bareArgument(s string) bool {
	return s != "" && !strings.ContainsAny(s, "[]\"'\\ \t\n\v\f\r")
}

func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			if r, n := utf8.DecodeRuneInString(s[i:]); n > 1 {
				dst = append(dst, s[i:i+n]...)
				i += n - 1
			} else if c < ' ' || c == 0x7f || r == utf8.RuneError {
				dst = append(dst, '\\', 'x', hex[c>>4], hex[c&15])
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '"')
}
