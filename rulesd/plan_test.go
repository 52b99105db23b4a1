package rulesd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// testSet makes a set of lines.
func testSet(t testing.TB, lines ...string) *Set {
	t.Helper()
	set, err := Load(Config{Inline: lines, Env: testEnv(), Host: testHost()})
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestPlanRequests(t *testing.T) {
	f := func(have, want, requests string) {
		t.Helper()
		k := newFakeKernel(t, splitTrim(have)...)
		if _, err := testSet(t, splitTrim(want)...).Apply(t.Context(), k); err != nil {
			t.Errorf("%s -> %s: %v", have, want, err)
		}
		if diff := cmp.Diff(k.requests, splitTrim(requests)); diff != "" {
			t.Errorf("%s -> %s: got -, want +\n%s", have, want, diff)
		}
	}
	const (
		a = "-w /a -p w -k a"
		b = "-w /b -p w -k b"
		c = "-w /c -p w -k c"
	)
	f("", a+";"+b, "append "+a+";append "+b)
	f(a+";"+b, a+";"+b, "")
	f(a+";"+b, "", "delete "+a+";delete "+b)
	f(a+";"+b+";"+c, a+";"+c, "delete "+b)
	// A change in the middle: the others stay, watches on other files commute.
	f(a+";"+b+";"+c, a+";-w /b -p wa -k b;"+c, "append -w /b -p wa -k b;delete "+b)
	// The same rules in another order that means the same.
	f(a+";"+b+";"+c, c+";"+b+";"+a, "")
	// A general exception goes to the head.
	f(a+";"+b, "-a never,exit -S all -F uid=1;"+a+";"+b, "prepend -A never,exit -S all -F uid=1")
	// An exception in the middle, which the rule after it must stay behind and the
	// rule before it must stay before: that one moves, with a twin in its place.
	const (
		root   = "-a always,exit -S all -F uid=0 -F key=root"
		never  = "-a never,exit -S all -F uid<1000"
		users  = "-a always,exit -S all -F uid>0 -F key=users"
		usersT = "-a always,exit -S all -F uid>0 -F key=users -F pid>=0"
	)
	f(root+";"+users, root+";"+never+";"+users,
		"append "+never+";append "+usersT+";delete "+users+";append "+users+";delete "+usersT)
	// Other lists do not matter.
	f("-a never,user -F uid=0", "-a never,user -F uid=0;"+a+";-a always,exclude -F msgtype=CWD",
		"append "+a+";append -a always,exclude -F msgtype=CWD")
}

func splitTrim(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// TestPlanLosesNoEvent applies random sets one after the other and looks at every
// state between: an event that the old set and the new one record is recorded all the
// time. In the end the kernel records what the set says, and of rules that do not
// commute the first stands first.
func TestPlanLosesNoEvent(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for seed := range uint64(rounds) {
		g := rand.New(rand.NewPCG(seed, 7))
		pool := rulePool(g)
		k := newFakeKernel(t)
		for range 3 {
			want := testSet(t, choose(g, pool)...)
			before := k.view()
			target := viewOf(want.Rules())
			k.requests = nil
			k.after = func(_, now *fakeView) {
				for _, e := range everyEvent() {
					if recorded(before, e) && recorded(target, e) && !recorded(now, e) {
						t.Fatalf("seed %d: event %v is lost after\n%s", seed, e, strings.Join(k.requests, "\n"))
					}
				}
			}
			change, err := want.Apply(t.Context(), k)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			k.after = nil
			checkSame(t, seed, k, target)
			if diff, err := want.Diff(t.Context(), k); err != nil || !diff.Empty() {
				t.Fatalf("seed %d: after Apply: %+v, %v", seed, diff, err)
			}
			if g.IntN(4) == 0 { // and back
				if err := change.Undo(t.Context(), k); err != nil {
					t.Fatal(err)
				}
				checkSame(t, seed, k, before)
			}
		}
	}
}

// checkSame checks that the kernel's exit list means what another does.
func checkSame(t *testing.T, seed uint64, k *fakeKernel, want *fakeView) {
	t.Helper()
	for _, e := range everyEvent() {
		if got, want := recorded(k.view(), e), recorded(want, e); got != want {
			t.Fatalf("seed %d: event %v: recorded %v, want %v\n%s", seed, e, got, want, strings.Join(k.texts(), "\n"))
		}
	}
	have, rules := k.lists[tables.ListExit], want.lists[tables.ListExit]
	if len(have) != len(rules) {
		t.Fatalf("seed %d: %d rules, want %d", seed, len(have), len(rules))
	}
	place := map[rule.ID]int{}
	for i := range have {
		place[have[i].ID()] = i
	}
	for i := range rules {
		for j := range i {
			if place[rules[i].ID()] < place[rules[j].ID()] && !commute(&rules[i], &rules[j]) {
				t.Fatalf("seed %d: %s stands before %s", seed, &rules[i], &rules[j])
			}
		}
	}
}

// event is what the rules of rulePool look at.
type event struct{ nr, uid, a0 int }

func everyEvent() []event {
	var all []event
	for nr := range 3 {
		for uid := range 3 {
			for a0 := range 2 {
				all = append(all, event{nr, uid, a0})
			}
		}
	}
	return all
}

// recorded says whether the exit list records an event.
func recorded(v *fakeView, e event) bool {
	for _, r := range v.lists[tables.ListExit] {
		if !r.Mask.Has(e.nr) {
			continue
		}
		matches := true
		for i := range r.Fields {
			f := &r.Fields[i]
			switch f.Field {
			case tables.FieldUID:
				matches = matches && meets(f, uint32(e.uid))
			case tables.FieldA0:
				matches = matches && meets(f, uint32(e.a0))
			case tables.FieldPID:
				matches = matches && meets(f, 1)
			}
		}
		if matches {
			return r.Action == tables.ActionAlways
		}
	}
	return false
}

func viewOf(rules []rule.Rule) *fakeView {
	v := &fakeView{map[tables.List][]rule.Rule{}}
	for _, r := range rules {
		v.lists[r.List] = append(v.lists[r.List], r)
	}
	return v
}

// rulePool writes rules that overlap in many ways.
func rulePool(g *rand.Rand) []string {
	var pool []string
	for range 12 {
		line := "-a " + pick(g, "always", "always", "never") + ",exit -F arch=b64 -S " + pick(g, "0", "1", "2", "0,1", "1,2", "all")
		if g.IntN(2) == 0 {
			line += " -F uid" + pick(g, "=", "!=", ">", "<=") + pick(g, "0", "1", "2")
		}
		if g.IntN(3) == 0 {
			line += " -F a0" + pick(g, "=", "!=") + pick(g, "0", "1")
		}
		pool = append(pool, line+" -k "+pick(g, "x", "y", "z"))
	}
	return pool
}

func pick(g *rand.Rand, from ...string) string { return from[g.IntN(len(from))] }

// choose takes some of the pool, in some order.
func choose(g *rand.Rand, pool []string) []string {
	lines := slices.Clone(pool)
	if g.IntN(3) == 0 {
		g.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
	var some []string
	for _, line := range lines {
		if g.IntN(4) > 0 {
			some = append(some, line)
		}
	}
	return some
}

// TestOneRuleOfThousand: a rule changed anywhere takes one addition and one deletion.
func TestOneRuleOfThousand(t *testing.T) {
	lines := make([]string, 1000)
	for i := range lines {
		lines[i] = fmt.Sprintf("-a always,exit -F arch=b64 -S openat -F a0=%d -F key=k%d", i, i)
		if i%2 == 0 {
			lines[i] = fmt.Sprintf("-w /srv/%d -p wa -k w%d", i, i)
		}
	}
	k := newFakeKernel(t, lines...)
	for _, at := range []int{0, 1, 500, 501, 999} {
		lines[at] += "-changed"
		k.requests = nil
		if _, err := testSet(t, lines...).Apply(t.Context(), k); err != nil {
			t.Fatal(err)
		}
		if n := len(k.requests); n != 2 {
			t.Errorf("rule %d: %d requests, want one addition and one deletion", at, n)
		} else if !strings.HasPrefix(k.requests[0], "append") || !strings.HasPrefix(k.requests[1], "delete") {
			t.Errorf("rule %d: requests %q, want one addition and one deletion", at, k.requests)
		}
	}
}

func BenchmarkPlanThousand(b *testing.B) {
	lines := make([]string, 1000)
	for i := range lines {
		lines[i] = fmt.Sprintf("-a always,exit -F arch=b64 -S openat -F a0=%d -F key=k%d", i, i)
	}
	have := testSet(b, lines...).Rules()
	lines[500] += "-changed"
	want := testSet(b, lines...).Rules()
	for b.Loop() {
		makePlan(have, want)
	}
}

func BenchmarkPlanReversed(b *testing.B) {
	lines := make([]string, 1000)
	for i := range lines {
		lines[i] = fmt.Sprintf("-a always,exit -F arch=b64 -S openat -F a0=%d -F key=k%d", i, i)
	}
	have := testSet(b, lines...).Rules()
	slices.Reverse(lines)
	want := testSet(b, lines...).Rules()
	for b.Loop() {
		makePlan(have, want)
	}
}
