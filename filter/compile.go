package filter

import (
	"sort"

	"vigil/filter/field"
	"vigil/internal/nearest"
)

// maxSteps bounds a program whose macros have been put in.
const maxSteps = 100000

// Compile checks the condition and compiles it into s. The error is an *Error.
// When it is not nil, nothing of the condition is evaluated by others.
func (s *Space) Compile(c *Condition) (*Program, error) {
	k := compiler{space: s, text: c.text, never: map[string]bool{}}
	p := &Program{space: s}
	if err := k.verify(c.root); err != nil {
		return nil, err
	}
	start, err := k.node(c.root, accept, reject)
	if err != nil {
		return nil, err
	}
	a, err := k.analyse(c.root, false)
	if err != nil {
		return nil, err
	}
	p.steps, p.start, p.needs, p.types, p.literals = k.steps, start, a.needs, a.types, a.literals
	for name := range k.never {
		p.never = append(p.never, name)
	}
	sort.Strings(p.never)
	return p, nil
}

type compiler struct {
	space *Space
	text  string
	steps []step
	leaf  map[*check]compiled
	never map[string]bool
}

type compiled struct {
	one    test // what the one value of the left side must meet, nil if there may be several
	id     int32
	left   int
	right  int // -1 if there is none
	values []string
	quick  quick
}

func (k *compiler) fail(at int, format string, args ...any) *Error {
	return errorAt(k.text, at, format, args...)
}

// verify compiles the comparisons in the order in which they are written, so that
// the first mistake is the one that is told.
func (k *compiler) verify(n node) *Error {
	switch n := n.(type) {
	case *boolNode:
		for _, kid := range n.kids {
			if err := k.verify(kid); err != nil {
				return err
			}
		}
	case *notNode:
		return k.verify(n.kid)
	case *included:
		outer := k.text
		k.text = n.condition.text
		defer func() { k.text = outer }()
		return k.verify(n.condition.root)
	case *macro:
		return k.fail(n.at, "unknown macro %s", n.name)
	case *check:
		_, err := k.check(n)
		return err
	}
	return nil
}

// node compiles n so that it goes on at yes if it holds and at no otherwise, and
// returns where it begins. Steps are made from the last to the first.
func (k *compiler) node(n node, yes, no int32) (int32, *Error) {
	switch n := n.(type) {
	case *boolNode:
		for i := len(n.kids) - 1; i >= 0; i-- {
			at, err := k.node(n.kids[i], yes, no)
			if err != nil {
				return 0, err
			}
			if n.or {
				no = at
			} else {
				yes = at
			}
		}
		if n.or {
			return no, nil
		}
		return yes, nil
	case *notNode:
		return k.node(n.kid, no, yes)
	case *included:
		outer := k.text
		k.text = n.condition.text
		at, err := k.node(n.condition.root, yes, no)
		k.text = outer
		return at, err
	case *check:
		c, err := k.check(n)
		if err != nil {
			return 0, err
		}
		if len(k.steps) == maxSteps {
			return 0, k.fail(n.at, "the condition is too large: more than %d comparisons", maxSteps)
		}
		k.steps = append(k.steps, step{quick: c.quick, leaf: c.id, yes: yes, no: no})
		return int32(len(k.steps) - 1), nil
	}
	panic("BUG: unknown node")
}

// analyse finds out which events can match. What is not, and is and, is by De
// Morgan's law or.
func (k *compiler) analyse(n node, negated bool) (analysis, *Error) {
	switch n := n.(type) {
	case *boolNode:
		var out analysis
		for i, kid := range n.kids {
			a, err := k.analyse(kid, negated)
			switch {
			case err != nil:
				return a, err
			case i == 0:
				out = a
			case n.or != negated:
				out = analysis{union(out.needs, a.needs), out.types.or(a.types), either(out.literals, a.literals)}
			default:
				out = analysis{narrower(out.needs, a.needs), out.types.and(a.types), rarer(out.literals, a.literals)}
			}
		}
		return out, nil
	case *notNode:
		return k.analyse(n.kid, !negated)
	case *included:
		return k.analyse(n.condition.root, negated)
	case *check:
		c := k.leaf[n]
		left := &k.space.slots[c.left]
		var right *slot
		if c.right >= 0 {
			right = &k.space.slots[c.right]
		}
		a := leafAnalysis(k.space, n, left, right, c.values)
		if negated {
			a = a.negated(n, left)
		}
		return a, nil
	}
	return analysis{types: anyEvent()}, nil
}

