package kernel_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
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
)

// TestOverrunIsPoked: what the kernel could not deliver comes when it is woken.
func TestOverrunIsPoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		k.Limit(10)
		var want []string
		for i := range 30 {
			k.Emit(tables.TypeUser, fmt.Sprint(i))
			want = append(want, fmt.Sprint("USER ", i))
		}
		k.Limit(0)
		if got := k.Retrying(); got != 20 {
			t.Fatalf("retry queue: got %d", got)
		}
		var got []string
		for range 50 {
			lines, _ := read(t, s)
			got = append(got, lines...)
		}
		want = append(want, fmt.Sprintf("USER pid=%d uid=0 auid=4294967295 ses=4294967295 msg='op=vigil-wake seq=1 reason=overrun res=success'", os.Getpid()))
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("records (-got +want):\n%s", diff)
		}
		st := s.Stats()
		if st.Pokes != 1 || st.Overruns == 0 || st.LastOverrun.IsZero() || st.ObserverLost != 0 {
			t.Errorf("stats: got %+v", st)
		}
	})
}

// TestHeldProcessesAreReleased: when it is quiet after a storm that may have
// filled the backlog, nobody may still be waiting for room in it. Each message
// of ours wakes one.
func TestHeldProcessesAreReleased(t *testing.T) {
	f := func(name string, records int, waited bool, wchan string, want uint64) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				proc := t.TempDir()
				thread := filepath.Join(proc, "7", "task", "7")
				if err := os.MkdirAll(thread, 0o755); err != nil {
					t.Fatal(err)
				}
				where := func(wchan string) {
					if err := os.WriteFile(filepath.Join(thread, "wchan"), []byte(wchan), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				where(wchan)
				k := audittest.NewKernel()
				s := open(t, k, kernel.Config{BacklogLimit: 1000, ProcRoot: proc})
				for range records {
					k.Emit(tables.TypeUser, "x")
				}
				if waited {
					k.Change(func(s *kernel.Status) { s.BacklogWaitTimeActual = new(uint32(500)) })
				}
				for range 1000 {
					if _, err := s.Read(t.Context()); err != nil {
						t.Fatal(err)
					}
					if s.Stats().Pokes >= 3 {
						where("do_wait") // the third has woken it
					}
				}
				if got := s.Stats().Pokes; got != want {
					t.Errorf("pokes: got %d, want %d", got, want)
				}
			})
		})
	}
	f("storm, nobody held", 600, false, "do_wait", 0)
	f("storm, somebody held", 600, false, "audit_log_start", 3)
	f("storm, sender held", 600, false, "audit_receive", 3)
	f("storm, the kernel does not say", 600, false, "0", 1)
	f("no storm", 400, false, "audit_log_start", 0)
	f("processes have waited", 1, true, "audit_log_start", 3)
}

// TestStoppedReaderPokes: a reader that was stopped wakes the kernel's queue.
func TestStoppedReaderPokes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		time.Sleep(3 * time.Second)
		for range 10 {
			read(t, s)
		}
		if st := s.Stats(); st.Pokes != 1 || st.Stalls != 1 {
			t.Errorf("got %d pokes, %d stalls, want 1 of each", st.Pokes, st.Stalls)
		}
	})
}

// TestPokeGivesUp: a rule may exclude user messages.
func TestPokeGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		k.Deny(tables.TypeUser, syscall.EPERM)
		time.Sleep(3 * time.Second)
		for range 500 {
			read(t, s)
		}
		if got := s.Stats().Pokes; got != 0 {
			t.Errorf("pokes: got %d", got)
		}
	})
}

func TestTakenObserves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		k.Change(func(s *kernel.Status) { s.PID = 1 })
		var notices []error
		for range 20 {
			_, n := read(t, s)
			notices = append(notices, n...)
		}
		var taken *kernel.TakenError
		if len(notices) != 1 || !errors.As(notices[0], &taken) || taken.PID != 1 {
			t.Fatalf("notices: got %v, want TakenError by pid 1", notices)
		}
		if s.Mode() != kernel.Observer || !strings.Contains(s.Why(), "took the registration") {
			t.Errorf("mode: got %v, %s", s.Mode(), s.Why())
		}
		k.Emit(tables.TypeUser, "seen")
		if got, _ := read(t, s); !cmp.Equal(got, []string{"USER seen"}) {
			t.Errorf("as observer: got %q", got)
		}
		// What the new daemon needs stays.
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := k.Status(); got.PID != 1 || got.Enabled != 1 {
			t.Errorf("after close: got %+v", got)
		}
	})
}

