package who

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/enrich/attribution"
	"vigil/enrich/container"
)

const (
	cid    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	execid = "983eaa85d27dce9dbcc84fa8d4660b374d737eba9237a0726721b0cad26ebe7b"
	podUID = "0f7e6d5c-1a2b-3c4d-5e6f-708192a3b4c5"
	inPod  = "/kubepods/burstable/pod" + podUID + "/" + cid
)

// machine is a machine's processes.
type machine struct {
	processes map[uint32]*Process
	parents   map[uint32]uint32
	last      uint32
}

func (m *machine) Lookup(q *Query, p *Process) bool {
	m.last = q.PID
	found := m.processes[q.PID]
	if found == nil {
		return false
	}
	*p = *found
	return true
}

func (m *machine) Ancestors(dst []attribution.Process, most int) []attribution.Process {
	for pid := m.parents[m.last]; pid != 0 && most > 0; pid = m.parents[pid] {
		dst = append(dst, m.processes[pid].Process)
		most--
	}
	return dst
}

func (m *machine) add(pid, parent, exec uint32, comm, group string) {
	p := &Process{VPID: pid % 100, Cgroup: "/", Cgroup1: group}
	p.PID, p.Start, p.ExecID = pid, uint64(pid)*1e9, exec
	copy(p.Comm[:15], comm)
	m.processes[pid], m.parents[pid] = p, parent
}

// kubernetes is a shell in a pod: systemd 1, the shim 50, runc exec 100, the shell 121 and its child 130; and sshd's 10 on
// the host.
func kubernetes() *machine {
	m := &machine{processes: map[uint32]*Process{}, parents: map[uint32]uint32{}}
	m.add(1, 0, 1, "systemd", "/init.scope")
	m.add(10, 1, 5, "sshd", "/system.slice/ssh.service")
	m.add(50, 1, 4, "containerd-shim", "/system.slice/containerd.service")
	m.add(100, 50, 9, "runc", "/system.slice/containerd.service")
	m.add(121, 100, 12, "sh", inPod)
	m.add(130, 121, 13, "cat", inPod)
	return m
}

