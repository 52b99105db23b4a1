package output_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/daemon/output"
	"vigil/enrich"
	"vigil/enrich/attribution"
)

// hostileNames are what somebody may call a container, a pod, a label, a control group, a script or an argument to have it
// pass for something else.
var hostileNames = []string{
	`web" CONTAINER_ID="forged`,
	`web CONTAINER_ID="forged" POD_NAME="forged"`,
	"web\nCONTAINER_ID=\"forged\"",
	"web\ntype=CONTAINER msg=audit(1.000:9): op=known CONTAINER_ID=\"real\" CONTAINER_NAME=\"forged\"\n",
	"web\x1dCONTAINER_ID=\"forged\"",
	"web\x1d CONTAINER_ID=\"forged\" EXEC_SESSION=\"forged\" LOGIN_USER=\"forged\"",
	`SADDR={ CONTAINER_ID="forged" }`,
	`SADDR={ saddr_fam=local path=" CONTAINER_ID="forged" }`,
	"' CONTAINER_ID=\"forged\" msg='op=known",
	`","container":{"id":"forged"},"x":"`,
	`\u0022,"id":"forged`,
	"a,io.vigil.id=forged",
	"a%2Cio.vigil.id=forged",
	"=forged", "%", "%%2C", ",", "\x00forged", "web\x00 CONTAINER_ID=\"forged\"",
	"\x1b[2Jforged\x1b]0;forged\x07", "\u202edegrof", "\xff\xfe forged", "\r\nforged", "\tforged", `\`, `"`, "'",
	"666F72676564", strings.Repeat("A", 100) + "\x1dCONTAINER_ID=\"forged\"",
}

// hostileEvent is the lines of an event whose names are all name, written as the daemon writes them, after the CONTAINER record
// of its container. only says that the event bears the container's id alone.
func hostileEvent(t *testing.T, name string, only bool) []string {
	t.Helper()
	c := &attribution.Container{ID: "real", Name: name, Image: name, Digest: name, Runtime: "containerd",
		Labels: []attribution.Label{{Name: "app", Value: name}, {Name: name, Value: "x"}},
		Pod: &attribution.Pod{Name: name, Namespace: name, UID: "uid", Account: name, Sandbox: name, Node: name,
			Labels: []attribution.Label{{Name: "app", Value: name}}}}
	a := &attribution.Attribution{Attributed: true, ContainerID: "real", Runtime: "containerd", PodUID: "uid", Container: c, Cgroup: "/" + name,
		Unit: name, Slice: name, Start: 1795258195e9, Script: name, Entry: &attribution.Entry{ID: "session", Via: "runc", Container: name},
		Login:     &attribution.Login{User: name, TTY: name, Addr: name, Method: name},
		Ancestors: []attribution.Ancestor{{PID: 4, Comm: name, Exe: name, Args: name}, {PID: 5, Comm: name, Exe: name, Args: name}}}
	if only {
		a.Container = nil
	}
	encoded := fmt.Sprintf("%X", name)
	record := func(kind tables.Type, body string) audit.Record {
		return audit.Record{Type: kind, ID: audit.ID{Sec: 1795258195, Milli: 263, Serial: 5513}, Body: []byte(body)}
	}
	known := record(tables.TypeContainer, string(attribution.AppendContainer(nil, c)))
	known.ID.Serial = 7
	call := record(tables.TypeSyscall, "arch=c000003e syscall=59 success=yes exit=0 items=1 ppid=4 pid=42 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 "+
		"sgid=0 fsgid=0 tty=pts0 ses=3 comm="+fmt.Sprintf("%X", name[:min(15, len(name))])+" exe="+encoded+" key="+encoded)
	var lines []string
	lines = append(lines, string(known.AppendLine(nil, nil)))
	text := enrich.AppendSuffix(call.AppendLine(nil, nil), call, enrich.NewNames(enrich.Config{Etc: t.TempDir()}))
	lines = append(lines, string(attribution.Format{Fields: attribution.AllFields, Size: 8000}.Append(text, 0, a)))
	execve := record(tables.TypeExecve, "argc=2 a0="+encoded+" a1="+encoded)
	return append(lines, string(execve.AppendLine(nil, nil)))
}

