package identity

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"vigil/bpf/identity"
)

// require skips the test, or fails it where it must run, if this machine cannot run the programs.
func require(t testing.TB) {
	t.Helper()
	missing := ""
	if os.Geteuid() != 0 {
		missing = "root"
	} else if err := identity.Probe(""); err != nil {
		missing = err.Error()
	}
	switch {
	case missing == "":
	case os.Getenv("CI") == "true":
		t.Fatalf("this test must run here, but: %s", missing)
	default:
		t.Skipf("needs %s", missing)
	}
}

// open returns a Source that is kept up to date until the test ends.
func open(t testing.TB, cfg identity.Config) *identity.Source {
	t.Helper()
	s, err := identity.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s)
	return s
}

// keep keeps s up to date until the test ends, and closes it then.
func keep(t testing.TB, s *identity.Source) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// tools compiles the programs that the storms need into a folder that every user may enter. Where there is no compiler,
// as in a virtual machine, VIGIL_IDENTITY_TOOLS names a folder that has them.
func tools(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("VIGIL_IDENTITY_TOOLS"); dir != "" {
		return dir
	}
	dir, err := os.MkdirTemp("", "vigil-identity-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{
		{"gcc", "-O2", "-Wall", "-static", "-o", dir + "/storm", "storm/storm.c"},
		{"gcc", "-O2", "-Wall", "-static", "-o", dir + "/crowd", "storm/crowd.c"},
		{"gcc", "-Os", "-Wall", "-static", "-nostartfiles", "-o", dir + "/tiny", "storm/tiny.c"},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%v: %v\n%s", argv, err, out)
			}
			t.Skipf("needs gcc: %v: %v\n%s", argv, err, out)
		}
	}
	return dir
}

// site is a cgroup that a worker lives in: its folders, and the path that is to be found.
type site struct {
	dirs []string
	path string
}

// names are the paths that container runtimes give to the cgroup of container id in a pod, with both drivers.
func names(i int) string {
	id := strings.Repeat(fmt.Sprintf("%02x", 0xa0+i), 32)
	uid := fmt.Sprintf("0f7e6d5c-1111-2222-3333-4444555566%02x", i)
	slice := "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + strings.ReplaceAll(uid, "-", "_") + ".slice/"
	return []string{
		"docker/" + id,
		"system.slice/docker-" + id + ".scope",
		"kubepods/burstable/pod" + uid + "/" + id,
		slice + "cri-containerd-" + id + ".scope",
		"kubepods/besteffort/pod" + uid + "/crio-" + id,
		slice + "crio-" + id + ".scope",
		"libpod_parent/libpod-" + id,
		"machine.slice/libpod-" + id + ".scope",
		"kubepods/pod" + uid + "/docker-" + id,
		"user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope/container",
	}[i%10]
}

// hierarchies are where cgroups are mounted: version 2, and version 1's controllers.
func hierarchies(t testing.TB) (v2 string, v1 []string) {
	t.Helper()
	file, err := os.Open("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		f := strings.Fields(lines.Text())
		switch f[2] {
		case "cgroup2":
			v2 = f[1]
		case "cgroup":
			v1 = append(v1, f[1])
		}
	}
	return v2, v1
}

