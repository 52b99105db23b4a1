package daemon

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/kernel"
	"vigil/audit/tables"
)

// SIGUSR1 begins a new segment, which names who asked for it.
func TestRotate(t *testing.T) {
	b := newBed(t)
	b.start()
	b.record(tables.TypeUserCmd, "pid=1 before")
	b.d.rotate(actor{pid: 7, uid: 0, auid: 1000, session: 3})
	b.record(tables.TypeUserCmd, "pid=1 after")

	lines := b.trail()
	want := []string{"DAEMON_ROTATE/rotate-logs", "LEDGER/segment", "USER_CMD"}
	if diff := cmp.Diff(types(lines), want); diff != "" {
		t.Fatalf("the new segment (-got +want):\n%s", diff)
	}
	if want := fmt.Sprintf(": op=rotate-logs auid=1000 uid=0 ses=3 pid=7%s res=success", subject()); !strings.HasSuffix(lines[0], want) {
		t.Errorf("got %s, want ...%s", lines[0], want)
	}
	old := fileLines(t, b.settings.Trail.Path+".1")
	if got := old[len(old)-1]; !strings.HasSuffix(got, "pid=1 before") {
		t.Errorf("the old segment ends with %s", got)
	}
	if s := b.d.report(); s.Ledger.Written != s.Trail.Records || s.Trail.Rotations != 1 {
		t.Errorf("written are %d records by the ledger, %d by the trail, in %d rotations", s.Ledger.Written, s.Trail.Records, s.Trail.Rotations)
	}
	b.end()
}

// A segment that is full goes without anybody asking.
func TestRotateFull(t *testing.T) {
	b := newBed(t)
	b.settings.Trail.MaxFile = 2000
	b.start()
	for i := range 30 {
		b.kernel.Emit(tables.TypeUserCmd, fmt.Sprintf("pid=1 n=%d %s", i, strings.Repeat("x", 100)))
	}
	eventually(t, "a rotation", func() bool { return b.d.report().Trail.Rotations > 0 })
	eventually(t, "equal counts", func() bool {
		s := b.d.report()
		return s.Ledger.Written == s.Trail.Records
	})
	b.end()
	if got := types(b.trail()); got[0] != "LEDGER/segment" {
		t.Errorf("a segment begins with %s, want LEDGER/segment", got[0])
	}
	if got := b.d.report(); got.Trail != nil || got.Version != "0.0.1" {
		t.Errorf("the status after the end: %+v", got)
	}
}

// The signals themselves do that.
func TestSignals(t *testing.T) {
	// So that none of them ends the test, should the daemon not have begun to
	// listen.
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	t.Cleanup(func() { signal.Reset(syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2) })
	b := newBed(t)
	b.start()
	send := func(s syscall.Signal, done func() bool) {
		t.Helper()
		eventually(t, s.String(), func() bool {
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				t.Fatal(err)
			}
			return done()
		})
	}
	send(syscall.SIGUSR2, func() bool { return true }) // ends nothing
	send(syscall.SIGUSR1, func() bool { return b.d.report().Trail.Rotations > 0 })
	b.writeRules(ruleB)
	send(syscall.SIGHUP, func() bool { return b.keys() == "b" })
	b.end()
}

// A signal that comes while it starts is answered once it has, and ends nothing.
func TestSignalWhileStarting(t *testing.T) {
	b := newBed(t)
	dial := b.opts.Dial
	b.opts.Dial = func(ctx context.Context) (kernel.Socket, error) {
		if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
		return dial(ctx)
	}
	b.start()
	eventually(t, "the rotation", func() bool { return b.d.report().Trail.Rotations > 0 })
	b.end()
}

// DAEMON_END names who has sent SIGTERM, and the daemon itself otherwise: the
// kernel notes no other signal.
func TestEndNamesTheSender(t *testing.T) {
	b := newBed(t)
	b.start()
	b.end()
	lines := b.trail()
	end := lines[index(types(lines), "DAEMON_END/terminate")]
	if want := fmt.Sprintf(" pid=%d%s res=success", os.Getpid(), subject()); !strings.HasSuffix(end, want) {
		t.Errorf("got %s, want ...%s", end, want)
	}
}
