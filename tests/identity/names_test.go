package identity

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vigil/bpf/identity"
)

// TestHostileNames puts processes into cgroups whose names are as bad as the kernel allows, and as long and deep.
func TestHostileNames(t *testing.T) {
	require(t)
	root, v1 := hierarchies(t)
	if root == "" {
		t.Skipf("needs cgroup version 2, has %v", v1)
	}
	s := open(t, identity.Config{Mode: identity.BPF})
	long := strings.Repeat("n", 255)
	f := func(want string, names ...string) {
		t.Helper()
		dir := root
		for _, name := range names {
			dir = filepath.Join(dir, name)
			if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
				t.Fatal(err)
			}
			defer func(dir string) {
				for range 100 {
					if err := unix.Rmdir(dir); err != unix.EBUSY {
						break
					}
					wait(10 * time.Millisecond)
				}
			}(dir)
		}
		fd, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer fd.Close()
		cmd := exec.Command("/bin/sh", "-c", "exit 0")
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(fd.Fd())}
		began := time.Now()
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		// The stamp of an event while it ran: any between the start and the end.
		var p identity.Process
		var m identity.Match
		for at := began; !m.Known() && at.Before(time.Now()); at = at.Add(time.Millisecond) {
			p, m = s.Lookup(&identity.Query{PID: uint32(cmd.Process.Pid), Sec: at.Unix(), Milli: uint16(at.Nanosecond() / 1e6)})
		}
		if !m.Known() || p.Cgroup != want {
			t.Errorf("got %s %q, want %q", m, p.Cgroup, want)
		}
	}
	f("/vigil-names/\x1dUID=\"root\" CONTAINER=\"x", "vigil-names", "\x1dUID=\"root\" CONTAINER=\"x")
	f("/vigil-names/\xff\xfe'\\ type=SYSCALL msg=audit(1.000:1):", "vigil-names", "\xff\xfe'\\ type=SYSCALL msg=audit(1.000:1):")
	f("/vigil-names/"+long, "vigil-names", long)
	// The upper part of what is too long or too deep is missing, and the path says so.
	f(strings.Join([]string{long, long, long}, "/"), "vigil-names", long, long, long)
	deep := make([]string, 30)
	for i := range deep {
		deep[i] = "d" + string(rune('a'+i%26))
	}
	f(strings.Join(deep[len(deep)-24:], "/"), append([]string{"vigil-names"}, deep...)...)
}

// TestNamespaces looks up a process in a pid namespace of its own.
func TestNamespaces(t *testing.T) {
	require(t)
	s := open(t, identity.Config{Mode: identity.BPF})
	cmd := exec.Command("/bin/sh", "-c", "exit 0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	own, m := lookupNow(s, os.Getpid())
	if m != identity.Exact {
		t.Errorf("this process: %s", m)
	}
	var p identity.Process
	for at := began; p.Start == 0 && at.Before(time.Now()); at = at.Add(time.Millisecond) {
		p, m = s.Lookup(&identity.Query{PID: uint32(cmd.Process.Pid), Sec: at.Unix(), Milli: uint16(at.Nanosecond() / 1e6)})
	}
	if p.NSPID != 1 || p.PIDNS == own.PIDNS || p.MntNS == own.MntNS || p.NetNS == own.NetNS || p.PIDNS == 0 || p.NetNS == 0 {
		t.Errorf("got %s %+v, beside %+v", m, p, own)
	}
	parents := s.Ancestors(&p, nil, 5)
	if len(parents) == 0 || parents[0].PID != own.PID || parents[0].Start != own.Start {
		t.Errorf("parents %+v, want %d first", parents, own.PID)
	}
}

func lookupNow(s *identity.Source, pid int) (identity.Process, identity.Match) {
	at := time.Now()
	return s.Lookup(&identity.Query{PID: uint32(pid), Sec: at.Unix(), Milli: uint16(at.Nanosecond() / 1e6)})
}