// TestRetake: nothing is lost and nothing comes twice when the other lets go.
func TestRetake(t *testing.T) {
	for _, cfg := range []kernel.Config{{OnTaken: kernel.TakenRetake}, {OnTaken: kernel.TakenRetake, Mode: kernel.Daemon}} {
		synctest.Test(t, func(t *testing.T) {
			k := audittest.NewKernel()
			s := open(t, k, cfg)
			read(t, s)
			var want, got []string
			var notices []error
			n := 0
			step := func(rounds int) {
				for range rounds {
					for range 3 {
						n++
						k.Emit(tables.TypeUser, fmt.Sprint(n))
						want = append(want, fmt.Sprint("USER ", n))
					}
					lines, more := read(t, s)
					got, notices = append(got, users(lines)...), append(notices, more...)
				}
			}
			step(5)
			k.Change(func(s *kernel.Status) { s.PID = 1 })
			// Until the loss is noticed, records go to the other alone.
			for len(notices) == 0 {
				_, more := read(t, s)
				notices = append(notices, more...)
			}
			step(30)
			k.Change(func(s *kernel.Status) { s.PID = 0 })
			step(60)
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("records (-got +want):\n%s", diff)
			}
			if len(notices) != 2 {
				t.Fatalf("notices: got %v", notices)
			}
			var retaken *kernel.RetakenError
			if !errors.As(notices[1], &retaken) || retaken.PID != 1 {
				t.Errorf("notice: got %v, want RetakenError from pid 1", notices[1])
			}
			if s.Mode() != kernel.Daemon || k.Status().PID != uint32(os.Getpid()) {
				t.Errorf("got %v, registered %d", s.Mode(), k.Status().PID)
			}
			if st := s.Stats(); st.Duplicates == 0 {
				t.Error("the fake delivered nothing twice: the test tests nothing")
			}
		})
	}
}

// TestAutoTakesOver: who came as an observer becomes the daemon, if told to.
func TestAutoTakesOver(t *testing.T) {
	f := func(onTaken kernel.Taken, want kernel.Mode) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			k := audittest.NewKernel()
			k.Change(func(s *kernel.Status) { s.PID, s.Enabled = 1, 1 })
			s := open(t, k, kernel.Config{OnTaken: onTaken})
			read(t, s)
			k.Change(func(s *kernel.Status) { s.PID = 0 })
			for range 20 {
				read(t, s)
			}
			if got := s.Mode(); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	f(kernel.TakenObserve, kernel.Observer)
	f(kernel.TakenRetake, kernel.Daemon)
}

// TestDroppedRegistersAgain: the kernel may forget a daemon that lives.
func TestDroppedRegistersAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		k.Change(func(s *kernel.Status) { s.PID = 0 })
		for range 20 {
			read(t, s)
		}
		if st := s.Stats(); st.Registrations != 2 || k.Status().PID != uint32(os.Getpid()) || st.Mode != kernel.Daemon {
			t.Errorf("got %+v", st)
		}
	})
}

func TestObserverCountsLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		k.Change(func(s *kernel.Status) { s.Enabled, s.PID = 1, 1 })
		s := open(t, k, kernel.Config{})
		k.Limit(10)
		for i := range 30 {
			k.Emit(tables.TypeUser, fmt.Sprint(i))
		}
		got, _ := read(t, s)
		st := s.Stats()
		if len(got) != 10 || st.ObserverLost != 20 || st.Overruns != 20 || st.LastOverrun.IsZero() || st.Pokes != 0 {
			t.Errorf("got %d records, %+v", len(got), st)
		}
		if err := s.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := s.Read(t.Context()); err != io.EOF {
			t.Errorf("at the end: got %v, want EOF", err)
		}
		if got := k.Status(); got.PID != 1 || got.Enabled != 1 {
			t.Errorf("afterwards: got %+v", got)
		}
	})
}

// TestProbeIsReported: somebody asks for the registration and is refused.
func TestProbeIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		k.Inject(0, []byte("\x14\x00\x00\x00\x31\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00")) // AUDIT_REPLACE, pid 1
		for range 3 {
			read(t, s)
		}
		if !strings.Contains(log.String(), "another process asked for the audit registration") || !strings.Contains(log.String(), "pid=1") {
			t.Errorf("log: %s", log.String())
		}
		if s.Mode() != kernel.Daemon {
			t.Errorf("mode: got %v", s.Mode())
		}
	})
}
