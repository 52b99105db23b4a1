package format_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/forward/format"
)

// checkJSON fails unless line is one line with one JSON object of valid UTF-8 in
// which no object has a key twice.
func checkJSON(t testing.TB, line []byte) {
	t.Helper()
	if n := bytes.IndexByte(line, '\n'); n != len(line)-1 {
		t.Fatalf("not one line: %q", line)
	}
	if !utf8.Valid(line) {
		t.Fatalf("not UTF-8: %q", line)
	}
	if !json.Valid(line) {
		t.Fatalf("not JSON: %q", line)
	}
	dec := json.NewDecoder(bytes.NewReader(line))
	var walk func()
	walk = func() {
		tok, err := dec.Token()
		if err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		switch tok {
		case json.Delim('{'):
			keys := map[string]bool{}
			for dec.More() {
				key, err := dec.Token()
				if err != nil {
					t.Fatal(err)
				}
				if keys[key.(string)] {
					t.Fatalf("key %q twice: %q", key, line)
				}
				keys[key.(string)] = true
				walk()
			}
			dec.Token()
		case json.Delim('['):
			for dec.More() {
				walk()
			}
			dec.Token()
		}
	}
	walk()
	if dec.More() {
		t.Fatalf("more than one object: %q", line)
	}
}

// checkText fails unless line is one line of characters that print.
func checkText(t testing.TB, line []byte) {
	t.Helper()
	if n := bytes.IndexByte(line, '\n'); n != len(line)-1 {
		t.Fatalf("not one line: %q", line)
	}
	if !utf8.Valid(line) {
		t.Fatalf("not UTF-8: %q", line)
	}
	for _, r := range string(line[:len(line)-1]) {
		if !unicode.IsPrint(r) {
			t.Fatalf("%q does not print: %q", r, line)
		}
	}
}

