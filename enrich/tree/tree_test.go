package tree

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/enrich/attribution"
)

// event makes an event of records' texts, each with its type.
func event(t testing.TB, records ...string) *audit.Event {
	t.Helper()
	ev := &audit.Event{}
	for _, text := range records {
		typ, body, _ := strings.Cut(text, " ")
		r, err := audit.ParseLine([]byte("type=" + typ + " msg=audit(1626611363.720:1): " + body))
		if err != nil {
			t.Fatal(err)
		}
		ev.Records = append(ev.Records, r)
	}
	return ev
}

func execution(t testing.TB, comm, exe string, argv ...string) *audit.Event {
	line := fmt.Sprintf("EXECVE argc=%d", len(argv))
	for i, a := range argv {
		line += fmt.Sprintf(" a%d=%X", i, a)
	}
	return event(t, fmt.Sprintf(`SYSCALL arch=c000003e syscall=59 success=yes pid=9 comm="%s" exe="%s"`, comm, exe), line)
}

func proc(pid, exec uint32, comm string) attribution.Process {
	p := attribution.Process{PID: pid, Start: uint64(pid) * 1e9, ExecID: exec}
	copy(p.Comm[:15], comm)
	return p
}

func TestScript(t *testing.T) {
	f := func(want string, exe string, records ...string) {
		t.Helper()
		ev := event(t, records...)
		var args audit.Args
		ev.Args(&args)
		if got := Script(ev, exe, &args); got != want {
			t.Errorf("%s: got %q, want %q", records[0], got, want)
		}
	}
	const cwd = `CWD cwd="/home/alice"`
	f("/home/alice/run.sh", "/usr/bin/bash", `EXECVE argc=3 a0="/bin/bash" a1="./run.sh" a2="x"`, cwd,
		`PATH item=0 name="./run.sh" inode=1`, `PATH item=1 name="/bin/bash" inode=2`, `PATH item=2 name="/lib64/ld-linux-x86-64.so.2"`)
	f("/opt/t", "/usr/bin/awk", `EXECVE argc=3 a0="/usr/bin/awk" a1="-f" a2="/opt/t"`, cwd, `PATH item=0 name="/opt/t"`,
		`PATH item=1 name="/usr/bin/awk"`)
	f("/home/alice/a.py", "/usr/bin/python3.11", `EXECVE argc=2 a0="python3" a1="a.py"`, cwd, `PATH item=0 name="/usr/bin/python3"`)
	f("/tmp/x", "/bin/busybox", `EXECVE argc=2 a0="sh" a1="/tmp/x"`, cwd)
	f("", "/bin/busybox", `EXECVE argc=2 a0="cat" a1="/tmp/x"`, cwd)
	f("/home/alice/x", "/bin/busybox", `EXECVE argc=3 a0="busybox" a1="sh" a2="x"`, cwd)
	f("", "/bin/busybox", `EXECVE argc=2 a0="busybox" a1="sh"`, cwd)
	f("", "/bin/busybox", `EXECVE argc=3 a0="busybox" a1="cat" a2="/tmp/x"`, cwd)
	f("", "/usr/bin/bash", `EXECVE argc=3 a0="bash" a1="-c" a2="ls"`, cwd)
	f("", "/usr/bin/bash", `EXECVE argc=1 a0="-bash"`, cwd)
	f("", "/usr/bin/ls", `EXECVE argc=2 a0="ls" a1="/tmp"`, cwd, `PATH item=0 name="/usr/bin/ls"`, `PATH item=1 name="/lib64/ld-linux-x86-64.so.2"`)
	f("", "/usr/bin/vim", `EXECVE argc=2 a0="vim" a1="a.sh"`, cwd)
}

