package filter

import (
	"os"
	"strings"
	"testing"
	"time"

	"vigil/audit"
	"vigil/filter/field"
)

// testEvents reads testdata/events.txt.
func testEvents(t testing.TB) map[string]*audit.Event {
	t.Helper()
	text, err := os.ReadFile("testdata/events.txt")
	if err != nil {
		t.Fatal(err)
	}
	events := map[string]*audit.Event{}
	var ev *audit.Event
	for _, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '@':
			ev = &audit.Event{}
			events[line[1:]] = ev
		default:
			r, err := audit.ParseLine([]byte(strings.ReplaceAll(line, "^]", "\x1d")))
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			ev.ID, ev.Node = r.ID, r.Node
			ev.Records = append(ev.Records, r)
		}
	}
	return events
}

type testCase struct {
	event     string
	want      byte // T, F or E
	problem   string
	condition string
}

func testCases(t testing.TB) []testCase {
	t.Helper()
	text, err := os.ReadFile("testdata/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	event := ""
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		switch {
		case line[0] == '#':
		case line[0] == '@':
			event = line[1:]
		default:
			c := testCase{event: event, want: line[0], condition: line[2:]}
			if c.want == 'E' {
				c.problem, c.condition, _ = strings.Cut(c.condition, " | ")
				c.condition = strings.ReplaceAll(c.condition, `\n`, "\n")
			}
			cases = append(cases, c)
		}
	}
	return cases
}

func compileText(text string) (*Program, error) {
	c, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return Compile(c, field.Standard())
}

func TestCases(t *testing.T) {
	events, n := testEvents(t), 0
	for _, c := range testCases(t) {
		n++
		p, err := compileText(c.condition)
		if c.want == 'E' {
			if err == nil {
				t.Errorf("%s: no error, want %s", c.condition, c.problem)
			} else if !strings.HasPrefix(err.Error(), c.problem) {
				t.Errorf("%s: got %v, want %s", c.condition, err, c.problem)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.condition, err)
			continue
		}
		got := p.Matcher(field.Config{Location: time.UTC}).Match(events[c.event])
		if want := c.want == 'T'; got != want {
			t.Errorf("%s: %s: got %v, want %v", c.event, c.condition, got, want)
		}
	}
	if n < 600 {
		t.Errorf("got %d cases, want at least 600", n)
	}
}

// TestStringParsesToTheSame takes the canonical form of every condition for a
// condition: its own canonical form must be the same, and it must match the same.
func TestStringParsesToTheSame(t *testing.T) {
	events := testEvents(t)
	for _, c := range testCases(t) {
		if c.want == 'E' {
			continue
		}
		parsed, err := Parse(c.condition)
		if err != nil {
			t.Fatal(err)
		}
		text := parsed.String()
		p, err := compileText(text)
		if err != nil {
			t.Errorf("%s: its form %s: %v", c.condition, text, err)
			continue
		}
		again, _ := Parse(text)
		if got := again.String(); got != text {
			t.Errorf("%s: got %s, want %s", c.condition, got, text)
		}
		got := p.Matcher(field.Config{Location: time.UTC}).Match(events[c.event])
		if want := c.want == 'T'; got != want {
			t.Errorf("%s: %s: got %v, want %v", c.event, text, got, want)
		}
	}
}
