package facts_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/report/facts"
)

// event makes an event of lines.
func event(t testing.TB, lines ...string) *audit.Event {
	t.Helper()
	e := &audit.Event{}
	for _, line := range lines {
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		e.ID = r.ID
		e.Records = append(e.Records, r)
	}
	return e
}

func TestExecution(t *testing.T) {
	var f facts.Facts
	f.Load(event(t,
		`type=SYSCALL msg=audit(1.000:7): arch=c000003e syscall=59 success=yes exit=0 a0=1 ppid=2 pid=3 auid=1000 uid=0 gid=0 euid=0 tty=pts0 ses=4 comm="sh" exe="/bin/sh" key=6578656301726F6F74`+
			"\x1d"+`ARCH=x86_64 AUID="alice" UID="root" CONTAINER_ID="3f1c" CONTAINER_NAME=77206562 EXEC_SESSION="x"`,
		`type=EXECVE msg=audit(1.000:7): argc=3 a0="sh" a1="-c" a2=6563686F2027686927`,
		`type=CWD msg=audit(1.000:7): cwd="/home/alice"`,
		`type=PATH msg=audit(1.000:7): item=0 name="bin/x" mode=0104755 nametype=NORMAL`,
		`type=PATH msg=audit(1.000:7): item=1 name="/etc" mode=040755 nametype=PARENT`))
	f.LoadEnrichment()
	if f.Type != tables.TypeSyscall || !f.IsExec() || !f.Executed() || f.Result != audit.ResultSuccess {
		t.Errorf("type %s, executed %t, %s", f.Type, f.Executed(), f.Result)
	}
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"exe", f.Known(f.Exe), "/bin/sh"}, {"auid", f.AUID.Value, "1000"}, {"auid's name", f.Known(f.AUIDName), "alice"},
		{"container", f.Name(f.ContainerID), "3f1c"}, {"its name", f.Name(f.ContainerName), "w eb"}, {"exec session", f.Name(f.ExecSession), "x"},
		{"command line", f.CommandLine(nil), `sh -c 'echo '\''hi'\'''`},
	} {
		if string(c.got) != c.want {
			t.Errorf("%s is %q, want %q", c.what, c.got, c.want)
		}
	}
	var keys, paths []string
	f.Keys(func(k []byte) { keys = append(keys, string(k)) })
	f.Paths(func(p facts.Path) { paths = append(paths, string(p.Name)) })
	if strings.Join(keys, " ") != "exec root" || strings.Join(paths, " ") != "/home/alice/bin/x" {
		t.Errorf("keys %q, paths %q", keys, paths)
	}
}

func TestMainRecord(t *testing.T) {
	f := func(want string, result audit.Result, lines ...string) {
		t.Helper()
		var got facts.Facts
		got.Load(event(t, lines...))
		if got.Type.String() != want || got.Result != result {
			t.Errorf("%s, %s; want %s, %s", got.Type, got.Result, want, result)
		}
	}
	const call = `type=SYSCALL msg=audit(1.000:7): arch=c000003e syscall=2 success=no exit=-13 pid=3 auid=1000 comm="x"`
	f("SYSCALL", audit.ResultFailure, call)
	f("CONFIG_CHANGE", audit.ResultFailure, `type=CONFIG_CHANGE msg=audit(1.000:7): op=add_rule res=1`, call)
	f("AVC", audit.ResultFailure, `type=AVC msg=audit(1.000:7): avc:  denied  { read } for  pid=3 comm="x" tclass=file`, call)
	f("AVC", audit.ResultFailure, `type=AVC msg=audit(1.000:7): avc:  denied  { read } for  pid=3 comm="x" tclass=file`)
	f("PATH", audit.ResultUnknown, `type=PATH msg=audit(1.000:7): item=0 name="x"`)
	f("USER_LOGIN", audit.ResultFailure, `type=USER_LOGIN msg=audit(1.000:7): pid=1 uid=0 auid=5 ses=6 msg='op=login acct="res=success" hostname=? res=failed'`)
}

// What a program writes into its message does not take the place of what the kernel
// wrote before it.
func TestKernelFirst(t *testing.T) {
	var f facts.Facts
	f.Load(event(t, `type=USER_LOGIN msg=audit(1.000:7): pid=1 uid=0 auid=1000 ses=6 msg='op=login pid=999 auid=0 ses=1 acct="bob" terminal=ssh res=success'`))
	if string(f.AUID.Value) != "1000" || string(f.PID.Value) != "1" || string(f.Session.Value) != "6" {
		t.Errorf("auid %s, pid %s, ses %s", f.AUID.Value, f.PID.Value, f.Session.Value)
	}
}

func TestOperation(t *testing.T) {
	f := func(line, want, details string) {
		t.Helper()
		var got facts.Facts
		got.Load(event(t, line))
		if string(got.Operation()) != want || string(got.Details(nil)) != details {
			t.Errorf("%q, %q; want %q, %q", got.Operation(), got.Details(nil), want, details)
		}
	}
	f(`type=ADD_USER msg=audit(1.000:7): pid=1 uid=0 auid=5 ses=6 msg='op=adding user to group acct="bob" exe="/x" res=success'`,
		"adding user to group", "op=adding user to group acct=bob")
	f(`type=CONFIG_CHANGE msg=audit(1.000:7): auid=5 ses=6 op=add_rule key="a b" list=4 res=1`, "add_rule", "op=add_rule key=a b list=4")
	f(`type=CONFIG_CHANGE msg=audit(1.000:7): audit_enabled=1 old=1 res=1`, "", "audit_enabled=1 old=1")
}

