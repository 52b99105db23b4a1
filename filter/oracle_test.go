package filter

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"vigil/audit"
	"vigil/filter/field"
	"vigil/internal/need"
)

var all = flag.Bool("all", false, "ask sysdig about all conditions, not about every eighth")

// TestSysdigAgrees asks Debian's sysdig, which has the language that Falco's grew
// from, about a capture, and Vigil about audit records of the same events:
// operators, fields that are missing, precedence, quoting, formats. The capture has
// the events that begin a system call too, which the audit stream does not have,
// and the client's address, which it does not have either.
func TestSysdigAgrees(t *testing.T) {
	sysdig := need.Programs(t, "sysdig")[0]
	if testing.Short() {
		t.Skip("starts sysdig some hundred times")
	}
	events := numberedEvents(t, "testdata/oracle.txt")
	conditions := oracleConditions()
	for i, condition := range conditions {
		if !*all && i%8 != 0 {
			continue // each costs a start of sysdig
		}
		want := run(t, sysdig, "%evt.num", "evt.dir=< and evt.type!=socket and ("+condition+")")
		p, err := compileText(condition)
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		m := p.Matcher(field.Config{Location: time.UTC})
		var got []string
		for _, ev := range events {
			if m.Match(ev.event) {
				got = append(got, strconv.Itoa(ev.num))
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got events %v, sysdig %v", condition, got, want)
		}
	}
	t.Logf("%d conditions", len(conditions))
}

func TestSysdigAgreesOnFormats(t *testing.T) {
	sysdig := need.Programs(t, "sysdig")[0]
	events := numberedEvents(t, "testdata/oracle.txt")
	for _, format := range []string{
		"%proc.name", "%fd.directory %proc.pid", "*%fd.sip %proc.pid", "%evt.res.", "%10proc.name|%2proc.name|", "*%12fd.sip|%3fd.sip|",
		"*%evt.type %evt.rawres %evt.res %user.loginuid", "*%proc.aname[1]-%proc.apid[1]-%proc.ppid", "*[%proc.cmdline] (%proc.args)",
		"*%fd.directory %fd.typechar %fd.num", "%fd.sport", "*%proc.tty %evt.failed", "plain",
	} {
		want := run(t, sysdig, format, "evt.dir=< and evt.type!=socket and evt.type!=unlink")
		s := NewSpace(field.Standard())
		f, err := s.ParseFormat(format)
		if err != nil {
			t.Fatal(err)
		}
		e := s.NewEnv(field.Config{Location: time.UTC})
		var got []string
		for _, ev := range events[:len(events)-1] {
			e.Load(ev.event)
			if line, ok := f.Append(nil, e); ok {
				got = append(got, string(line))
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: got\n%s\nsysdig\n%s", format, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func run(t *testing.T, sysdig, format, condition string) []string {
	t.Helper()
	cmd := exec.Command(sysdig, "-r", "testdata/oracle.scap", "-p", format, condition)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("sysdig %s: %v: %s", condition, err, stderr.String())
	}
	if len(out) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

type numbered struct {
	num   int
	event *audit.Event
}

// numberedEvents reads records with the number of their event, @N, before them.
func numberedEvents(t *testing.T, file string) []numbered {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []numbered
	for _, line := range strings.Split(string(text), "\n") {
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '@':
			n, err := strconv.Atoi(line[1:])
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, numbered{n, &audit.Event{}})
		default:
			r, err := audit.ParseLine([]byte(strings.ReplaceAll(line, "^]", "\x1d")))
			if err != nil {
				t.Fatal(err)
			}
			ev := list[len(list)-1].event
			ev.ID, ev.Records = r.ID, append(ev.Records, r)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].num < list[j].num })
	return list
}

// oracleConditions combines fields, operators and values, in the language as it
// was in 2022: and and or are not mixed without parentheses.
func oracleConditions() []string {
	var list []string
	add := func(format string, args ...any) {
		c := fmt.Sprintf(format, args...)
		negated := "not " + c
		if strings.Contains(c, "fd.filename") || strings.Contains(c, "fd.type=") {
			// A file that could not be opened has these here and not there.
			c, negated = "evt.failed=false and "+c, "evt.failed=false and "+negated
		}
		list = append(list, c, negated)
	}
	text := map[string][]string{
		"proc.name":     {"cat", "bash", `"(sh ell"`, "'(sh ell'", "c", "CAT"},
		"fd.name":       {"/etc/shadow", `"/etc/Nope File"`, "/etc", "SHADOW"},
		"proc.cmdline":  {`"cat -n /etc/shadow"`, "cat", `"a b"`, "/etc/shadow"},
		"proc.args":     {"-l", `"-n /etc/shadow"`, "a", "-N"},
		"evt.type":      {"open", "execve"},
		"evt.res":       {"SUCCESS", "EACCES", "E"},
		"proc.pname":    {"bash", "zsh"},
		"proc.aname[1]": {"bash", "zsh"},
		"proc.aname":    {"bash", "zsh"},
		"fd.filename":   {"shadow", `"Nope File"`},
		"fd.directory":  {"/etc", "/"},
	}
	for _, f := range []string{"proc.name", "fd.name", "proc.cmdline", "proc.args", "evt.type", "evt.res", "proc.pname", "proc.aname[1]", "proc.aname", "fd.filename", "fd.directory"} {
		for _, v := range text[f] {
			for _, op := range []string{"=", "!=", "contains", "icontains", "startswith", "endswith"} {
				if f == "evt.type" && op != "=" && op != "!=" {
					continue
				}
				add("%s %s %s", f, op, v)
			}
			add("%s in (close, %s)", f, v)
		}
		add("%s exists", f)
	}
	for _, f := range []string{"evt.rawres", "proc.pid", "proc.ppid", "user.loginuid", "proc.apid[1]", "fd.num"} {
		for _, n := range []int{-13, -2, -1, 0, 3, 900, 1000} {
			for _, op := range []string{"=", "!=", "<", "<=", ">", ">="} {
				if n < 0 && f != "evt.rawres" && f != "user.loginuid" {
					continue
				}
				list = append(list, fmt.Sprintf("%s %s %d", f, op, n))
			}
		}
	}
	for _, c := range []string{
		"fd.sip=192.0.2.7", "fd.sip=192.0.2.8", "fd.sip!=192.0.2.8", "fd.sip!=192.0.2.7", "fd.sport=443", "fd.sport!=443", "fd.port=443", "fd.sport in (80, 443)",
		"fd.snet=192.0.2.0/24", "fd.snet=10.0.0.0/8", "fd.snet!=10.0.0.0/8", "fd.snet in (192.0.0.0/8)", "fd.typechar=f", "fd.typechar=4", "fd.type=file", "fd.type=ipv4",
		"evt.failed=true", "evt.failed=false", "proc.tty=0", "proc.tty!=0", "fd.name pmatch (/etc)", "fd.name pmatch (/et)", "fd.name pmatch (/etc/shadow)", "fd.name pmatch (/etc/shadow/x)",
		"fd.name glob /etc/*", "fd.name glob '/*/sha?ow'", "fd.name glob '/etc/[a-z]*'", "fd.name glob '/etc/[!a-z]*'", "proc.name glob c*", "proc.name glob *", "proc.name glob ???", "proc.name glob '?sh*'",
		"proc.name=cat and evt.type=open", "proc.name=cat or evt.type=unlink", "(proc.name=bash or proc.name=cat) and evt.type=execve", "(proc.name=bash and evt.type=open) or evt.type=connect",
		"not (proc.name=bash or proc.name=cat)", "not proc.name=bash and not proc.name=cat", "(((proc.name=cat)))", "not (not proc.name=cat)", "fd.name=/etc/shadow and not fd.name=/etc/shadow",
		"evt.type in (open, connect) and not fd.name startswith /etc", "proc.name in (cat)", "proc.name in (cat,bash)", "proc.name in ( cat , bash )", "not proc.name in (cat, bash)",
		"evt.is_open_read=true", "evt.is_open_write=true", "evt.is_open_read=true or evt.is_open_write=true",
	} {
		add("(%s)", c)
	}
	return list
}