func TestTable(t *testing.T) {
	table := NewTable(Config{Proc: t.TempDir()})
	init, sshd, bash := proc(1, 1, "systemd"), proc(10, 5, "sshd"), proc(20, 7, "bash")
	table.Observe(execution(t, "systemd", "/usr/lib/systemd/systemd", "/sbin/init"), &init)
	table.Observe(execution(t, "sshd", "/usr/sbin/sshd", "/usr/sbin/sshd", "-D"), &sshd)
	table.Observe(execution(t, "bash", "/usr/bin/bash", "-bash"), &bash)
	// A shell's fork that has executed nothing, then one of which nothing is known.
	subshell, unknown := proc(21, 7, "bash"), proc(22, 9, "dash")
	self := proc(30, 10, "ls")
	got := table.Ancestors(nil, &self, []attribution.Process{unknown, subshell, bash, sshd, init})
	want := []attribution.Ancestor{
		{PID: 22, Comm: "dash"},
		{PID: 21, Comm: "bash", Exe: "/usr/bin/bash", Args: "-bash"},
		{PID: 20, Comm: "bash", Exe: "/usr/bin/bash", Args: "-bash"},
		{PID: 10, Comm: "sshd", Exe: "/usr/sbin/sshd", Args: "/usr/sbin/sshd -D"},
		{PID: 1, Comm: "systemd", Exe: "/usr/lib/systemd/systemd", Args: "/sbin/init"},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got - want +:\n%s", diff)
	}
	// What it ran before it executed something else is not said of it.
	later := proc(20, 8, "vim")
	if c := table.Command(&later, []attribution.Process{sshd}); c != nil {
		t.Errorf("got %+v of a process that has executed another program", c)
	}
	// But the child that it had made before is still one of the shell's.
	child := proc(40, 8, "ls")
	got = table.Ancestors(nil, &child, []attribution.Process{later})
	if diff := cmp.Diff(got, []attribution.Ancestor{{PID: 20, Comm: "bash", Exe: "/usr/bin/bash", Args: "-bash"}}); diff != "" {
		t.Errorf("a parent that has executed something since: got - want +:\n%s", diff)
	}
	child = proc(41, 9, "ls")
	if got = table.Ancestors(nil, &child, []attribution.Process{later}); got[0] != (attribution.Ancestor{PID: 20}) {
		t.Errorf("a child of what the parent has executed: got %+v", got)
	}
	if got = table.Ancestors(nil, &child, []attribution.Process{proc(50, 9, "rm")}); got[0] != (attribution.Ancestor{PID: 50}) {
		t.Errorf("the name that a parent has taken on since: got %+v", got)
	}
	other := proc(20, 7, "bash")
	other.Start++
	if c := table.Command(&other, nil); c != nil {
		t.Errorf("got %+v of another process with the pid", c)
	}
}

// A forebear is told by the program that it ran when it made its child, whatever it has executed since.
func TestAncestorsWhenMade(t *testing.T) {
	table := NewTable(Config{Proc: t.TempDir()})
	run := func(p attribution.Process, exe string) {
		name, _, _ := strings.Cut(string(p.Comm[:]), "\x00")
		table.Observe(execution(t, name, exe, name), &p)
	}
	sh, sleep, last := proc(20, 7, "sh"), proc(20, 8, "sleep"), proc(20, 9, "cat")
	f := func(name string, child, parent attribution.Process, want string) {
		t.Helper()
		got := table.Ancestors(nil, &child, []attribution.Process{parent})
		if len(got) != 1 || got[0].Exe != want {
			t.Errorf("%s: got %+v, want %q", name, got, want)
		}
	}
	run(sh, "/bin/sh")
	run(sleep, "/bin/sleep")
	// sh -c 'true & exec sleep': both have executed one program since.
	f("a child that has executed something too", proc(30, 8, "true"), sleep, "/bin/sh")
	f("a child that has executed nothing", proc(31, 7, "sh"), sleep, "/bin/sh")
	f("a child of the second program that runs it too", proc(32, 8, "sleep"), sleep, "/bin/sleep")
	f("a child of the second program", proc(33, 9, "x"), sleep, "/bin/sleep")
	// The name is the same, but an event has told that it is another program.
	run(proc(34, 8, "sleep"), "/opt/sleep")
	f("a child that runs another program of the name", proc(34, 8, "sleep"), sleep, "/bin/sh")
	run(last, "/bin/cat")
	f("two programs ago", proc(31, 7, "sh"), last, "/bin/sh")
	f("one program ago", proc(35, 9, "x"), last, "/bin/sleep")
	for i := range uint32(5) {
		run(proc(20, 10+i, "y"), "/bin/y")
	}
	f("too long ago to be remembered", proc(31, 7, "sh"), proc(20, 14, "y"), "")
	f("a program that nobody saw between", proc(36, 17, "z"), proc(20, 19, "y"), "")
}

