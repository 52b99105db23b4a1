package redact_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vigil/audit"
	"vigil/forward/form"
	"vigil/forward/redact"
)

const stamp = " msg=audit(1700000000.123:456): "

func event(t testing.TB, lines ...string) *audit.Event {
	t.Helper()
	e := &audit.Event{}
	for _, l := range lines {
		r, err := audit.ParseLine([]byte(l))
		if err != nil {
			t.Fatal(err)
		}
		e.ID, e.Records = r.ID, append(e.Records, r)
	}
	return e
}

func upper(text string) string { return strings.ToUpper(hex.EncodeToString([]byte(text))) }

// everywhere is an event in which a password stands in all the places that a command
// line has.
func everywhere() []string {
	return []string{
		"type=SYSCALL" + stamp + `arch=c000003e syscall=59 success=yes exit=0 pid=42 uid=0 comm="mysql" exe="/usr/bin/mysql"` +
			"\x1dUID=\"root\" P1_PID=\"7\" P1_ARGS=" + upper("sh -c mysql -password hunter2 x") + ` P2_ARGS="-password hunter2"`,
		"type=EXECVE" + stamp + `argc=5 a0="mysql" a1="-password" a2_len=7 a2[0]="hun"`,
		"type=EXECVE" + stamp + `a2[1]="ter2" a3=` + upper("db -password hunter2") + ` a4="end"`,
		"type=PROCTITLE" + stamp + "proctitle=" + upper("mysql\x00-password\x00hunter2\x00db"),
		"type=USER_CMD" + stamp + `pid=7 uid=1000 msg='cwd="/" cmd=` + upper("mysql -password hunter2") + ` terminal=pts/0 res=success'`,
		"type=TTY" + stamp + `tty pid=7 uid=0 data=` + upper("mysql -password hunter2\r"),
		"type=RESP_ALERT" + stamp + `pid=7 msg='op=detection output="ran mysql -password hunter2 x" res=success'`,
	}
}

func password() redact.Config {
	return redact.Config{Rules: []redact.Rule{{Name: "passwords", Regex: `-password (\S+)`}}}
}

// holds reports whether a secret is in an event, in whatever form.
func holds(t testing.TB, e *audit.Event, secret string) bool {
	t.Helper()
	for _, name := range form.All() {
		enc, err := form.New(name, form.Config{})
		if err != nil {
			t.Fatal(err)
		}
		text := string(enc.Append(nil, e))
		if strings.Contains(text, secret) || strings.Contains(strings.ToUpper(text), upper(secret)) {
			t.Logf("%s: %s", name, text)
			return true
		}
	}
	return false
}

func TestEverywhere(t *testing.T) {
	e := event(t, everywhere()...)
	before := e.Clone()
	if !holds(t, e, "hunter2") {
		t.Fatal("the test's event has no secret")
	}
	r := redact.New(password(), nil)
	for range 2 { // memory is used again
		got := r.Event(e)
		if holds(t, got, "hunter2") || bytes.Contains(got.Records[2].Body, []byte("ter2")) {
			t.Error("a secret is left")
		}
		for i, rec := range got.Records {
			if len(rec.Body) != len(e.Records[i].Body) {
				t.Errorf("%s: the length has changed: %s", rec.Type, rec.Body)
			}
			if f, ok := rec.GetExtra("REDACTED"); !ok || string(f.Text(nil)) != "passwords" {
				t.Errorf("%s does not say that it was redacted: %q", rec.Type, rec.Enrichment)
			}
		}
		if argv := strings.Join(got.Argv(), "|"); argv != "mysql|-password|*******|db -password *******|end" {
			t.Errorf("arguments %q", argv)
		}
	}
	for i := range e.Records {
		if !bytes.Equal(e.Records[i].Body, before.Records[i].Body) || !bytes.Equal(e.Records[i].Enrichment, before.Records[i].Enrichment) {
			t.Error("the event itself was changed")
		}
	}
	if s := r.Stats(); s.Events != 2 || s.Values < 14 || s.Replaced != 0 {
		t.Errorf("counts %+v", s)
	}
}

