package daemon

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/daemon/config"
	"vigil/daemon/output"
	"vigil/ledger"
	"vigil/trail"
)

// When another process takes the registration, the daemon goes on as an observer,
// and leaves rules and settings to the other one.
func TestTaken(t *testing.T) {
	b := newBed(t)
	b.loadRules(ruleC)
	b.writeRules(ruleA)
	b.start()
	b.kernel.Change(func(s *kernel.Status) { s.PID = 1 })
	b.log.await(t, "registration was taken by")
	b.record(tables.TypeUserCmd, "pid=1 seen by the observer")
	if s := b.d.report(); s.Mode != "observer" || s.Ledger.Mode != "observer" || s.Socket.Taken != 1 {
		t.Errorf("status: mode %s, in the ledger %s, taken %d times", s.Mode, s.Ledger.Mode, s.Socket.Taken)
	}
	b.writeRules(ruleB)
	b.d.reload(t.Context(), self())
	b.end()
	if got := b.keys(); got != "a" {
		t.Errorf("rules afterwards %q, want %q", got, "a")
	}
	if s := b.kernel.Status(); s.PID != 1 || s.Enabled != 1 || s.BacklogLimit != 65536 {
		t.Errorf("the engine afterwards: %+v", s)
	}
	if _, err := os.Stat(beforeFile(b.opts.RunDir)); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", beforeFile(b.opts.RunDir), err)
	}
}

// With on_taken: retake it becomes the daemon again, and puts everything back.
func TestRetaken(t *testing.T) {
	b := newBed(t)
	b.settings.Source.OnTaken = config.Retake
	b.loadRules(ruleC)
	b.writeRules(ruleA)
	b.start()
	b.kernel.Change(func(s *kernel.Status) { s.PID = 1 })
	b.log.await(t, "registration was taken by")
	b.kernel.Change(func(s *kernel.Status) { s.PID = 0 })
	b.log.await(t, "registration taken back")
	b.record(tables.TypeUserCmd, "pid=1 after all")
	if s := b.d.report(); s.Mode != "daemon" {
		t.Errorf("mode %s: %s", s.Mode, s.Why)
	}
	b.end()
	if got := b.keys(); got != "c" {
		t.Errorf("rules afterwards %q, want %q", got, "c")
	}
	if s := b.kernel.Status(); s.PID != 0 || s.Enabled != 0 || s.BacklogLimit != 64 {
		t.Errorf("the engine afterwards: %+v", s)
	}
}

