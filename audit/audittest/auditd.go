package audittest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"vigil/audit/kernel"
)

// Auditd is a stock auditd that a test has started. The engine must be locked.
type Auditd struct {
	PID int
	Dir string // its configuration and log
	Log string

	stop func()
	gone chan struct{} // closed when it has exited
}

// StartAuditd starts the stock auditd, logging RAW into a directory of its own,
// and returns when it is registered. It ends with the test, or with Stop. The
// test is skipped if auditd is not installed, and fails if CI=true.
func StartAuditd(t testing.TB, ctl *kernel.Control) *Auditd {
	t.Helper()
	d, ok := TryAuditd(t, ctl)
	if !ok {
		t.Fatal("auditd does not register")
	}
	return d
}

// TryAuditd is StartAuditd for when somebody else may be faster: it reports
// whether auditd has become the registered daemon.
func TryAuditd(t testing.TB, ctl *kernel.Control) (*Auditd, bool) {
	t.Helper()
	d := launchAuditd(t)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		status, err := ctl.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if int(status.PID) == d.PID {
			return d, true
		}
		select {
		case <-d.gone:
			return d, false
		case <-time.After(10 * time.Millisecond):
		}
	}
	return d, false
}

// FailAuditd starts the stock auditd and waits until it has given up, as it does
// when another daemon is registered. It returns what it said.
func FailAuditd(t testing.TB) string {
	t.Helper()
	cmd, _ := auditdCommand(t)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Error("auditd beside another daemon: exited with 0")
	}
	return string(out)
}

func launchAuditd(t testing.TB) *Auditd {
	t.Helper()
	cmd, dir := auditdCommand(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &Auditd{PID: cmd.Process.Pid, Dir: dir, Log: filepath.Join(dir, "audit.log"), gone: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ends is not what is tested
		close(d.gone)
	}()
	d.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		<-d.gone
		kill.Stop()
	})
	t.Cleanup(d.stop)
	return d
}

// Stop ends auditd in order, and returns when it is gone.
func (d *Auditd) Stop() { d.stop() }

// auditdCommand writes a configuration and returns the command that uses it.
func auditdCommand(t testing.TB) (*exec.Cmd, string) {
	t.Helper()
	path, err := exec.LookPath("/usr/sbin/auditd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("stock auditd is not installed: %v", err)
		}
		t.Skipf("needs the stock auditd: %v", err)
	}
	dir := t.TempDir()
	conf := fmt.Sprintf(`log_file = %[1]s/audit.log
log_format = RAW
flush = NONE
max_log_file = 1000
max_log_file_action = IGNORE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
plugin_dir = %[1]s/plugins.d
`, dir)
	if err := os.WriteFile(filepath.Join(dir, "auditd.conf"), []byte(conf), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "plugins.d"), 0o750); err != nil {
		t.Fatal(err)
	}
	// In the foreground, and without touching "enabled".
	return exec.CommandContext(t.Context(), path, "-n", "-s", "nochange", "-c", dir), dir
}
