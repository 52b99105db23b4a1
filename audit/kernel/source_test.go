package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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

// open opens a Source on a fake kernel.
func open(t *testing.T, k *audittest.Kernel, cfg kernel.Config) *kernel.Source {
	t.Helper()
	cfg.Dial = k.Dial
	s, err := kernel.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// read reads until a batch is empty or the stream ends, and returns "TYPE text"
// of each record, without the stamp.
func read(t *testing.T, s *kernel.Source) (lines []string, notices []error) {
	t.Helper()
	for {
		batch, err := s.Read(t.Context())
		switch {
		case kernel.IsNotice(err):
			notices = append(notices, err)
			continue
		case err == io.EOF:
			return lines, notices
		case err != nil:
			t.Fatal(err)
		case len(batch) == 0:
			return lines, notices
		}
		for _, m := range batch {
			_, text, _ := strings.Cut(string(m.Payload), "): ")
			lines = append(lines, m.Type.String()+" "+text)
		}
	}
}

// users drops the records that the fake makes of configuration changes.
func users(lines []string) []string {
	var out []string
	for _, l := range lines {
		if strings.HasPrefix(l, "USER ") {
			out = append(out, l)
		}
	}
	return out
}

func TestDaemonRegistersAndRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		before := k.Status()
		s := open(t, k, kernel.Config{})
		want := before
		want.Enabled, want.PID, want.BacklogLimit = 1, uint32(os.Getpid()), kernel.DefaultBacklogLimit
		if diff := cmp.Diff(k.Status(), want); diff != "" {
			t.Errorf("registered (-got +want):\n%s", diff)
		}
		if got := [2]string{s.Mode().String(), s.Why()}; got != [2]string{"daemon", "nobody holds the registration"} {
			t.Errorf("mode: got %q", got)
		}
		k.Emit(tables.TypeUser, "last words")
		if err := s.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(k.Status(), before); diff != "" {
			t.Errorf("after drain (-got +want):\n%s", diff)
		}
		lines, _ := read(t, s)
		if got := users(lines); !cmp.Equal(got, []string{"USER last words"}) {
			t.Errorf("after drain: got %q", got)
		}
		if _, err := s.Read(t.Context()); err != io.EOF {
			t.Errorf("at the end: got %v, want EOF", err)
		}
		s.Close()
		if _, err := s.Read(t.Context()); !errors.Is(err, kernel.ErrClosed) {
			t.Errorf("after close: got %v, want ErrClosed", err)
		}
	})
}

func TestDaemonSettings(t *testing.T) {
	type state struct{ enabled, backlog, rate uint32 }
	f := func(name string, cfg kernel.Config, before, during state, meddle func(*kernel.Status), after state) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := audittest.NewKernel()
				k.Change(func(s *kernel.Status) {
					s.Enabled, s.BacklogLimit, s.RateLimit = before.enabled, before.backlog, before.rate
				})
				now := func() state { s := k.Status(); return state{s.Enabled, s.BacklogLimit, s.RateLimit} }
				s := open(t, k, cfg)
				if got := now(); got != during {
					t.Errorf("open: got %+v, want %+v", got, during)
				}
				if meddle != nil {
					k.Change(meddle)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if got := now(); got != after {
					t.Errorf("closed: got %+v, want %+v", got, after)
				}
			})
		})
	}
	f("raised and put back", kernel.Config{BacklogLimit: 1000}, state{0, 64, 0}, state{1, 1000, 0}, nil, state{0, 64, 0})
	f("never lowered", kernel.Config{BacklogLimit: 1000}, state{1, 2000, 0}, state{1, 2000, 0}, nil, state{1, 2000, 0})
	f("no limit counts as higher", kernel.Config{}, state{1, 0, 0}, state{1, 0, 0}, nil, state{1, 0, 0})
	f("locked", kernel.Config{LiftRateLimit: true}, state{2, 64, 9}, state{2, 64, 9}, nil, state{2, 64, 9})
	f("left disabled", kernel.Config{KeepEnabled: true, BacklogLimit: 1}, state{0, 64, 0}, state{0, 64, 0}, nil, state{0, 64, 0})
	f("rate limit warned about", kernel.Config{BacklogLimit: 1}, state{1, 64, 9}, state{1, 64, 9}, nil, state{1, 64, 9})
	f("rate limit lifted", kernel.Config{BacklogLimit: 1, LiftRateLimit: true}, state{1, 64, 9}, state{1, 64, 0}, nil, state{1, 64, 9})
	f("changed by somebody since", kernel.Config{LiftRateLimit: true}, state{0, 64, 9}, state{1, 65536, 0},
		func(s *kernel.Status) { s.BacklogLimit, s.RateLimit = 8192, 10 }, state{0, 8192, 10})
	f("locked since", kernel.Config{BacklogLimit: 1}, state{0, 64, 0}, state{1, 64, 0},
		func(s *kernel.Status) { s.Enabled = 2 }, state{2, 64, 0})
}

