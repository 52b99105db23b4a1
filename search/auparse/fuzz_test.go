package auparse

import (
	"bytes"
	"os"
	"testing"
	"time"
)

// FuzzLine: whatever a line holds, no function crashes, no control byte reaches the output unless Raw is asked for, and
// what is printed of a line is one line of bounded length.
func FuzzLine(f *testing.F) {
	records, err := os.ReadFile("testdata/records.txt")
	if err != nil {
		f.Fatal(err)
	}
	for i, line := range splitLines(stampLog(records)) {
		if i%7 == 0 {
			f.Add(line)
		}
	}
	f.Add([]byte("node=\x1b type=A msg=audit(1.2:3): a=\x1b\x07 msg='\x00\n' k=\x1dUID=\x1b[2J SADDR={\x1b}"))
	f.Add([]byte("type=TTY msg=audit(1.2:3): data=1B5B41 key=01010101 key=4101 proctitle=0001 avc: { \x1d"))
	names := readEtc(f)
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, v := range []Version{V3, V4} {
			for _, e := range []Escape{TTY, Raw, Shell, ShellQuote} {
				x := New(Config{Version: v, Escape: e, Names: names})
				var r Record
				if x.Parse(&r, line) != nil {
					continue
				}
				out := x.AppendLine(nil, &r)
				check(t, e, line, out)
				for i := range r.Fields {
					check(t, e, line, x.AppendValue(nil, &r, i))
				}
				if again := x.AppendLine([]byte("x"), &r); !bytes.Equal(again[1:], out) {
					t.Errorf("AppendLine of %q behind other text: got %q, want %q", line, again[1:], out)
				}
			}
		}
	})
}

// check judges what was printed of a line.
func check(t *testing.T, e Escape, line, out []byte) {
	t.Helper()
	if e != Raw {
		for _, c := range out {
			if c < ' ' {
				t.Fatalf("%q of %q holds the control byte %#x", out, line, c)
			}
		}
	}
	// Flags are the longest: 64 bits of four digits become a list of 32 names.
	if limit := 400*len(line) + 1000; len(out) > limit {
		t.Fatalf("%d bytes of %d are printed, more than %d", len(out), len(line), limit)
	}
}

// TestLinear: lines that are a thousand times as long take about a thousand times as long.
func TestLinear(t *testing.T) {
	x := newTest(t, V3, Shell)
	for _, piece := range []string{"a=b,", "key=4101410141 ", "a=' ", "x\x1dUID=a ", "uid=0 ", "{ ", "key=", "=", "avc: { ", "msg='",
		`a="b,c" `, "(", "\x1b", "0", "saddr=", "data=1B5B", "acct=00,"} {
		long := []byte("type=AVC msg=audit(1.2:3): avc:  denied  { " + string(bytes.Repeat([]byte(piece), 1<<20/len(piece))))
		start := time.Now()
		var r Record
		if err := x.Parse(&r, long); err != nil {
			t.Fatal(err)
		}
		out := x.AppendLine(nil, &r)
		for i := range r.Fields {
			out = x.AppendValue(out[:0], &r, i)
		}
		// A quadratic walk of 1 MiB takes minutes; a linear one takes milliseconds.
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("a line of 1 MiB of %q took %v", piece, took)
		}
	}
}
