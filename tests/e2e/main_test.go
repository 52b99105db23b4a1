package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vigil/tests/rig"
)

// helperVariable makes this test binary act as one of two helper programs.
const (
	helperVariable    = "VIGIL_E2E_HELPER"
	helperNoAudit     = helperVariable + "=noaudit"    // withoutAudit
	helperUnregister  = helperVariable + "=unregister" // unregister
	helperExitFailure = 126
)

// stormUID and stormGID are Debian's uucp: in every passwd, and running nothing.
const stormUID, stormGID = 10, 10

// built is where TestMain's programs lie; made once, when the first test asks.
var built struct {
	once   sync.Once
	remove func()
	tools  rig.Tools
	err    error
}

func TestMain(m *testing.M) {
	if err := help(os.Getenv(helperVariable), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "helper:", err)
		os.Exit(helperExitFailure)
	} else if os.Getenv(helperVariable) != "" {
		os.Exit(0)
	}
	code := m.Run()
	if built.remove != nil {
		built.remove()
	}
	os.Exit(code)
}

// help does what the helper program of that name does; "" does nothing.
func help(name string, args []string) error {
	switch name {
	case "":
		return nil
	case "noaudit":
		return withoutAudit(args)
	case "unregister":
		pid, err := strconv.Atoi(strings.Join(args, ""))
		if err != nil {
			return err
		}
		return unregister(pid)
	}
	return fmt.Errorf("no helper %q", name)
}

// programs builds vigil and the storm generator.
func programs(t *testing.T) rig.Tools {
	t.Helper()
	built.once.Do(func() {
		var dir string
		if dir, built.remove, built.err = rig.TempDir(); built.err == nil {
			binary := os.Getenv("VIGIL_E2E_BINARY")
			built.tools, built.err = rig.Build(context.Background(), dir, binary == "")
			if binary != "" {
				built.tools.Vigil = binary
			}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.tools
}

// need skips the test if something is missing; as root under CI it fails instead.
func need(t *testing.T, programs ...string) {
	t.Helper()
	var missing error
	for _, program := range append([]string{"auditctl", "gcc"}, programs...) {
		if _, err := exec.LookPath(program); err != nil {
			missing = errors.Join(missing, err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("missing: root, to use the kernel's audit engine")
	}
	if missing == nil {
		_, missing = rig.ReadState(t.Context())
	}
	if missing != nil && os.Getenv("CI") == "true" {
		t.Fatalf("missing (tests/setup installs it): %v", missing)
	}
	if missing != nil {
		t.Skipf("missing (tests/setup installs it): %v", missing)
	}
}

// engine takes the machine's audit engine for this test and puts it back at its end.
func engine(t *testing.T) *rig.Engine {
	t.Helper()
	need(t)
	programs(t) // others wait for the lock: nothing is compiled under it
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	e, err := rig.LockEngine(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Restore(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// reset makes the engine blank again in the middle of a test.
func reset(t *testing.T, e *rig.Engine) {
	t.Helper()
	if err := e.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// folder is a new one that every user may enter.
func folder(t *testing.T) string {
	t.Helper()
	dir, remove, err := rig.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	return dir
}

// startVigil starts `vigil run` and ends it with the test if the test has not.
func startVigil(t *testing.T, o rig.Options) *rig.Daemon {
	t.Helper()
	d, err := rig.StartVigil(t.Context(), programs(t), o)
	return started(t, d, err)
}

// startAuditd starts stock auditd and ends it with the test if the test has not.
func startAuditd(t *testing.T, o rig.Options) *rig.Daemon {
	t.Helper()
	need(t, "auditd", "ausearch", "aureport")
	d, err := rig.StartAuditd(t.Context(), o)
	return started(t, d, err)
}

func started(t *testing.T, d *rig.Daemon, err error) *rig.Daemon {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		select {
		case <-d.Exited():
		default:
			_ = d.Signal(syscall.SIGCONT)
			if err := d.Stop(); err != nil {
				t.Error(err)
			}
		}
		if t.Failed() && d.Messages() != "" {
			t.Logf("%s said: %s", d.Name, d.Messages())
		}
	})
	return d
}

// stop ends a daemon in order.
func stop(t *testing.T, d *rig.Daemon) {
	t.Helper()
	if err := d.Stop(); err != nil {
		t.Fatal(err)
	}
}

// quiet waits until the daemon has taken everything in.
func quiet(t *testing.T, d *rig.Daemon) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := d.Quiet(ctx); err != nil {
		t.Fatal(err)
	}
}

// storm makes one storm of count calls in all from two processes.
func storm(kind string, count int) rig.Storm {
	return rig.Storm{Kind: kind, UID: stormUID, GID: stormGID, Processes: 2, Count: count / 2}
}

// brew runs storms at once and waits for all.
func brew(t *testing.T, storms ...rig.Storm) {
	t.Helper()
	finish := brewing(t, storms...)
	finish()
}

// brewing starts storms and returns the function that waits for their end.
func brewing(t *testing.T, storms ...rig.Storm) (finish func()) {
	t.Helper()
	tools := programs(t)
	errs := make(chan error)
	for _, s := range storms {
		go func() {
			_, err := s.Run(t.Context(), tools)
			errs <- err
		}()
	}
	return sync.OnceFunc(func() {
		t.Helper()
		for range storms {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

// events is how many events a big storm makes.
func events(t *testing.T, full int) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("VIGIL_E2E_EVENTS")); err == nil {
		return min(n, full)
	}
	if testing.Short() {
		return min(10000, full)
	}
	return full
}

// vigil runs a command of the binary and returns its outputs and exit code.
func vigil(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return runAs(t, nil, append([]string{programs(t).Vigil}, args...)...)
}

// runAs runs a command with more environment, up to 60 s.
func runAs(t *testing.T, env []string, argv ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = "/"
	out, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var errText limited
	cmd.Stdout, cmd.Stderr = out, &errText
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %q: %v", argv, err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), string(errText), cmd.ProcessState.ExitCode()
}

// limited keeps the first 64 KiB written to it.
type limited []byte

func (l *limited) Write(p []byte) (int, error) {
	*l = append(*l, p[:min(len(p), 64<<10-len(*l))]...)
	return len(p), nil
}

// eventually polls until is says yes, and fails the test after the deadline.
func eventually(t *testing.T, within time.Duration, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); {
		if time.Since(start) > within {
			t.Fatalf("not within %v: %s", within, what)
		}
		if err := rig.Pause(t.Context(), 5*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// laps returns a function that logs how long it was since its last call.
func laps(t *testing.T) func(string) {
	since := time.Now()
	return func(what string) {
		t.Helper()
		t.Logf("%s: %.1f s", what, time.Since(since).Seconds())
		since = time.Now()
	}
}
