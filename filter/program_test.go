package filter

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/tables"
	"vigil/filter/field"
)

func TestTypes(t *testing.T) {
	f := func(condition, wantRecords, wantEvents string) {
		t.Helper()
		p, err := compileText(condition)
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			return
		}
		records, all := p.RecordTypes()
		got := fmt.Sprint(records)
		if all {
			got = "all"
		}
		if got != wantRecords {
			t.Errorf("%s: got record types %s, want %s", condition, got, wantRecords)
		}
		events, all := p.EventTypes()
		if got = fmt.Sprint(events); all {
			got = "all"
		}
		if got != wantEvents {
			t.Errorf("%s: got event types %s, want %s", condition, got, wantEvents)
		}
	}
	f("proc.name=x", "all", "all")
	f("evt.type=execve", "[SYSCALL EXECVE]", "[execve]")
	f("evt.type in (execve, user_login)", "[USER_LOGIN SYSCALL EXECVE]", "[execve user_login]")
	f("evt.type=user_login and proc.name=x", "[USER_LOGIN SYSCALL]", "[user_login]")
	f("evt.type!=execve", "all", "all")
	f("not evt.type!=execve", "all", "[execve]")
	f("not evt.type=execve", "all", "all")
	f("evt.type=connect or evt.type=open", "[SYSCALL]", "[connect open]")
	f("evt.type in (execve, open) and not evt.type=open", "[SYSCALL EXECVE]", "[execve]")
	f("not (not evt.type=execve and not evt.type=open)", "[SYSCALL EXECVE]", "[execve open]")
	f("evt.type=execve or proc.name=x", "all", "all")
	f("audit.type=USER_LOGIN", "[USER_LOGIN]", "all")
	f("audit.types in (AVC, USER_AVC) or vigil.ledger.op=loss", "[USER_AVC AVC LEDGER]", "all")
	f("PATH.name=x and SYSCALL.exit=0", "[PATH]", "all")
	f("fd.sip=192.0.2.1", "[SOCKADDR]", "all")
	f("not fd.sip=192.0.2.1", "all", "all")
	f("evt.buffer contains x", "[]", "all")
	f("not evt.buffer contains x", "all", "all")
	f("proc.cmdline contains x or fd.name=x", "[PATH SOCKADDR EXECVE PROCTITLE]", "all")
}