// printed prints lines in a form.
func printed(t *testing.T, lines []string, kind output.Kind, condition, form string) string {
	t.Helper()
	o := output.Options{Kind: kind}
	if condition != "" || form != "" {
		s, err := output.Select(condition, form)
		if err != nil {
			t.Fatal(err)
		}
		o.Selection = s
	}
	var out bytes.Buffer
	p := output.NewPrinter(&out, o)
	for _, line := range lines {
		if err := p.Line([]byte(line), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// No name that anybody chooses forges a line or a field, in any output.
func TestHostileNames(t *testing.T) {
	for _, name := range hostileNames {
		for _, only := range []bool{false, true} {
			t.Run(fmt.Sprintf("%.40q %v", name, only), func(t *testing.T) {
				lines := hostileEvent(t, name, only)
				for _, line := range lines {
					if strings.ContainsAny(line, "\n\r\x00\x1b") || strings.Count(line, "\x1d") > 1 {
						t.Fatalf("a line of the trail: %q", line)
					}
				}
				if got := printed(t, lines, output.Raw, "evt.type = execve", ""); got != strings.Join(lines[1:], "\n")+"\n" {
					t.Errorf("raw: got\n%q, want\n%q", got, lines[1:])
				}
				checkText(t, printed(t, lines, output.Text, "", ""))
				checkText(t, printed(t, lines, output.Text, "", "*%container.id|%container.name|%container.image|%k8s.pod.name|%k8s.pod.labels|%proc.cmdline|%vigil.unit|%proc.pname"))
				checkFields(t, lines, name)
				checkObject(t, printed(t, lines, output.JSON, "evt.type = execve", ""), name)
			})
		}
	}
}

func checkText(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		for _, r := range strings.TrimSuffix(line, "\n") {
			if r < ' ' || r == 0x7f || r == '\u202e' {
				t.Errorf("text: %q", line)
				break
			}
		}
	}
	if n := strings.Count(text, "\n"); n != 2 {
		t.Errorf("text: %d lines for two events: %q", n, text)
	}
}

// checkFields looks at what the filter's fields say.
func checkFields(t *testing.T, lines []string, name string) {
	t.Helper()
	for field, want := range map[string]string{"container.id": "real", "k8s.pod.uid": "uid", "proc.pid": "42", "vigil.exec.session": "session",
		"proc.ppid": "4", "evt.type": "execve"} {
		if got := printed(t, lines, output.Text, "evt.type = execve", "%"+field); got != want+"\n" {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if got := printed(t, lines, output.Text, "container.id = forged or k8s.pod.uid = forged or vigil.exec.session = forged or k8s.pod.label[io.vigil.id] exists", "%proc.pid"); got != "" {
		t.Errorf("a filter finds what is forged: %q", got)
	}
}

// checkObject looks at the JSON of the one event.
func checkObject(t *testing.T, text, name string) {
	t.Helper()
	var o struct {
		Container struct {
			ID, Name string
			Labels   map[string]string
		}
		Orchestrator struct {
			Resource struct {
				Name, ID string
				Label    []string
			}
		}
		Process struct {
			PID  int
			Args []string
		}
		Vigil struct {
			Exec struct{ ID string } `json:"exec_session"`
			Unit string
		}
	}
	if strings.Count(text, "\n") != 1 {
		t.Fatalf("JSON: not one line: %q", text)
	}
	if err := errors.Join(json.Unmarshal([]byte(text), &o)); err != nil {
		t.Fatalf("JSON: %v: %q", err, text)
	}
	if !utf8.ValidString(name) || strings.Contains(name, "\x00") {
		name = o.Container.Name // is told in another way
	}
	want := o
	want.Container.ID, want.Container.Name = "real", name
	want.Orchestrator.Resource.ID, want.Orchestrator.Resource.Name = "uid", name
	want.Orchestrator.Resource.Label = []string{"app:" + name}
	want.Process.PID, want.Process.Args = 42, []string{name, name}
	want.Vigil.Exec.ID, want.Vigil.Unit = "session", name
	if len(o.Container.Labels) != 2 || o.Container.Labels["app"] != name {
		t.Errorf("labels %q", o.Container.Labels)
	}
	if diff := cmp.Diff(o, want); diff != "" {
		t.Errorf("JSON: got - want +:\n%s", diff)
	}
}

// A program that may send audit messages can write what it likes into them, but nothing that passes for Vigil's own.
func TestHostileMessages(t *testing.T) {
	names := enrich.NewNames(enrich.Config{Etc: t.TempDir()})
	for _, said := range hostileNames {
		if strings.ContainsAny(said, "\x00") { // where the kernel ends a message
			continue
		}
		r := audit.Record{Type: tables.TypeUserCmd, ID: audit.ID{Sec: 1795258195, Milli: 263, Serial: 5514},
			Body: []byte("pid=42 uid=0 auid=0 ses=3 msg='op=x " + said + " res=success'")}
		text := enrich.AppendSuffix(r.AppendLine(nil, nil), r, names)
		line := string(attribution.Format{}.Append(text, 0, &attribution.Attribution{Attributed: true, ContainerID: "real", Start: 1}))
		if strings.Contains(line, "\n") {
			t.Errorf("%q: a line of the trail: %q", said, line)
			continue
		}
		for field, want := range map[string]string{"container.id": "real", "evt.num": "1"} {
			if got := printed(t, []string{line}, output.Text, "", "%"+field); got != want+"\n" {
				t.Errorf("%q: %s is %q, want %q", said, field, got, want)
			}
		}
		var o struct {
			Container struct{ ID string }
			Vigil     map[string]any
		}
		if err := json.Unmarshal([]byte(printed(t, []string{line}, output.JSON, "", "")), &o); err != nil || o.Container.ID != "real" || o.Vigil["exec_session"] != nil {
			t.Errorf("%q: %v: container %q, session %v", said, err, o.Container.ID, o.Vigil["exec_session"])
		}
	}
}
