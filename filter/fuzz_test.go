package filter

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"vigil/audit"
	"vigil/filter/field"
)

// FuzzParse: a condition that parses has a canonical form that parses to itself,
// and an error says a place within the text.
func FuzzParse(f *testing.F) {
	for _, c := range testCases(f) {
		f.Add(c.condition)
	}
	f.Add("evt.type=open and (proc.name in (\"a b\",'c') or not not spawned) # x")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text)
		if err != nil {
			checkError(t, err, text)
			return
		}
		form := c.String()
		again, err := Parse(form)
		if err != nil {
			t.Fatalf("%q: its form %q: %v", text, form, err)
		}
		if got := again.String(); got != form {
			t.Fatalf("%q: got form %q of form %q", text, got, form)
		}
	})
}

func checkError(t *testing.T, err error, text string) {
	t.Helper()
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("%q: got error %T, want *Error", text, err)
	}
	if e.Pos.Offset > len(text) || e.Pos.Line < 1 || e.Pos.Column < 1 {
		t.Fatalf("%q: got place %+v", text, e.Pos)
	}
	if s := e.Error(); !utf8.ValidString(s) || strings.Count(s, "\n") != 2 || strings.ContainsAny(s, "\x1b\x00\x07\r\t") {
		t.Fatalf("%q: got error %q", text, s)
	}
}

// FuzzMatch: no condition on no event does harm, the canonical form gives the same
// result, and what a program says about record types is true.
func FuzzMatch(f *testing.F) {
	events := testEvents(f)
	for i, c := range testCases(f) {
		if ev := events[c.event]; i%7 == 0 && c.want != 'E' {
			f.Add(c.condition, eventText(ev))
		}
	}
	registry := field.Standard()
	f.Fuzz(func(t *testing.T, condition, text string) {
		c, err := Parse(condition)
		if err != nil {
			return
		}
		p, err := Compile(c, registry)
		if err != nil {
			checkError(t, err, condition)
			return
		}
		form, err := Parse(c.String())
		if err != nil {
			t.Fatalf("%q: its form: %v", condition, err)
		}
		again, err := Compile(form, registry)
		if err != nil {
			t.Fatalf("%q: its form: %v", condition, err)
		}
		ev := parseEvent(text)
		cfg := field.Config{Location: time.UTC}
		got := p.Matcher(cfg).Match(ev)
		if want := again.Matcher(cfg).Match(ev); got != want {
			t.Fatalf("%q on %q: got %v, its form %v", condition, text, got, want)
		}
		p.needs = nil
		if all := p.Matcher(cfg).Match(ev); all != got {
			t.Fatalf("%q on %q: got %v without looking at types, %v with", condition, text, all, got)
		}
	})
}

func eventText(ev *audit.Event) string {
	var b []byte
	for _, r := range ev.Records {
		b = append(r.AppendLine(b, r.Node), audit.Separator)
		b = append(append(b, r.Enrichment...), '\n')
	}
	return string(b)
}

func parseEvent(text string) *audit.Event {
	ev := &audit.Event{}
	for _, line := range strings.Split(text, "\n") {
		if r, err := audit.ParseLine([]byte(line)); err == nil {
			ev.ID, ev.Node = r.ID, r.Node
			ev.Records = append(ev.Records, r)
		}
	}
	return ev
}

// FuzzFormat: a line made of any event by any format is one line, valid UTF-8, and
// does nothing to a terminal beyond what the format's own text does.
func FuzzFormat(f *testing.F) {
	events := testEvents(f)
	f.Add("*%evt.time %proc.name %10proc.cmdline", eventText(events["exec"]))
	f.Add("%fd.name %% %toupper(proc.name)", eventText(events["open"]))
	f.Add("*%audit.text %evt.args%PATH.name[1].", eventText(events["rename"]))
	f.Add("%evt.arg[1] %evt.arg.name.x %audit.argv", "type=SYSCALL msg=audit(1.000:1): comm=1B5B33316D0A exe=\"\x1b[2J\u202e\"\n")
	registry := field.Standard()
	f.Fuzz(func(t *testing.T, format, text string) {
		s := NewSpace(registry)
		e := s.NewEnv(field.Config{Location: time.UTC})
		ev := parseEvent(text)
		if p, err := s.ParseFormat(format); err == nil {
			e.Load(ev)
			line := p.AppendAll(nil, e)
			safe := strings.Map(func(r rune) rune {
				if unsafeRune(r) {
					return -1
				}
				return r
			}, format)
			if safe == format && utf8.ValidString(format) {
				checkSafe(t, line)
			}
			checkSafe(t, p.AppendJSON(nil, e))
		} else {
			checkError(t, err, format)
		}
		if c, err := s.ParseColumns(format); err == nil {
			e.Load(ev)
			checkSafe(t, c.AppendJSON(nil, e))
			checkSafe(t, c.AppendCSV(nil, e))
		}
	})
}

func checkSafe(t *testing.T, line []byte) {
	t.Helper()
	if !utf8.Valid(line) || bytes.ContainsFunc(line, unsafeRune) {
		t.Fatalf("got %q", line)
	}
}