func event(t testing.TB, serial int, pid uint32, comm, exe string, argv ...string) *audit.Event {
	t.Helper()
	var line strings.Builder
	fmt.Fprintf(&line, "argc=%d", len(argv))
	for i, a := range argv {
		fmt.Fprintf(&line, " a%d=%X", i, a)
	}
	ev := &audit.Event{}
	for _, text := range []string{
		fmt.Sprintf(`type=SYSCALL msg=audit(1626611363.720:%d): arch=c000003e syscall=59 success=yes exit=0 a0=1 ppid=50 pid=%d auid=4294967295 uid=0 tty=(none) ses=4294967295 comm="%s" exe="%s" key=(null)`, serial, pid, comm, exe),
		fmt.Sprintf(`type=EXECVE msg=audit(1626611363.720:%d): %s`, serial, line.String()),
	} {
		r, err := audit.ParseLine([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		ev.Records = append(ev.Records, r)
		ev.ID = r.ID
	}
	return ev
}

// hostRoot has the bundle of the pod's container.
func hostRoot(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "run/containerd/io.containerd.runtime.v2.task/k8s.io", cid)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	const config = `{"annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.container-name":"c1",
		"io.kubernetes.cri.image-name":"web:1","io.kubernetes.cri.sandbox-id":"bb","io.kubernetes.cri.sandbox-name":"web-0",
		"io.kubernetes.cri.sandbox-namespace":"demo","io.kubernetes.cri.sandbox-uid":"` + podUID + `"}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func attributed(t testing.TB, w *Who, r audit.Record) *attribution.Attribution {
	t.Helper()
	line := r.AppendLine(nil, nil)
	line = w.Append(line, 0, r, time.Now().UnixNano())
	parsed, err := audit.ParseLine(line)
	if err != nil {
		t.Fatal(err)
	}
	a := new(attribution.Attribution)
	attribution.Parse(parsed, a)
	return a
}

func TestWho(t *testing.T) {
	found := make(chan *attribution.Container, 1)
	w := New(Config{Boot: 1795258195e9, Containers: container.Config{Host: hostRoot(t), Found: func(c *attribution.Container) { found <- c }}},
		kubernetes())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go w.Run(ctx)

	runc := event(t, 1, 100, "runc", "/usr/sbin/runc", "runc", "--root", "/run/containerd/runc/k8s.io", "exec", "--process", "/tmp/p",
		"--detach", "--pid-file", "/run/x/"+execid+".pid", cid)
	shell := event(t, 2, 121, "sh", "/bin/busybox", "/bin/sh", "-c", "cat x")
	cat := event(t, 3, 130, "cat", "/bin/busybox", "cat", "x")

	if got := attributed(t, w, runc.Records[0]); got.Unit != "containerd.service" || got.Entry != nil || got.ContainerID != "" {
		t.Errorf("runc: got %+v", got)
	}
	w.Observe(runc)
	if got := attributed(t, w, shell.Records[0]); got.ContainerID != cid || got.PodUID != podUID || got.Entry == nil || got.Entry.ID != execid {
		t.Errorf("the shell: got %+v", got)
	}
	w.Observe(shell)
	<-found
	got := attributed(t, w, cat.Records[0])
	want := &attribution.Attribution{
		Attributed: true, Cgroup: inPod, Start: 1795258195e9 + 130e9, VPID: 30, ContainerID: cid, Runtime: "containerd", PodUID: podUID,
		Container: &attribution.Container{ID: cid, Name: "c1", Image: "web:1", Runtime: "containerd",
			Pod: &attribution.Pod{Name: "web-0", Namespace: "demo", UID: podUID}},
		Entry: &attribution.Entry{ID: execid, Via: "kubernetes", Container: cid},
	}
	if len(got.Ancestors) != 4 || got.Ancestors[0].Args != "/bin/sh -c cat x" || got.Ancestors[1].Exe != "/usr/sbin/runc" || got.Ancestors[2].PID != 50 {
		t.Errorf("ancestors %+v", got.Ancestors)
	}
	got.Ancestors = nil
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("its child: got - want +:\n%s", diff)
	}
	if list := w.Containers(); len(list) != 1 || list[0].Name != "c1" {
		t.Errorf("containers %+v", list)
	}
	if got := w.Stats(); got.Entries.Begun != 1 || got.Containers.Found != 1 || got.Tree.Executed != 2 {
		t.Errorf("got %+v", got)
	}
}

// What calls itself runc within a container neither enters containers nor names them, be the container's cgroup called as it may.
func TestWhoInside(t *testing.T) {
	found := make(chan *attribution.Container, 1)
	m := kubernetes()
	m.add(150, 50, 9, "runc", "/custom/name") // its pid is another in its own namespace
	m.add(151, 150, 10, "sh", inPod)
	w := New(Config{Containers: container.Config{Host: hostRoot(t), Found: func(c *attribution.Container) { found <- c }}}, m)
	for serial, argv := range [][]string{{"runc", "exec", cid, "sh"}, {"runc", "run", "-b", "/bundle", cid}} {
		w.Observe(event(t, serial, 150, "runc", "/usr/sbin/runc", argv...))
	}
	if got := attributed(t, w, event(t, 5, 151, "sh", "/bin/sh", "sh").Records[0]); got.Entry != nil {
		t.Errorf("session %+v", got.Entry)
	}
	if got := w.Stats(); got.Entries.Begun != 0 || len(found) != 0 {
		t.Errorf("stats %+v, %d containers", got, len(found))
	}
}

func TestWhoUnknown(t *testing.T) {
	w := New(Config{}, kubernetes())
	for _, line := range []string{
		`type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 success=yes pid=7777 ses=1 comm="x"`,
		`type=PATH msg=audit(1.000:1): item=0 name="pid=130"`,
		`type=CONTAINER msg=audit(1.000:1): op=known CONTAINER_ID="x" pid=130`,
		`type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59`,
	} {
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(w.Append([]byte(line), 0, r, 1)); got != line {
			t.Errorf("got  %q\nwant %q", got, line)
		}
	}
}

func TestWhoUserMessage(t *testing.T) {
	w := New(Config{}, kubernetes())
	for _, line := range []string{
		`type=LOGIN msg=audit(1626611363.720:2): pid=10 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1`,
		`type=USER_LOGIN msg=audit(1626611363.800:4): pid=10 uid=0 auid=1000 ses=3 msg='op=login acct="alice" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=/dev/pts/0 res=success'`,
	} {
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		w.Observe(&audit.Event{ID: r.ID, Records: []audit.Record{r}})
	}
	// The program's text cannot name another process: pid=130 would be in the pod.
	r, err := audit.ParseLine([]byte(`type=USER_CMD msg=audit(1626611364.000:5): pid=10 uid=1000 auid=1000 ses=3 msg='cwd="/" cmd=6C73 pid=130 ses=9 res=success'`))
	if err != nil {
		t.Fatal(err)
	}
	got := attributed(t, w, r)
	if got.ContainerID != "" || got.Unit != "ssh.service" || got.Login == nil || got.Login.User != "alice" || got.Login.Addr != "192.0.2.7" ||
		got.Login.TTY != "pts/0" || got.Login.Method != "ssh" {
		t.Errorf("got %+v %+v", got, got.Login)
	}
}

func BenchmarkAppend(b *testing.B) {
	w := New(Config{Boot: 1, Containers: container.Config{Host: hostRoot(b)}}, kubernetes())
	runc := event(b, 1, 100, "runc", "/usr/sbin/runc", "runc", "--root", "/run/containerd/runc/k8s.io", "exec", cid)
	w.Observe(runc)
	shell := event(b, 2, 121, "sh", "/bin/busybox", "/bin/sh", "-c", "cat x")
	w.Observe(shell)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	go w.Run(ctx)
	cat := event(b, 3, 130, "cat", "/bin/busybox", "cat", "x")
	for len(w.Containers()) == 0 {
		attributed(b, w, cat.Records[0])
	}
	opens := func(pid int) audit.Record {
		r, err := audit.ParseLine(fmt.Appendf(nil, `type=SYSCALL msg=audit(1626611363.720:5): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=7ffd a2=0 a3=0 items=1 ppid=50 pid=%d auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm="cat" exe="/bin/busybox" key=(null)`, pid))
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	for name, r := range map[string]audit.Record{"exec in a pod": cat.Records[0], "exec on the host": event(b, 4, 10, "sshd", "/usr/sbin/sshd", "sshd").Records[0],
		"open in a pod": opens(130), "open on the host": opens(10)} {
		b.Run(name, func(b *testing.B) {
			line := r.AppendLine(nil, nil)
			buf := make([]byte, 0, 16384)
			b.ReportAllocs()
			for b.Loop() {
				buf = w.Append(append(buf[:0], line...), 0, r, 1)
			}
			b.ReportMetric(float64(len(buf)-len(line)), "bytes")
		})
	}
}
