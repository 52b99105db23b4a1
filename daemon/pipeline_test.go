package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/daemon/output"
	"vigil/ledger"
	"vigil/trail"
)

// line is the pipeline alone, without the daemon around it, so that it runs in a
// bubble of its own time.
type line struct {
	t      *testing.T
	kernel *audittest.Kernel
	file   string
	writer *trail.Writer
	source *kernel.Source
	ledger *ledger.Ledger
	log    *transcript
	ended  chan error
}

// newLine starts it; finish ends it.
func newLine(t *testing.T) *line {
	t.Helper()
	l := &line{
		t: t, kernel: audittest.NewKernel(), file: filepath.Join(t.TempDir(), "audit.log"),
		ledger: ledger.New(ledger.Config{}), log: newTranscript(), ended: make(chan error, 1),
	}
	var err error
	if l.writer, _, err = trail.Open(trail.Config{Path: l.file}); err != nil {
		t.Fatal(err)
	}
	if l.source, err = kernel.Open(t.Context(), kernel.Config{Dial: l.kernel.Dial}); err != nil {
		t.Fatal(err)
	}
	s := &scribe{stamps: newStamps(), ledger: l.ledger}
	p := newPipeline(l.source, l.writer, s, nil, slog.New(slog.NewTextHandler(l.log, nil)))
	go func() { l.ended <- p.run() }()
	return l
}

func (l *line) finish() {
	l.t.Helper()
	if err := errors.Join(l.source.Drain(l.t.Context()), <-l.ended, l.source.Close(), l.writer.Close()); err != nil {
		l.t.Error(err)
	}
}

// losses are the LEDGER records in the trail: reason, count and range.
func (l *line) losses() string {
	var all []string
	for _, text := range fileLines(l.t, l.file) {
		if r, err := ledger.ParseLine([]byte(text)); err == nil && r.Op == ledger.Lost {
			all = append(all, fmt.Sprintf("%s %d %d-%d", r.Loss.Reason, r.Loss.Count, r.Loss.First, r.Loss.Last))
		}
	}
	return strings.Join(all, ", ")
}

// A serial is missed three seconds after a later one came, and the trail says so
// while the kernel is quiet.
func TestPipelineGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		first := l.kernel.Emit(tables.TypeUserCmd, "pid=1")
		l.kernel.Inject(0, message(tables.TypeUserCmd, fmt.Sprintf("audit(1700000000.000:%d): pid=1", first+3)))
		time.Sleep(2 * time.Second)
		if got := l.losses(); got != "" {
			t.Errorf("after 2 s: %s", got)
		}
		time.Sleep(2 * time.Second)
		want := fmt.Sprintf("gap 2 %d-%d", first+1, first+2)
		if got := l.losses(); got != want {
			t.Errorf("after 4 s: %q, want %q", got, want)
		}
		l.finish()
	})
}

// A record is in the trail within 20 ms of its arrival.
func TestPipelineDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		for i := range 20 {
			time.Sleep(37 * time.Millisecond)
			text := fmt.Sprintf("pid=1 n=%d", i)
			l.kernel.Emit(tables.TypeUserCmd, text)
			time.Sleep(20 * time.Millisecond)
			synctest.Wait()
			if lines := fileLines(t, l.file); !strings.HasSuffix(lines[len(lines)-1], text) {
				t.Errorf("20 ms after record %d the trail ends with %s", i, lines[len(lines)-1])
			}
		}
		l.finish()
	})
}

// EOE is counted, its serial seen, and it is not written.
func TestPipelineEOE(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t)
		l.kernel.EmitEvent(
			audittest.Sent{Type: tables.TypeSyscall, Payload: []byte("arch=c000003e syscall=59")},
			audittest.Sent{Type: tables.TypeProctitle, Payload: []byte("proctitle=78")},
			audittest.Sent{Type: tables.TypeEOE},
		)
		time.Sleep(time.Second)
		before := l.ledger.Snapshot()
		l.finish()
		got := filter(types(fileLines(t, l.file)), "CONFIG_CHANGE/set")
		if diff := cmp.Diff(got, []string{"SYSCALL", "PROCTITLE"}); diff != "" {
			t.Errorf("trail (-got +want):\n%s", diff)
		}
		if before.Received != before.Written+1 || before.Gaps != 0 {
			t.Errorf("received %d, written %d, gaps %d", before.Received, before.Written, before.Gaps)
		}
	})
}

