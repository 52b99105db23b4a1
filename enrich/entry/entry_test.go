package entry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/enrich/attribution"
)

const (
	cid    = "55c288ededb0b5f7948e249963d591e3ab5d93d6ac4baa07e9051e5a3da07209"
	execid = "983eaa85d27dce9dbcc84fa8d4660b374d737eba9237a0726721b0cad26ebe7b"
)

func TestParse(t *testing.T) {
	f := func(line string, want command, ok bool) {
		t.Helper()
		argv := strings.Split(strings.NewReplacer("CID", cid, "EXECID", execid).Replace(line), " ")
		got, gotOK := parse("/usr/bin/"+argv[0], argv)
		if diff := cmp.Diff(got, want, cmp.AllowUnexported(command{})); ok && diff != "" || gotOK != ok {
			t.Errorf("%s: %v, want %v, got - want +:\n%s", line, gotOK, ok, diff)
		}
	}
	// Recorded from docker 20.10.24, containerd 1.6.20 (CRI, ctr), podman 4.3.1, runc 1.1.5.
	f("runc --root /var/run/docker/runtime-runc/moby --log /run/containerd/io.containerd.runtime.v2.task/moby/CID/log.json --log-format json exec --process /tmp/runc-process2164088201 --detach --pid-file /run/containerd/io.containerd.runtime.v2.task/moby/CID/EXECID.pid CID",
		command{via: "docker", execID: execid, container: cid}, true)
	f("runc --root /run/containerd/runc/k8s.io --log /run/containerd/io.containerd.runtime.v2.task/k8s.io/CID/log.json --log-format json --systemd-cgroup exec --process /tmp/runc-process3146924226 --console-socket /tmp/pty1/pty.sock --detach --pid-file /run/containerd/io.containerd.runtime.v2.task/k8s.io/CID/EXECID.pid CID",
		command{via: "kubernetes", execID: execid, container: cid}, true)
	f("runc --root /run/containerd/runc/default --log /run/containerd/io.containerd.runtime.v2.task/default/CID/log.json --log-format json exec --process /tmp/runc-process1 --detach --pid-file /run/containerd/io.containerd.runtime.v2.task/default/CID/myexec.pid CID",
		command{via: "containerd", container: cid}, true)
	f("runc --log-format=json --log /var/lib/containers/storage/overlay-containers/CID/userdata/EXECID/oci-log exec --pid-file /var/lib/containers/storage/overlay-containers/CID/userdata/EXECID/exec_pid --process /var/lib/containers/storage/overlay-containers/CID/userdata/EXECID/exec-process-1378666219 --detach CID",
		command{via: "podman", execID: execid, container: cid}, true)
	f("runc exec rc1 /bin/sh -c echo", command{via: "runc", container: "rc1"}, true)
	f("runc exec -t --cwd=/ -u 0:0 -- rc1 /bin/sh", command{via: "runc", container: "rc1"}, true)
	// As CRI-O's conmon does.
	f("crun --root /run/crun --log-level=debug exec --process /var/run/crio/exec-process-1 --pid-file /var/run/crio/pid-1 CID",
		command{via: "kubernetes", container: cid}, true)
	f("nsenter -t 4711 -m -u sh", command{via: "nsenter", target: 4711}, true)
	f("nsenter --target 4711 --all", command{via: "nsenter", target: 4711}, true)
	f("nsenter -mt 4711 sh -t 1", command{via: "nsenter", target: 4711}, true)
	f("nsenter --target=4711 -- sh", command{via: "nsenter", target: 4711}, true)
	f("lxc-attach -n web -- sh", command{via: "lxc-attach", container: "web"}, true)
	f("lxc-attach web", command{via: "lxc-attach", container: "web"}, true)

	f("runc init", command{}, false)
	f("runc --root /run/x create --bundle exec CID", command{}, false)
	f("runc exec", command{}, false)
	f("runc exec --pid-file", command{}, false)
	f("nsenter --net=/run/netns/a sh", command{}, false)
	f("nsenter -t x sh", command{}, false)
	f("lxc-attach --", command{}, false)
	f("sh -c runc exec CID", command{}, false)
}

// execution is the event of a process that executes a program.
func execution(t testing.TB, serial int, exe string, argv ...string) *audit.Event {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "argc=%d", len(argv))
	for i, a := range argv {
		fmt.Fprintf(&b, " a%d=%q", i, a)
	}
	ev := &audit.Event{ID: audit.ID{Sec: 1626611363, Milli: 720, Serial: uint32(serial)}}
	for _, line := range []string{
		fmt.Sprintf(`type=SYSCALL msg=audit(%s): arch=c000003e syscall=59 success=yes exit=0 pid=1 euid=0 comm="x" exe="%s"`, ev.ID, exe),
		fmt.Sprintf("type=EXECVE msg=audit(%s): %s", ev.ID, b.String()),
		fmt.Sprintf(`type=CWD msg=audit(%s): cwd="/srv"`, ev.ID)} {
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		ev.Records = append(ev.Records, r)
	}
	return ev
}

