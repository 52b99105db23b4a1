package form_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/forward/form"
	"vigil/forward/format"
)

func event(t testing.TB, lines ...string) *audit.Event {
	t.Helper()
	e := &audit.Event{}
	for _, l := range lines {
		r, err := audit.ParseLine([]byte(l))
		if err != nil {
			t.Fatal(err)
		}
		e.ID, e.Node, e.Records = r.ID, r.Node, append(e.Records, r)
	}
	return e
}

// exec is what the kernel writes when alice runs cat by sudo.
func exec() []string {
	const stamp = " msg=audit(1700000000.123:456): "
	return []string{
		"type=SYSCALL" + stamp + `arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=8 items=2 ppid=41 pid=42 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="cat" exe="/usr/bin/cat" key="exec"` + "\x1dARCH=x86_64 SYSCALL=execve AUID=\"alice\" UID=\"root\" GID=\"root\" EUID=\"root\"",
		"type=EXECVE" + stamp + `argc=2 a0="cat" a1="/etc/shadow"`,
		"type=CWD" + stamp + `cwd="/root"`,
		"type=PATH" + stamp + `item=0 name="/usr/bin/cat" inode=1 dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`,
		"type=PROCTITLE" + stamp + "proctitle=636174002F6574632F736861646F77",
	}
}

