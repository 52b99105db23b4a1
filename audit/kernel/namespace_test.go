package kernel_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
	"vigil/audit/tables"
)

// TestKernelNamespaces runs a probe in namespaces of its own, and without
// capabilities.
func TestKernelNamespaces(t *testing.T) {
	audittest.LockEngine(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, command ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], self, "-test.v", "-test.run=^TestKernelProbe$")...)
		cmd.Env = append(os.Environ(), "VIGIL_PROBE=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q: got %v:\n%s\nwant %q", command, err, out, want)
		}
	}
	all := "mode=daemon hears=true\nmode=observer hears=true\n"
	f(all, "env")
	f(all, "unshare", "-n")
	const user = "not in the initial user namespace"
	f("mode=daemon error: read audit status: connection refused: "+user, "unshare", "-Urn")
	f("mode=daemon error: read audit status: connection refused: "+user, "unshare", "-Ur")
	f("mode=daemon error: read audit status: operation not permitted: not in the host's pid namespace", "unshare", "-pf")
	f("mode=daemon error: read audit status: operation not permitted: no CAP_AUDIT_CONTROL", "setpriv", "--bounding-set=-audit_control", "--inh-caps=-audit_control")
	f("mode=observer error: join audit multicast group: operation not permitted: no CAP_AUDIT_READ", "setpriv", "--bounding-set=-audit_read", "--inh-caps=-audit_read")
	f(all, "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
	// An observer needs no more than to read.
	f("mode=observer hears=true\n", "setpriv", "--bounding-set=-audit_control", "--inh-caps=-audit_control")
}

// TestKernelProbe says what a Source can do where it runs.
func TestKernelProbe(t *testing.T) {
	if os.Getenv("VIGIL_PROBE") == "" {
		t.Skip("runs as part of TestKernelNamespaces")
	}
	ctx := t.Context()
	for _, mode := range []kernel.Mode{kernel.Daemon, kernel.Observer} {
		s, err := kernel.Open(ctx, kernel.Config{Mode: mode})
		if err != nil {
			fmt.Printf("mode=%v error: %v\n", mode, err)
			continue
		}
		hears := false
		ctl, err := kernel.DialControl(ctx, kernel.ControlConfig{})
		if err != nil {
			t.Fatal(err)
		}
		// Turning on what is on makes a record, and so does a user message.
		_ = ctl.Set(ctx, kernel.Settings{Enabled: new(uint32(1))})
		_ = ctl.SendUser(ctx, tables.TypeUser, "op=probe")
		exec.CommandContext(ctx, "auditctl", "-m", "probe").Run()
		for range 10 {
			batch, err := s.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			hears = hears || len(batch) > 0
		}
		fmt.Printf("mode=%v hears=%v\n", mode, hears)
		if err := errors.Join(ctl.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}
}
