package kernel_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigil/audit"
	"vigil/audit/audittest"
	"vigil/audit/kernel"
	"vigil/audit/tables"
)

// The tests of this file use the machine's engine; they run as root.

// stormUID is a user that does nothing but storm.
const stormUID = 54321

// settled is a status without the counts that go on by themselves.
var settled = cmpopts.IgnoreFields(kernel.Status{}, "Lost", "Backlog", "BacklogWaitTimeActual")

// collector reads a Source in the background and keeps what it reads.
type collector struct {
	t    *testing.T
	s    *kernel.Source
	done chan struct{}

	mu      sync.Mutex
	records int
	serials map[uint32]int
	users   []string // texts of user messages
	notices []error
}

// openEngine opens a Source on the real engine, and reads it to its end.
func openEngine(t *testing.T, cfg kernel.Config) *collector {
	t.Helper()
	s, err := kernel.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{t: t, s: s, done: make(chan struct{}), serials: map[uint32]int{}}
	go c.run()
	t.Cleanup(func() {
		c.finish()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

func (c *collector) run() {
	defer close(c.done)
	for {
		batch, err := c.s.Read(context.Background())
		if err == io.EOF {
			return
		}
		c.mu.Lock()
		switch {
		case kernel.IsNotice(err):
			c.notices = append(c.notices, err)
		case err != nil:
			c.t.Errorf("read: %v", err)
			c.mu.Unlock()
			return
		}
		for _, m := range batch {
			r, err := audit.ParseMessage(m.Type, m.Payload)
			if err != nil {
				c.t.Errorf("record %v %q: %v", m.Type, m.Payload, err)
				continue
			}
			c.records++
			c.serials[r.ID.Serial]++
			if _, text, ok := bytes.Cut(m.Payload, []byte("msg='")); ok && m.Type == tables.TypeUser {
				c.users = append(c.users, strings.TrimSuffix(string(text), "'"))
			}
		}
		c.mu.Unlock()
	}
}

// finish drains the Source and waits for the end.
func (c *collector) finish() {
	if err := c.s.Drain(context.Background()); err != nil {
		c.t.Errorf("drain: %v", err)
	}
	<-c.done
}

// gaps returns how many serials are missing between the first and the last.
func (c *collector) gaps() int {
	low, high := ^uint32(0), uint32(0)
	for n := range c.serials {
		low, high = min(low, n), max(high, n)
	}
	return int(high-low+1) - len(c.serials)
}

// until waits until the condition holds.
func (c *collector) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		c.mu.Lock()
		held := ok()
		c.mu.Unlock()
		if held {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("%s: waited a minute in vain", what)
}

func TestKernelRegistersAndRestores(t *testing.T) {
	ctl := audittest.LockEngine(t)
	before, err := ctl.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := openEngine(t, kernel.Config{Mode: kernel.Daemon})
	during, err := ctl.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.Enabled, want.PID = max(before.Enabled, 1), uint32(os.Getpid())
	if before.BacklogLimit != 0 {
		want.BacklogLimit = max(before.BacklogLimit, kernel.DefaultBacklogLimit)
	}
	if diff := cmp.Diff(during, want, settled); diff != "" {
		t.Errorf("registered (-got +want):\n%s", diff)
	}
	if err := ctl.SendUser(t.Context(), tables.TypeUser, "op=last-words"); err != nil {
		t.Fatal(err)
	}
	c.finish()
	if !cmp.Equal(c.users, []string{"op=last-words"}) {
		t.Errorf("user messages: got %q", c.users)
	}
	after, err := ctl.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(after, before, settled); diff != "" {
		t.Errorf("afterwards (-got +want):\n%s", diff)
	}
}

func TestKernelStorm(t *testing.T) {
	f := func(mode kernel.Mode, kind, call string, n, recordsPerEvent int) {
		t.Run(mode.String()+"/"+kind, func(t *testing.T) {
			ctl := audittest.LockEngine(t)
			if mode == kernel.Observer {
				if err := ctl.Set(t.Context(), kernel.Settings{Enabled: new(uint32(1)), BacklogLimit: new(uint32(65536))}); err != nil {
					t.Fatal(err)
				}
				audittest.StartAuditd(t, ctl)
			}
			c := openEngine(t, kernel.Config{Mode: mode})
			if err := ctl.AddRule(t.Context(), audittest.SyscallRule(t, stormUID, call)); err != nil {
				t.Fatal(err)
			}
			lost := func() uint32 {
				st, err := ctl.Status(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return st.Lost
			}
			before := lost()
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { audittest.Storm(t, kind, n/2, stormUID) })
			}
			wg.Wait()
			full := 0
			c.until("events", func() bool {
				full = 0
				for _, records := range c.serials {
					if records >= recordsPerEvent {
						full++
					}
				}
				return full >= n
			})
			after := lost()
			c.finish()
			st := c.s.Stats()
			if full < n || c.gaps() != 0 || after != before || st.Overruns != 0 {
				t.Errorf("got %d events of %d records, %d serials missing, %d lost, %d overruns; want at least %d, and none",
					full, recordsPerEvent, c.gaps(), after-before, st.Overruns, n)
			}
		})
	}
	f(kernel.Daemon, "opens", "openat", 50000, 5)   // SYSCALL CWD PATH PROCTITLE EOE
	f(kernel.Daemon, "execs", "execve", 1000, 6)    // EXECVE, and a PATH for the interpreter
	f(kernel.Observer, "opens", "openat", 20000, 5) // auditd holds it up
}

// TestKernelStopped: a reader stopped in a storm gets everything that fits into
// its buffer, and what the kernel kept for longer. With a buffer this small it
// does not fit; the stall has to end by itself, and to be counted.
func TestKernelStopped(t *testing.T) {
	ctl := audittest.LockEngine(t)
	if err := ctl.AddRule(t.Context(), audittest.SyscallRule(t, stormUID, "openat")); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.run=^TestKernelStoppedReader$")
	child.Env = append(os.Environ(), "VIGIL_STOPPED_READER=1")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	child.Stdout, child.Stderr = &out, &out
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	awaitRegistration(t, ctl, child.Process.Pid)
	start := time.Now()
	stormed := make(chan struct{})
	go func() {
		defer close(stormed)
		audittest.Storm(t, "opens", 50000, stormUID)
	}()
	time.Sleep(200 * time.Millisecond)
	child.Process.Signal(syscall.SIGSTOP)
	time.Sleep(1500 * time.Millisecond)
	child.Process.Signal(syscall.SIGCONT)
	<-stormed
	took := time.Since(start)
	in.Close()
	if err := child.Wait(); err != nil {
		t.Errorf("reader: %v\n%s", err, out.String())
	}
	t.Logf("storm took %v\n%s", took, out.String())
	// The kernel may hold a process for a minute (backlog_wait_time).
	if took > 20*time.Second {
		t.Errorf("the storm took %v: it was held after the stall", took)
	}
}

// TestKernelStoppedReader is the reader of TestKernelStopped.
func TestKernelStoppedReader(t *testing.T) {
	if os.Getenv("VIGIL_STOPPED_READER") == "" {
		t.Skip("runs as part of TestKernelStopped")
	}
	c := openEngine(t, kernel.Config{Mode: kernel.Daemon, ReceiveBuffer: 4 << 20, BacklogLimit: 8192})
	io.Copy(io.Discard, os.Stdin) // until the storm is over
	c.finish()
	st := c.s.Stats()
	t.Logf("records %d, missing serials %d, %+v", c.records, c.gaps(), st)
	if st.Pokes == 0 || st.Stalls == 0 || st.Overruns == 0 {
		t.Errorf("got %d pokes, %d stalls, %d overruns, want some of each", st.Pokes, st.Stalls, st.Overruns)
	}
}

// TestKernelTaken: the kernel takes the registration from no living holder, so
// the test gives it up behind the Source's back, and stock auditd takes it.
func TestKernelTaken(t *testing.T) {
	ctl := audittest.LockEngine(t)
	c := openEngine(t, kernel.Config{Mode: kernel.Daemon, OnTaken: kernel.TakenRetake})
	sent := 0
	send := func(n int) {
		for range n {
			sent++
			if err := ctl.SendUser(t.Context(), tables.TypeUser, fmt.Sprintf("op=numbered n=%d", sent)); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(100)
	c.until("first messages", func() bool { return len(c.users) == 100 })
	var auditd *audittest.Auditd
	for taken := false; !taken; { // we register again when nobody else has for a second
		if err := ctl.Unregister(t.Context()); err != nil {
			t.Fatal(err)
		}
		auditd, taken = audittest.TryAuditd(t, ctl)
	}
	c.until("notice", func() bool { return len(c.notices) == 1 })
	var taken *kernel.TakenError
	if !errors.As(c.notices[0], &taken) || taken.PID != auditd.PID || taken.Comm != "auditd" {
		t.Errorf("notice: got %v, want TakenError by auditd (pid %d)", c.notices[0], auditd.PID)
	}
	if got := c.s.Mode(); got != kernel.Observer {
		t.Errorf("mode: got %v", got)
	}
	send(100)
	auditd.Stop()
	send(100) // nobody is registered: these come by multicast alone
	c.until("second notice", func() bool { send(1); return len(c.notices) == 2 })
	var retaken *kernel.RetakenError
	if !errors.As(c.notices[1], &retaken) || retaken.PID != auditd.PID {
		t.Errorf("notice: got %v, want RetakenError", c.notices[1])
	}
	send(100)
	c.finish()
	var want []string
	for n := range sent {
		want = append(want, fmt.Sprintf("op=numbered n=%d", n+1))
	}
	if diff := cmp.Diff(c.users, want); diff != "" {
		t.Errorf("messages (-got +want):\n%s", diff)
	}
}

// TestKernelRefusesAuditd: another daemon cannot have the registration while we
// live, and we learn that it tried.
func TestKernelRefusesAuditd(t *testing.T) {
	ctl := audittest.LockEngine(t)
	var log bytes.Buffer
	c := openEngine(t, kernel.Config{Mode: kernel.Daemon, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	said := audittest.FailAuditd(t)
	if err := ctl.SendUser(t.Context(), tables.TypeUser, "op=still-here"); err != nil {
		t.Fatal(err)
	}
	c.finish()
	if !cmp.Equal(c.users, []string{"op=still-here"}) || c.s.Stats().Taken != 0 {
		t.Errorf("got %q, %+v", c.users, c.s.Stats())
	}
	if !strings.Contains(log.String(), "asked for the audit registration") {
		t.Errorf("log:\n%s\nauditd said:\n%s", log.String(), said)
	}
}

func TestKernelObserverBesideAuditd(t *testing.T) {
	ctl := audittest.LockEngine(t)
	if err := ctl.Set(t.Context(), kernel.Settings{Enabled: new(uint32(1))}); err != nil {
		t.Fatal(err)
	}
	auditd := audittest.StartAuditd(t, ctl)
	c := openEngine(t, kernel.Config{})
	if c.s.Mode() != kernel.Observer || c.s.Why() != fmt.Sprintf("auditd (pid %d) holds the registration", auditd.PID) {
		t.Errorf("got %v: %s", c.s.Mode(), c.s.Why())
	}
	var held *kernel.HeldError
	if _, err := kernel.Open(t.Context(), kernel.Config{Mode: kernel.Daemon}); !errors.As(err, &held) || held.PID != auditd.PID {
		t.Errorf("daemon beside auditd: got %v, want HeldError", err)
	}
	var want []string
	for n := range 1000 {
		text := fmt.Sprintf("op=numbered n=%d", n)
		if err := ctl.SendUser(t.Context(), tables.TypeUser, text); err != nil {
			t.Fatal(err)
		}
		want = append(want, text)
	}
	c.until("messages", func() bool { return len(c.users) >= len(want) })
	c.finish()
	if diff := cmp.Diff(c.users, want); diff != "" {
		t.Errorf("messages (-got +want):\n%s", diff)
	}
	auditd.Stop()
	logged, err := os.ReadFile(auditd.Log)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(logged, []byte("op=numbered")); got != len(want) {
		t.Errorf("auditd has %d, want %d", got, len(want))
	}
}

// TestKernelControl holds the fake against the engine: both pass the same test.
func TestKernelControl(t *testing.T) {
	testControl(t, audittest.LockEngine(t))
}

// TestKernelAfterKill: a daemon that was killed is still registered until the
// kernel looks.
func TestKernelAfterKill(t *testing.T) {
	ctl := audittest.LockEngine(t)
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestKernelStoppedReader$")
	child.Env = append(os.Environ(), "VIGIL_STOPPED_READER=1")
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	awaitRegistration(t, ctl, child.Process.Pid)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	c := openEngine(t, kernel.Config{})
	if c.s.Mode() != kernel.Daemon {
		t.Errorf("got %v: %s", c.s.Mode(), c.s.Why())
	}
	t.Log(c.s.Why())
	// What the killed one left behind.
	if err := ctl.Set(t.Context(), kernel.Settings{Enabled: new(uint32(1))}); err != nil {
		t.Fatal(err)
	}
	if err := ctl.SendUser(t.Context(), tables.TypeUser, "op=again"); err != nil {
		t.Fatal(err)
	}
	c.finish()
	if !cmp.Equal(c.users, []string{"op=again"}) {
		t.Errorf("got %q", c.users)
	}
}

// awaitRegistration waits until a process is the registered daemon.
func awaitRegistration(t *testing.T, ctl *kernel.Control, pid int) {
	t.Helper()
	for range 1000 {
		st, err := ctl.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if int(st.PID) == pid {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("process %d does not register", pid)
}