func TestUnavailable(t *testing.T) {
	p, err := compileText("evt.buffer contains x or proc.name=x and (fd.l4proto=tcp or evt.buffer contains y)")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Unavailable(), []string{"evt.buffer", "fd.l4proto"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSpaceSharesWork(t *testing.T) {
	s := NewSpace(field.Standard())
	for _, text := range []string{"proc.name=cat and user.uid=0", "proc.name in (cat, dog) and user.uid=0", "proc.name == cat"} {
		c, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Compile(c); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := len(s.slots), 2; got != want {
		t.Errorf("got %d slots, want %d", got, want)
	}
	if got, want := s.leaves, 3; got != want {
		t.Errorf("got %d comparisons, want %d", got, want)
	}
}

func TestMacros(t *testing.T) {
	macros := map[string]*Condition{}
	add := func(name, text string) *Condition {
		t.Helper()
		c, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c, err = c.Expand(nil, func(name string) (*Condition, bool) { m, ok := macros[name]; return m, ok })
		if err != nil {
			t.Fatal(err)
		}
		macros[name] = c
		return c
	}
	add("spawned", "evt.type in (execve, execveat)")
	add("cat", "proc.name=cat or proc.name=tac")
	c := add("rule", "spawned and not cat")
	if got, want := c.String(), "(evt.type in (execve, execveat)) and not (proc.name = cat or proc.name = tac)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p, err := Compile(c, field.Standard())
	if err != nil {
		t.Fatal(err)
	}
	if p.Matcher(field.Config{}).Match(testEvents(t)["exec"]) {
		t.Error("got a match, want none")
	}
	if names, _ := p.EventTypes(); !slices.Equal(names, []string{"execve", "execveat"}) {
		t.Errorf("got event types %v", names)
	}
	c, _ = Parse("spawnd and proc.name=x")
	_, err = c.Expand([]string{"spawned", "cat"}, func(string) (*Condition, bool) { return nil, false })
	if err == nil || !strings.HasPrefix(err.Error(), "1:1: unknown macro spawnd: did you mean spawned?") {
		t.Errorf("got %v", err)
	}
	// Each macro twice the one before: refused before it costs anything.
	last := "cat"
	for i := range 40 {
		name := fmt.Sprintf("m%d", i)
		c, err := Parse(last + " or " + last)
		if err != nil {
			t.Fatal(err)
		}
		c, err = c.Expand(nil, func(name string) (*Condition, bool) { return macros[name], true })
		if err != nil {
			return
		}
		macros[name], last = c, name
	}
	t.Error("got 2^40 comparisons, want an error")
}

func TestBounds(t *testing.T) {
	f := func(name, text, want string) {
		t.Helper()
		start := time.Now()
		_, err := compileText(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %.200v, want %s", name, err, want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
	f("depth", strings.Repeat("(", 1000)+"proc.name=x"+strings.Repeat(")", 1000), "exceeded max depth limit of 100")
	f("transformers", strings.Repeat("tolower(", 1000)+"proc.name"+strings.Repeat(")", 1000)+"=x", "exceeded max depth limit of 100")
	f("nodes", "proc.name=x"+strings.Repeat(" or proc.name=x", 20000), "too large")
	f("nots", strings.Repeat("not ", 30000)+"proc.name=x", "too large")
	f("list", "proc.name in (x"+strings.Repeat(",x", 15000)+")", "too long")
	f("text", "proc.name="+strings.Repeat("x", 2<<20), "too large")
	f("regex", `proc.name regex "`+strings.Repeat("a", 5000)+`"`, "too large")
	f("regex steps", `proc.name regex "(((a{1,30}){1,30}){1,30})"`, "regular expression")
}

// TestGlobIsNotExponential: a pattern with many stars on a text that nearly fits.
func TestGlobIsNotExponential(t *testing.T) {
	pattern, text := []byte(strings.Repeat("*a", 200)+"b"), []byte(strings.Repeat("a", 20000))
	start := time.Now()
	if globMatch(pattern, text, false) {
		t.Error("got a match, want none")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

// TestRandomConditions compares programs with a plain evaluation of the tree, and
// the canonical form with the condition.
func TestRandomConditions(t *testing.T) {
	events := testEvents(t)
	var leaves []string
	for _, c := range testCases(t) {
		if c.want != 'E' {
			leaves = append(leaves, c.condition)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	var build func(depth int) string
	build = func(depth int) string {
		switch n := r.IntN(8); {
		case depth == 0 || n < 3:
			return "(" + leaves[r.IntN(len(leaves))] + ")"
		case n == 3:
			return "not " + build(depth-1)
		case n < 6:
			return "(" + build(depth-1) + " and " + build(depth-1) + " and " + build(depth-1) + ")"
		}
		return "(" + build(depth-1) + " or " + build(depth-1) + ")"
	}
	registry := field.Standard()
	for range 3000 {
		text := build(4)
		c, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := Parse(c.String())
		if err != nil || again.String() != c.String() {
			t.Fatalf("%s: its form %s: %v", text, c, err)
		}
		s := NewSpace(registry)
		p, err := s.Compile(again)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		e := s.NewEnv(field.Config{Location: time.UTC})
		for name, ev := range events {
			e.Load(ev)
			got := p.Match(e)
			if want := evaluate(t, s, e, again.root); got != want {
				t.Fatalf("%s on %s: got %v, want %v", text, name, got, want)
			}
			if types, all := p.EventTypes(); got && !all {
				i, err := s.ParseFormat("*%evt.type")
				if err != nil {
					t.Fatal(err)
				}
				e.grow()
				if typ := string(i.AppendAll(nil, e)); !slices.Contains(types, typ) {
					t.Fatalf("%s matches %s, which is not in %v", text, typ, types)
				}
			}
		}
	}
}

// evaluate evaluates a tree node by node.
func evaluate(t *testing.T, s *Space, e *Env, n node) bool {
	switch n := n.(type) {
	case *boolNode:
		for _, kid := range n.kids {
			if evaluate(t, s, e, kid) == n.or {
				return n.or
			}
		}
		return !n.or
	case *notNode:
		return !evaluate(t, s, e, n.kid)
	}
	c, err := s.Compile(&Condition{root: n})
	if err != nil {
		t.Fatal(err)
	}
	e.grow()
	return c.Match(e)
}

func TestTypeSetOfHighTypes(t *testing.T) {
	s := &typeSet{}
	s.add(tables.Type(65535))
	if !s.has(65535) || s.has(1300) {
		t.Error("types above 4095 are in every set, others are not")
	}
}

// TestExamplesCompile holds the examples of the reference to the language.
func TestExamplesCompile(t *testing.T) {
	for _, f := range field.Standard().Fields() {
		if _, err := compileText(f.Example); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// TestLiterals: what must stand in a line, and nothing that need not.
func TestLiterals(t *testing.T) {
	f := func(condition string, want ...string) {
		t.Helper()
		p, err := compileText(condition)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		var got []string
		for _, l := range p.Literals() {
			got = append(got, string(l))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", condition, diff)
		}
	}
	f("audit.key = exec", "exec", "65786563")
	f("audit.key in (exec, priv)", "exec", "65786563", "priv", "70726976")
	f("proc.name contains bash", "bash", "62617368")
	f("proc.name startswith bash", "bash", "62617368")
	f("audit.pid = 4711", "4711")
	f("audit.pid = 0x1267", "4711")
	f("SYSCALL.comm = bash", "bash", "62617368")
	f("PATH.name[1] = /etc/shadow", "/etc/shadow", "2F6574632F736861646F77")
	f("container.id = 3ad7b26ded6d", "3ad7b26ded6d", "336164376232366465643664")
	f("audit.key = exec and proc.name = longer", "longer", "6C6F6E676572")
	f("audit.key = exec and user.name = alice", "exec", "65786563")
	f("audit.key = exec or proc.name = sshd", "exec", "65786563", "sshd", "73736864")
	f("not (not audit.key = exec)", "exec", "65786563")
	f("audit.key = exec or user.name = alice")
	f("not audit.key = exec")
	f("audit.key != exec")
	f("audit.key = ex")
	f("audit.pid = 12")
	f("audit.auid = -1")
	f("audit.auid = 4294967295")
	f("user.name = alice")
	f("container.id = host")
	f("container.id contains ost")
	f("proc.cmdline contains secret")
	f("tolower(proc.name) = bash")
	f("proc.name = val(audit.comm)")
	f("SYSCALL.exit = -13")
	f("audit.key glob ex*")
	f("proc.name regex bash")
	f("audit.key in (aaa, bbb, ccc, ddd, eee, fff, ggg, hhh, iii)")
}
