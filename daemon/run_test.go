package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/audittest"
	"vigil/audit/tables"
	"vigil/daemon/config"
	"vigil/daemon/output"
)

// A record of the kernel's becomes a line of the trail, word for word, between
// the records that the daemon writes about itself.
func TestRun(t *testing.T) {
	b := newBed(t)
	b.start()
	b.record(tables.TypeUserLogin, `pid=1 uid=0 auid=0 ses=1 msg='op=login acct="root" res=success'`)
	b.end()

	lines := b.trail()
	want := []string{
		"DAEMON_START/start", "LEDGER/start",
		"CONFIG_CHANGE/set", "CONFIG_CHANGE/set", // registered, enabled
		"USER_LOGIN",
		"CONFIG_CHANGE/set", // off again
		"CONFIG_CHANGE/set", "DAEMON_END/terminate", "LEDGER/end",
	}
	got := types(lines)
	if diff := cmp.Diff(filter(got, "CONFIG_CHANGE/set"), filter(want, "CONFIG_CHANGE/set")); diff != "" {
		t.Errorf("trail (-got +want):\n%s", diff)
	}
	login := lines[index(got, "USER_LOGIN")]
	if !regexp.MustCompile(`^type=USER_LOGIN msg=audit\(1700000000\.000:\d+\): pid=1 uid=0 auid=0 ses=1 msg='op=login acct="root" res=success'$`).MatchString(login) {
		t.Errorf("got %s", login)
	}
	start := lines[index(got, "DAEMON_START/start")]
	if !strings.Contains(start, fmt.Sprintf("op=start ver=0.0.1 format=raw kernel=%s auid=", kernelRelease())) || !strings.HasSuffix(start, " res=success") {
		t.Errorf("got %s", start)
	}
}

// filter leaves out what must not matter to a test.
func filter(all []string, out string) []string {
	var kept []string
	for _, s := range all {
		if s != out {
			kept = append(kept, s)
		}
	}
	return kept
}

func index(all []string, what string) int {
	for i, s := range all {
		if s == what {
			return i
		}
	}
	return len(all) // the caller's index is out of range
}

// Where a record has no user's name, the enriched trail has it behind 0x1D.
func TestRunEnriched(t *testing.T) {
	b := newBed(t)
	b.settings.Trail.Format = config.Enriched
	b.start()
	b.kernel.Emit(tables.TypeUserLogin, `pid=1 uid=0 auid=0 ses=1 msg='op=login res=success'`)
	eventually(t, "the names", func() bool {
		text, err := os.ReadFile(b.settings.Trail.Path)
		return err == nil && strings.Contains(string(text), "res=success'\x1dUID=\"root\" AUID=\"root\"\n")
	})
	b.end()
}

// Each output shows an event that it was told of.
func TestRunOutput(t *testing.T) {
	event := []audittest.Sent{
		{Type: tables.TypeSyscall, Payload: []byte(`arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=1 ppid=7 pid=8 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm="true" exe="/usr/bin/true" key="exec"`)},
		{Type: tables.TypeExecve, Payload: []byte(`argc=2 a0="true" a1="seen in the output"`)},
		{Type: tables.TypeProctitle, Payload: []byte(`proctitle="true"`)},
		{Type: tables.TypeEOE},
	}
	f := func(kind output.Kind, want string) {
		t.Run(string(kind), func(t *testing.T) {
			b := newBed(t)
			b.opts.Output.Kind = kind
			b.start()
			b.kernel.EmitEvent(event...)
			line := ""
			for l := range strings.Lines(b.out.await(t, "seen in the output")) {
				if strings.Contains(l, "seen in the output") {
					line = l
				}
			}
			if !strings.Contains(line, want) || !strings.HasSuffix(line, "\n") {
				t.Errorf("got %q, want one line with %q", line, want)
			}
			b.end()
			if kind == output.Raw && b.out.String() != strings.Join(b.trail(), "\n")+"\n" {
				t.Errorf("raw output:\n%s\nand the trail:\n%s", b.out, strings.Join(b.trail(), "\n"))
			}
		})
	}
	f(output.Text, "exec")
	f(output.JSON, `"args":["true","seen in the output"]`)
	f(output.Raw, `type=EXECVE msg=audit(1700000000.000:`)
}

