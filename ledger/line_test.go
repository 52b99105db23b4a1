package ledger_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/ledger"
)

const chain = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// example is a record with everything in it.
var example = ledger.Line{
	ID:     audit.ID{Sec: 1795258195, Milli: 263, Serial: 5513},
	Op:     ledger.Lost,
	Boot:   boot,
	Mode:   "daemon",
	Counts: ledger.Counts{Received: 120, Assembled: 31, Written: 119, Lost: 4, Gaps: 1, ENOBUFS: 2, Dropped: 1},
	Loss: ledger.Loss{
		Reason: ledger.WriteError, First: 88, Last: 90, Count: 3,
		Since: time.Unix(1795258190, 1e6).UTC(), Until: time.Unix(1795258191, 999e6).UTC(),
	},
}

// TestLine compares with the texts of docs/format/ledger.md.
func TestLine(t *testing.T) {
	f := func(change func(l *ledger.Line), want string) {
		t.Helper()
		l := example
		change(&l)
		got := string(l.Append(nil))
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("text (-got +want):\n%s", diff)
		}
		back, err := ledger.ParseLine([]byte(got))
		if err != nil {
			t.Errorf("parse %q: %v", got, err)
		}
		if diff := cmp.Diff(back, l); diff != "" {
			t.Errorf("parsed (-got +want):\n%s", diff)
		}
		sealed := got + " segment=3 bytes=16801210 chain=" + chain
		l.Segment, l.Bytes, l.Chain = 3, 16801210, chain
		back, err = ledger.ParseLine([]byte(sealed))
		if diff := cmp.Diff(back, l); diff != "" || err != nil {
			t.Errorf("sealed: %v (-got +want):\n%s", err, diff)
		}
	}
	const counts = "received=120 assembled=31 written=119 lost=4 gaps=1 enobufs=2 dropped=1"
	f(func(l *ledger.Line) {},
		"type=LEDGER msg=audit(1795258195.263:5513): op=loss boot="+boot+" role=daemon "+counts+" reason=write-error first=88 last=90 count=3 since=1795258190.001 until=1795258191.999")
	f(func(l *ledger.Line) { l.Op, l.Loss = ledger.Start, ledger.Loss{} },
		"type=LEDGER msg=audit(1795258195.263:5513): op=start boot="+boot+" role=daemon "+counts)
	f(func(l *ledger.Line) { l.Node, l.Op, l.Loss = "host.example", ledger.Segment, ledger.Loss{} },
		"node=host.example type=LEDGER msg=audit(1795258195.263:5513): op=segment boot="+boot+" role=daemon "+counts)
	f(func(l *ledger.Line) { l.Loss = ledger.Loss{Reason: ledger.KernelLost, Count: math.MaxUint64} },
		"type=LEDGER msg=audit(1795258195.263:5513): op=loss boot="+boot+" role=daemon "+counts+" reason=kernel-lost first=0 last=0 count=18446744073709551615")
}

// TestLineIsAlwaysOneLine: no word can add a field or end the line.
func TestLineIsAlwaysOneLine(t *testing.T) {
	l := example
	l.Node, l.Boot, l.Mode, l.Op = "a b\nc", "x chain="+chain, strings.Repeat("m", 9000), "start\x1d op=end"
	got := string(l.Append(nil))
	if strings.ContainsAny(got, "\n\x1d\x00") || strings.Contains(got, " chain=") || strings.Count(got, " op=") != 1 || len(got) > 2000 {
		t.Errorf("got %q", got)
	}
	if _, err := ledger.ParseLine([]byte(got)); err != nil {
		t.Errorf("parse: %v", err)
	}
	if got := string(ledger.Line{}.Append(nil)); !strings.Contains(got, "op=? boot=? role=?") {
		t.Errorf("empty words: got %q", got)
	}
}

func TestParseLineRefuses(t *testing.T) {
	text := string(example.Append(nil))
	for _, bad := range []string{
		"",
		"type=SYSCALL msg=audit(1.000:1): op=start",
		strings.Replace(text, "op=", "pid=1 op=", 1), // a program's message
		strings.Replace(text, "type=LEDGER", "type=LEDGE", 1),
		strings.Replace(text, "audit(", "audit[", 1),
		text + "\x1dUID=\"root\"",
	} {
		if _, err := ledger.ParseLine([]byte(bad)); !errors.Is(err, ledger.ErrLine) {
			t.Errorf("%q: got %v, want %v", bad, err, ledger.ErrLine)
		}
	}
	for from, to := range map[string]string{
		"received=120": "received=-1",
		"count=3":      "count=x",
		"first=88":     "first=4294967296",
		"since=":       "since=1.5",
		"until=":       "until=.",
		"role=daemon":  "role",
		"write-error":  "of-course",
		"dropped=1":    "dropped=1 chain=abc",
		"lost=4":       "lost= ",
	} {
		bad := strings.Replace(text, from, to, 1)
		if l, err := ledger.ParseLine([]byte(bad)); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, l)
		}
	}
	if _, err := ledger.ParseLine([]byte(text + " new=field")); err != nil {
		t.Errorf("a field of a later version: %v", err)
	}
}

// FuzzParseLine: what parses is written and parsed to the same again.
func FuzzParseLine(f *testing.F) {
	text := string(example.Append(nil))
	f.Add(text)
	f.Add(text + " segment=3 bytes=16801210 chain=" + chain)
	f.Add("node=n type=LEDGER msg=audit(1.000:1): op=x")
	f.Add("type=LEDGER msg=audit(1.000:1): op= since=9223372036.854 until=1.000 reason=gap")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ledger.ParseLine([]byte(text))
		if err != nil {
			return
		}
		// What the trail adds is not ours to write; odd bytes in words are
		// replaced when they are.
		l.Segment, l.Bytes, l.Chain = 0, 0, ""
		once, err := ledger.ParseLine(l.Append(nil))
		if err != nil {
			t.Fatalf("%q: %v", l.Append(nil), err)
		}
		twice, err := ledger.ParseLine(once.Append(nil))
		if err != nil || twice != once {
			t.Errorf("%q: got %+v, %v, want %+v", once.Append(nil), twice, err, once)
		}
		if once.Counts != l.Counts || once.ID != l.ID || once.Loss.Reason != l.Loss.Reason {
			t.Errorf("got %+v, want %+v", once, l)
		}
	})
}
