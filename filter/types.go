package filter

import (
	"encoding/hex"
	"math"
	"sort"
	"strconv"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/filter/field"
)

// typeSet is a set of record types. An event can match only if it has a record of
// one of them.
type typeSet struct {
	bits [64]uint64 // of types below 4096; those above always are in the set
	n    int
}

func (s *typeSet) add(t tables.Type) {
	if w := int(t / 64); w < len(s.bits) && s.bits[w]&(1<<(t%64)) == 0 {
		s.bits[w] |= 1 << (t % 64)
		s.n++
	}
}

func (s *typeSet) has(t tables.Type) bool {
	w := int(t / 64)
	return w >= len(s.bits) || s.bits[w]&(1<<(t%64)) != 0
}

func (s *typeSet) hasAny(ev *audit.Event) bool {
	for i := range ev.Records {
		if s.has(ev.Records[i].Type) {
			return true
		}
	}
	return false
}

// union returns the types of both; nil stands for all types.
func union(a, b *typeSet) *typeSet {
	if a == nil || b == nil {
		return nil
	}
	u := *a
	for t := tables.Type(0); int(t/64) < len(b.bits); t++ {
		if b.bits[t/64]&(1<<(t%64)) != 0 {
			u.add(t)
		}
	}
	return &u
}

// narrower returns the smaller of two sets that both must be met: an event may
// meet each by another record, so that they cannot be intersected.
func narrower(a, b *typeSet) *typeSet {
	if a == nil || b != nil && b.n < a.n {
		return b
	}
	return a
}

// RecordTypes returns record types of which an event must have at least one to
// match. all is true if there is no such set. An empty list without all means
// that the condition never holds.
func (p *Program) RecordTypes() (types []tables.Type, all bool) {
	if p.needs == nil {
		return nil, true
	}
	for t := tables.Type(0); int(t/64) < len(p.needs.bits); t++ {
		if p.needs.bits[t/64]&(1<<(t%64)) != 0 {
			types = append(types, t)
		}
	}
	return types, false
}

// CanMatch reports, from the record types of ev alone, whether it can match.
func (p *Program) CanMatch(ev *audit.Event) bool { return p.needs == nil || p.needs.hasAny(ev) }

