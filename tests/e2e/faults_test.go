package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"vigil/tests/rig"
)

// TestStopped halts vigil for 3 s in a storm. The kernel holds what its queues hold and drops the rest; vigil has to
// go on by itself, without a new record arriving from elsewhere to wake the kernel, and to account for every serial.
func TestStopped(t *testing.T) {
	engine(t)
	opens, execs := storm("open", events(t, 300000)), storm("exec", events(t, 30000))
	d := startVigil(t, rig.Options{Dir: filepath.Join(folder(t), "d"), Rules: []string{opens.Rule(), execs.Rule()}})
	finish := brewing(t, opens, execs)
	grown(t, d.Log(), 1<<20)
	signal(t, d, syscall.SIGSTOP)
	wait(t, 3*time.Second)
	signal(t, d, syscall.SIGCONT)
	resumed := time.Now()
	finish()
	quiet(t, d)
	t.Logf("storm and backlog done %.1f s after SIGCONT", time.Since(resumed).Seconds())
	settle(t, d)
	stop(t, d)
	report(t, d, opens, execs).balanced(t)
}

// TestKilled kills vigil with SIGKILL in a storm and starts it again in the same place.
func TestKilled(t *testing.T) {
	engine(t)
	opens, execs := storm("open", events(t, 300000)), storm("exec", events(t, 30000))
	o := rig.Options{Dir: filepath.Join(folder(t), "d"), Rules: []string{opens.Rule(), execs.Rule()}}
	before := state(t)
	d := startVigil(t, o)
	finish := brewing(t, opens, execs)
	grown(t, d.Log(), 1<<20)
	if err := d.End(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// A torn last line, as a power cut may leave behind, if the kill did not.
	torn(t, d.Log())
	wait(t, 200*time.Millisecond)
	d = startVigil(t, o)
	finish()
	quiet(t, d)
	settle(t, d)
	if out, _, code := vigil(t, "trail", "verify", "--trail", d.Log()); code != 0 {
		t.Errorf("trail verify after the repair: exit %d: %s", code, out)
	}
	stop(t, d)
	if changed := before.Changed(state(t)); changed != "" {
		t.Errorf("the second run does not put back what the first one found: %s", changed)
	}
	a := report(t, d, opens, execs)
	a.balanced(t)
	if a.ledgers["repair"] == 0 {
		t.Errorf("no LEDGER op=repair tells of the torn line: %v", a.ledgers)
	}
	if broken, err := filepath.Glob(filepath.Join(filepath.Dir(d.Log()), "*.broken*")); err != nil || len(broken) == 0 {
		t.Errorf("the torn line was not set aside (%v)", err)
	}
	if len(a.claims) == 0 {
		t.Error("records went by while vigil was dead, but no loss is reported")
	}
}

// TestTaken takes the registration away and gives it to stock auditd. Vigil has to notice, say so, and go on as an
// observer beside auditd; told to retake, it is the daemon again once auditd is gone.
func TestTaken(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("missing: x86-64, to make a process give up its registration")
	}
	for _, answer := range []string{"observe", "retake"} {
		t.Run(answer, func(t *testing.T) {
			engine(t)
			base := folder(t)
			execs := storm("exec", 4000)
			config := filepath.Join(base, "vigil.yaml")
			if err := os.WriteFile(config, []byte("source: {on_taken: "+answer+"}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			d := startVigil(t, rig.Options{Dir: filepath.Join(base, "vigil"), Rules: []string{execs.Rule()}, Args: []string{"--config", config}})
			brew(t, execs)
			auditd := usurp(t, d, filepath.Join(base, "auditd"))
			eventually(t, 15*time.Second, "vigil says that the registration went to auditd", func() bool {
				return strings.Contains(d.Messages(), fmt.Sprint(auditd.PID()))
			})
			brew(t, execs)
			quiet(t, d)
			if got := state(t).PID; got != auditd.PID() {
				t.Errorf("registered: %d, want auditd, %d", got, auditd.PID())
			}
			want := 2 * 4000
			if answer == "retake" {
				stop(t, auditd)
				eventually(t, 15*time.Second, "vigil is registered again", func() bool { return state(t).PID == d.PID() })
				brew(t, execs)
				quiet(t, d)
				want += 4000
			}
			settle(t, d)
			stop(t, d)
			a := report(t, d, execs)
			a.balanced(t)
			if got := a.keys["storm-exec"]; got != want {
				t.Errorf("%d execs in the trail, want all %d", got, want)
			}
		})
	}
}

// usurp makes vigil give up its registration without knowing, and starts auditd, which takes it. The kernel gives a
// living daemon's place to nobody, but the daemon's own process may give it up; vigil is halted meanwhile, or it would
// be registered again before auditd is up.
func usurp(t *testing.T, d *rig.Daemon, dir string) *rig.Daemon {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	signal(t, d, syscall.SIGSTOP)
	// In a process of its own: this one waits for vigil's end, and that wait would swallow the tracer's stops.
	if out, stderr, code := runAs(t, []string{helperUnregister}, self, fmt.Sprint(d.PID())); code != 0 {
		t.Fatalf("unregister: exit %d: %s%s", code, out, stderr)
	}
	auditd := startAuditd(t, rig.Options{Dir: dir})
	signal(t, d, syscall.SIGCONT)
	return auditd
}

// TestDiskFull lets the trail's partition run full in a storm, then makes room.
func TestDiskFull(t *testing.T) {
	engine(t)
	opens := storm("open", 30000) // over 20 MB
	var log string
	o := rig.Options{Dir: filepath.Join(folder(t), "d"), Format: "ENRICHED", Rules: []string{opens.Rule()}, Extra: func(dir string) error {
		log = filepath.Join(dir, "log")
		if err := syscall.Mount("tmpfs", log, "tmpfs", 0, "size=40m,mode=0750"); err != nil {
			return fmt.Errorf("mount tmpfs: %w", err)
		}
		return os.WriteFile(filepath.Join(log, "filler"), make([]byte, 30<<20), 0o600)
	}}
	t.Cleanup(func() {
		if err := syscall.Unmount(log, 0); err != nil {
			t.Errorf("unmount %s: %v", log, err)
		}
	})
	d := startVigil(t, o)
	brew(t, opens)
	quiet(t, d)
	full := size(t, d.Log())
	if err := os.Remove(filepath.Join(log, "filler")); err != nil {
		t.Fatal(err)
	}
	// It resumes by itself, with the next record at the latest.
	eventually(t, 10*time.Second, "the trail grows again", func() bool {
		send(t, 1005, "after the disk was full")
		return size(t, d.Log()) > full && bytes.Contains(read(t, d.Log()), []byte("after the disk was full"))
	})
	few := storm("open", 1000)
	brew(t, few)
	quiet(t, d)
	settle(t, d)
	if out, _, code := vigil(t, "trail", "verify", "--trail", d.Log()); code != 0 {
		t.Errorf("trail verify: exit %d: %s", code, out)
	}
	stop(t, d)
	a := report(t, d, opens, few)
	a.balanced(t)
	reasons := map[string]bool{}
	for _, c := range a.claims {
		reasons[c.reason] = true
	}
	if !reasons["write-error"] {
		t.Errorf("the loss is not reported as write-error: %+v", a.claims)
	}
	if !strings.Contains(d.Messages(), "no space") {
		t.Errorf("vigil does not say why it could not write: %s", d.Messages())
	}
}

// report reads the trail and logs what it holds of the storms.
func report(t *testing.T, d *rig.Daemon, storms ...rig.Storm) account {
	t.Helper()
	a := accounts(t, d.Log())
	for _, s := range storms {
		t.Logf("%s: %d calls, %d in the trail", s.Kind, s.Processes*s.Count, a.keys["storm-"+s.Kind])
	}
	t.Logf("%d serials: %d present, %d reported lost in %d LEDGER lines", a.last-a.first+1, a.present, a.lost, len(a.claims))
	return a
}

// settle makes a record of its own and waits until the ledger has had the time to settle what is before it: a serial
// counts as missing 3 s after a higher one came.
func settle(t *testing.T, d *rig.Daemon) {
	t.Helper()
	send(t, 1005, "settle")
	wait(t, 3500*time.Millisecond)
	quiet(t, d)
}

func wait(t *testing.T, d time.Duration) {
	t.Helper()
	if err := rig.Pause(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func signal(t *testing.T, d *rig.Daemon, sig syscall.Signal) {
	t.Helper()
	if err := d.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// grown waits until a file has at least n bytes.
func grown(t *testing.T, path string, n int64) {
	t.Helper()
	eventually(t, 20*time.Second, fmt.Sprintf("%s has %d bytes", path, n), func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() >= n
	})
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// torn leaves half a line at the end of a file.
func torn(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("type=SYSCALL msg=audit(1626611363.720:3485"); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
