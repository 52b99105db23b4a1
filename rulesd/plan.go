package rulesd

import (
	"slices"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// The kernel can put a rule at the head or at the end of its list, and take one
// out. It refuses to append a rule that is there already. A plan uses the
// fewest of these steps that end in an order which means the same as the wanted
// one, and it never passes through a state without a kept rule:
//
//   - A rule that both lists have stays where it is, if it may (see commute).
//   - A new rule goes to the end, or to the head if it may not stand behind the
//     rules that are kept and that would stay before it.
//   - A kept rule that must come behind a new one is moved. So that it is
//     never absent, a twin, which matches the same events, stands in for it: first the
//     twins are appended, then the old places given up, then the rules appended
//     again, then the twins taken out.
//   - Rules that are not wanted go after the new ones have come. Those that say never
//     go before anything is moved, which could come to stand behind them.
//
// So an event that is recorded before and after is recorded all the time. What is
// recorded neither before nor after may be recorded in between.

// stepKind is what a step asks of the kernel.
type stepKind uint8

const (
	stepAppend stepKind = iota
	stepPrepend
	stepDelete
)

// step is one request to the kernel.
type step struct {
	kind stepKind
	rule *rule.Rule
	// wanted is the place of the rule in the wanted list, -1 if it is no part of it.
	wanted int
}

// plan is the way from one list to another.
type plan struct {
	steps   []step
	added   []int // places in the wanted list
	removed []int // places in the present list
	kept    int
	moved   int
}

// zone is where a wanted rule ends up.
type zone uint8

const (
	head  zone = iota // prepended
	stay              // where the kernel has it
	tail              // appended
	fresh             // new, and not yet put anywhere
)

// planner holds the two lists while a plan is made.
type planner struct {
	have, want []rule.Rule
	haveAt     []int // for each wanted rule, its place in have, or -1
	zones      []zone
}

// makePlan plans the way from the rules that the kernel has to those that are
// wanted, which hold no rule twice.
func makePlan(have, want []rule.Rule) plan {
	p := planner{have: have, want: want, haveAt: make([]int, len(want)), zones: make([]zone, len(want))}
	keep := p.match()
	p.settle()
	return p.plan(keep)
}

// match finds the wanted rules among those that are there. Of a rule that is there
// twice (auditctl -A can do that) the last one is kept, as the kernel deletes the
// first.
func (p *planner) match() (keep []bool) {
	places := make(map[rule.ID]int, len(p.have))
	for i := range p.have {
		places[p.have[i].ID()] = i
	}
	keep = make([]bool, len(p.have))
	for i := range p.want {
		p.haveAt[i], p.zones[i] = -1, fresh
		if at, ok := places[p.want[i].ID()]; ok {
			p.haveAt[i], p.zones[i] = at, stay
			keep[at] = true
		}
	}
	return keep
}

// settle decides where each wanted rule ends up.
func (p *planner) settle() {
	p.untangle()
	for i := range p.want {
		if p.zones[i] != fresh {
			continue
		}
		switch {
		case p.free(i, i+1, len(p.want)):
			p.zones[i] = tail
		case p.free(i, 0, i):
			p.zones[i] = head
		default:
			p.moveBehind(i)
		}
	}
	p.fixHeads()
}

// untangle sends to the end what stands in the wrong order: of the kept rules
// those that are not part of a longest run in the wanted order, if that matters.
func (p *planner) untangle() {
	var kept []int
	for i := range p.want {
		if p.zones[i] == stay {
			kept = append(kept, i)
		}
	}
	inRun := longestRun(kept, p.haveAt)
	for _, i := range kept {
		if inRun[i] {
			continue
		}
		for _, j := range kept {
			wrong := (i < j) != (p.haveAt[i] < p.haveAt[j])
			if wrong && p.zones[j] == stay && !commute(&p.want[i], &p.want[j]) {
				p.moveBehind(i)
				break
			}
		}
	}
}

// longestRun returns a longest subset of the wanted places whose present places
// rise.
func longestRun(places []int, at []int) map[int]bool {
	ends := []int{} // ends[n] is the place that ends the best run of n+1
	before := make(map[int]int, len(places))
	for _, i := range places {
		n, _ := slices.BinarySearchFunc(ends, at[i], func(end, target int) int { return at[end] - target })
		before[i] = -1
		if n > 0 {
			before[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	run := make(map[int]bool, len(ends))
	if len(ends) > 0 {
		for i := ends[len(ends)-1]; i >= 0; i = before[i] {
			run[i] = true
		}
	}
	return run
}

// free reports whether rule i commutes with every rule in a range of the wanted
// list that stays, or that was put to the head.
func (p *planner) free(i, from, to int) bool {
	for j := from; j < to; j++ {
		if (p.zones[j] == stay || p.zones[j] == head) && !commute(&p.want[i], &p.want[j]) {
			return false
		}
	}
	return true
}

// moveBehind sends rule i to the end, and with it every rule that must stand
// behind it.
func (p *planner) moveBehind(i int) {
	work := []int{i}
	p.zones[i] = tail
	for len(work) > 0 {
		i, work = work[len(work)-1], work[:len(work)-1]
		for j := i + 1; j < len(p.want); j++ {
			if p.zones[j] != tail && p.zones[j] != fresh && !commute(&p.want[i], &p.want[j]) {
				p.zones[j] = tail
				work = append(work, j)
			}
		}
	}
}

// fixHeads takes back from the head what may not stand before a rule that was
// decided later to stay or to come from the end.
func (p *planner) fixHeads() {
	for i := range p.want {
		if p.zones[i] == head && !p.headHolds(i) {
			p.moveBehind(i)
		}
	}
}

// headHolds reports whether every rule that must stand before rule i does: those
// at the head keep the wanted order among themselves. A rule that says never must
// be the first of all that concern it, as it is for a moment when it is prepended.
func (p *planner) headHolds(i int) bool {
	for j := range i {
		if (p.zones[j] != head || p.want[i].Action == tables.ActionNever) && !commute(&p.want[i], &p.want[j]) {
			return false
		}
	}
	return true
}

// plan writes the steps down.
func (p *planner) plan(keep []bool) plan {
	out := plan{}
	var first, last []int // what goes to the head, and to the end
	for i, z := range p.zones {
		switch {
		case z == head:
			first = append(first, i)
		case z == tail:
			last = append(last, i)
		}
		switch {
		case p.haveAt[i] < 0:
			out.added = append(out.added, i)
		case z == stay:
			out.kept++
		default:
			out.kept++
			out.moved++
		}
	}
	wanted := make(map[rule.ID]bool, len(p.want))
	for i := range p.want {
		wanted[p.want[i].ID()] = true
	}
	var never, always []step
	for i := range p.have {
		if keep[i] {
			continue
		}
		out.removed = append(out.removed, i)
		gone := step{stepDelete, &p.have[i], -1}
		switch {
		case wanted[p.have[i].ID()]:
			out.steps = append(out.steps, gone) // one too many of a kept rule
		case p.have[i].Action == tables.ActionNever:
			never = append(never, gone)
		default:
			always = append(always, gone)
		}
	}
	for _, i := range slices.Backward(first) {
		out.steps = append(out.steps, step{stepPrepend, &p.want[i], i})
	}
	p.appendTail(&out, last, never)
	out.steps = append(out.steps, always...)
	return out
}

// appendTail appends the rules that go to the end, from the first moved one on with
// twins. Between, when all are there in one form, it takes out the unwanted ones
// that say never.
func (p *planner) appendTail(out *plan, last []int, never []step) {
	at := slices.IndexFunc(last, func(i int) bool { return p.haveAt[i] >= 0 })
	if at < 0 {
		at = len(last)
	}
	for _, i := range last[:at] {
		out.steps = append(out.steps, step{stepAppend, &p.want[i], i})
	}
	rest := last[at:]
	var twins []*rule.Rule
	for _, i := range rest {
		if t, ok := twin(&p.want[i]); ok {
			twins = append(twins, t)
			out.steps = append(out.steps, step{stepAppend, t, -1})
		}
	}
	// Of what goes the rules that say never go first: what is left then records
	// all that both orders record.
	out.steps = append(out.steps, never...)
	for _, action := range [...]tables.Action{tables.ActionNever, tables.ActionAlways} {
		for _, i := range rest {
			if p.haveAt[i] >= 0 && p.want[i].Action == action {
				out.steps = append(out.steps, step{stepDelete, &p.want[i], -1})
			}
		}
	}
	for _, i := range rest {
		out.steps = append(out.steps, step{stepAppend, &p.want[i], i})
	}
	for _, action := range [...]tables.Action{tables.ActionNever, tables.ActionAlways} {
		for _, t := range twins {
			if t.Action == action {
				out.steps = append(out.steps, step{stepDelete, t, -1})
			}
		}
	}
}

// twin returns a rule that matches what r matches, records the same, and is
// another to the kernel: it has one more condition, which always holds. ok is false
// for a rule with no room.
func twin(r *rule.Rule) (*rule.Rule, bool) {
	if len(r.Fields) >= rule.MaxFields {
		return nil, false
	}
	t := r.Clone()
	extra := rule.Field{Field: tables.FieldPID, Op: tables.OpGreaterEqual, Value: 0}
	if r.List == tables.ListFilesystem {
		at := slices.IndexFunc(r.Fields, func(f rule.Field) bool { return f.Field == tables.FieldFSType })
		if at < 0 {
			return nil, false
		}
		extra = r.Fields[at]
	}
	t.Fields = append(t.Fields, extra)
	return &t, true
}