func TestRules(t *testing.T) {
	line := func(args ...string) *audit.Event {
		text := "type=EXECVE" + stamp + "argc=9"
		for i, a := range args {
			text += " a" + string(rune('0'+i)) + "=" + upper(a)
		}
		return event(t, text)
	}
	for _, c := range []struct {
		name, regex string
		args        []string
		want        string
	}{
		{"across arguments", `-p (\S+) -u (\S+)`, []string{"x", "-p", "a", "-u", "bc"}, "x|-p|*|-u|**"},
		{"no group: all of it", `secret=\w+`, []string{"x", "secret=abc"}, "x|**********"},
		{"as auoms quotes it", `-p "([^"]*)"`, []string{"x", "-p", "a b"}, "x|-p|***"},
		{"escaped", `-p \$'([^']*)'`, []string{"x", "-p", "a\nb!"}, "x|-p|****"},
		{"a dollar", `-p (\\\$\S+)`, []string{"x", "-p", "$ab"}, "x|-p|***"},
		{"empty matches end", `()`, []string{"x"}, "x"},
		{"overlapping", `(a)(b)?`, []string{"x", "aab"}, "x|***"},
		{"no match", `zzz`, []string{"x"}, "x"},
		{"UTF-8", `-p (\S+)`, []string{"-p", "äö"}, "-p|****"},
	} {
		r := redact.New(redact.Config{Rules: []redact.Rule{{Name: "n", Regex: c.regex}}}, nil)
		if r.Fault() != nil {
			t.Fatal(r.Fault())
		}
		if got := strings.Join(r.Event(line(c.args...)).Argv(), "|"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestTitleCut: the title is cut after 128 bytes, so that an expression for the end of
// the command line finds nothing there.
func TestTitleCut(t *testing.T) {
	r := redact.New(redact.Config{Rules: []redact.Rule{{Name: "key", Regex: `BEGIN(\w+)END`}}}, nil)
	got := r.Event(event(t, "type=EXECVE"+stamp+`argc=2 a0="x" a1="BEGINsecretEND"`, "type=PROCTITLE"+stamp+"proctitle="+upper("x\x00BEGINsec")))
	if body := string(got.Records[1].Body); body != "proctitle="+upper("x\x00BEGIN***") {
		t.Errorf("got %s", body)
	}
}

func TestFields(t *testing.T) {
	r := redact.New(redact.Config{Fields: []string{"acct", "EXECVE.a*", "SYSCALL.UID", "SYSCALL.pid"}}, nil)
	got := r.Event(event(t,
		"type=SYSCALL"+stamp+"pid=42 uid=0 ppid=42\x1dUID=\"root\" GID=\"root\"", "type=EXECVE"+stamp+`argc=2 a0="x" a1=`+upper("a b"),
		"type=USER_LOGIN"+stamp+`pid=7 msg='op=login acct="bob" res=failed'`, "type=CWD"+stamp+`cwd="/"`))
	for i, want := range []string{
		"pid=** uid=0 ppid=42|UID=\"****\" GID=\"root\" REDACTED=\"SYSCALL.pid,SYSCALL.UID\"",
		`argc=* a0="*" a1=******|REDACTED="EXECVE.a*"`, `pid=7 msg='op=login acct="***" res=failed'|REDACTED="acct"`, `cwd="/"|`,
	} {
		if s := string(got.Records[i].Body) + "|" + string(got.Records[i].Enrichment); s != want {
			t.Errorf("got %s, want %s", s, want)
		}
	}
	all := redact.New(redact.Config{Fields: []string{"cmdline"}}, nil)
	if got := all.Event(event(t, everywhere()...)); holds(t, got, "mysql -") || holds(t, got, "hunter") {
		t.Error("not all command lines were overwritten")
	}
}

// TestBareWords: a program may have written a command line without quotes.
func TestBareWords(t *testing.T) {
	line := "type=USER_CMD" + stamp + "pid=7 msg='cwd=/ cmd=mysql -password hunter2 terminal=pts/0 res=success'"
	got := redact.New(password(), nil).Event(event(t, line))
	if body := string(got.Records[0].Body); body != "pid=7 msg='cwd=/ cmd=mysql -password ******* terminal=pts/0 res=success'" {
		t.Errorf("got %s", body)
	}
	closed := redact.New(redact.Config{Dir: "/nowhere"}, nil)
	if body := string(closed.Event(event(t, line)).Records[0].Body); strings.Contains(body, "hunter2") || !strings.HasSuffix(body, " terminal=pts/0 res=success'") {
		t.Errorf("got %s", body)
	}
}

func TestNothingToDo(t *testing.T) {
	r := redact.New(password(), nil)
	e := event(t, "type=EXECVE"+stamp+`argc=1 a0="ls"`, "type=USER_CMD"+stamp+`msg='cmd="ls"'`)
	if r.Event(e) != e {
		t.Error("an event was copied for nothing")
	}
	if n := testing.AllocsPerRun(100, func() { r.Event(e) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func write(t *testing.T, dir, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
		t.Fatal(err)
	}
}

// rulesDir is a directory as auoms has it.
func rulesDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "pw.conf", "# each group is overwritten\nregex=R\"regex(-password (\\S+))regex\"\n#replacement_char = *\n", 0o600)
	write(t, dir, "token.conf", "name = \"my token\"\nregex = \"token=(\\w+)\"\nreplacement_char = #\n", 0o600)
	write(t, dir, "all.requires", "# these\npw\n token.conf\n\n", 0o600)
	write(t, dir, "README", "nothing", 0o600)
	return dir
}

func TestDir(t *testing.T) {
	dir := rulesDir(t)
	write(t, dir, "token.conf", "name = \"my token\"\nregex = \"token=(\\w+)\"\nreplacement_char = \"#\"\n", 0o600)
	r := redact.New(redact.Config{Dir: dir}, nil)
	if r.Fault() != nil {
		t.Fatal(r.Fault())
	}
	got := r.Event(event(t, "type=EXECVE"+stamp+`argc=3 a0="x" a1="token=abc" a2="-password" a3="y"`))
	if line := string(got.Records[0].Body) + "|" + string(got.Records[0].Enrichment); line != `argc=3 a0="x" a1="token=###" a2="-password" a3="*"|REDACTED="pw,my_token"` {
		t.Errorf("got %s", line)
	}
	if text, names := r.Text("x -password y token=z"); text != "x -password * token=#" || strings.Join(names, ",") != "pw,my_token" {
		t.Errorf("got %q, %q", text, names)
	}
}

// TestFailsClosed: whatever is wrong with the rules, no command line leaves.
func TestFailsClosed(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string) string{
		"no directory": func(_ *testing.T, dir string) string { return dir + "/none" },
		"a file":       func(_ *testing.T, dir string) string { return dir + "/pw.conf" },
		"empty":        func(t *testing.T, _ string) string { return t.TempDir() },
		"others may write the directory": func(t *testing.T, dir string) string {
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			return dir
		},
		"others may write a rule": func(t *testing.T, dir string) string { write(t, dir, "w.conf", "regex = x", 0o666); return dir },
		"a rule is missing":       func(t *testing.T, dir string) string { write(t, dir, "b.requires", "other", 0o600); return dir },
		"a broken expression":     func(t *testing.T, dir string) string { write(t, dir, "b.conf", "regex = (", 0o600); return dir },
		"no expression":           func(t *testing.T, dir string) string { write(t, dir, "b.conf", "name = x", 0o600); return dir },
		"a broken file":           func(t *testing.T, dir string) string { write(t, dir, "b.conf", "regex = R\"x(", 0o600); return dir },
		"a forbidden name": func(t *testing.T, dir string) string {
			write(t, dir, "b.conf", "name = a,b\nregex = x", 0o600)
			return dir
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := rulesDir(t)
			write(t, dir, "token.conf", "regex = x", 0o600)
			r := redact.New(redact.Config{Dir: spoil(t, dir)}, nil)
			if r.Fault() == nil {
				t.Fatal("it has no fault")
			}
			got := r.Event(event(t, everywhere()...))
			if holds(t, got, "hunter2") || holds(t, got, "mysql -") {
				t.Error("a command line is left")
			}
			if argv := got.Argv(); len(argv) != 1 || argv[0] != redact.MissingText {
				t.Errorf("arguments %q", argv)
			}
			enc, err := form.New(form.AUOMS, form.Config{})
			if err != nil {
				t.Fatal(err)
			}
			if line := string(enc.Append(nil, got)); !strings.Contains(line, "redactors="+redact.MissingName+" ") {
				t.Errorf("nobody is told: %s", line)
			}
			if s := r.Stats(); s.Replaced != 6 || s.Fault == "" {
				t.Errorf("counts %+v", s)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		config redact.Config
		want   string
	}{
		{redact.Config{Dir: "redact.d"}, `dir "redact.d"`},
		{redact.Config{Rules: []redact.Rule{{Regex: "x"}}}, `rule "": a name`},
		{redact.Config{Rules: []redact.Rule{{Name: "a"}}}, `rule "a" has no regex`},
		{redact.Config{Rules: []redact.Rule{{Name: "a", Regex: "("}}}, `rule "a": error parsing regexp`},
		{redact.Config{Rules: []redact.Rule{{Name: "a", Regex: "x", Replacement: "xx"}}}, `replacement "xx"`},
		{redact.Config{Fields: []string{"a b"}}, `field "a b"`},
	} {
		if err := c.config.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	if c := password(); c.Check() != nil || !c.Enabled() || (redact.Config{}).Enabled() {
		t.Error("a good one is not")
	}
}

// FuzzEvent: what a rule matches is gone from the arguments, nothing else changes, and
// no record changes its length.
func FuzzEvent(f *testing.F) {
	f.Add([]byte("hunter2"), []byte("a b\"'\\$!"), false)
	f.Add([]byte("x\x00\xff"), []byte("\n"), true)
	r := redact.New(redact.Config{Rules: []redact.Rule{{Name: "s", Regex: `SECRET\w*`}}}, nil)
	f.Fuzz(func(t *testing.T, a, b []byte, quoted bool) {
		second := upper(string(b) + "SECRETabc")
		if quoted {
			second = `"SECRETabc"`
		}
		lines := []string{"type=EXECVE" + stamp + "argc=2 a0=" + upper(string(a)) + " a1=" + second, "type=PROCTITLE" + stamp + "proctitle=" + upper(string(a)+"\x00SECRETabc")}
		e := event(t, lines...)
		got := r.Event(e)
		for i := range got.Records {
			if len(got.Records[i].Body) != len(e.Records[i].Body) {
				t.Errorf("%s became %s", e.Records[i].Body, got.Records[i].Body)
			}
			decoded, _ := hex.DecodeString(strings.TrimPrefix(string(got.Records[i].Body), "proctitle="))
			if bytes.Contains(decoded, []byte("SECRETabc")) || bytes.Contains(got.Records[i].Body, []byte("SECRETabc")) {
				t.Errorf("left in %s", got.Records[i].Body)
			}
		}
		if n := len(got.Argv()); n != len(e.Argv()) {
			t.Errorf("%d arguments of %d", n, len(e.Argv()))
		}
	})
}

func BenchmarkEvent(b *testing.B) {
	e := event(b, everywhere()...)
	r := redact.New(password(), nil)
	b.ReportAllocs()
	for b.Loop() {
		r.Event(e)
	}
}
