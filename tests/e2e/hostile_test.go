package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"vigil/tests/rig"
)

// forgeries try to end the record that they are in and to begin another, which would bear stamp 1.000:1.
var forgeries = []string{
	"plain",
	"newline\ntype=SYSCALL msg=audit(1.000:1): forged=1",
	"return\r\ntype=SYSCALL msg=audit(1.000:1): forged=1\r\n",
	"separator\x1dUID=\"forged\" type=SYSCALL msg=audit(1.000:1): forged=1",
	"quote' type=SYSCALL msg=audit(1.000:1): forged=1 msg='",
	`double" type=SYSCALL msg=audit(1.000:1): forged=1 x="`,
	"record type=SYSCALL msg=audit(1.000:1): forged=1",
	"ledger' op=loss\ntype=LEDGER msg=audit(1.000:1): op=loss first=1 last=2 count=2 segment=1 bytes=1 chain=" + strings.Repeat("0", 64) + "\n",
	"json\",\"forged\":{\"id\":\"1.000:1\"}}\n{\"forged\":1}",
	"terminal \x1b[2J\x1b]0;forged\x07 \x9b31m",
	"not utf-8 \xff\xfe\xc0\x80 \xed\xa0\x80 \xe2\x80\xa8 \xe2\x80\xae",
	"nothing but blanks \t\v\f   ",
	"\n\n\n",
	"node=forged type=SYSCALL msg=audit(1.000:1): forged=1\nnode=forged type=EOE msg=audit(1.000:1): ",
	strings.Repeat("long\n", 1700), // 8,500 bytes: the kernel takes 8,560 of a message
	strings.Repeat("\x1d", 8560),
	strings.Repeat("x", 8560) + "\ntype=SYSCALL msg=audit(1.000:1): forged=1",
}

// hostileNames are forgeries that can be a file's name: not over 255 bytes, without slash or NUL.
func hostileNames() []string {
	var names []string
	for _, f := range forgeries {
		names = append(names, strings.ReplaceAll(f, "/", "_")[:min(len(f), 250)])
	}
	return names
}

