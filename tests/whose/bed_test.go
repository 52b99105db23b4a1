package whose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vigil/tests/rig"
)

// patience is how long a condition is waited for. What it waits for takes a second or two on an idle machine.
const patience = 60 * time.Second

// built is the binary under test, made once.
var built struct {
	once   sync.Once
	remove func()
	tools  rig.Tools
	err    error
}

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		if err := person(); err != nil {
			fmt.Fprintln(os.Stderr, "helper:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if built.remove != nil {
		built.remove()
	}
	os.Exit(code)
}

func programs(t *testing.T) rig.Tools {
	t.Helper()
	built.once.Do(func() {
		if binary := os.Getenv("VIGIL_E2E_BINARY"); binary != "" {
			built.tools.Vigil = binary
			return
		}
		var dir string
		if dir, built.remove, built.err = rig.TempDir(); built.err == nil {
			built.tools, built.err = rig.Build(context.Background(), dir, true)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.tools
}

// need skips the test if a program is missing; as root under CI it fails instead, for tests/setup installs them.
func need(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing: root, to start containers and to use the kernel's audit engine")
	}
	var missing error
	for _, program := range append([]string{"auditctl", "busybox"}, programs...) {
		if _, err := exec.LookPath(program); err != nil {
			missing = errors.Join(missing, err)
		}
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

// bed is a host of its own below a folder, watched by a `vigil run`.
type bed struct {
	t      *testing.T
	root   string // the host's root directory
	rootfs string // of containers
	engine *rig.Engine
	vigil  *rig.Daemon

	watched string   // changes of files in this folder are seen too
	prefix  string   // where vigil sees the host's root; root itself if empty
	wrap    []string // what starts vigil
}

// newBed lays out the host, and watches it.
func newBed(t *testing.T, programs ...string) *bed {
	t.Helper()
	need(t, programs...)
	b := layOut(t)
	b.watch()
	return b
}

// layOut makes the folders. Not in t.TempDir: paths of sockets are short, and a runtime's files may outlive the test by a
// moment.
func layOut(t *testing.T) *bed {
	t.Helper()
	root, remove, err := rig.TempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(remove)
	b := &bed{t: t, root: root, rootfs: filepath.Join(root, "rootfs")}
	for _, dir := range []string{"bin", "etc", "proc", "sys", "dev", "tmp", "usr", "root"} {
		if err := os.MkdirAll(filepath.Join(b.rootfs, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	b.run("cp", b.program("busybox"), filepath.Join(b.rootfs, "bin/busybox"))
	for _, name := range []string{"sh", "true", "sleep", "cat"} {
		if err := os.Symlink("busybox", filepath.Join(b.rootfs, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	// Paths that the runtimes know lead there from the host's root too.
	if err := errors.Join(os.MkdirAll(filepath.Join(root, filepath.Dir(root)), 0o755), os.Symlink("/", filepath.Join(root, root))); err != nil {
		t.Fatal(err)
	}
	b.write("rootfs/etc/passwd", "root:x:0:0:root:/:/bin/sh\n")
	b.write("rootfs/etc/os-release", "ID=test\n")
	return b
}

// rules are what the daemon is to see: every program that is executed.
var rules = []string{"-a always,exit -F arch=b64 -S execve,execveat -k whose"}

// watch starts `vigil run` for the host. more are lines below attribution: in vigil.yaml, in place of the choice of all fields.
func (b *bed) watch(more ...string) {
	b.t.Helper()
	tools := programs(b.t) // others wait for the lock: nothing is compiled under it
	if b.engine == nil {
		ctx, cancel := context.WithTimeout(b.t.Context(), 8*time.Minute)
		defer cancel()
		engine, err := rig.LockEngine(ctx)
		if err != nil {
			b.t.Fatal(err)
		}
		b.engine = engine
		b.t.Cleanup(func() {
			if err := engine.Restore(); err != nil {
				b.t.Error(err)
			}
		})
	}
	root, rules := b.root, slices.Clone(rules)
	if b.prefix != "" {
		root = b.prefix
	}
	if b.watched != "" {
		rules = append(rules, "-w "+b.watched+" -p wa -k whose")
	}
	if more == nil {
		more = []string{"  fields: [all]"}
	}
	config := strings.Join(append([]string{
		"node: { root: " + root + " }",
		"attribution:",
		"  labels: [app, note, io.vigil.*]",
	}, more...), "\n") + "\n"
	b.write("vigil.yaml", config)
	d, err := rig.StartVigil(b.t.Context(), tools, rig.Options{
		Dir: filepath.Join(b.root, "vigil"), Format: "ENRICHED", Rules: rules, Args: []string{"--config", filepath.Join(b.root, "vigil.yaml")}, Wrap: b.wrap,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.vigil = d
	b.t.Cleanup(func() {
		if b.t.Failed() {
			b.diagnose()
		}
		b.stop()
	})
}

// diagnose logs what helps to see why a test has failed.
func (b *bed) diagnose() {
	b.t.Logf("vigil said: %s", b.vigil.Messages())
	status, err := b.try(programs(b.t).Vigil, "status", "--json", "--run-dir", filepath.Join(b.vigil.Dir, "run"))
	b.t.Logf("status: %v %s", err, status)
	text, _ := os.ReadFile(b.vigil.Log())
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte("type=CONTAINER ")) || bytes.HasPrefix(line, []byte("type=LOGIN ")) || bytes.HasPrefix(line, []byte("type=USER_START ")) {
			b.t.Logf("%s", line)
		}
	}
}

// stop ends the daemon, which reads first what is queued.
func (b *bed) stop() {
	b.t.Helper()
	select {
	case <-b.vigil.Exited():
	default:
		if err := b.vigil.Stop(); err != nil {
			b.t.Error(err)
		}
	}
}

// write writes a file of the host.
func (b *bed) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.root, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) program(name string) string {
	b.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		b.t.Fatal(err)
	}
	return path
}

// run runs a program that must succeed, and returns what it printed.
func (b *bed) run(argv ...string) string {
	b.t.Helper()
	out, err := b.try(argv...)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// try runs a program. Its outputs are files, since a container would hold a pipe open.
func (b *bed) try(argv ...string) (string, error) {
	b.t.Helper()
	out, err := os.Create(filepath.Join(b.t.TempDir(), "out"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer out.Close()
	failure, err := os.Create(out.Name() + ".err")
	if err != nil {
		b.t.Fatal(err)
	}
	defer failure.Close()
	// Not the test's context, which is over when it is cleaned up.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, failure, b.root
	err = cmd.Run()
	text, _ := os.ReadFile(out.Name())
	said, _ := os.ReadFile(failure.Name())
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s%s", strings.Join(argv, " "), err, said, text)
	}
	return strings.TrimSpace(string(text)), nil
}

// later runs a program at the end of the test, whether it then succeeds or not.
func (b *bed) later(argv ...string) {
	b.t.Cleanup(func() { _ = exec.Command(argv[0], argv[1:]...).Run() })
}

// start starts a program that is killed at the end of the test.
func (b *bed) start(argv ...string) *exec.Cmd {
	b.t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	log, err := os.Create(filepath.Join(b.t.TempDir(), "log"))
	if err != nil {
		b.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, b.root
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		_ = log.Close()
		if b.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			b.t.Logf("%s said: %s", argv[0], text[max(0, len(text)-2000):])
		}
	})
	return cmd
}

// eventually waits until is says yes.
func (b *bed) eventually(what string, is func() bool) {
	b.t.Helper()
	for start := time.Now(); !is(); {
		if time.Since(start) > patience {
			b.t.Fatalf("not within %v: %s", patience, what)
		}
		if err := rig.Pause(b.t.Context(), 25*time.Millisecond); err != nil {
			b.t.Fatal(err)
		}
	}
}

// known waits until the trail holds a container's CONTAINER record with every one of words in it.
func (b *bed) known(id string, words ...string) {
	b.t.Helper()
	b.eventually("a CONTAINER record of "+id+" with "+strings.Join(words, " "), func() bool {
		text, err := os.ReadFile(b.vigil.Log())
		if err != nil {
			return false
		}
		for line := range bytes.Lines(text) {
			if bytes.HasPrefix(line, []byte("type=CONTAINER ")) && bytes.Contains(line, []byte(` CONTAINER_ID="`+id+`"`)) &&
				!slices.ContainsFunc(words, func(w string) bool { return !bytes.Contains(line, []byte(w)) }) {
				return true
			}
		}
		return false
	})
}

// event is what `vigil replay --output json` says of an event, as far as it matters here.
type event struct {
	Event   struct{ ID, Action string }
	Process struct {
		PID     int
		Args    []string
		Start   string
		Parent  struct{ PID int }
		VPID    int
		EntryID string
	}
	File struct{ Path string }
	User struct {
		Name, ID string
		Audit    struct{ Name string }
	}
	Container    containerOf
	Orchestrator struct {
		Namespace string
		Resource  struct {
			Name, ID string
			Label    []string
		}
	}
	Service struct{ Name string }
	Vigil   struct {
		Exec  session `json:"exec_session"`
		Login struct{ User, TTY, Address, Method string }
		Pod   struct {
			Sandbox, Node string
			Account       string `json:"service_account"`
		}
		Process struct {
			Script, Cgroup string
			Ancestors      []ancestor
		}
		Unit, Slice string
	}
}

type containerOf struct {
	ID, Name, Runtime string
	Image             struct {
		Name string
		Tag  []string
		Hash struct{ All []string }
	}
	Labels map[string]string
}

type session struct {
	ID, Via     string
	ContainerID string `json:"container_id"`
}

type ancestor struct {
	PID         int
	Name        string
	Executable  string
	CommandLine string `json:"command_line"`
}

// events ends the daemon and reads what it has written.
func (b *bed) events() []event {
	b.t.Helper()
	b.stop()
	var list []event
	out := b.run(append([]string{programs(b.t).Vigil, "replay", "--output", "json"}, rig.Segments(b.vigil.Log())...)...)
	for line := range strings.Lines(out) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			b.t.Fatalf("%v: %s", err, line)
		}
		list = append(list, e)
	}
	return list
}

// of returns the one event of an execution with mark as one of its arguments, which a program of the name was given.
func of(t *testing.T, list []event, program, mark string) event {
	t.Helper()
	var found []event
	for _, e := range list {
		if a := e.Process.Args; len(a) > 1 && filepath.Base(a[0]) == program && slices.Contains(a[1:], mark) {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d executions of %s %s, want 1", len(found), program, mark)
	}
	return found[0]
}

// executed waits until the trail tells of an execution with mark as its first or second argument, which is all letters, digits and
// hyphens.
func (b *bed) executed(mark string) {
	b.t.Helper()
	b.eventually("an execution with the argument "+mark, func() bool {
		text, err := os.ReadFile(b.vigil.Log())
		return err == nil && (bytes.Contains(text, []byte(` a1="`+mark+`"`)) || bytes.Contains(text, []byte(` a2="`+mark+`"`)))
	})
}