// Paths names files as audit.Event.AppendPath does.
func TestPaths(t *testing.T) {
	for _, name := range []string{"real.log", "other.log"} {
		for _, e := range logEvents(t, name) {
			var got, want []string
			var f facts.Facts
			f.Load(e)
			f.Paths(func(p facts.Path) { got = append(got, string(p.Name)) })
			for _, r := range e.Records {
				kind, _ := r.Get("nametype")
				if path := e.AppendPath(nil, r); r.Type == tables.TypePath && len(path) > 0 && string(kind.Value) != "PARENT" {
					want = append(want, string(path))
				}
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s: %q, want %q", e.ID, got, want)
			}
		}
	}
}

// logEvents are the events of a log in audit/testdata.
func logEvents(t testing.TB, name string) (events []*audit.Event) {
	t.Helper()
	text, err := os.ReadFile("../../../audit/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(e *audit.Event) { events = append(events, e.Clone()) })
	for line := range bytes.Lines(text) {
		if r, err := audit.ParseLine(bytes.TrimSuffix(line, []byte{'\n'})); err == nil {
			a.Push(r, r.ID.Time())
		}
	}
	a.Flush()
	return events
}

// A SYSCALL record as the kernel writes it is read at once, any other field by
// field: the facts are the same.
func TestSyscall(t *testing.T) {
	const kernels = "arch=c000003e syscall=59 success=no exit=-13 a0=1 a1=2 a2=3 a3=4 items=2 ppid=1 pid=3 auid=1000 uid=0 gid=0 euid=5 " +
		"suid=0 fsuid=0 egid=6 sgid=0 fsgid=0 tty=(none) ses=4 comm=\"sh\" exe=\"/bin/sh\" subj=unconfined_u:s0 key=\"k\""
	say := func(body string) string {
		var f facts.Facts
		f.Load(event(t, "type=SYSCALL msg=audit(1.000:7): "+body))
		var b bytes.Buffer
		for _, fd := range []audit.Field{f.Arch, f.Syscall, f.Exit, f.A[0], f.A[3], f.PPID, f.PID, f.AUID, f.UID, f.GID, f.EUID, f.EGID, f.TTY,
			f.Session, f.Comm, f.Exe, f.Key} {
			fmt.Fprintf(&b, "%s=%s ", fd.Name, f.Text(fd))
		}
		return b.String() + f.Result.String()
	}
	want := say(kernels)
	for _, other := range []string{
		strings.ReplaceAll(kernels, " ", "  "),                             // more spaces
		"x=y " + kernels,                                                   // a field that is not known
		"pid=3 " + strings.Replace(kernels, " pid=3", "", 1),               // another order
		strings.Replace(kernels, "arch=", "per=8 arch=", 1),                // not where the kernel puts it
		strings.Replace(kernels, "syscall=59", "syscall=59 per=400000", 1), // where it does
	} {
		if got := say(other); got != want {
			t.Errorf("%s:\n%s, want\n%s", other, got, want)
		}
	}
	for _, hostile := range []string{`exe="/a b" comm="x y" pid=3`, `comm="x`, "success=", "arch==", `key=(null),`, "exe=(deleted)) pid=1", "comm='a b' pid=4"} {
		e := event(t, "type=SYSCALL msg=audit(1.000:7): "+hostile)
		var f facts.Facts
		f.Load(e)
		for _, c := range []struct {
			name string
			got  audit.Field
		}{{"exe", f.Exe}, {"comm", f.Comm}, {"pid", f.PID}, {"key", f.Key}, {"arch", f.Arch}} {
			if want, _ := e.Records[0].Get(c.name); string(c.got.Value) != string(want.Value) {
				t.Errorf("%s: %s is %q, want %q", hostile, c.name, c.got.Value, want.Value)
			}
		}
	}
}

// Loading the next event costs no memory.
func TestNoAllocation(t *testing.T) {
	e := event(t, `type=SYSCALL msg=audit(1.000:7): arch=c000003e syscall=59 success=yes exit=0 pid=3 auid=1000 comm=6120622063 exe="/bin/sh" key="k"`,
		`type=CWD msg=audit(1.000:7): cwd="/"`, `type=PATH msg=audit(1.000:7): item=0 name="x" nametype=NORMAL`)
	var f facts.Facts
	f.Load(e)
	use := func(facts.Path) {}
	if n := testing.AllocsPerRun(100, func() {
		f.Load(e)
		f.Known(f.Comm)
		f.Executed()
		f.Paths(use)
	}); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func BenchmarkLoad(b *testing.B) {
	events := logEvents(b, "real.log")
	b.ReportAllocs()
	var f facts.Facts
	for b.Loop() {
		for _, e := range events {
			f.Load(e)
		}
	}
}
