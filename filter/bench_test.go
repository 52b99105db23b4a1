package filter

import (
	"testing"
	"time"

	"vigil/filter/field"
)

// twentyTerms has 20 comparisons, all of which are made for the event exec: the
// last one decides.
const twentyTerms = `evt.type in (execve, execveat) and proc.name != dog and proc.exepath startswith /usr and user.uid = 0 and
	user.loginuid >= 1000 and audit.session != -1 and proc.pid > 1 and proc.ppid > 1 and evt.failed = false and evt.rawres = 0 and
	not audit.key in (one, two, three) and proc.tty != 0 and not proc.name in (sh, dash, zsh, fish, ksh, tcsh) and not proc.exepath endswith .sh and
	proc.exepath contains bin and not proc.exepath pmatch (/tmp, /var/tmp, /dev/shm) and audit.uid >= 1000 and
	not proc.name glob "[0-9]*" and audit.gid = 100 and proc.name icontains CAT`

// fourTerms is what people write.
const fourTerms = `evt.type in (execve, execveat) and proc.name = dog and container.id != host and user.uid = 0`

func benchmark(b *testing.B, condition, event string, want bool) {
	p, err := compileText(condition)
	if err != nil {
		b.Fatal(err)
	}
	ev := testEvents(b)[event]
	m := p.Matcher(field.Config{Location: time.UTC})
	b.ReportAllocs()
	for b.Loop() {
		if m.Match(ev) != want {
			b.Fatalf("got %v, want %v", !want, want)
		}
	}
}

func BenchmarkTwentyTerms(b *testing.B) { benchmark(b, twentyTerms, "exec", true) }

func BenchmarkFourTerms(b *testing.B) { benchmark(b, fourTerms, "exec", false) }

// BenchmarkOtherType is a condition that the event's record types rule out.
func BenchmarkOtherType(b *testing.B) { benchmark(b, twentyTerms, "login", false) }

func BenchmarkCommandLine(b *testing.B) {
	benchmark(b, `proc.cmdline contains shadow and proc.aname = sshd and container.image.repository endswith /nginx`, "exec", true)
}

func BenchmarkFormat(b *testing.B) {
	s := NewSpace(field.Standard())
	f, err := s.ParseFormat("*%evt.time %user.name %proc.name %proc.cmdline %container.id %k8s.pod.name %evt.res")
	if err != nil {
		b.Fatal(err)
	}
	ev, e := testEvents(b)["exec"], s.NewEnv(field.Config{Location: time.UTC})
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		e.Load(ev)
		line = f.AppendAll(line[:0], e)
	}
}

func BenchmarkCompile(b *testing.B) {
	r := field.Standard()
	for b.Loop() {
		c, err := Parse(twentyTerms)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Compile(c, r); err != nil {
			b.Fatal(err)
		}
	}
}

// TestMatchAllocatesNothing holds for every condition of the table.
func TestMatchAllocatesNothing(t *testing.T) {
	events := testEvents(t)
	for _, c := range testCases(t) {
		if c.want == 'E' {
			continue
		}
		p, err := compileText(c.condition)
		if err != nil {
			t.Fatal(err)
		}
		m, ev := p.Matcher(field.Config{Location: time.UTC}), events[c.event]
		m.Match(ev)
		if n := testing.AllocsPerRun(2, func() { m.Match(ev) }); n != 0 {
			t.Errorf("%s: got %v allocations, want 0", c.condition, n)
		}
	}
}