// sites makes n cgroups named as the runtimes name theirs. layout is "v1", "v2", "hybrid", or "" for what the machine has.
func sites(t testing.TB, layout string, n int) []site {
	t.Helper()
	v2, v1 := hierarchies(t)
	switch {
	case layout != "":
	case v2 == "":
		layout = "v1"
	case len(v1) == 0:
		layout = "v2"
	default:
		layout = "hybrid"
	}
	var roots []string
	if layout != "v1" && v2 != "" {
		roots = append(roots, v2)
	}
	if layout != "v2" {
		roots = append(roots, v1...)
	}
	if len(roots) == 0 || layout == "hybrid" && (v2 == "" || len(v1) == 0) {
		t.Skipf("needs a machine with %s cgroups", layout)
	}
	list := make([]site, n)
	var made []string
	for i := range list {
		list[i].path = fmt.Sprintf("/vigil-%s/%s", layout, names(i))
		for _, root := range roots {
			dir := root
			for _, name := range strings.Split(list[i].path[1:], "/") {
				dir = filepath.Join(dir, name)
				if err := os.Mkdir(dir, 0o755); err == nil {
					made = append(made, dir)
					// A cpuset without processors and memory takes no process, cpuset(7).
					for _, file := range []string{"/cpuset.cpus", "/cpuset.mems"} {
						if text, err := os.ReadFile(filepath.Dir(dir) + file); err == nil {
							_ = os.WriteFile(dir+file, text, 0)
						}
					}
				} else if !os.IsExist(err) {
					t.Fatal(err)
				}
			}
			list[i].dirs = append(list[i].dirs, dir)
		}
	}
	t.Cleanup(func() {
		for i := len(made) - 1; i >= 0; i-- {
			for range 100 { // the kernel takes a moment to see that it is empty
				if err := unix.Rmdir(made[i]); err != unix.EBUSY {
					break
				}
				wait(10 * time.Millisecond)
			}
		}
	})
	return list
}

// wait gives the kernel time for something that it does not announce.
func wait(d time.Duration) { <-time.After(d) }

// entry is struct entry of storm.c.
type entry struct {
	pid, worker uint32
	stamp       uint64
}

// storm is a run of storm.c.
type storm struct {
	t       testing.TB
	cmd     *exec.Cmd
	entries []entry
	workers int
	count   int
	out     strings.Builder
	done    chan error
	over    atomic.Bool
}

// start begins a storm of count execs of each worker, with uid, and with pid if that is not 0.
func start(t testing.TB, dir string, list []site, count, uid, pid int) *storm {
	t.Helper()
	file := filepath.Join(t.TempDir(), "entries")
	args := []string{file, strconv.Itoa(count), strconv.Itoa(uid), strconv.Itoa(pid), dir + "/tiny"}
	for _, s := range list {
		args = append(args, strings.Join(s.dirs, ","))
	}
	size := len(list) * count * int(unsafe.Sizeof(entry{}))
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &storm{t: t, cmd: exec.Command(dir+"/storm", args...), workers: len(list), count: count, done: make(chan error, 1)}
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fd, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer fd.Close()
	for { // until the storm has given it its size
		if info, err := fd.Stat(); err != nil {
			t.Fatal(err)
		} else if info.Size() == int64(size) {
			break
		}
		wait(time.Millisecond)
	}
	memory, err := unix.Mmap(int(fd.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	s.entries = unsafe.Slice((*entry)(unsafe.Pointer(&memory[0])), len(list)*count)
	go func() {
		err := s.cmd.Wait()
		s.over.Store(true)
		s.done <- err
	}()
	return s
}

// each calls f for each exec as it happens, and returns how long the storm took.
func (s *storm) each(f func(worker int, pid uint32, stamp uint64)) time.Duration {
	s.t.Helper()
	next := make([]int, s.workers)
	for {
		over, idle := s.over.Load(), true
		for w := range next {
			for next[w] < s.count {
				e := &s.entries[w*s.count+next[w]]
				stamp := atomic.LoadUint64(&e.stamp)
				if stamp == 0 {
					break
				}
				f(w, e.pid, stamp)
				next[w]++
				idle = false
			}
		}
		if over && idle {
			return s.wait()
		}
	}
}

// wait returns how long the storm took once it is over.
func (s *storm) wait() time.Duration {
	s.t.Helper()
	if err := <-s.done; err != nil {
		s.t.Fatalf("storm: %v\n%s", err, s.out.String())
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(s.out.String()), 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Duration(seconds * 1e9)
}

// found is the cgroup of p by which container runtimes tell.
func found(p identity.Process) string {
	if p.Cgroup == "" || p.Cgroup == "/" {
		return p.Cgroup1
	}
	return p.Cgroup
}
