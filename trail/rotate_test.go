package trail_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/trail"
)

// TestRotationNumbers sets segments by number, rotates once and looks what each
// has become, as auditd's rotate_logs and shift_logs do it.
func TestRotationNumbers(t *testing.T) {
	f := func(full trail.Full, files int, have, want string) {
		t.Helper()
		b := newBench(t)
		b.cfg.Full, b.cfg.Files, b.cfg.Head = full, files, nil
		b.open()
		// The segments are made behind the writer's back, each with its old
		// name in it.
		for _, name := range strings.Fields(have) {
			if name == "live" {
				b.append(1)
				continue
			}
			b.write(name, []byte(name+"\n"))
		}
		switch err := b.w.Rotate(); {
		case want == "":
			if !errors.Is(err, trail.ErrNoRotation) || len(b.read("")) == 0 {
				t.Errorf("%d files: got %v, want %v", files, err, trail.ErrNoRotation)
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{".1", ".2", ".3", ".4", ".5", ".6", ".7"} {
			text, err := os.ReadFile(b.cfg.Path + name)
			if err != nil {
				continue
			}
			was := strings.TrimSpace(string(text))
			if strings.HasPrefix(was, "type=") {
				was = "live"
			}
			got = append(got, name+"="+was)
		}
		if diff := cmp.Diff(strings.Join(got, " "), want); diff != "" {
			t.Errorf("%v with %d files, %s (-got +want):\n%s", full, files, have, diff)
		}
		if len(b.read("")) != 0 {
			t.Errorf("live segment after rotation: got %q", b.read(""))
		}
	}
	f(trail.Rotate, 5, "live", ".1=live")
	f(trail.Rotate, 5, "live .1 .2", ".1=live .2=.1 .3=.2")
	f(trail.Rotate, 5, "live .1 .2 .3 .4", ".1=live .2=.1 .3=.2 .4=.3")
	f(trail.Rotate, 5, "live .1 .3", ".1=live .2=.1 .4=.3")
	f(trail.Rotate, 2, "live .1", ".1=live")
	f(trail.Rotate, 1, "live", "")
	f(trail.Ignore, 0, "live", "")
	f(trail.Ignore, 3, "live .1 .2", ".1=live .2=.1")
	f(trail.Keep, 5, "live .1 .2 .3 .4", ".1=live .2=.1 .3=.2 .4=.3 .5=.4")
	f(trail.Keep, 0, "live .1 .2 .4", ".1=live .2=.1 .3=.2 .4=.4")
}

func TestRotationBySize(t *testing.T) {
	f := func(full trail.Full, files int, max int64, wantSegments int) {
		t.Helper()
		b := newBench(t)
		b.cfg.Full, b.cfg.Files, b.cfg.MaxFile = full, files, max
		b.open()
		for range 100 {
			b.append(1)
		}
		if got := len(b.files()); got != wantSegments {
			t.Errorf("%v, %d files, %d bytes: got %d segments, want %d: %v", full, files, max, got, wantSegments, b.files())
		}
		b.mustVerify()
	}
	f(trail.Rotate, 5, 1000, 5)
	f(trail.Rotate, 3, 1000, 3)
	f(trail.Rotate, 1, 1000, 1)
	f(trail.Rotate, 0, 1000, 1)
	f(trail.Rotate, 5, 0, 1)
	f(trail.Ignore, 5, 1000, 1)
	f(trail.Keep, 0, 1000, 13)
}

// TestRotatedAfterTheWrite: as in auditd a segment is rotated once it has reached
// its size, and so is a little over it.
func TestRotatedAfterTheWrite(t *testing.T) {
	b := newBench(t)
	b.cfg.Head = nil
	b.open()
	b.append(9)
	b.append(3)
	if diff := cmp.Diff(b.files(), map[string]int64{"audit.log": 0, "audit.log.1": 1200}); diff != "" {
		t.Errorf("files (-got +want):\n%s", diff)
	}
	want := []trail.Notice{{What: trail.Rotated, Path: b.cfg.Path, Bytes: 1200}}
	if diff := cmp.Diff(b.notices, want); diff != "" {
		t.Errorf("notices (-got +want):\n%s", diff)
	}
}

func TestHeadOfSegment(t *testing.T) {
	b := newBench(t)
	var told []trail.NewSegment
	head := b.cfg.Head
	b.cfg.Head = func(s trail.NewSegment) trail.Head {
		told = append(told, s)
		return head(s)
	}
	b.open()
	b.append(10)
	if err := b.w.Rotate(); err != nil {
		t.Fatal(err)
	}
	want := []trail.NewSegment{
		{Reason: trail.ReasonFull, Number: 2, Closed: 1000, Time: b.clock.now},
		{Reason: trail.ReasonAsked, Number: 3, Closed: b.files()["audit.log.1"], Time: b.clock.now},
	}
	if diff := cmp.Diff(told, want); diff != "" {
		t.Errorf("what the hook was told (-got +want):\n%s", diff)
	}
	for _, suffix := range []string{".1", ""} {
		lines := strings.Split(string(b.read(suffix)), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "type=DAEMON_ROTATE") || !strings.Contains(lines[1], "op=segment") {
			t.Errorf("segment %q: got %q", suffix, lines)
		}
	}
	if got := b.w.Stats().Records; got != 10+2*2 {
		t.Errorf("records: got %d, want 14", got)
	}
}

func TestExcessIsRemovedAtStart(t *testing.T) {
	b := newBench(t).open()
	for _, suffix := range []string{".1", ".4", ".5", ".7", ".12", ".x", ".05"} {
		b.write(suffix, []byte("type=A msg=audit(1.000:1): \n"))
	}
	b.reopen()
	want := []string{b.cfg.Path + ".12", b.cfg.Path + ".7", b.cfg.Path + ".5"}
	if diff := cmp.Diff(b.rec.Excess, want); diff != "" {
		t.Errorf("removed (-got +want):\n%s", diff)
	}
	if got := len(b.files()); got != 5 {
		t.Errorf("left: got %v", b.files())
	}
	for _, full := range []trail.Full{trail.Keep, trail.Ignore} {
		b.write(".7", nil)
		b.cfg.Full = full
		b.reopen()
		if len(b.rec.Excess) != 0 {
			t.Errorf("%v: removed %v", full, b.rec.Excess)
		}
	}
}

// TestNeeded: what a reader has not read outlives the limit, up to its own.
func TestNeeded(t *testing.T) {
	b := newBench(t)
	var needed []trail.Segment
	b.cfg.Files = 3
	b.cfg.NeededBytes = 1 << 20
	b.cfg.Needed = func() []trail.Segment { return needed }
	b.open()
	rotate := func(times int, want int) {
		t.Helper()
		for range times {
			b.append(2)
			if err := b.w.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(b.files()); got != want {
			t.Errorf("%d segments are left, want %d: %v", got, want, b.files())
		}
	}
	rotate(4, 3)
	needed = []trail.Segment{{}} // somebody wants all there is
	rotate(3, 6)
	reader := trail.OpenLive(b.cfg.Path, trail.Position{})
	defer reader.Close()
	if !reader.Next() {
		t.Fatal(reader.Err())
	}
	oldest := reader.Position().Segment
	for range 6 {
		if !reader.Next() {
			t.Fatal(reader.Err())
		}
	}
	needed = []trail.Segment{reader.Position().Segment, oldest}
	rotate(1, 7)
	b.reopen() // and a start leaves them
	if len(b.rec.Excess) != 0 {
		t.Errorf("removed at the start: %v", b.rec.Excess)
	}
	needed = needed[:1] // one has gone on
	rotate(1, 7)
	b.cfg.NeededBytes = 2 * b.files()["audit.log.1"]
	b.reopen()
	rotate(1, 5) // there is room for two more than three
	needed = nil
	rotate(1, 3)
}

func TestRotationThatFailsGoesOn(t *testing.T) {
	b := newBench(t).open()
	// A directory in the place of the next segment cannot be removed and not be
	// written to.
	next := b.cfg.Path + ".next"
	if err := os.MkdirAll(next+"/x", 0o700); err != nil {
		t.Fatal(err)
	}
	b.append(10)
	b.append(1)
	if len(b.notices) != 1 || b.notices[0].What != trail.RotateFailed || b.notices[0].Err == nil {
		t.Errorf("notices: got %v, want one failed rotation", b.notices)
	}
	if got := b.files()["audit.log"]; got != 1100 {
		t.Errorf("live segment: got %d bytes, want 1100", got)
	}
	if err := os.RemoveAll(next); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Second)
	b.append(1)
	if got := b.w.Stats().Rotations; got != 1 {
		t.Errorf("rotations after the obstacle is gone: got %d", got)
	}
	if diff := cmp.Diff(serials(b.all()), oneTo(12)); diff != "" {
		t.Errorf("serials (-got +want):\n%s", diff)
	}
	b.mustVerify()
}