func encode(t testing.TB, n form.Name, e *audit.Event) string {
	t.Helper()
	enc, err := form.New(n, form.Config{Host: "web1", Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	return string(enc.Append(nil, e))
}

func TestForms(t *testing.T) {
	e := event(t, exec()...)
	for name, want := range map[form.Name]string{
		form.Joined: strings.ReplaceAll(strings.Join(exec(), " "), "\x1d", " ") + "\n",
		form.CEF: `CEF:0|Vigil|Vigil|1.0|SYSCALL:execve|ok   alice->root executed cat /etc/shadow [exec]|3|rt=1700000000123 ` +
			`cs1Label=key cs2Label=cmdline cs3Label=container cs4Label=image cs5Label=namespace cs6Label=pod cn1Label=session ` +
			`externalId=456 act=execve outcome=success suser=alice suid=1000 duser=root duid=0 spid=41 dproc=/usr/bin/cat dpid=42 ` +
			`filePath=/usr/bin/cat reason=SUCCESS cs1=exec cs2=cat /etc/shadow cn1=3` + "\n",
		form.LEEF: "LEEF:2.0|Vigil|Vigil|1.0|SYSCALL:execve|x09|devTime=1700000000123\tsev=3\tusrName=alice\taction=execve\tresult=success\treason=SUCCESS\t" +
			"serial=456\tsession=3\tauid=1000\tuser=root\tuid=0\tpid=42\tppid=41\texe=/usr/bin/cat\tcmdline=cat /etc/shadow\tresource=/usr/bin/cat\tkey=exec\n",
	} {
		if diff := cmp.Diff(encode(t, name, e), want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", name, diff)
		}
	}
}

func TestGELF(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal([]byte(encode(t, form.GELF, event(t, exec()...))), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"version": "1.1", "host": "web1", "timestamp": 1700000000.123, "level": 5.0, "_login_user": "alice", "_user": "root",
		"_cmdline": "cat /etc/shadow", "_key": "exec", "_result": "success", "_exe": "/usr/bin/cat",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if words, _ := got["short_message"].(string); !strings.Contains(words, "alice->root executed cat /etc/shadow") {
		t.Errorf("short_message %q", words)
	}
}

func TestOCSF(t *testing.T) {
	const stamp = " msg=audit(1700000000.123:456): "
	for _, c := range []struct {
		name            string
		lines           []string
		class, activity float64
		want            map[string]any
	}{
		{"exec", exec(), 1007, 1, map[string]any{
			"process.pid": 42.0, "process.cmd_line": "cat /etc/shadow", "process.file.path": "/usr/bin/cat", "process.user.name": "root",
			"actor.user.name": "alice", "actor.user.uid": "1000", "actor.session.uid": "3", "actor.process.pid": 41.0, "status_id": 1.0,
			"device.hostname": "web1", "metadata.version": "1.3.0", "time": 1700000000123.0, "unmapped.key": "exec", "file.path": "/usr/bin/cat",
		}},
		{"login that fails", []string{"type=USER_LOGIN" + stamp + `pid=7 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct="bob" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=ssh res=failed'`}, 3002, 1, map[string]any{
			"user.name": "bob", "src_endpoint.ip": "192.0.2.7", "status_id": 2.0, "severity_id": 2.0,
		}},
		{"account", []string{"type=ADD_USER" + stamp + `pid=7 uid=0 auid=1000 ses=3 msg='op=adding user id=1001 acct="eve" exe="/usr/sbin/useradd" hostname=? addr=? terminal=? res=success'`}, 3001, 1, map[string]any{"user.name": "eve"}},
		{"connect", []string{
			"type=SYSCALL" + stamp + `arch=c000003e syscall=42 success=yes exit=0 a0=3 a1=1 a2=10 a3=0 items=0 ppid=1 pid=9 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=3 comm="curl" exe="/usr/bin/curl" key=(null)`,
			"type=SOCKADDR" + stamp + "saddr=020001BBC00002070000000000000000",
		}, 4001, 1, map[string]any{"dst_endpoint.ip": "192.0.2.7", "dst_endpoint.port": 443.0}},
		{"anomaly", []string{"type=ANOM_ABEND" + stamp + `auid=1000 uid=0 gid=0 ses=3 pid=9 comm="x" exe="/x" sig=11 res=1`}, 0, 99, map[string]any{"severity_id": 4.0}},
	} {
		var got map[string]any
		line := encode(t, form.OCSF, event(t, c.lines...))
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%s: %v in %s", c.name, err, line)
		}
		if got["class_uid"] != c.class || got["activity_id"] != c.activity || got["type_uid"] != c.class*100+c.activity || got["category_uid"] != float64(int(c.class)/1000) {
			t.Errorf("%s: class %v, activity %v, type %v", c.name, got["class_uid"], got["activity_id"], got["type_uid"])
		}
		for path, want := range c.want {
			var at any = got
			for part := range strings.SplitSeq(path, ".") {
				object, _ := at.(map[string]any)
				at = object[part]
			}
			if at != want {
				t.Errorf("%s: %s is %v, want %v", c.name, path, at, want)
			}
		}
	}
}

// hostile are records in which a user has put what could pass for something else.
func hostile() []string {
	const stamp = " msg=audit(1700000000.123:456): "
	return []string{
		"type=SYSCALL" + stamp + `arch=c000003e syscall=59 success=yes exit=0 ppid=41 pid=42 auid=1000 uid=0 ses=3 comm=617C620A3D exe=2F746D702F7C3D5C0A63733D31207375736572=6576696C key=6B7C3D0A09`,
		// cat, and as an argument: a newline, CEF:0|x|, suser=evil, a tab, usrName=evil, a quote, a byte that is no UTF-8
		"type=EXECVE" + stamp + `argc=2 a0="cat" a1=0A4345463A307C787C2073757365723D6576696C097573724E616D653D6576696C2204FF1B5B31`,
	}
}

func TestNothingIsForged(t *testing.T) {
	e := event(t, hostile()...)
	for _, name := range form.All() {
		text := encode(t, name, e)
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if want := map[form.Name]int{form.Raw: 2, form.Enriched: 2}[name]; len(lines) != max(want, 1) {
			t.Errorf("%s: %d lines: %q", name, len(lines), text)
		}
		if strings.ContainsAny(text, "\x1b\x00\r") {
			t.Errorf("%s: a control byte in %q", name, text)
		}
		if name.JSON() && !json.Valid([]byte(lines[0])) {
			t.Errorf("%s: no JSON: %s", name, text)
		}
	}
	header := regexp.MustCompile(`^CEF:0\|Vigil\|Vigil\|1.0\|SYSCALL:execve\|(?:[^|\\]|\\.)*\|3\|rt=1700000000123 `)
	cef := encode(t, form.CEF, e)
	if head := header.FindString(cef); head == "" || strings.Contains(cef[len(head):], "suser=evil") {
		t.Errorf("something was forged: %s", cef)
	}
	if leef := encode(t, form.LEEF, e); strings.Contains(leef, "\tusrName=evil") || strings.Count(leef[:strings.Index(leef, "\t")], "|") != 6 {
		t.Errorf("an attribute was forged: %q", leef)
	}
}

func TestNames(t *testing.T) {
	if _, err := form.New("ecz", form.Config{}); err == nil {
		t.Error("a form was made that there is not")
	}
	if got := form.From(form.CEF); len(got) != len(form.All()) || got[0] != form.CEF {
		t.Errorf("got %v", got)
	}
}

func FuzzForms(f *testing.F) {
	for _, lines := range [][]string{exec(), hostile()} {
		f.Add([]byte(strings.Join(lines, "\n")))
	}
	encoders := map[form.Name]format.Encoder{}
	for _, name := range []form.Name{form.Joined, form.CEF, form.LEEF, form.GELF, form.OCSF} {
		enc, err := form.New(name, form.Config{Host: "web1", Version: "1.0"})
		if err != nil {
			f.Fatal(err)
		}
		encoders[name] = enc
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e := &audit.Event{}
		for line := range bytes.Lines(text) {
			if r, err := audit.ParseLine(bytes.TrimSuffix(line, []byte("\n"))); err == nil && len(e.Records) < 20 {
				e.ID, e.Records = r.ID, append(e.Records, r)
			}
		}
		for name, enc := range encoders {
			line := string(enc.Append(nil, e))
			if strings.Count(line, "\n") != 1 || name.JSON() && !json.Valid([]byte(line)) {
				t.Errorf("%s: %q", name, line)
			}
		}
	})
}

func BenchmarkForms(b *testing.B) {
	e := event(b, exec()...)
	for _, name := range form.All() {
		b.Run(string(name), func(b *testing.B) {
			enc, err := form.New(name, form.Config{Host: "web1", Version: "1.0"})
			if err != nil {
				b.Fatal(err)
			}
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = enc.Append(dst[:0], e)
			}
		})
	}
}
