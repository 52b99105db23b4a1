package daemon

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/daemon/control"
)

func TestAskStatus(t *testing.T) {
	b := newBed(t)
	b.start()
	b.record(tables.TypeUserCmd, "pid=1")
	b.kernel.Change(func(s *kernel.Status) { s.Lost = 3 })
	if err := b.d.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := AskStatus(t.Context(), b.opts.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	want := b.d.report() // nothing happens meanwhile but the socket's own counts
	got.Socket, want.Socket = SocketStatus{}, SocketStatus{}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("status (-got +want):\n%s", diff)
	}
	if got.Mode != "daemon" || got.Why != "nobody holds the registration" || got.PID != os.Getpid() || got.Version != "0.0.1" {
		t.Errorf("got %+v", got)
	}
	if got.Kernel == nil || got.Kernel.Enabled != 1 || got.Kernel.Lost != 3 || got.Kernel.PID != uint32(os.Getpid()) {
		t.Errorf("kernel %+v", got.Kernel)
	}
	if got.Trail == nil || got.Trail.Path != b.settings.Trail.Path || got.Trail.Records != uint64(len(b.trail())) {
		t.Errorf("trail %+v, in it are %d lines", got.Trail, len(b.trail()))
	}
	if got.Ledger.Written != got.Trail.Records {
		t.Errorf("the ledger has %d records written, the trail %d", got.Ledger.Written, got.Trail.Records)
	}
	b.end()
	if _, err := AskStatus(t.Context(), b.opts.RunDir); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("after the end: %v, want ErrNotRunning", err)
	}
}

// The names that scripts read stay as they are.
func TestStatusJSON(t *testing.T) {
	text, err := json.Marshal(Status{Trail: &TrailStatus{}, Kernel: &KernelStatus{}})
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]any
	if err := json.Unmarshal(text, &names); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"version", "pid", "since", "mode", "why", "kernel", "socket", "ledger", "trail", "rules"} {
		if _, ok := names[name]; !ok {
			t.Errorf("no %q in %s", name, text)
		}
	}
	for _, name := range []string{"received", "assembled", "written", "lost", "gaps", "enobufs", "dropped", "losses", "pending", "recent"} {
		if _, ok := names["ledger"].(map[string]any)[name]; !ok {
			t.Errorf("no ledger.%s in %s", name, text)
		}
	}
}

// Only root opens the socket, from its first moment on.
func TestControlModes(t *testing.T) {
	old := unix.Umask(0o077) // as Run sets it
	t.Cleanup(func() { unix.Umask(old) })
	b := newBed(t)
	b.start()
	f := func(path string, want fs.FileMode) {
		t.Helper()
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != want {
			t.Errorf("%s: %v, want %v", filepath.Base(path), got, want)
		}
	}
	f(b.opts.RunDir, fs.ModeDir|0o700)
	f(filepath.Join(b.opts.RunDir, control.Socket), fs.ModeSocket|0o600)
	f(beforeFile(b.opts.RunDir), 0o600)
	f(filepath.Dir(b.settings.Trail.Path), fs.ModeDir|0o700)
	f(b.settings.Trail.Path, 0o600)
	b.end()
}

// A second instance in the same run directory is refused before it has changed
// anything, and the first one goes on.
func TestControlSecondInstance(t *testing.T) {
	first := newBed(t)
	first.start()
	second := newBed(t)
	second.opts.RunDir = first.opts.RunDir
	second.launch()
	err := second.wait()
	if err == nil || !strings.Contains(err.Error(), "another vigil answers on it") || !strings.Contains(err.Error(), "--run-dir") {
		t.Errorf("the second instance: %v", err)
	}
	if sent := second.kernel.Status(); sent.PID != 0 || sent.Enabled != 0 {
		t.Errorf("the second instance changed the engine: %+v", sent)
	}
	if _, err := AskStatus(t.Context(), first.opts.RunDir); err != nil {
		t.Errorf("the first instance: %v", err)
	}
	first.end()
}

// A socket that a killed instance left behind is replaced.
func TestControlStaleSocket(t *testing.T) {
	b := newBed(t)
	if err := os.MkdirAll(b.opts.RunDir, 0o700); err != nil {
		t.Fatal(err)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(b.opts.RunDir, control.Socket)})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := AskStatus(t.Context(), b.opts.RunDir); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("beside a stale socket: %v, want ErrNotRunning", err)
	}
	b.start()
	if _, err := AskStatus(t.Context(), b.opts.RunDir); err != nil {
		t.Error(err)
	}
	b.end()
}