// Names of serials that wrap.
func TestBounds(t *testing.T) {
	f := func(serials []uint32, first, last uint32) {
		t.Helper()
		if gotFirst, gotLast := bounds(serials); gotFirst != first || gotLast != last {
			t.Errorf("%d: got %d to %d, want %d to %d", serials, gotFirst, gotLast, first, last)
		}
	}
	f(nil, 0, 0)
	f([]uint32{7}, 7, 7)
	f([]uint32{8, 7, 9, 9}, 7, 9)
	f([]uint32{1<<32 - 1, 0, 1<<32 - 3, 2}, 1<<32-3, 2)
}

// The kernel's own count of lost records is followed, and told.
func TestWatchEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		engine, err := kernel.DialControl(t.Context(), kernel.ControlConfig{Dial: k.Dial})
		if err != nil {
			t.Fatal(err)
		}
		d := &daemon{engine: engine, ledger: ledger.New(ledger.Config{})}
		d.ledger.KernelLost(0, time.Now())
		ended := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { ended <- d.watchEngine(ctx) }()

		k.Change(func(s *kernel.Status) { s.Lost = 5 })
		time.Sleep(2 * lostEvery)
		synctest.Wait()
		if got := d.ledger.Snapshot(); got.Lost != 5 || len(got.Pending) != 1 || got.Pending[0].Reason != ledger.KernelLost {
			t.Errorf("after a loss: %+v", got)
		}
		k.Deny(tables.TypeGet, syscall.EINVAL) // an engine that does not answer changes nothing
		time.Sleep(2 * lostEvery)
		k.Deny(tables.TypeGet, 0)
		k.Change(func(s *kernel.Status) { s.Lost = 2 }) // somebody has reset it
		time.Sleep(2 * lostEvery)
		synctest.Wait()
		if got := d.ledger.Snapshot().Lost; got != 7 {
			t.Errorf("after a reset and 2 more: %d lost, want 7", got)
		}
		stop()
		if err := errors.Join(<-ended, engine.Close()); err != nil {
			t.Error(err)
		}
	})
}

// An event of which the end never comes is printed all the same, once nothing
// more can be expected of it.
func TestConsoleIncompleteEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, err := trail.Open(trail.Config{Path: filepath.Join(t.TempDir(), "audit.log")})
		if err != nil {
			t.Fatal(err)
		}
		out := newTranscript()
		c, err := newConsole(w, out, output.Options{Kind: output.JSON}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ended, closed := make(chan error, 1), make(chan struct{})
		go func() { ended <- c.run(t.Context(), closed) }()
		text := "type=SYSCALL msg=audit(1700000000.000:9): arch=c000003e syscall=59 success=yes exit=0 pid=7\n"
		if err := w.Append([]byte(text), 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := out.String(); got != "" {
			t.Errorf("after 1 s: %s", got)
		}
		time.Sleep(3 * time.Second)
		if got := out.String(); strings.Count(got, "\n") != 1 {
			t.Errorf("after 4 s: %q, want one line", got)
		}
		close(closed)
		if err := errors.Join(<-ended, w.Close()); err != nil {
			t.Error(err)
		}
	})
}

// An output that is slower than the rotation misses records, and says how many.
func TestConsoleMisses(t *testing.T) {
	s := &scribe{stamps: newStamps(), ledger: ledger.New(ledger.Config{})}
	w, _, err := trail.Open(trail.Config{
		Path: filepath.Join(t.TempDir(), "audit.log"), MaxFile: 1000, Files: 2,
		Head: func(n trail.NewSegment) trail.Head { return s.head(n, self()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Seal(s.seal(ledger.Start, ledger.Loss{}, time.Now())); err != nil {
		t.Fatal(err)
	}
	log := newTranscript()
	c, err := newConsole(w, newTranscript(), output.Options{Kind: output.Raw}, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		text := fmt.Sprintf("type=USER_CMD msg=audit(1700000000.000:%d): pid=1 %s\n", i+1, strings.Repeat("x", 200))
		if err := w.Append([]byte(text), 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.print(t.Context()); err != nil {
		t.Error(err)
	}
	if got := log.String(); strings.Count(got, "missed records") != 1 || !strings.Contains(got, "fix=") {
		t.Errorf("said: %s", got)
	}
	if err := errors.Join(c.reader.Close(), w.Close()); err != nil {
		t.Error(err)
	}
}