// Leaving reads what the kernel has queued by then.
func TestRunDrains(t *testing.T) {
	b := newBed(t)
	b.start()
	for i := range 5000 {
		b.kernel.Emit(tables.TypeUserCmd, fmt.Sprintf("pid=1 uid=0 auid=0 ses=1 msg='n=%d.'", i))
	}
	b.end()
	text := strings.Join(b.trail(), "\n")
	for i := range 5000 {
		if !strings.Contains(text, fmt.Sprintf("n=%d.", i)) {
			t.Fatalf("record %d is not in the trail", i)
		}
	}
}

// Text without a stamp is kept under a stamp of the daemon's own, and makes one
// line whatever is in it.
func TestRunUnparseable(t *testing.T) {
	b := newBed(t)
	b.start()
	b.kernel.Inject(0, message(tables.TypeUserCmd, "no stamp\ntype=FORGED msg=audit(1.000:1): res=1\x00"))
	eventually(t, "the text in the trail", func() bool {
		text, err := os.ReadFile(b.settings.Trail.Path)
		return err == nil && regexp.MustCompile(`(?m)^type=USER_CMD msg=audit\([0-9.:]+\): no stamp type=FORGED msg=audit\(1\.000:1\): res=1$`).Match(text)
	})
	b.end()
}

// When nobody takes the output any more, the daemon leaves in order.
func TestRunOutputGone(t *testing.T) {
	b := newBed(t)
	b.opts.Output.Kind = output.Raw
	b.opts.Stdout = brokenPipe{}
	b.start()
	b.kernel.Emit(tables.TypeUserCmd, "pid=1")
	if err := b.wait(); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("ended with %v, want EPIPE", err)
	}
	if s := b.kernel.Status(); s.PID != 0 || s.Enabled != 0 {
		t.Errorf("left behind: %+v", s)
	}
	if got := types(b.trail()); got[len(got)-1] != "LEDGER/end" {
		t.Errorf("the trail ends with %s", got[len(got)-1])
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// Without a trail there is nothing to print, and the daemon says so.
func TestRunWithoutTrail(t *testing.T) {
	b := newBed(t)
	b.settings.Trail.Write = false
	b.opts.Output.Kind = output.Text
	b.start()
	b.log.await(t, "nothing will be printed")
	b.kernel.Emit(tables.TypeUserCmd, "pid=1")
	eventually(t, "the record", func() bool { return b.d.ledger.Snapshot().Received > 0 })
	b.end()
	if _, err := os.Stat(b.settings.Trail.Path); !os.IsNotExist(err) {
		t.Errorf("a trail was written: %v", err)
	}
	if got := b.out.String(); got != "" {
		t.Errorf("printed %q", got)
	}
}

// A run that cannot start changes nothing, and says why.
func TestRunCannotStart(t *testing.T) {
	f := func(name string, spoil func(*bed), want string) {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			spoil(b)
			b.launch()
			err := b.wait()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if s := b.kernel.Status(); s.PID != 0 || s.Enabled != 0 || s.BacklogLimit != 64 {
				t.Errorf("changed the engine: %+v", s)
			}
			if entries, _ := os.ReadDir(b.opts.RunDir); len(entries) != 0 {
				t.Errorf("left %v in the run directory", entries)
			}
		})
	}
	f("no audit engine", func(b *bed) {
		b.kernel.Deny(tables.TypeGet, syscall.ECONNREFUSED)
	}, "CONFIG_AUDIT")
	f("run directory is a file", func(b *bed) {
		b.opts.RunDir = filepath.Join(b.dir, "file")
		if err := os.WriteFile(b.opts.RunDir, nil, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}, "run directory")
	f("run directory has a long name", func(b *bed) {
		b.opts.RunDir = filepath.Join(b.dir, strings.Repeat("x", 100))
	}, "name a shorter --run-dir")
	f("trail in a file", func(b *bed) {
		b.settings.Trail.Path = filepath.Join(b.dir, "file", "audit.log")
		if err := os.WriteFile(filepath.Dir(b.settings.Trail.Path), nil, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}, "choose another place with --trail")
	f("trail is a directory", func(b *bed) {
		if err := os.MkdirAll(b.settings.Trail.Path, 0o700); err != nil {
			b.t.Fatal(err)
		}
	}, "audit.log")
	f("group does not exist", func(b *bed) {
		b.settings.Trail.Group = "no-such-group"
	}, "no-such-group")
	f("another daemon, and daemon mode", func(b *bed) {
		b.settings.Source.Mode = config.Daemon
		b.kernel.Deny(tables.TypeSet, syscall.EPERM)
	}, "not permitted")
}
