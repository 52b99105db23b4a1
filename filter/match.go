package filter

import (
	"math"

	"vigil/audit"
	"vigil/filter/field"
)

// Space is what a set of programs and formats reads of an event: fields and
// comparisons that several of them have in common are taken and made once an event.
//
// Compiling into a Space must be done before its Envs are used, or while none is.
type Space struct {
	registry *field.Registry
	slots    []slot
	slotOf   map[string]int // by what is read, as it is written
	leaves   int
	leafOf   map[string]int // by the comparison, in canonical form
	evals    []evaluation   // by leaf
}

// evaluation makes a comparison: one of the value in the slot, or eval if there may
// be several or more is read.
type evaluation struct {
	slot int32
	one  test
	eval func(*Env) bool
}

// slot is one thing that is read of an event.
type slot struct {
	get    func(*Env, *field.Values)
	typ    field.Type
	style  field.Style
	many   field.Many
	ref    *field.Ref   // nil if it is made by a transformer
	direct field.Getter // gets ref, nil if get does
	list   bool         // the values are a list for join and getopt
}

// NewSpace returns a Space over the fields of registry.
func NewSpace(registry *field.Registry) *Space {
	return &Space{registry: registry, slotOf: map[string]int{}, leafOf: map[string]int{}}
}

// Env holds an event while the programs and formats of one Space look at it, and
// the memory that they need. It belongs to one goroutine at a time.
type Env struct {
	space *Space
	view  *field.View
	gen   uint64 // of the event
	vals  []slotValues
	memo  []uint64 // by leaf: gen<<1 and the result
	buf   []byte   // what transformers make
}

type slotValues struct {
	gen uint64
	field.Values
}

// NewEnv returns an Env for the programs and formats in s.
func (s *Space) NewEnv(cfg field.Config) *Env {
	return &Env{space: s, view: field.NewView(cfg)}
}

// Load makes ev the event that is looked at. It must not change until the next one
// is loaded.
func (e *Env) Load(ev *audit.Event) {
	e.grow()
	e.gen++
	e.buf = e.buf[:0]
	e.view.Load(ev)
}

// grow makes room for what was compiled since.
func (e *Env) grow() {
	if n := len(e.space.slots); len(e.vals) < n {
		e.vals = append(e.vals, make([]slotValues, n-len(e.vals))...)
	}
	if n := e.space.leaves; len(e.memo) < n {
		e.memo = append(e.memo, make([]uint64, n-len(e.memo))...)
	}
}

// values returns what is in a slot.
func (e *Env) values(i int) []field.Value {
	s := &e.vals[i]
	if s.gen != e.gen {
		e.fill(i)
	}
	return s.List
}

func (e *Env) fill(i int) {
	s := &e.vals[i]
	s.gen = e.gen
	s.Reset()
	if of := &e.space.slots[i]; of.direct != nil {
		of.direct(e.view, of.ref, &s.Values)
	} else {
		of.get(e, &s.Values)
	}
}

// leaf returns the result of a comparison.
func (e *Env) leaf(i int32) bool {
	if m := e.memo[i]; m>>1 == e.gen {
		return m&1 != 0
	}
	m, ok := e.gen<<1, false
	if l := &e.space.evals[i]; l.one == nil {
		ok = l.eval(e)
	} else if v := e.values(int(l.slot)); len(v) > 0 {
		ok = l.one(&v[0])
	}
	if ok {
		m |= 1
	}
	e.memo[i] = m
	return ok
}

// Where a step leads that ends the evaluation.
const (
	accept int32 = -1
	reject int32 = -2
)

// step is one comparison and where to go on when it holds and when it does not.
type step struct {
	quick
	leaf    int32
	yes, no int32
}

// quick is a comparison of a field that has one value with a constant, which is
// made in place: calling a function for it would cost as much again.
type quick struct {
	kind     quickKind
	not      bool // it holds for the numbers that are not in the range
	slot     int32
	from, to int64 // of numbers, both included
	text     string
}

type quickKind uint8

const (
	notQuick quickKind = iota
	intRange
	textEqual
	textNotEqual
	textPrefix
	textSuffix
)

// holds makes the comparison of a text.
func (q *quick) holds(b []byte) bool {
	switch q.kind {
	case textEqual:
		return string(b) == q.text
	case textNotEqual:
		return string(b) != q.text
	case textPrefix:
		return len(b) >= len(q.text) && string(b[:len(q.text)]) == q.text
	}
	return len(b) >= len(q.text) && string(b[len(b)-len(q.text):]) == q.text
}

// quickOf returns the quick form of a comparison with a constant, if it has one.
func quickOf(op operator, s *slot, slot int, text string) quick {
	q := quick{slot: int32(slot), text: text}
	switch {
	case s.many != field.One || s.ref != nil && s.ref.IsRecord():
	case s.typ == field.String:
		switch op {
		case opEqual:
			q.kind = textEqual
		case opNotEqual:
			q.kind = textNotEqual
		case opStartsWith:
			q.kind = textPrefix
		case opEndsWith:
			q.kind = textSuffix
		}
	case s.typ == field.Int || s.typ == field.Bool || s.typ == field.Uint && (op == opEqual || op == opNotEqual):
		n, err := number(s, text)
		if err != nil {
			break
		}
		q.numbers(op, int64(n))
	}
	return q
}

// numbers makes q the comparison of a number with n, if op is one of numbers.
func (q *quick) numbers(op operator, n int64) {
	q.kind, q.from, q.to = intRange, math.MinInt64, math.MaxInt64
	switch op {
	case opEqual, opNotEqual:
		q.from, q.to, q.not = n, n, op == opNotEqual
	case opLess, opGreaterEqual:
		q.from, q.not = n, op == opLess
	case opGreater, opLessEqual:
		q.to, q.not = n, op == opGreater
	default:
		q.kind = notQuick
	}
}

// Program is a compiled condition. It does not change and is safe for concurrent
// use, each goroutine with its own Env.
type Program struct {
	space *Space
	steps []step
	start int32
	needs *typeSet // nil if events of all types can match
	types eventTypes
	never []string

	literals []string
}

// Match reports whether the condition holds for the event that was loaded into e,
// which must be of the Space that p was compiled into.
func (p *Program) Match(e *Env) bool {
	if p.needs != nil && !p.needs.hasAny(e.view.Event()) {
		return false
	}
	i := p.start
	for i >= 0 {
		s := &p.steps[i]
		ok := false
		if s.kind == notQuick {
			ok = e.leaf(s.leaf)
		} else {
			v := &e.vals[s.slot]
			if v.gen != e.gen {
				e.fill(int(s.slot))
			}
			switch {
			case len(v.List) == 0:
			case s.kind == intRange:
				n := int64(v.List[0].N)
				ok = (s.from <= n && n <= s.to) != s.not
			default:
				ok = s.holds(v.List[0].B)
			}
		}
		if ok {
			i = s.yes
		} else {
			i = s.no
		}
	}
	return i == accept
}

// Compile compiles a condition by itself. The error is an *Error.
func Compile(c *Condition, registry *field.Registry) (*Program, error) {
	return NewSpace(registry).Compile(c)
}

// Matcher is a Program with an Env of its own.
type Matcher struct {
	program *Program
	env     *Env
}

// Matcher returns a Matcher for p. It belongs to one goroutine at a time.
func (p *Program) Matcher(cfg field.Config) *Matcher {
	return &Matcher{program: p, env: p.space.NewEnv(cfg)}
}

// Match reports whether the condition holds for ev.
func (m *Matcher) Match(ev *audit.Event) bool {
	m.env.Load(ev)
	return m.program.Match(m.env)
}