// Beside a daemon that writes to the very file that the trail would be, the trail
// is another one: the log of the other is not ours to write to.
func TestTrailOfAnother(t *testing.T) {
	b := newBed(t)
	if err := os.MkdirAll(filepath.Dir(b.settings.Trail.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(b.settings.Trail.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	auditd := exec.CommandContext(t.Context(), "sleep", "600")
	auditd.Stdout = f
	if err := auditd.Start(); err != nil {
		t.Fatal(err)
	}
	b.kernel.Change(func(s *kernel.Status) { s.PID, s.Enabled = uint32(auditd.Process.Pid), 1 })

	b.start()
	s := b.d.report()
	if want := filepath.Join(b.opts.StateDir, "trail", "audit.log"); s.Mode != "observer" || s.Trail.Path != want {
		t.Errorf("mode %s, trail %s, want observer, %s", s.Mode, s.Trail.Path, want)
	}
	b.log.await(t, "the trail is elsewhere")
	b.d.reload(t.Context(), self())
	if got := b.log.String(); strings.Contains(got, "at the next start") {
		t.Errorf("a reload without a change: %s", got)
	}
	b.end()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("the other's log was written to: %v %v", info, err)
	}
}

// Serials that never came are in the trail as a loss before it ends.
func TestGapTold(t *testing.T) {
	b := newBed(t)
	b.start()
	first := b.kernel.Emit(tables.TypeUserCmd, "pid=1")
	b.kernel.Inject(0, message(tables.TypeUserCmd, fmt.Sprintf("audit(1700000000.000:%d): pid=2 after the gap", first+5)))
	eventually(t, "the record after the gap", func() bool {
		text, err := os.ReadFile(b.settings.Trail.Path)
		return err == nil && bytes.Contains(text, []byte("after the gap"))
	})
	// Only now, so that no record of the end fills the gap.
	b.kernel.Change(func(s *kernel.Status) { s.Enabled = 0 })
	b.end()
	loss := b.losses()
	if len(loss) != 1 || loss[0].Reason != ledger.Gap || loss[0].First != first+1 || loss[0].Last != first+4 || loss[0].Count != 4 {
		t.Errorf("losses in the trail: %+v, want one gap from %d to %d", loss, first+1, first+4)
	}
}

// losses are those that the live segment tells of.
func (b *bed) losses() []ledger.Loss {
	b.t.Helper()
	var all []ledger.Loss
	for _, line := range b.trail() {
		if l, err := ledger.ParseLine([]byte(line)); err == nil && l.Op == ledger.Lost {
			all = append(all, l.Loss)
		}
	}
	return all
}

// With a full disk, reading goes on, and what is lost is counted; once there is
// room, writing resumes by itself and tells what was lost.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	b := newBed(t)
	disk := filepath.Join(b.dir, "log")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b.start()
	b.record(tables.TypeUserCmd, "pid=1 before")
	ballast := filepath.Join(disk, "ballast")
	fill(t, ballast)

	// What is left of the file's last page takes some more.
	sent := map[uint32]bool{}
	eventually(t, "the error", func() bool {
		sent[b.kernel.Emit(tables.TypeUserCmd, "pid=1 "+strings.Repeat("x", 900))] = true
		return strings.Contains(b.log.String(), "the trail cannot be written")
	})
	received := b.d.report().Ledger.Received
	sent[b.kernel.Emit(tables.TypeUserCmd, "pid=1 lost")] = true
	eventually(t, "reading that goes on", func() bool { return b.d.report().Ledger.Received > received })
	if s := b.d.report(); s.Ledger.Dropped == 0 || len(s.Ledger.Pending) == 0 {
		t.Errorf("status while the disk is full: %+v", s.Ledger)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	b.log.await(t, "the trail is written again")
	b.record(tables.TypeUserCmd, "pid=1 after")
	dropped := b.d.report().Ledger.Dropped
	b.end()

	told := uint64(0)
	for _, loss := range b.losses() {
		if loss.Reason != ledger.WriteError || !sent[loss.First] || !sent[loss.Last] {
			t.Errorf("a loss of something else: %+v", loss)
		}
		told += loss.Count
	}
	if told != dropped || told == 0 {
		t.Errorf("%d records told, %d dropped", told, dropped)
	}
	for _, line := range b.trail() {
		if id := stamp(line); sent[id] {
			told++
		}
	}
	if told != uint64(len(sent)) {
		t.Errorf("of %d records %d are in the trail or told as lost", len(sent), told)
	}
	report, err := trail.Verify(t.Context(), b.settings.Trail.Path)
	if err != nil || !report.OK() {
		t.Errorf("verify: %v %v", report.Damaged, err)
	}
}

// fill writes a file until the disk is full.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.Write(make([]byte, 512)); err != nil {
			return
		}
	}
}

// stamp is the serial of a line of the fake kernel's.
func stamp(line string) uint32 {
	_, rest, _ := strings.Cut(line, "msg=audit(1700000000.000:")
	var serial uint32
	if _, err := fmt.Sscanf(rest, "%d", &serial); err != nil {
		return 0
	}
	return serial
}

// A last line that a crash has torn is set aside, and the trail says so.
func TestTornTrail(t *testing.T) {
	b := newBed(t)
	b.start()
	b.record(tables.TypeUserCmd, "pid=1")
	b.end()
	f, err := os.OpenFile(b.settings.Trail.Path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("type=USER_CMD msg=audit(170000"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.log.await(t, "its last line was torn")
	b.end()
	if got := strings.Join(types(b.trail()), " "); !strings.Contains(got, "LEDGER/end LEDGER/repair DAEMON_START/start LEDGER/start") {
		t.Errorf("trail: %s", got)
	}
	report, err := trail.Verify(t.Context(), b.settings.Trail.Path)
	if err != nil || !report.OK() {
		t.Errorf("verify: %v %v", report.Damaged, err)
	}
	broken, err := os.ReadFile(b.settings.Trail.Path + ".broken")
	if err != nil || !bytes.Contains(broken, []byte("type=USER_CMD msg=audit(170000")) {
		t.Errorf("set aside: %q %v", broken, err)
	}
}

// An output that nobody reads keeps nothing else waiting: everything is put back
// in time although it never comes to its end.
func TestStuckOutput(t *testing.T) {
	b := newBed(t)
	b.opts.Output.Kind = output.Raw
	stuck := make(chan struct{})
	b.opts.Stdout = stuckWriter(stuck)
	t.Cleanup(func() { close(stuck) })
	b.start()
	for i := range 100 {
		b.record(tables.TypeUserCmd, fmt.Sprintf("pid=1 n=%d.", i))
	}
	began := time.Now()
	b.stop(nil)
	err := b.wait()
	if err == nil || !strings.Contains(err.Error(), "the output") {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("took %s to leave", took)
	}
	if s := b.kernel.Status(); s.PID != 0 || s.Enabled != 0 || s.BacklogLimit != 64 {
		t.Errorf("left behind: %+v", s)
	}
}

// stuckWriter takes nothing until it is closed.
type stuckWriter chan struct{}

func (w stuckWriter) Write(p []byte) (int, error) {
	<-w
	return len(p), nil
}
