package doctor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
	"vigil/daemon/doctor"
)

// host is a fake host on which all is well; tests make it ill.
type host struct {
	t      *testing.T
	proc   string
	trail  string
	status kernel.Status
	err    error
}

const (
	allCapabilities = "Name:\tvigil\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\n"
	initialIDs      = "         0          0 4294967295\n"
)

func newHost(t *testing.T) *host {
	t.Helper()
	dir := t.TempDir()
	h := &host{
		t: t, proc: filepath.Join(dir, "proc"), trail: filepath.Join(dir, "log", "audit.log"),
		status: kernel.Status{Enabled: 1, Failure: 1, BacklogLimit: 65536, BacklogWaitTime: 15000},
	}
	h.file("self/status", allCapabilities)
	h.file("self/uid_map", initialIDs)
	h.file("cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/vda1 audit=1 quiet\n")
	h.link("self/ns/pid", "pid:[4026531836]")
	h.link("self/ns/net", "net:[4026531840]")
	h.link("1/ns/net", "net:[4026531840]")
	return h
}

func (h *host) file(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.proc, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) link(name, target string) {
	h.t.Helper()
	path := filepath.Join(h.proc, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		h.t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		h.t.Fatal(err)
	}
}

// remove takes away a file of proc that a kernel or a container runtime may keep
// from us.
func (h *host) remove(name string) {
	h.t.Helper()
	if err := os.Remove(filepath.Join(h.proc, name)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) examine() []doctor.Finding {
	return doctor.Examine(h.t.Context(), doctor.Host{
		Proc: h.proc, Trail: h.trail,
		Processes: func(string) error { return nil }, Status: func(context.Context) (kernel.Status, error) { return h.status, h.err },
	})
}

func TestAllIsWell(t *testing.T) {
	findings := newHost(t).examine()
	var checks []string
	for _, f := range findings {
		checks = append(checks, f.Check)
		if f.Verdict != doctor.OK || f.Advice != "" || f.Found == "" {
			t.Errorf("got %+v", f)
		}
	}
	want := "kernel, capabilities, namespaces, audit engine, audit daemon, kernel queue, rate limit, lost so far, attribution, boot parameters, trail"
	if got := strings.Join(checks, ", "); got != want {
		t.Errorf("checks\n got %s\nwant %s", got, want)
	}
	if doctor.Failed(findings) {
		t.Error("failed")
	}
}

// Each illness shows in its own check, and in no other.
func TestIllnesses(t *testing.T) {
	f := func(check string, verdict doctor.Verdict, found, advice string, ill func(*host)) {
		t.Helper()
		h := newHost(t)
		ill(h)
		findings := h.examine()
		seen := false
		for _, got := range findings {
			if got.Check != check {
				if got.Verdict != doctor.OK {
					t.Errorf("%s, %s: also got %+v", check, found, got)
				}
				continue
			}
			seen = true
			if got.Verdict != verdict || !strings.Contains(got.Found, found) || !strings.Contains(got.Advice, advice) || got.Advice == "" {
				t.Errorf("%s: got %+v, want %s, %q and the advice %q", check, got, verdict, found, advice)
			}
		}
		if !seen {
			t.Errorf("%s was not checked", check)
		}
		if failed := doctor.Failed(findings); failed != (verdict == doctor.Fail) {
			t.Errorf("%s, %s: failed is %v", check, found, failed)
		}
	}
	// CAP_AUDIT_CONTROL is bit 30, CAP_AUDIT_READ 37, CAP_AUDIT_WRITE 29, CAP_NET_ADMIN 12 (<linux/capability.h>).
	f("capabilities", doctor.Fail, "missing CAP_AUDIT_CONTROL, CAP_AUDIT_READ, CAP_AUDIT_WRITE, CAP_NET_ADMIN", "run as root", func(h *host) {
		h.file("self/status", "CapEff:\t0000000000000000\n")
	})
	f("capabilities", doctor.Fail, "missing CAP_AUDIT_CONTROL", "to register", func(h *host) {
		h.file("self/status", "CapEff:\t000001ffbfffffff\n")
	})
	f("capabilities", doctor.Warn, "missing CAP_AUDIT_READ", "to observe", func(h *host) {
		h.file("self/status", "CapEff:\t000001dfffffffff\n")
	})
	f("capabilities", doctor.Warn, "missing CAP_AUDIT_WRITE", "after a stall", func(h *host) {
		h.file("self/status", "CapEff:\t000001ffdfffffff\n")
	})
	f("capabilities", doctor.Warn, "missing CAP_NET_ADMIN", "receive buffer", func(h *host) {
		h.file("self/status", "CapEff:\t000001ffffffefff\n")
	})
	f("namespaces", doctor.Fail, "a user namespace", "on the host itself", func(h *host) {
		h.file("self/uid_map", "         0       1000          1\n")
	})
	f("namespaces", doctor.Fail, "a pid namespace", "hostPID", func(h *host) {
		h.link("self/ns/pid", "pid:[4026532999]")
	})
	f("namespaces", doctor.Warn, "a network namespace", "CAP_SYS_ADMIN", func(h *host) {
		h.link("self/ns/net", "net:[4026532999]")
	})
	f("audit engine", doctor.Warn, "locked until the next boot", "rules cannot be changed", func(h *host) { h.status.Enabled = 2 })
	f("audit daemon", doctor.Warn, "auditd (pid 77) is registered", "observes beside it", func(h *host) {
		h.status.PID = 77
		h.file("77/comm", "auditd\n")
	})
	f("audit daemon", doctor.Warn, "pid 77 is registered and not to be seen", "takes its place", func(h *host) { h.status.PID = 77 })
	f("rate limit", doctor.Warn, "500 records a second", "auditctl -r 0", func(h *host) { h.status.RateLimit = 500 })
	f("lost so far", doctor.Warn, "12", "dropped", func(h *host) { h.status.Lost = 12 })
	f("boot parameters", doctor.Fail, "audit=0", "kernel's command line", func(h *host) { h.file("cmdline", "quiet audit=0\n") })
	f("boot parameters", doctor.Fail, "audit=0", "kernel's command line", func(h *host) { h.file("cmdline", "audit=off\n") })
	f("trail", doctor.Fail, "not a directory", "--trail", func(h *host) {
		h.file("here", "")
		h.trail = filepath.Join(h.proc, "here", "audit.log")
	})
}

// These are as they should be, or Vigil mends them; some have something to be
// said about.
func TestHealth(t *testing.T) {
	f := func(check, found, advice string, change func(*host)) {
		t.Helper()
		h := newHost(t)
		change(h)
		for _, got := range h.examine() {
			if got.Verdict != doctor.OK {
				t.Errorf("%s: got %+v", check, got)
			}
			if got.Check == check && (!strings.Contains(got.Found, found) || !strings.Contains(got.Advice, advice)) {
				t.Errorf("%s: got %+v, want %q and the advice %q", check, got, found, advice)
			}
		}
	}
	f("audit engine", "there, and off", "turns it on", func(h *host) { h.status.Enabled = 0 })
	f("audit daemon", "vigil (pid 77)", "", func(h *host) {
		h.status.PID = 77
		h.file("77/comm", "vigil\n")
	})
	f("kernel queue", "64 records", "audit_backlog_limit", func(h *host) { h.status.BacklogLimit = 64 })
	f("kernel queue", "no limit", "", func(h *host) { h.status.BacklogLimit = 0 })
	f("boot parameters", "no audit=1", "older than it", func(h *host) { h.file("cmdline", "quiet\n") })
	f("boot parameters", "audit=1", "", func(h *host) { h.file("cmdline", "audit=on\n") })
	// Where the host does not let us look, nothing is made up.
	f("namespaces", "the host's own", "", func(h *host) { h.remove("1/ns/net") })
	f("namespaces", "the host's own", "", func(h *host) { h.remove("self/uid_map") })
	f("trail", "MiB free", "", func(h *host) { h.trail = filepath.Join(h.proc, "not", "yet", "made", "audit.log") })
}

// What cannot be read is said, and keeps nothing from being tried.
func TestUnreadable(t *testing.T) {
	for _, name := range []string{"self/status", "cmdline"} {
		h := newHost(t)
		h.remove(name)
		warned := false
		for _, f := range h.examine() {
			warned = warned || f.Verdict == doctor.Warn && strings.Contains(f.Found, "no such file")
		}
		if !warned {
			t.Errorf("without %s: no warning", name)
		}
	}
	h := newHost(t)
	h.file("self/status", "Name:\tvigil\n")
	if f := h.examine()[1]; f.Verdict != doctor.Warn || !strings.Contains(f.Found, "no CapEff") {
		t.Errorf("without CapEff: %+v", f)
	}
}

// Without an engine there is one finding in place of five, and its advice says
// what to do.
func TestNoEngine(t *testing.T) {
	h := newHost(t)
	k := audittest.NewKernel()
	k.Deny(1000, syscall.ECONNREFUSED)
	_, h.err = k.Control(t).Status(t.Context())
	findings := h.examine()
	if got := findings[3]; got.Check != "audit engine" || got.Verdict != doctor.Fail || !strings.Contains(got.Advice, "CONFIG_AUDIT") {
		t.Errorf("got %+v", got)
	}
	if len(findings) != 7 || !doctor.Failed(findings) {
		t.Errorf("%d findings: %+v", len(findings), findings)
	}
	h.err = errors.New("read audit status: timed out")
	if got := h.examine()[3]; got.Verdict != doctor.Fail || got.Found != "read audit status: timed out" || got.Advice == "" {
		t.Errorf("got %+v", got)
	}
}

// A place that may not be written, and one that is nearly full.
func TestTrail(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount small file systems")
	}
	mount := func(h *host, flags uintptr) {
		t.Helper()
		h.trail = filepath.Join(t.TempDir(), "audit.log")
		if err := unix.Mount("none", filepath.Dir(h.trail), "tmpfs", flags, "size=10m"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(filepath.Dir(h.trail), unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
	f := func(flags uintptr, verdict doctor.Verdict, found, advice string) {
		t.Helper()
		h := newHost(t)
		mount(h, flags)
		all := h.examine()
		got := all[len(all)-1]
		if got.Check != "trail" || got.Verdict != verdict || !strings.Contains(got.Found, found) || !strings.Contains(got.Advice, advice) {
			t.Errorf("got %+v, want %s, %q and the advice %q", got, verdict, found, advice)
		}
	}
	f(0, doctor.Warn, "10 MiB free", "make room")
	f(unix.MS_RDONLY, doctor.Fail, "may not be written", "--trail")
}
