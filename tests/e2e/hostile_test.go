package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
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
			check := map[string]func(*testing.T, string) int{"text": textEvents, "json": jsonEvents, "raw": rawEvents}[output]
			if got := check(t, out.Name()); got != made {
				t.Errorf("%s output has %d of the events, want %d", output, got, made)
			}
			if output != "text" {
				return
			}
			// Later and by others: replay of what is on disk.
			for kind, check := range map[string]func(*testing.T, string) int{"text": textEvents, "json": jsonEvents, "raw": rawEvents} {
				replayed, stderr, code := vigil(t, "replay", "--output", kind, d.Log())
				path := filepath.Join(dir, kind)
				if err := os.WriteFile(path, []byte(replayed), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := check(t, path); code != 0 || got != made {
					t.Errorf("replay --output %s: exit %d, %d events, want %d: %s", kind, code, got, made, stderr)
				}
			}
		})
	}
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

// textEvents counts the lines that tell of a hostile event, and fails the test if one is forged or bears control bytes.
func textEvents(t *testing.T, path string) int {
	t.Helper()
	n := 0
	for line := range strings.Lines(string(read(t, path))) {
		if !strings.HasSuffix(line, "\n") {
			t.Errorf("text: the last line has no end: %.200q", line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool {
			return r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x202e
		}) {
			t.Errorf("text: control bytes reach the terminal: %.200q", line)
		}
		if strings.Contains(line, mark) {
			n++
		} else if strings.Contains(line, "forged") {
			t.Errorf("text: forged line: %.200q", line)
		}
	}
	return n
}

func jsonEvents(t *testing.T, path string) int {
	t.Helper()
	n := 0
	for line := range bytes.Lines(read(t, path)) {
		var event map[string]any
		if err := json.Unmarshal(line, &event); err != nil {
			t.Errorf("json: %v: %.200q", err, line)
			continue
		}
		if _, forged := event["forged"]; forged {
			t.Errorf("json: forged object: %.200q", line)
		}
		if bytes.Contains(line, []byte(mark)) || encoded(line) {
			n++
		}
	}
	return n
}

func rawEvents(t *testing.T, path string) int {
	t.Helper()
	seen := map[string]bool{}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := rig.ScanReader(f, func(line rig.Line) error {
		if string(line.Stamp) == "1.000:1" {
			t.Errorf("raw: forged record: %.200q", line.Body)
		}
		if bytes.Contains(line.Body, []byte(mark)) || encoded(line.Body) {
			seen[string(line.Stamp)] = true
		}
		return nil
	}); err != nil {
		t.Errorf("raw: %v", err)
	}
	return len(seen)
}

// encoded reports whether the mark is in the text as the kernel hex-encodes strings.
func encoded(text []byte) bool {
	return bytes.Contains(text, []byte(strings.ToUpper(hexMark)))
}

// hexMark is mark in hexadecimal.
const hexMark = "686f7374696c652d6d61726b"