// EventTypes returns the values of evt.type that can match, sorted. all is true if
// they cannot be listed.
func (p *Program) EventTypes() (names []string, all bool) {
	if p.types.inverted {
		return nil, true
	}
	for name := range p.types.names {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, false
}

// Unavailable returns the names of the fields in the condition that audit records
// cannot tell, sorted: every comparison with one of them is false.
func (p *Program) Unavailable() []string { return p.never }

// eventTypes is a set of values of evt.type, or all but those if inverted.
type eventTypes struct {
	names    map[string]bool
	inverted bool
}

func anyEvent() eventTypes { return eventTypes{inverted: true} }

func (a eventTypes) not() eventTypes { return eventTypes{a.names, !a.inverted} }

func (a eventTypes) and(b eventTypes) eventTypes {
	if a.inverted && !b.inverted {
		a, b = b, a
	}
	out := eventTypes{names: map[string]bool{}, inverted: a.inverted}
	if a.inverted { // both are: what either leaves out is out
		for n := range a.names {
			out.names[n] = true
		}
		for n := range b.names {
			out.names[n] = true
		}
		return out
	}
	for n := range a.names {
		if b.names[n] != b.inverted {
			out.names[n] = true
		}
	}
	return out
}

func (a eventTypes) or(b eventTypes) eventTypes { return a.not().and(b.not()).not() }

// analysis is what is known of the events for which a part of a condition holds.
type analysis struct {
	needs    *typeSet
	types    eventTypes
	literals []string // one of them stands in a line of the event; nil: not known
}

// Literals returns texts of which an event must have at least one in one of its
// lines to match, as they stand in a log: as they are, or in the hexadecimal digits
// of the kernel. It is nil if there are no such texts, or not certainly. So most
// lines of a log need not be looked at closely.
func (p *Program) Literals() [][]byte {
	var out [][]byte
	for _, s := range p.literals {
		out = append(out, []byte(s))
		if digits := strings.ToUpper(hex.EncodeToString([]byte(s))); strings.Trim(s, "0123456789") != "" {
			out = append(out, []byte(digits))
		}
	}
	return out
}

// Bounds of literals: shorter ones are in nearly every line, and each costs time.
const (
	minLiteral  = 3
	maxLiterals = 8
)

// rarer returns the better of two sets of literals that both must be met: that
// whose shortest is longer.
func rarer(a, b []string) []string {
	shortest := func(list []string) int {
		n := 0
		for i, s := range list {
			if i == 0 || len(s) < n {
				n = len(s)
			}
		}
		return n
	}
	if shortest(b) > shortest(a) {
		return b
	}
	return a
}

// either returns the literals of which one is met if one of two sets is.
func either(a, b []string) []string {
	if a == nil || b == nil || len(a)+len(b) > maxLiterals {
		return nil
	}
	return append(a[:len(a):len(a)], b...)
}

// literalsOf returns what must stand in a line if a comparison holds.
func literalsOf(c *check, left *slot, values []string) []string {
	switch c.op {
	case opEqual, opIn, opIntersects:
	case opContains, opStartsWith, opEndsWith:
		if left.ref.Type != field.String {
			return nil
		}
	default:
		return nil
	}
	if len(values) == 0 || len(values) > maxLiterals {
		return nil
	}
	list := make([]string, len(values))
	for i, v := range values {
		if isDecimal(left.ref) {
			n, err := number(left, v)
			if err != nil || n > math.MaxInt32 {
				return nil
			}
			v = strconv.FormatUint(n, 10)
		} else if !isPrinted(left.ref, v) {
			return nil
		}
		if len(v) < minLiteral || strings.ContainsRune(v, '\n') {
			return nil
		}
		list[i] = v
	}
	return list
}

// isDecimal reports whether the field is a number that stands in a line in decimal
// digits.
func isDecimal(r *field.Ref) bool {
	switch r.Name {
	case "audit.pid", "audit.ppid", "audit.session", "audit.auid", "audit.uid", "audit.euid", "audit.suid", "audit.fsuid",
		"audit.serial", "proc.pid", "proc.id", "proc.ppid", "thread.tid":
		return true
	}
	return r.IsRecord() && r.Type == field.Int && !strings.HasSuffix(r.Name, ".exit")
}

// isPrinted reports whether a value of the field that equals or contains v stands in
// one line, as it is or in hexadecimal digits: it is no more than decoded.
func isPrinted(r *field.Ref, v string) bool {
	switch r.Name {
	case "container.id", "container.name":
		return !strings.Contains("host", v) // which is said where nothing is written
	case "audit.key", "audit.comm", "audit.exe", "audit.tty", "audit.node", "audit.account", "audit.address", "audit.host",
		"audit.terminal", "audit.unit", "audit.subject", "audit.op",
		"proc.name", "proc.exepath", "proc.pname", "proc.pexepath", "proc.aname", "proc.aexepath",
		"container.full_id", "container.image", "k8s.pod.name", "k8s.pod.uid", "k8s.ns.name":
		return true
	}
	return r.IsRecord() && r.Type == field.String
}

// leafAnalysis is of a comparison that holds.
func leafAnalysis(space *Space, c *check, left, right *slot, values []string) analysis {
	a := analysis{types: anyEvent()}
	for _, s := range []*slot{left, right} {
		if s == nil || s.ref == nil {
			continue
		}
		if s.ref.Never {
			a.needs = &typeSet{}
			return a
		}
		if s.ref.Needs != nil {
			set := &typeSet{}
			for _, t := range s.ref.Needs {
				set.add(t)
			}
			a.needs = narrower(a.needs, set)
		}
	}
	if left.ref == nil || right != nil || c.quant != 0 {
		return a
	}
	a.literals = literalsOf(c, left, values)
	switch left.ref.Name {
	case "evt.type", "syscall.type":
		a.types = eventTypes{names: map[string]bool{}}
		for _, v := range values {
			a.types.names[v] = true
		}
		switch c.op {
		case opEqual, opIn, opIntersects:
			a.needs = narrower(a.needs, typesOfEvents(values))
		case opNotEqual:
			a.types.inverted = true
		default:
			a.types = anyEvent()
		}
	case "audit.type", "audit.types":
		if c.op == opEqual || c.op == opIn || c.op == opIntersects {
			set := &typeSet{}
			for _, v := range values {
				if t, ok := tables.TypeByName([]byte(v)); ok {
					set.add(t)
				}
			}
			a.needs = narrower(a.needs, set)
		}
	}
	return a
}

// typesOfEvents returns the record types that events with these values of evt.type
// have: SYSCALL, or the type of which it is the name.
func typesOfEvents(values []string) *typeSet {
	set := &typeSet{}
	for _, v := range values {
		set.add(tables.TypeSyscall)
		if t, ok := tables.TypeByName([]byte(strings.ToUpper(v))); ok {
			set.add(t)
		}
	}
	return set
}

// negated is what is known when a comparison does not hold: only of evt.type
// itself more than nothing.
func (a analysis) negated(c *check, left *slot) analysis {
	out := analysis{types: anyEvent()}
	if left.ref != nil && (left.ref.Name == "evt.type" || left.ref.Name == "syscall.type") {
		out.types = a.types.not()
		if a.types.inverted && len(a.types.names) == 0 {
			out.types = anyEvent()
		}
	}
	return out
}