// checkRaw fails unless there is a line for each record that parses to its stamp.
func checkRaw(t testing.TB, lines []byte, e *audit.Event) {
	t.Helper()
	n := 0
	for line := range bytes.Lines(lines) {
		r, err := audit.ParseLine(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil || n >= len(e.Records) || r.ID != e.Records[n].ID || r.Type != e.Records[n].Type {
			t.Fatalf("line %d is %q: %v", n, line, err)
		}
		n++
	}
	if n != len(e.Records) {
		t.Fatalf("%d lines for %d records", n, len(e.Records))
	}
}

func checkAll(t testing.TB, e *audit.Event) {
	t.Helper()
	checkJSON(t, format.NewJSON(format.JSONConfig{Host: "h", Names: names{}}).Append(nil, e))
	checkText(t, format.NewText(format.TextConfig{Names: names{}, Location: time.UTC}).Append(nil, e))
	checkRaw(t, format.Raw{Enrichment: true}.Append(nil, e), e)
}

func TestHostile(t *testing.T) {
	id := audit.ID{Sec: 1, Milli: 2, Serial: 3}
	nasty := []string{
		"\n", "\r", "\x00", "\x1d", "\x1b[2J", "\"", "'", "\\", "{", "}", "\xff", "\xc2\x9b31m", "\xe2\x80\xae", "\xe2\x80\xa8",
		"\xed\xa0\x80", "type=USER_LOGIN msg=audit(1.002:3): ", "\xf0\x9f\x92\xa9", "\xf3\xa0\x81\x81", "\xf0\x9f", strings.Repeat("A", 8970),
	}
	for _, n := range nasty {
		hex := fmt.Sprintf("%X", n)
		for _, s := range []string{
			n, hex, "pid=1 " + n + " pid=2", "pid=1 pid=2 again=3 words=4 msg=5 x", n + "=" + n, `comm="` + n + `" exe=` + hex,
			"msg='" + n + "' pid=1", "op=" + n + " " + n + " x=1", "msg='op=a " + n + " pid=7 pid=8 words=x' res=1 res=2",
			"CONTAINER_ID=" + hex + " POD_NAME=" + hex + " P1_PID=1 P1_COMM=" + hex + " UNIT=" + hex + " LOGIN_ADDR=" + hex,
			"CONTAINER_LABELS=" + hex + "3D POD_LABELS=" + hex + `3D CONTAINER_IMAGE="` + n + `" CONTAINER_DIGEST=` + n, "argc=1 a0=" + hex, "saddr=0100" + hex, "saddr=010000" + hex, "key=" + hex, "cwd=" + hex, "name=" + hex + " nametype=" + n + " mode=" + n,
			"proctitle=" + hex, "acct=" + hex + " id=" + n, "tty=pts" + n + " auid=" + n, "avc:  denied  { " + n + " } for  pid=1", "exit=" + n,
		} {
			for _, types := range [][]tables.Type{
				{tables.TypeSyscall}, {tables.TypeUserLogin}, {tables.TypeAddGroup}, {tables.TypeAVC}, {1599}, {tables.TypeUserCmd},
				{tables.TypeSyscall, tables.TypeExecve, tables.TypeCWD, tables.TypePath, tables.TypePath, tables.TypeSockaddr, tables.TypeProctitle, tables.TypeSyscall},
				{tables.TypeContainer}, {tables.TypeNetfilterPkt}, {tables.TypeUringOp, tables.TypeObjPID},
			} {
				e := &audit.Event{ID: id, Node: []byte(n)}
				for _, typ := range types {
					e.Records = append(e.Records, audit.Record{Type: typ, ID: id, Node: []byte(n), Body: []byte(s), Enrichment: []byte(s)})
				}
				checkAll(t, e)
			}
		}
	}
	checkAll(t, &audit.Event{})
	checkAll(t, &audit.Event{ID: audit.ID{Sec: 1 << 62, Milli: 999, Serial: 1<<32 - 1}, Records: []audit.Record{{ID: audit.ID{Sec: 1 << 62, Milli: 999, Serial: 1<<32 - 1}}}})
}

// What a program writes cannot pass for what the kernel has written.
func TestJSONProgramCannotForge(t *testing.T) {
	e := assemble(t, []byte(`type=USER_LOGIN msg=audit(1.000:1): pid=7 uid=1000 auid=1000 ses=1 msg='op=login pid=1 uid=0 auid=0 res=failed res=success'`))[0]
	var got struct {
		Process struct{ PID int }
		User    struct{ ID string }
		Vigil   struct {
			Audit struct {
				Records map[string][]struct {
					PID string
					Msg struct {
						PID   string
						Again []string
					}
				}
			}
		}
	}
	if err := json.Unmarshal(format.NewJSON(format.JSONConfig{}).Append(nil, e), &got); err != nil {
		t.Fatal(err)
	}
	r := got.Vigil.Audit.Records["USER_LOGIN"][0]
	if got, want := fmt.Sprintf("%d %s %s %s %v", got.Process.PID, got.User.ID, r.PID, r.Msg.PID, r.Msg.Again), "7 1000 7 1 [res=success]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A message of a program cannot pass for what Vigil knows of a container.
func TestProgramIsNoContainer(t *testing.T) {
	for _, line := range []string{
		`type=CONTAINER msg=audit(1.000:1): pid=7 uid=0 msg='op=known CONTAINER_ID="f0" POD_NAME="forged"'`,
		`type=CONTAINER msg=audit(1.000:1): pid=7 op=known CONTAINER_ID="f0" POD_NAME="forged"`,
		`type=USER msg=audit(1.000:1): pid=7 uid=0 op=known CONTAINER_ID="f0" POD_NAME="forged" msg='CONTAINER_ID="f0"'`,
	} {
		e := assemble(t, []byte(line))[0]
		out := string(format.NewJSON(format.JSONConfig{}).Append(nil, e))
		if strings.Contains(out, `"container":`) || strings.Contains(out, `"orchestrator":`) {
			t.Errorf("got %s", out)
		}
		if out := string(format.NewText(format.TextConfig{}).Append(nil, e)); strings.Contains(out, "[pod") || strings.Contains(out, "[container") {
			t.Errorf("got %s", out)
		}
	}
}

// Nothing of an event's attribution stays for the next one.
func TestAttributionIsOfOneEvent(t *testing.T) {
	list := events(t, attributed)
	enc := format.NewJSON(format.JSONConfig{Names: names{}})
	for _, before := range list {
		for _, e := range list {
			enc.Append(nil, before)
			if got, want := enc.Append(nil, e), format.NewJSON(format.JSONConfig{Names: names{}}).Append(nil, e); !bytes.Equal(got, want) {
				t.Fatalf("after %v: got %s, want %s", before.ID, got, want)
			}
		}
	}
}

func TestProgramIsNoSystemCall(t *testing.T) {
	e := assemble(t, []byte(`type=USER msg=audit(1.000:1): pid=7 uid=1000 msg='text=x arch=c000003e syscall=59 success=yes exit=-13 tty=pts1'`))[0]
	line := string(format.NewJSON(format.JSONConfig{}).Append(nil, e))
	if !strings.Contains(line, `"action":"user"`) || strings.Contains(line, `"code"`) {
		t.Errorf("got %s", line)
	}
}

func FuzzEncoders(f *testing.F) {
	for _, name := range []string{"real.log", "other.log", attributed} {
		for _, e := range events(f, name) {
			r := e.Records[0]
			last := e.Records[len(e.Records)-1]
			f.Add(uint16(r.Type), r.Body, r.Enrichment, uint16(last.Type), last.Body)
		}
	}
	f.Fuzz(func(t *testing.T, typ uint16, body, extra []byte, typ2 uint16, body2 []byte) {
		id := audit.ID{Sec: 1, Serial: 2}
		e := &audit.Event{ID: id, Records: []audit.Record{
			{Type: tables.Type(typ), ID: id, Body: body, Enrichment: extra},
			{Type: tables.Type(typ2), ID: id, Body: body2},
			{Type: tables.TypePath, ID: id, Body: body},
		}}
		checkAll(t, e)
	})
}

// Records made to be slow to write are written in linear time.
func TestHostileEventTakesLinearTime(t *testing.T) {
	start := time.Now()
	id := audit.ID{Sec: 1}
	var many []byte
	for i := range 100_000 {
		many = fmt.Appendf(many, "f%d=1 f%d=2 w ", i, i)
	}
	e := &audit.Event{Records: []audit.Record{{Type: tables.TypeUserLogin, Body: many}}}
	for i := range 8000 {
		e.Records = append(e.Records, audit.Record{Type: tables.Type(60000 - i), ID: id, Body: []byte("x=1")})
	}
	enc := format.NewJSON(format.JSONConfig{})
	checkJSON(t, enc.Append(nil, e))
	format.NewText(format.TextConfig{}).Append(nil, e)
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
}