func TestModes(t *testing.T) {
	const dead = 1 << 30 // above every pid_max
	f := func(mode kernel.Mode, holder uint32, want kernel.Mode, why string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			k := audittest.NewKernel()
			k.Change(func(s *kernel.Status) { s.PID = holder })
			if holder == dead {
				// The kernel finds out when somebody asks to register.
				k.Change(func(s *kernel.Status) { s.PID = 0 })
			}
			s := open(t, k, kernel.Config{Mode: mode})
			if s.Mode() != want || !strings.Contains(s.Why(), why) {
				t.Errorf("%v with %d registered: got %v (%s), want %v (%s)", mode, holder, s.Mode(), s.Why(), want, why)
			}
		})
	}
	f(kernel.Auto, 0, kernel.Daemon, "nobody")
	f(kernel.Auto, dead, kernel.Daemon, "nobody")
	f(kernel.Auto, 1, kernel.Observer, "(pid 1) holds the registration")
	f(kernel.Auto, uint32(os.Getpid()), kernel.Observer, "holds the registration")
	f(kernel.Observer, 0, kernel.Observer, "as configured")
	f(kernel.Daemon, 0, kernel.Daemon, "as configured")

	k := audittest.NewKernel()
	k.Change(func(s *kernel.Status) { s.PID = 1 })
	_, err := kernel.Open(t.Context(), kernel.Config{Mode: kernel.Daemon, Dial: k.Dial})
	var held *kernel.HeldError
	if !errors.As(err, &held) || held.PID != 1 {
		t.Errorf("daemon beside another: got %v, want HeldError", err)
	}
	if got := k.Status(); got.PID != 1 || got.BacklogLimit != 64 {
		t.Errorf("after failing: got %+v", got)
	}
}

// TestAutoWithoutEngine: there is nothing to fall back to.
func TestAutoWithoutEngine(t *testing.T) {
	k := audittest.NewKernel()
	k.Deny(tables.TypeGet, syscall.ECONNREFUSED)
	if _, err := kernel.Open(t.Context(), kernel.Config{Dial: k.Dial}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("no engine: got %v", err)
	}
}

func TestReadOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		var want []string
		long := strings.Repeat("x", 16000)
		for i := range 10000 {
			text := fmt.Sprint(i)
			if i%100 == 0 {
				text += long // the arena ends before the batch does
			}
			k.Emit(tables.TypeUser, text)
			want = append(want, "USER "+text)
		}
		got, _ := read(t, s)
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("records (-got +want):\n%.2000s", diff)
		}
		if st := s.Stats(); st.Records != st.Datagrams-st.Other || st.Overruns != 0 {
			t.Errorf("stats: got %+v", st)
		}
	})
}

// TestReadFramesByDatagram: the kernel's own nlmsg_len is 16 short.
func TestReadFramesByDatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		k.Emit(tables.TypeUser, "abcdefghijklmnopqrstuvwxyz")
		if got, _ := read(t, s); !cmp.Equal(got, []string{"USER abcdefghijklmnopqrstuvwxyz"}) {
			t.Errorf("got %q", got)
		}
	})
}

func TestReadCountsStrangeDatagrams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		before := s.Stats()
		forged := append([]byte("\x00\x00\x00\x00\xed\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "audit(1.000:1): forged"...)
		k.Inject(4711, forged)
		k.Inject(0, []byte("short"))
		k.Inject(0, nil)
		k.Inject(0, []byte("\x14\x00\x00\x00\x02\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
		if got, _ := read(t, s); len(got) != 0 {
			t.Errorf("records: got %q", got)
		}
		after := s.Stats()
		got := [3]uint64{after.Foreign - before.Foreign, after.Malformed - before.Malformed, after.Other - before.Other}
		if want := [3]uint64{1, 2, 1}; got != want {
			t.Errorf("foreign, malformed, other: got %v, want %v", got, want)
		}
	})
}

func TestReadReturnsForTimers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		s := open(t, k, kernel.Config{})
		read(t, s)
		start := time.Now()
		if batch, err := s.Read(t.Context()); len(batch) != 0 || err != nil {
			t.Errorf("quiet: got %d records, %v", len(batch), err)
		}
		if got := time.Since(start); got != 100*time.Millisecond {
			t.Errorf("quiet: returned after %v", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		k.Emit(tables.TypeUser, "a") // read or kept, but not lost
		for {
			batch, err := s.Read(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil || len(batch) != 1 && time.Since(start) < 110*time.Millisecond {
				t.Fatalf("got %d records, %v", len(batch), err)
			}
		}
		k.Emit(tables.TypeUser, "b")
		if got, _ := read(t, s); !cmp.Equal(got, []string{"USER b"}) {
			t.Errorf("with a new context: got %q", got)
		}
	})
}

// TestReadGathers: one wake-up serves what comes within the gathering time.
func TestReadGathers(t *testing.T) {
	f := func(gather time.Duration, want int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			k := audittest.NewKernel()
			s := open(t, k, kernel.Config{Gather: gather})
			read(t, s)
			go func() {
				for range 10 {
					time.Sleep(1100 * time.Microsecond)
					k.Emit(tables.TypeUser, "x")
				}
			}()
			batch, err := s.Read(t.Context())
			if len(batch) != want || err != nil {
				t.Errorf("gather %v: got %d records, %v, want %d", gather, len(batch), err, want)
			}
			time.Sleep(time.Second / 2)
		})
	}
	f(-1, 1)
	f(3500*time.Microsecond, 4)
	f(0, 5) // DefaultGather
}
