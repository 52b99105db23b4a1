package filter

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"vigil/filter/field"
)

func TestFormat(t *testing.T) {
	events := testEvents(t)
	f := func(event, format, want string, ok bool) {
		t.Helper()
		s := NewSpace(field.Standard())
		p, err := s.ParseFormat(format)
		if err != nil {
			t.Errorf("%s: %v", format, err)
			return
		}
		e := s.NewEnv(field.Config{Location: time.UTC})
		e.Load(events[event])
		line, got := p.Append([]byte("> "), e)
		if string(line) != "> "+want || got != ok {
			t.Errorf("%s: got %q, %v, want %q, %v", format, line[2:], got, want, ok)
		}
	}
	f("exec", "%evt.time %proc.cmdline", "12:29:23.720000000 cat -n -t Val /etc/shadow", true)
	f("exec", "plain text", "plain text", true)
	f("exec", "", "", true)
	f("exec", "100%% %proc.pid%%", "100% 1000%", true)
	f("exec", "%proc.name.", "cat.", true)
	f("exec", "%proc.name.gz %proc.name,%user.uid:%evt.type.", "cat.gz cat,0:execve.", true)
	f("exec", "%proc.aname[2]/%proc.aname[1]/%proc.aname[0]", "sshd/bash/cat", true)
	f("exec", "%proc.aname", "bash,sshd,systemd", true)
	f("exec", "%proc.name[0]", "cat[0]", true)
	f("exec", "[%proc.name]", "[cat]", true)
	f("exec", "%10proc.name|%2proc.name|%3proc.name|%06user.uid|", "cat       |ca|cat|0     |", true)
	f("exec", "%toupper(proc.name) %len(proc.name) %basename(proc.exepath) %concat(proc.name, \"/\", user.name)", "CAT 3 cat cat/root", true)
	f("exec", `%join("+", proc.args)`, "-n+-t+Val+/etc/shadow", true)
	f("exec", "%audit.argv %audit.key", "(cat,-n,-t,Val,/etc/shadow) exec,private", true)
	f("exec", "%audit.a0 %audit.a1 %user.loginuid %evt.failed", "0x55d0 0xffffffffffffff9c 1000 false", true)
	f("exec", "%SYSCALL.comm %PATH.name[1] %PATH.mode[0]", "cat /lib64/ld-linux-x86-64.so.2 0100755", true)
	f("exec", "%k8s.pod.label.app %k8s.pod.label[tier]", "web front", true)
	f("exec", "%evt.arg.filename %evt.arg[1]", "/usr/bin/cat cat", true)
	f("exec", "%container.info", "web (id=3ad7b26ded6d)", true)
	// A missing value: the line is not wanted, or wanted with <NA>.
	f("login", "%proc.name %proc.cmdline", "", false)
	f("login", "*%proc.name %proc.cmdline", "sshd <NA>", true)
	f("login", "*%6proc.cmdline|%2proc.cmdline|", "<NA>  |<N|", true)
}

func TestFormatErrors(t *testing.T) {
	f := func(format, want string) {
		t.Helper()
		_, err := ParseFormat(format, field.Standard())
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", format, err, want)
		}
	}
	f("%", "1:2: expected a field after %")
	f("a % b", "1:4: expected a field after %")
	f("%proc.nme", "1:2: unknown field proc.nme: did you mean proc.name?")
	f("%5000proc.name", "1:1: the width is larger than 4096")
	f("%evt.arg", "1:2: an argument is missing")
	f("%proc", "1:2: expected a field after %")
	f("%toupper(proc.name", "1:19: expected ')' to close toupper(")
	f("%toupper(proc.pid)", "1:10: toupper() takes text")
	f("one\n%two.three", "2:2: unknown field two.three")
	f("%proc.aname[x]", "1:2: the argument must be")
}

func TestFormatIsSafe(t *testing.T) {
	ev := parseEvent("type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 comm=1B5B33316D0A00FF exe=\"/tmp/\u202egnp\u0085\U000e0041é\u2028\"\n")
	s := NewSpace(field.Standard())
	p, err := s.ParseFormat("%proc.name %proc.exepath")
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.ParseColumns("proc.name,proc.exepath")
	if err != nil {
		t.Fatal(err)
	}
	e := s.NewEnv(field.Config{})
	e.Load(ev)
	line, _ := p.Append(nil, e)
	if got, want := string(line), `\u001b[31m\n\u0000`+"\uFFFD "+`/tmp/\u202egnp\u0085'\U000e0041'é\u2028`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var object map[string]string
	if err := json.Unmarshal(c.AppendJSON(nil, e), &object); err != nil {
		t.Fatal(err)
	}
	if got, want := object["proc.exepath"], "/tmp/\u202egnp\u0085\U000e0041é\u2028"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := object["proc.name"], "\x1b[31m\n\x00\uFFFD"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestColumns(t *testing.T) {
	events := testEvents(t)
	s := NewSpace(field.Standard())
	c, err := s.ParseColumns("evt.time, %proc.name user.uid,audit.key  toupper(proc.name), fd.sip,audit.argv,evt.failed,audit.a0, fd.name")
	if err != nil {
		t.Fatal(err)
	}
	e := s.NewEnv(field.Config{Location: time.UTC})
	e.Load(events["exec"])
	if got, want := string(c.AppendJSON(nil, e)), `{"evt.time":"12:29:23.720000000","proc.name":"cat","user.uid":0,"audit.key":["exec","private"],`+
		`"toupper(proc.name)":"CAT","fd.sip":null,"audit.argv":["cat","-n","-t","Val","/etc/shadow"],"evt.failed":false,"audit.a0":21968,"fd.name":null}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(c.AppendCSV(nil, e)), `12:29:23.720000000,cat,0,"exec,private",CAT,,"(cat,-n,-t,Val,/etc/shadow)",false,0x55d0,`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := string(c.AppendCSVHeader(nil)), "evt.time,proc.name,user.uid,audit.key,toupper(proc.name),fd.sip,audit.argv,evt.failed,audit.a0,fd.name"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	e.Load(events["connect"])
	if got := string(c.AppendJSON(nil, e)); !strings.Contains(got, `"fd.sip":"192.0.2.7"`) {
		t.Errorf("got %s", got)
	}
	e.Load(parseEvent(`type=SYSCALL msg=audit(1.000:1): comm=3D63616C6C2822612229 exe="/x"` + "\n"))
	if got, want := string(c.AppendCSV(nil, e)), `00:00:01.000000000,"'=call(""a"")",,,"'=CALL(""A"")",,,,,`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFormatJSON(t *testing.T) {
	s := NewSpace(field.Standard())
	f, err := s.ParseFormat("*%user.name ran %proc.name (%user.uid, %fd.name) %user.name")
	if err != nil {
		t.Fatal(err)
	}
	e := s.NewEnv(field.Config{})
	e.Load(testEvents(t)["exec"])
	if got, want := string(f.AppendJSON(nil, e)), `{"fd.name":null,"proc.name":"cat","user.name":"root","user.uid":0}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