// TestHostileStrings sends them as user messages, as arguments and as paths, and looks for a second record, a broken
// line or a lost event in every output.
func TestHostileStrings(t *testing.T) {
	for _, output := range []string{"text", "json", "raw"} {
		t.Run(output, func(t *testing.T) {
			engine(t)
			dir := folder(t)
			out := outputFile(t, dir)
			d := startVigil(t, rig.Options{Dir: filepath.Join(dir, "vigil"), Format: "ENRICHED", Output: output, Stdout: out,
				Rules: []string{storm("exec", 2).Rule(), storm("open", 2).Rule()}})
			made := misbehave(t, dir)
			quiet(t, d)
			stop(t, d)

			a := accounts(t, d.Log()) // fails on a broken line
			a.complete(t)
			if err := rig.Scan(d.Log(), func(line rig.Line) error {
				if string(line.Stamp) == "1.000:1" {
					t.Errorf("forged record in the trail: %.200q", line.Body)
				}
				if bytes.ContainsAny(line.Body, "\x00\n\x1d") || bytes.ContainsRune(line.Extra, 0x1d) {
					t.Errorf("a separator inside of a record: %.200q", line.Body)
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
			stamps := distinct(t, d.Log())
			got := checks[output](t, out.Name())
			if output != "text" {
				if got.lines != stamps || got.marked != made {
					t.Errorf("%s output: %+v, want %d events, %d of them marked", output, got, stamps, made)
				}
				return
			}
			// The live text leaves vigil's own housekeeping out.
			if got.lines < made || got.lines > stamps {
				t.Errorf("text output: %d lines, want %d to %d", got.lines, made, stamps)
			}
			// Later and by others: replay of what is on disk.
			for kind, check := range checks {
				replayed, stderr, code := vigil(t, "replay", "--output", kind, d.Log())
				path := filepath.Join(dir, kind)
				if err := os.WriteFile(path, []byte(replayed), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := check(t, path); code != 0 || got.lines != stamps || got.marked != made && kind != "text" {
					t.Errorf("replay --output %s: exit %d, %+v, want %d events, %d of them marked: %s", kind, code, got, stamps, made, stderr)
				}
			}
		})
	}
}

// shown is what an output holds: events, and those that bear the mark. (A line of text leaves words out that are no
// fields, so the mark need not be there.)
type shown struct{ lines, marked int }

var checks = map[string]func(*testing.T, string) shown{"text": textEvents, "json": jsonEvents, "raw": rawEvents}

// distinct counts the events of a trail.
func distinct(t *testing.T, log string) int {
	t.Helper()
	stamps := map[string]bool{}
	if err := rig.Scan(log, func(line rig.Line) error { stamps[string(line.Stamp)] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	return len(stamps)
}

// mark is in every hostile event, in a place that the forgery before it must not hide or repeat.
const mark = "hostile-mark"

// misbehave makes the events and returns how many.
func misbehave(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	for _, text := range forgeries {
		for _, kind := range []uint16{1005, 1112, 1123, 2100} {
			send(t, kind, mark+" "+text)
			n++
		}
		argv := []string{programs(t).Tiny, mark, text}
		cmd := exec.Command("setpriv", append([]string{"--reuid", "10", "--clear-groups"}, argv...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", argv, err, out)
		}
		n++
	}
	for _, name := range hostileNames() {
		path := filepath.Join(dir, mark+name)
		if err := exec.Command("setpriv", "--reuid", "10", "--clear-groups", programs(t).Storm, "open", "-n", "1", "-f", path).Run(); err == nil {
			t.Fatalf("opened %q, which is not there", path)
		}
		n += 2 // the storm program's own exec, which names the path, and the open
	}
	return n
}

// textLine begins every line of the text output: the event's time, then what came of it.
var textLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \S`)

// textEvents counts the lines, and fails the test if one does not begin as all do or bears control bytes.
func textEvents(t *testing.T, path string) (s shown) {
	t.Helper()
	for line := range strings.Lines(string(read(t, path))) {
		if !strings.HasSuffix(line, "\n") || !textLine.MatchString(line) {
			t.Errorf("text: not a line of its own: %.200q", line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool {
			return r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x202e
		}) {
			t.Errorf("text: control characters reach the terminal: %.200q", line)
		}
		s.lines++
		if strings.Contains(line, mark) {
			s.marked++
		}
	}
	return s
}

func jsonEvents(t *testing.T, path string) (s shown) {
	t.Helper()
	for line := range bytes.Lines(read(t, path)) {
		var event map[string]any
		if err := json.Unmarshal(line, &event); err != nil {
			t.Errorf("json: %v: %.200q", err, line)
			continue
		}
		if _, forged := event["forged"]; forged {
			t.Errorf("json: forged object: %.200q", line)
		}
		s.lines++
		if bytes.Contains(line, []byte(mark)) || bytes.Contains(line, hexMark) {
			s.marked++
		}
	}
	return s
}

func rawEvents(t *testing.T, path string) (s shown) {
	t.Helper()
	stamps, marked := map[string]bool{}, map[string]bool{}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := rig.ScanReader(f, func(line rig.Line) error {
		if string(line.Stamp) == "1.000:1" {
			t.Errorf("raw: forged record: %.200q", line.Body)
		}
		stamps[string(line.Stamp)] = true
		if bytes.Contains(line.Body, []byte(mark)) || bytes.Contains(line.Body, hexMark) {
			marked[string(line.Stamp)] = true
		}
		return nil
	}); err != nil {
		t.Errorf("raw: %v", err)
	}
	return shown{len(stamps), len(marked)}
}

// hexMark is mark as the kernel encodes strings with blanks or control bytes in them.
var hexMark = []byte("686F7374696C652D6D61726B")