func proc(pid uint32) *attribution.Process {
	return &attribution.Process{PID: pid, Start: uint64(pid) * 1000}
}

func kin(pids ...uint32) []attribution.Process {
	var list []attribution.Process
	for _, pid := range pids {
		list = append(list, *proc(pid))
	}
	return list
}

func docker(t testing.TB, serial int, execID string) *audit.Event {
	return execution(t, serial, "/usr/sbin/runc", "runc", "--root", "/run/docker/runtime-runc/moby", "exec", "--process", "/tmp/p",
		"--detach", "--pid-file", "/run/x/"+execID+".pid", cid)
}

func TestTable(t *testing.T) {
	table := NewTable(Config{ContainerOf: func(pid uint32) string {
		if pid == 4711 {
			return cid
		}
		return ""
	}})
	check := func(name string, got, want *attribution.Entry) {
		t.Helper()
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("%s: got - want +:\n%s", name, diff)
		}
	}
	want := &attribution.Entry{ID: execid, Via: "docker", Container: cid}
	table.Observe(docker(t, 1, execid), proc(100), "")
	check("runc itself", table.Entry(proc(100), nil), want)
	// The shell: made by runc init with CLONE_PARENT, and the shim's child by now.
	check("the shell", table.Entry(proc(121), kin(100, 50, 1)), want)
	check("its child, when runc is forgotten", table.Entry(proc(130), kin(121)), want)
	check("its grandchild, of whose parent no event was seen", table.Entry(proc(140), kin(135, 130)), want)
	check("the shim", table.Entry(proc(50), kin(1)), nil)
	check("the container's own", table.Entry(proc(60), kin(50, 1)), nil)
	check("another one with the shell's pid", table.Entry(&attribution.Process{PID: 121, Start: 7}, kin(1)), nil)
	check("one of which nothing is known", table.Entry(&attribution.Process{PID: 121}, kin(100)), nil)

	// A second session with the same exec id is another one.
	table.Observe(docker(t, 2, execid), proc(200), "")
	check("same exec id", table.Entry(proc(221), kin(200)),
		&attribution.Entry{ID: "1626611363.720:2", Via: "docker", Container: cid})
	// Within a container nobody begins one.
	table.Observe(docker(t, 3, strings.Repeat("ab", 32)), proc(300), cid)
	check("runc in a container", table.Entry(proc(300), nil), nil)
	// A program that only calls itself so.
	table.Observe(execution(t, 4, "/bin/busybox", "runc", "exec", cid), proc(400), "")
	check("argv0 is no name", table.Entry(proc(400), nil), nil)

	table.Observe(execution(t, 5, "/usr/bin/nsenter", "nsenter", "-t", "4711", "-a", "sh"), proc(500), "")
	check("nsenter", table.Entry(proc(501), kin(500)), &attribution.Entry{ID: "1626611363.720:5", Via: "nsenter", Container: cid})
	table.Observe(execution(t, 6, "/usr/bin/nsenter", "nsenter", "-t", "1", "-a", "sh"), proc(600), "")
	check("nsenter to no container", table.Entry(proc(600), nil), nil)

	if got, want := table.Stats(), (Stats{Sessions: 3, Members: 5, Begun: 3}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTableIsBounded(t *testing.T) {
	table := NewTable(Config{Sessions: 10, Members: 20})
	for i := range uint32(100) {
		table.Observe(docker(t, int(i), fmt.Sprintf("%064x", i)), proc(1000+i), "")
		table.Entry(proc(5000), kin(1000)) // in use
		for j := range uint32(10) {
			table.Entry(proc(10000+i*100+j), kin(1000+i))
		}
	}
	if got := table.Stats(); got.Sessions != 10 || got.Members > 20 || len(table.ids) != 10 {
		t.Errorf("got %+v, %d ids", got, len(table.ids))
	}
	if e := table.Entry(proc(5000), nil); e == nil || e.ID != fmt.Sprintf("%064x", 0) {
		t.Errorf("the one in use: got %+v", e)
	}
}

func FuzzObserve(f *testing.F) {
	f.Add("/usr/sbin/runc", "runc\x00--root\x00/run/moby\x00exec\x00--pid-file\x00a/b.pid\x00c")
	f.Add("/usr/bin/nsenter", "nsenter\x00-t\x0012\x00sh")
	f.Add("lxc-attach", "lxc-attach\x00-n\x00web")
	f.Fuzz(func(t *testing.T, exe, line string) {
		if c, ok := parse(exe, strings.Split(line, "\x00")); ok {
			if c.container == "" && c.target == 0 || c.execID != "" && !isID(c.execID) || c.via == "" {
				t.Errorf("got %+v", c)
			}
		}
	})
}

func BenchmarkEntry(b *testing.B) {
	table := NewTable(Config{})
	for i := range uint32(100) {
		table.Observe(docker(b, int(i), fmt.Sprintf("%064x", i)), proc(1000+i), "")
	}
	b.Run("of none", func(b *testing.B) {
		self, parents := proc(5), kin(4, 3, 2, 1, 9)
		b.ReportAllocs()
		for b.Loop() {
			table.Entry(self, parents)
		}
	})
	b.Run("member", func(b *testing.B) {
		self, parents := proc(5000), kin(4, 3, 2, 1000)
		b.ReportAllocs()
		for b.Loop() {
			table.Entry(self, parents)
		}
	})
}

func TestCreated(t *testing.T) {
	f := func(line string, want Creation, ok bool) {
		t.Helper()
		argv := strings.Split(strings.ReplaceAll(line, "CID", cid), " ")
		ev := execution(t, 1, "/usr/bin/"+argv[0], argv...)
		want.Bundle = strings.ReplaceAll(want.Bundle, "CID", cid)
		got, gotOK := NewTable(Config{}).Created(ev, "")
		if diff := cmp.Diff(got, want); ok && diff != "" || gotOK != ok {
			t.Errorf("%s: %v, want %v, got - want +:\n%s", line, gotOK, ok, diff)
		}
		if _, ok := NewTable(Config{}).Created(ev, "another"); ok {
			t.Errorf("%s: from within a container", line)
		}
	}
	// Recorded from containerd 1.6.20 and podman 4.3.1.
	f("runc --root /run/containerd/runc/k8s.io --log /run/x/log.json --log-format json create --bundle /run/containerd/io.containerd.runtime.v2.task/k8s.io/CID --pid-file /run/x/init.pid CID",
		Creation{ID: cid, Bundle: "/run/containerd/io.containerd.runtime.v2.task/k8s.io/CID", By: "runc"}, true)
	f("runc create --bundle /var/lib/containers/storage/overlay-containers/CID/userdata --pid-file /run/pidfile CID",
		Creation{ID: cid, Bundle: "/var/lib/containers/storage/overlay-containers/CID/userdata", By: "runc"}, true)
	f("crun --systemd-cgroup run -d --bundle=/b x", Creation{ID: "x", Bundle: "/b", By: "crun"}, true)
	f("runc run x", Creation{ID: "x", Bundle: "/srv", By: "runc"}, true)
	f("runc run -b sub -- x", Creation{ID: "x", Bundle: "/srv/sub", By: "runc"}, true)
	f("runc restore x", Creation{ID: "x", Bundle: "/srv", By: "runc"}, true)
	f("runc start x", Creation{}, false)
	f("runc create", Creation{}, false)
	f("runc init", Creation{}, false)
	f("sh -c runc run x", Creation{}, false)
}

// Whoever is not root gives containers no names.
func TestCreatedByUser(t *testing.T) {
	ev := execution(t, 1, "/usr/bin/runc", "runc", "run", "x")
	ev.Records[0].Body = []byte(strings.Replace(string(ev.Records[0].Body), "euid=0", "euid=1000", 1))
	if c, ok := NewTable(Config{}).Created(ev, ""); ok {
		t.Errorf("got %+v", c)
	}
}

func TestRecall(t *testing.T) {
	table := NewTable(Config{Sessions: 2})
	session := &attribution.Entry{ID: execid, Via: "docker", Container: cid}
	table.Recall(proc(100), session)
	table.Recall(proc(101), &attribution.Entry{ID: execid, Via: "docker", Container: cid})
	if got := table.Entry(proc(100), nil); got != session {
		t.Errorf("got %+v", got)
	}
	if got := table.Entry(proc(101), nil); got != session {
		t.Errorf("another process of the session: %+v", got)
	}
	if got := table.Entry(proc(200), kin(101, 100)); got != session {
		t.Errorf("a child: %+v", got)
	}
	if got := table.Entry(proc(300), kin(9, 1)); got != nil {
		t.Errorf("a stranger: %+v", got)
	}
	for i := range uint32(10) {
		table.Recall(proc(400+i), &attribution.Entry{ID: fmt.Sprint(i)})
	}
	if got := table.Stats().Members; got != 4 {
		t.Errorf("%d members, want those of two sessions", got)
	}
}
