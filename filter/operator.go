package filter

// operator is what compares the two sides of a check.
type operator uint8

const (
	opExists operator = iota + 1
	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opContains
	opIContains
	opBContains
	opStartsWith
	opBStartsWith
	opEndsWith
	opGlob
	opIGlob
	opRegex
	opIn
	opIntersects
	opPmatch
)

// kind says what may stand on the right of an operator.
type kind uint8

const (
	kindUnary kind = iota
	kindNumber
	kindText
	kindList
)

// operators are in the order in which the scanner tries them.
var operators = [...]struct {
	op   operator
	text string
	kind kind
}{
	{opExists, "exists", kindUnary},
	{opLessEqual, "<=", kindNumber},
	{opLess, "<", kindNumber},
	{opGreaterEqual, ">=", kindNumber},
	{opGreater, ">", kindNumber},
	{opEqual, "==", kindText},
	{opEqual, "=", kindText},
	{opNotEqual, "!=", kindText},
	{opGlob, "glob", kindText},
	{opIGlob, "iglob", kindText},
	{opContains, "contains", kindText},
	{opIContains, "icontains", kindText},
	{opBContains, "bcontains", kindText},
	{opStartsWith, "startswith", kindText},
	{opBStartsWith, "bstartswith", kindText},
	{opEndsWith, "endswith", kindText},
	{opRegex, "regex", kindText},
	{opIn, "in", kindList},
	{opIntersects, "intersects", kindList},
	{opPmatch, "pmatch", kindList},
}

// String returns the operator as it is written.
func (o operator) String() string {
	text := "?"
	for _, row := range operators {
		if row.op == o {
			text = row.text // the last one: = rather than ==
		}
	}
	return text
}

// operator takes an operator.
func (s *scanner) operator() (operator, kind, bool) {
	for _, row := range operators {
		if isLetter(row.text[0]) && s.keyword(row.text) || !isLetter(row.text[0]) && s.punct(row.text) {
			return row.op, row.kind, true
		}
	}
	return 0, 0, false
}

// Operators returns the operators as they are written.
func Operators() []string {
	list := make([]string, len(operators))
	for i, row := range operators {
		list[i] = row.text
	}
	return list
}

// quantifier says how many values of a list an operator on text must hold for.
type quantifier uint8

const (
	oneOf quantifier = iota + 1
	anyOf
	allOf
)

// String returns the quantifier as it is written.
func (q quantifier) String() string {
	switch q {
	case oneOf:
		return "oneof"
	case anyOf:
		return "anyof"
	case allOf:
		return "allof"
	}
	return ""
}

// quantifier takes a quantifier: one of the three words before a parenthesis.
func (s *scanner) quantifier() quantifier {
	for q := oneOf; q <= allOf; q++ {
		at := s.at
		if s.keyword(q.String()) {
			s.blank()
			if !s.end() && s.text[s.at] == '(' {
				return q
			}
		}
		s.at = at
	}
	return 0
}

// transformer makes one value of another.
type transformer uint8

const (
	fnVal transformer = iota + 1
	fnToLower
	fnToUpper
	fnBase64
	fnBasename
	fnLen
	fnJoin
	fnConcat
	fnGetopt
)

var transformers = [...]string{fnVal: "val", fnToLower: "tolower", fnToUpper: "toupper", fnBase64: "b64", fnBasename: "basename",
	fnLen: "len", fnJoin: "join", fnConcat: "concat", fnGetopt: "getopt"}

// String returns the transformer's name.
func (t transformer) String() string { return transformers[t] }

func transformerByName(name string) (transformer, bool) {
	for i, n := range transformers {
		if n != "" && n == name {
			return transformer(i), true
		}
	}
	return 0, false
}
