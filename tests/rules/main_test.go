package rules

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vigil/internal/need"
	"vigil/tests/rig"
)

// built is where the programs under test lie; made once, when the first test asks.
var built struct {
	once   sync.Once
	dir    string
	remove func()
	tools  rig.Tools
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.remove != nil {
		built.remove()
	}
	os.Exit(code)
}

// bed is the machine's audit engine, blank and this test's until it ends, and the programs.
type bed struct {
	t      *testing.T
	ctx    context.Context
	engine *rig.Engine
	tools  rig.Tools
	dir    string // with links named auditctl and augenrules to vigil
}

const stockAuditctl = "/usr/sbin/auditctl"

func newBed(t *testing.T) *bed {
	t.Helper()
	need.Root(t, "whose the audit engine is")
	if _, err := os.Stat(stockAuditctl); err != nil {
		need.Missing(t, "stock auditctl (Debian package auditd)")
	}
	built.once.Do(func() {
		if built.dir, built.remove, built.err = rig.TempDir(); built.err != nil {
			return
		}
		if built.tools, built.err = rig.Build(context.Background(), built.dir, true); built.err != nil {
			return
		}
		for _, name := range []string{"auditctl", "augenrules"} {
			built.err = errors.Join(built.err, os.Symlink(built.tools.Vigil, filepath.Join(built.dir, name)))
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	engine, err := rig.LockEngine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Restore(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return &bed{t: t, ctx: ctx, engine: engine, tools: built.tools, dir: built.dir}
}

// result is what a program printed and returned.
type result struct {
	Out, Err string
	Status   int
}

// run runs a program with one time zone and language, away from any terminal.
func (b *bed) run(argv ...string) result {
	b.t.Helper()
	cmd := exec.CommandContext(b.ctx, argv[0], argv[1:]...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatalf("%s: %v", argv, err)
	}
	return result{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func (b *bed) stock(args ...string) result { return b.run(append([]string{stockAuditctl}, args...)...) }

func (b *bed) ours(args ...string) result {
	return b.run(append([]string{filepath.Join(b.dir, "auditctl")}, args...)...)
}

func (b *bed) vigil(args ...string) result { return b.run(append([]string{b.tools.Vigil}, args...)...) }

// rules are the kernel's rules as stock auditctl lists them.
func (b *bed) rules() []string {
	b.t.Helper()
	r := b.stock("-l")
	if r.Status != 0 {
		b.t.Fatalf("auditctl -l: %+v", r)
	}
	return lines(strings.TrimPrefix(r.Out, "No rules\n"))
}

// reset takes all rules out and puts the settings back.
func (b *bed) reset() {
	b.t.Helper()
	if err := b.engine.Reset(b.ctx); err != nil {
		b.t.Fatal(err)
	}
}

func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, strings.TrimSuffix(line, "\n"))
	}
	return out
}

// file writes a rule file that auditctl -R reads.
func (b *bed) file(name, text string) string {
	b.t.Helper()
	path := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}
