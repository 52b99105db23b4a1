package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/vishvananda/netns"
)

// capability is a number of <linux/capability.h>.
type capability uint

const (
	capAuditWrite   capability = 29
	capAuditControl capability = 30
	capAuditRead    capability = 37
)

func (c capability) String() string {
	switch c {
	case capAuditWrite:
		return "CAP_AUDIT_WRITE"
	case capAuditControl:
		return "CAP_AUDIT_CONTROL"
	case capAuditRead:
		return "CAP_AUDIT_READ"
	}
	return "capability " + strconv.Itoa(int(c))
}

// environment is what /proc says about this process and others. The value is
// the root of a proc file system: "/proc", or where a container sees the host's.
type environment string

// initPIDNamespace is the inode of the initial pid namespace
// (include/linux/proc_ns.h, PROC_PID_INIT_INO), the same on every machine.
const initPIDNamespace = "pid:[4026531836]"

// has reports whether this process has a capability; true if /proc does not
// say. It is asked only to explain an error.
func (env environment) has(c capability) bool {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return true
	}
	for line := range bytes.Lines(status) {
		value, ok := bytes.CutPrefix(line, []byte("CapEff:"))
		if !ok {
			continue
		}
		set, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 16, 64)
		return err != nil || set&(1<<c) != 0
	}
	return true
}

// userNamespace reports whether this process is in a user namespace of its own.
// The initial one maps every id to itself.
func (env environment) userNamespace() bool {
	m, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	f := bytes.Fields(m)
	return len(f) < 3 || string(f[0]) != "0" || string(f[1]) != "0" || string(f[2]) != "4294967295"
}

// pidNamespace reports whether this process is in a pid namespace of its own.
func (env environment) pidNamespace() bool {
	ns, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && ns != initPIDNamespace
}

// comm returns the name of a process, "" if it is gone or hidden.
func (env environment) comm(pid int) string {
	b, err := os.ReadFile(filepath.Join(string(env), strconv.Itoa(pid), "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}

// alive reports whether a process exists and still runs. A zombie's sockets are
// closed. In doubt it does.
func (env environment) alive(pid int) bool {
	b, err := os.ReadFile(filepath.Join(string(env), strconv.Itoa(pid), "stat"))
	if err != nil {
		return !os.IsNotExist(err)
	}
	// The state follows the parenthesised name, which may hold anything.
	at := bytes.LastIndexByte(b, ')')
	return at < 0 || len(b) < at+3 || (b[at+2] != 'Z' && b[at+2] != 'X')
}

// placement says in which network namespace a socket was opened.
type placement struct {
	entered bool  // the host's, which is not the process's own
	failed  error // why the host's could not be entered; nil if not needed
}

// dialHost opens an audit socket in the host's network namespace if that is
// another than the process's. Multicast copies are delivered nowhere else;
// unicast is, so failing to get there is not an error yet.
func dialHost(env environment) (Socket, placement, error) {
	host, err := hostNetNS(env)
	if err != nil || host == nil {
		sock, openErr := openSocket()
		if openErr != nil {
			return nil, placement{}, openErr
		}
		return sock, placement{failed: err}, nil
	}
	defer host.Close()
	sock, err := openIn(*host)
	if err == nil {
		return sock, placement{entered: true}, nil
	}
	own, openErr := openSocket()
	if openErr != nil {
		return nil, placement{}, openErr
	}
	return own, placement{failed: err}, nil
}

// held counts the threads that the kernel holds because its audit backlog is
// full. known is false where the kernel does not say where threads sleep.
func (env environment) held() (n int, known bool) {
	threads, err := filepath.Glob(filepath.Join(string(env), "[0-9]*", "task", "[0-9]*", "wchan"))
	if err != nil {
		return 0, false
	}
	for _, path := range threads {
		where, err := os.ReadFile(path)
		if err != nil {
			continue // gone
		}
		switch at := string(where); {
		case strings.HasPrefix(at, "audit_log_start"), strings.HasPrefix(at, "audit_receive"):
			n++
			known = true
		case at != "0" && at != "":
			known = true
		}
	}
	return n, known
}

// hostOnly is a file that only the first network namespace has
// (net/core/sysctl_net_core.c registers net_core_table for init_net alone).
const hostOnly = "/proc/sys/net/core/netdev_budget"

// hostNetNS returns the host's network namespace, nil if the process is in it,
// and an error if it cannot be told.
//
// The namespace is that of pid 1. Where pid 1 is protected from us, that of pid
// 2 does: the kernel's own threads never leave the first one.
func hostNetNS(env environment) (*netns.NsHandle, error) {
	if _, err := os.Stat(hostOnly); err == nil {
		return nil, nil
	}
	own, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("get network namespace: %w", err)
	}
	defer own.Close()
	failed := errors.New("no process of the host is visible under " + string(env))
	for _, pid := range []string{"1", "2"} {
		host, err := netns.GetFromPath(filepath.Join(string(env), pid, "ns", "net"))
		switch {
		case err != nil:
			failed = fmt.Errorf("get network namespace of pid %s: %w", pid, err)
		case host.Equal(own):
			host.Close()
		default:
			return &host, nil
		}
	}
	return nil, failed
}

// openIn opens a socket in a network namespace. It uses a thread of its own,
// which is thrown away if it cannot come back.
func openIn(host netns.NsHandle) (Socket, error) {
	type result struct {
		sock *netlinkSocket
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread()
		own, err := netns.Get()
		if err != nil {
			runtime.UnlockOSThread()
			done <- result{err: fmt.Errorf("get network namespace: %w", err)}
			return
		}
		defer own.Close()
		if err := netns.Set(host); err != nil {
			runtime.UnlockOSThread()
			done <- result{err: fmt.Errorf("enter host's network namespace: %w", err)}
			return
		}
		sock, err := openSocket()
		if netns.Set(own) == nil {
			// A goroutine that ends while locked takes its thread along.
			runtime.UnlockOSThread()
		}
		done <- result{sock, err}
	}()
	r := <-done
	if r.err != nil {
		return nil, r.err
	}
	return r.sock, nil
}