func TestTableIsBounded(t *testing.T) {
	table := NewTable(Config{Max: 100})
	long := execution(t, "x", "/"+strings.Repeat("p", 4000), strings.Repeat("a", 5000), strings.Repeat("b", 5000))
	used := proc(1, 1, "x")
	for i := range uint32(1000) {
		p := proc(i+1, 1, "x")
		table.Observe(long, &p)
		table.Command(&used, nil)
	}
	if n := table.Stats().Programs; n > 100 {
		t.Errorf("%d programs remembered", n)
	}
	c := table.Command(&used, nil)
	if c == nil || len(c.Args) != maxArgs || len(c.Exe) != maxPath {
		t.Errorf("the one in use: got %+v", c)
	}
}

func TestProc(t *testing.T) {
	cmd := exec.Command("/bin/sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	pid := uint32(cmd.Process.Pid)
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	ticks, err := strconv.ParseUint(string(fields[19]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	p := attribution.Process{PID: pid, Start: ticks*1e7 + 123, ExecID: 4}
	table := NewTable(Config{})
	go table.Run(t.Context())
	var c *Command
	for c == nil {
		c = table.Command(&p, nil)
	}
	if c.Args != "/bin/sleep 1000" || c.Comm != "sleep" || !strings.HasSuffix(c.Exe, "/sleep") && !strings.Contains(c.Exe, "busybox") && !strings.Contains(c.Exe, "coreutils") {
		t.Errorf("got %+v", c)
	}
	// Another process that had the pid: asked for once.
	q := attribution.Process{PID: pid, Start: ticks*1e7 + 5e9}
	for table.Stats().Gone == 0 {
		table.Command(&q, nil)
	}
	for range 100 {
		if table.Command(&q, nil) != nil {
			t.Fatal("found")
		}
	}
	if got := table.Stats(); got.Gone != 1 || got.Read != 1 {
		t.Errorf("got %+v", got)
	}
}

func FuzzObserve(f *testing.F) {
	f.Add(`argc=2 a0="/bin/sh" a1="./x"`, `item=0 name="./x"`, `item=1 name="/bin/sh"`, "/bin/dash")
	f.Fuzz(func(t *testing.T, argv, first, second, exe string) {
		if strings.ContainsAny(argv+first+second+exe, "\n") {
			return // no line of a log
		}
		ev := event(t, `SYSCALL success=yes comm="x" exe="`+exe+`"`, "EXECVE "+argv, "PATH "+first, "PATH "+second, `CWD cwd="/w"`)
		table := NewTable(Config{})
		p := proc(1, 1, "")
		table.Observe(ev, &p)
		if c := table.Command(&p, nil); c != nil && (len(c.Args) > maxArgs || len(c.Exe) > maxPath || len(c.Script) > maxPath) {
			t.Errorf("too long: %+v", c)
		}
	})
}

func BenchmarkAncestors(b *testing.B) {
	table := NewTable(Config{})
	kin := []attribution.Process{proc(20, 7, "bash"), proc(10, 5, "sshd"), proc(9, 5, "sshd"), proc(8, 5, "sshd"), proc(1, 1, "systemd")}
	for i := range kin {
		table.Observe(execution(b, "bash", "/usr/bin/bash", "-bash"), &kin[i])
	}
	var dst []attribution.Ancestor
	b.ReportAllocs()
	for b.Loop() {
		dst = table.Ancestors(dst[:0], &kin[0], kin)
	}
}

func BenchmarkObserve(b *testing.B) {
	table := NewTable(Config{})
	ev := execution(b, "bash", "/usr/bin/bash", "-bash", "-x")
	p := proc(1, 1, "bash")
	b.ReportAllocs()
	for b.Loop() {
		table.Observe(ev, &p)
	}
}
