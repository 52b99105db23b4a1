package sinks

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"vigil/daemon/config"
	"vigil/trail"
)

// TestMain lets the test's program be the forwarder that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("VIGIL_TEST_FORWARDER"); dir != "" {
		if err := forwardUntilTerminated(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// forwardUntilTerminated runs the sinks of dir/vigil.yaml on the trail in dir.
func forwardUntilTerminated(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c := config.Default("/etc/audit")
	if err := c.ApplyYAML(filepath.Join(dir, "vigil.yaml")); err != nil {
		return err
	}
	path := filepath.Join(dir, "audit.log")
	changed, err := trail.Watch(ctx, path)
	if err != nil {
		return err
	}
	set := New(Config{
		Trail:    Trail{Path: path, Changed: func() <-chan struct{} { return changed }},
		StateDir: filepath.Join(dir, "state"), Machine: "m", Host: "web1", Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	set.Apply(ctx, c.Sinks)
	<-ctx.Done()
	set.Close(time.Minute)
	return nil
}

// forwarder is the child that forwards.
type forwarder struct {
	t   *testing.T
	dir string
	cmd *exec.Cmd
}

func (f *forwarder) start() {
	f.t.Helper()
	log, err := os.OpenFile(filepath.Join(f.dir, "forwarder.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		f.t.Fatal(err)
	}
	defer log.Close()
	f.cmd = exec.Command(os.Args[0])
	f.cmd.Env = append(os.Environ(), "VIGIL_TEST_FORWARDER="+f.dir)
	f.cmd.Stdout, f.cmd.Stderr = log, log
	if err := f.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	cmd := f.cmd
	f.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

func (f *forwarder) end(s syscall.Signal) {
	f.t.Helper()
	if err := f.cmd.Process.Signal(s); err != nil {
		f.t.Fatal(err)
	}
	_ = f.cmd.Wait()
}

// TestFaults: the forwarder is killed, the server is killed, the server takes
// connections and nothing else, the trail rotates: each event arrives at least once.
func TestFaults(t *testing.T) {
	p := rsyslogd(t, false)
	dir := t.TempDir()
	settings := "sinks: [{ name: siem, type: syslog, address: 'tcp://127.0.0.1:" + p.port + "', retry: { max: 500ms } }]"
	if err := os.WriteFile(filepath.Join(dir, "vigil.yaml"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	w, _, err := trail.Open(trail.Config{Path: filepath.Join(dir, "audit.log"), MaxFile: 1 << 20, Files: 900})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f := &forwarder{t: t, dir: dir}
	f.start()
	faults := []struct {
		name string
		do   func()
	}{
		{"the forwarder is killed", func() { f.end(syscall.SIGKILL); f.start() }},
		{"the server is killed", func() { p.kill(syscall.SIGKILL); p.start() }},
		{"the server takes nothing", func() {
			_ = p.cmd.Process.Signal(syscall.SIGSTOP)
			<-time.After(300 * time.Millisecond)
			_ = p.cmd.Process.Signal(syscall.SIGCONT)
		}},
		{"the trail rotates five times", func() {
			for range 5 {
				if err := w.Rotate(); err != nil {
					t.Error(err)
				}
			}
		}},
		{"the server is down for a while", func() { p.kill(syscall.SIGTERM); <-time.After(300 * time.Millisecond); p.start() }},
	}
	text := corpus(*peerEvents)
	lines := bytes.SplitAfter(text, []byte{'\n'})
	lines = lines[:len(lines)-1]
	const rounds = 10
	for i := range rounds {
		for part := range slices.Chunk(lines[i*len(lines)/rounds:(i+1)*len(lines)/rounds], 100) {
			if err := w.Append(bytes.Join(part, nil), len(part)); err != nil {
				t.Fatal(err)
			}
		}
		faults[i%len(faults)].do()
	}
	want := sent(t, text)
	var got []string
	defer func() {
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(dir, "forwarder.log"))
			t.Logf("the forwarder says:\n%s", log)
		}
	}()
	await(t, "all events", func() bool {
		got = got[:0]
		for _, m := range p.messages() {
			got = append(got, m.Msg)
		}
		slices.Sort(got)
		return len(missing(got, want)) == 0
	}, func() string {
		return fmt.Sprintf("%d messages came; missing are %d: %.500q", len(got), len(missing(got, want)), missing(got, want))
	})
	f.end(syscall.SIGTERM)
	t.Logf("%d messages for %d lines and %d faults", len(got), len(want), rounds)
}

// missing are those of want, both being sorted, that got has not.
func missing(got, want []string) (gone []string) {
	i := 0
	for _, w := range want {
		for i < len(got) && got[i] < w {
			i++
		}
		if i == len(got) || got[i] != w {
			gone = append(gone, w)
		}
	}
	return gone
}