// check compiles a comparison, once for each form of it in the space.
func (k *compiler) check(c *check) (compiled, *Error) {
	if done, ok := k.leaf[c]; ok {
		return done, nil
	}
	left, err := k.operand(c.left)
	if err != nil {
		return compiled{}, err
	}
	done := compiled{left: left, right: -1}
	eval, err := k.comparison(c, left, &done)
	if err != nil {
		return compiled{}, err
	}
	key := string(appendNode(nil, c, inOr))
	id, ok := k.space.leafOf[key]
	if !ok {
		id = k.space.leaves
		k.space.leafOf[key] = id
		k.space.evals = append(k.space.evals, evaluation{int32(left), done.one, eval})
		k.space.leaves++
	}
	done.id = int32(id)
	if k.leaf == nil {
		k.leaf = map[*check]compiled{}
	}
	k.leaf[c] = done
	return done, nil
}

// operand compiles what is read of an event and returns its slot.
func (k *compiler) operand(o operand) (int, *Error) { return k.operandAs(o, false) }

func (k *compiler) operandAs(o operand, list bool) (int, *Error) {
	key := string(appendOperand(nil, o))
	if list {
		key = "list " + key
	}
	if i, ok := k.space.slotOf[key]; ok {
		if ref := k.space.slots[i].ref; ref != nil && ref.Never {
			k.never[ref.Name] = true
		}
		return i, nil
	}
	var s slot
	var err *Error
	switch o := o.(type) {
	case *fieldRef:
		s, err = k.field(o, list)
	case *callExpr:
		s, err = k.call(o)
	case *literal:
		text := []byte(o.text)
		s = slot{typ: field.String, get: func(_ *Env, out *field.Values) { out.Bytes(text) }}
	case *listExpr:
		texts := make([][]byte, len(o.items))
		for i := range o.items {
			texts[i] = []byte(o.items[i].text)
		}
		s = slot{typ: field.String, many: field.List, list: true, get: func(_ *Env, out *field.Values) {
			for _, text := range texts {
				out.Bytes(text)
			}
		}}
	}
	if err != nil {
		return 0, err
	}
	k.space.slots = append(k.space.slots, s)
	i := len(k.space.slots) - 1
	k.space.slotOf[key] = i
	return i, nil
}

func (k *compiler) field(f *fieldRef, list bool) (slot, *Error) {
	ref, err := k.space.registry.Lookup(f.name, f.arg, f.hasArg)
	if err != nil {
		return slot{}, k.fail(f.at, "%v", err)
	}
	if ref.Never {
		k.never[ref.Name] = true
	}
	s := slot{typ: ref.Type, style: ref.Style, many: ref.Plurality(), ref: ref}
	if list {
		if !ref.HasList() {
			return slot{}, k.fail(f.at, "%s is one value, not a list", f.name)
		}
		s.many, s.list = field.List, true
		s.get = func(e *Env, out *field.Values) { ref.GetList(e.view, out) }
		return s, nil
	}
	s.direct = ref.Getter()
	return s, nil
}

// included is a macro's condition in the place of its name.
type included struct {
	at        int
	condition *Condition
}

func (n *included) offset() int { return n.at }

// Macros returns the names in c that stand for conditions, each once, in order.
func (c *Condition) Macros() []string {
	var names []string
	seen := map[string]bool{}
	walk(c.root, func(m *macro) {
		if !seen[m.name] {
			seen[m.name] = true
			names = append(names, m.name)
		}
	})
	return names
}

func walk(n node, found func(*macro)) {
	switch n := n.(type) {
	case *boolNode:
		for _, kid := range n.kids {
			walk(kid, found)
		}
	case *notNode:
		walk(n.kid, found)
	case *macro:
		found(n)
	case *included:
		walk(n.condition.root, found)
	}
}

// Expand returns c with the conditions that lookup gives in the place of macros.
// What lookup gives is not expanded in turn. The error is an *Error.
func (c *Condition) Expand(names []string, lookup func(name string) (*Condition, bool)) (*Condition, error) {
	x := &Condition{text: c.text, size: c.size}
	var expand func(n node) (node, *Error)
	expand = func(n node) (node, *Error) {
		switch n := n.(type) {
		case *boolNode:
			kids := make([]node, len(n.kids))
			for i, kid := range n.kids {
				var err *Error
				if kids[i], err = expand(kid); err != nil {
					return nil, err
				}
			}
			return &boolNode{at: n.at, or: n.or, kids: kids}, nil
		case *notNode:
			kid, err := expand(n.kid)
			return &notNode{at: n.at, kid: kid}, err
		case *macro:
			m, ok := lookup(n.name)
			if !ok {
				if near, ok := nearest.Word(n.name, names); ok {
					return nil, errorAt(c.text, n.at, "unknown macro %s: did you mean %s?", n.name, near)
				}
				return nil, errorAt(c.text, n.at, "unknown macro %s", n.name)
			}
			if x.size += m.size; x.size > maxSteps {
				return nil, errorAt(c.text, n.at, "the condition is too large: more than %d parts", maxSteps)
			}
			return &included{at: n.at, condition: m}, nil
		}
		return n, nil
	}
	root, err := expand(c.root)
	if err != nil {
		return nil, err
	}
	x.root = root
	return x, nil
}
