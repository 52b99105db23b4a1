package kernel_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
	"vigil/audit/tables"
)

func TestControlStatus(t *testing.T) {
	k := audittest.NewKernel()
	k.Change(func(s *kernel.Status) {
		*s = kernel.Status{Enabled: 1, Failure: 2, PID: 3, RateLimit: 4, BacklogLimit: 5, Lost: 6, Backlog: 7,
			Features: 8, BacklogWaitTime: 9, BacklogWaitTimeActual: new(uint32(10))}
	})
	got, err := k.Control(t).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got, k.Status()); diff != "" {
		t.Errorf("status (-got +want):\n%s", diff)
	}
}

func TestControlSet(t *testing.T) {
	k := audittest.NewKernel()
	ctl := k.Control(t)
	want := k.Status()
	want.Failure, want.BacklogLimit, want.BacklogWaitTime = 0, 8192, 60
	err := ctl.Set(t.Context(), kernel.Settings{Failure: new(uint32(0)), BacklogLimit: new(uint32(8192)), BacklogWaitTime: new(uint32(60))})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(k.Status(), want); diff != "" {
		t.Errorf("status (-got +want):\n%s", diff)
	}
}

// TestControlSetBytes holds the layout against <linux/audit.h>, word by word.
func TestControlSetBytes(t *testing.T) {
	k := audittest.NewKernel()
	if err := k.Control(t).Set(t.Context(), kernel.Settings{Enabled: new(uint32(1)), RateLimit: new(uint32(77))}); err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, w := range []uint32{0x1 | 0x8, 1, 0, 0, 77, 0, 0, 0, 0, 0, 0} {
		want = binary.NativeEndian.AppendUint32(want, w)
	}
	got := k.Sent()
	if diff := cmp.Diff(got, []audittest.Sent{{Type: 1001, Payload: want}}); diff != "" {
		t.Errorf("request (-got +want):\n%s", diff)
	}
}

func TestControl(t *testing.T) {
	testControl(t, audittest.NewKernel().Control(t))
}

// testControl is what the engine and the fake have in common.
func testControl(t *testing.T, ctl *kernel.Control) {
	ctx := t.Context()
	status := func() kernel.Status {
		t.Helper()
		st, err := ctl.Status(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	testControlRules(t, ctl)
	fails := failsOf(t)

	want := status()
	want.Failure, want.RateLimit, want.BacklogLimit, want.BacklogWaitTime = 0, 100000, 77, 1234
	fails("set", ctl.Set(ctx, kernel.Settings{Failure: new(uint32(0)), RateLimit: new(uint32(100000)),
		BacklogLimit: new(uint32(77)), BacklogWaitTime: new(uint32(1234))}), nil)
	if diff := cmp.Diff(status(), want, settled); diff != "" {
		t.Errorf("status (-got +want):\n%s", diff)
	}
	if lost, err := ctl.ResetLost(ctx); err != nil || lost != status().Lost+lost {
		t.Errorf("reset lost: got %d, %v", lost, err)
	}
	if _, err := ctl.ResetBacklogWaitTimeActual(ctx); err != nil {
		t.Error(err)
	}
	const feature = kernel.FeatureOnlyUnsetLoginuid
	was, err := ctl.Features(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if was.Locked&feature == 0 {
		for _, on := range []bool{true, false, was.On&feature != 0} {
			fails("set feature", ctl.SetFeature(ctx, feature, on, false), nil)
			if f, err := ctl.Features(ctx); err != nil || (f.On&feature != 0) != on || f.Locked != was.Locked {
				t.Errorf("features: got %+v, %v, want on %v", f, err, on)
			}
		}
	}
	if tty, err := ctl.TTY(ctx); err != nil || tty != (kernel.TTY{}) {
		t.Errorf("tty: got %+v, %v", tty, err)
	}
	if _, err := ctl.SignalInfo(ctx); err != nil {
		t.Error(err)
	}
	fails("trim", ctl.Trim(ctx), nil)
	fails("make equivalent", ctl.MakeEquiv(ctx, "/proc", "/proc"), nil)
	fails("unregister who is not registered", ctl.Unregister(ctx), nil)
	fails("user message while off", ctl.SendUser(ctx, tables.TypeUser, "op=unheard"), nil)
	fails("turn on", ctl.Set(ctx, kernel.Settings{Enabled: new(uint32(1))}), nil)
	fails("empty user message", ctl.SendUser(ctx, tables.TypeUser, ""), syscall.EINVAL)
	fails("user message of no user type", ctl.SendUser(ctx, tables.TypeSyscall, "op=x"), syscall.EINVAL)
}

// failsOf returns a check that an error is the wanted one.
func failsOf(t *testing.T) func(what string, got, want error) {
	return func(what string, got, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", what, got, want)
		}
	}
}

// testControlRules is the part of testControl that is about rules.
func testControlRules(t *testing.T, ctl *kernel.Control) {
	ctx, fails := t.Context(), failsOf(t)
	before, err := ctl.Rules(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var added [][]byte
	for uid := range uint32(100) {
		r := audittest.SyscallRule(t, stormUID+uid, "openat", "execve")
		if err := ctl.AddRule(ctx, r); err != nil {
			t.Fatal(err)
		}
		added = append(added, r)
	}
	fails("add rule twice", ctl.AddRule(ctx, added[0]), syscall.EEXIST)
	first := audittest.SyscallRule(t, stormUID-1, "openat")
	first[0] |= 0x10 // AUDIT_FILTER_PREPEND
	fails("prepend rule", ctl.AddRule(ctx, first), nil)
	first[0] &^= 0x10
	rules, err := ctl.Rules(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rules, slices.Concat([][]byte{first}, before, added)); diff != "" {
		t.Errorf("rules: got %d, want %d in the order of loading", len(rules), len(before)+len(added)+1)
	}
	for _, r := range append(added, first) {
		if err := ctl.DeleteRule(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	fails("delete rule twice", ctl.DeleteRule(ctx, added[0]), syscall.ENOENT)
	fails("add short rule", ctl.AddRule(ctx, added[0][:1000]), syscall.EINVAL)
}

// TestControlResetLost: the count comes back as a positive acknowledgement code.
func TestControlResetLost(t *testing.T) {
	k := audittest.NewKernel()
	k.Change(func(s *kernel.Status) { s.Lost = 1234; s.BacklogWaitTimeActual = new(uint32(5678)) })
	ctl := k.Control(t)
	for _, c := range []struct {
		name  string
		reset func(context.Context) (uint32, error)
		want  []uint32
	}{
		{"lost", ctl.ResetLost, []uint32{1234, 0}},
		{"backlog wait time", ctl.ResetBacklogWaitTimeActual, []uint32{5678, 0}},
	} {
		for _, want := range c.want {
			if got, err := c.reset(t.Context()); got != want || err != nil {
				t.Errorf("reset %s: got %d, %v, want %d", c.name, got, err, want)
			}
		}
	}
}

func TestControlLockedFeature(t *testing.T) {
	ctl := audittest.NewKernel().Control(t)
	ctx := t.Context()
	if err := ctl.SetFeature(ctx, kernel.FeatureLoginuidImmutable, true, true); err != nil {
		t.Fatal(err)
	}
	if err := ctl.SetFeature(ctx, kernel.FeatureLoginuidImmutable, false, false); !errors.Is(err, syscall.EPERM) {
		t.Errorf("change locked feature: got %v, want EPERM", err)
	}
	got, err := ctl.Features(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := (kernel.Features{On: 2, Locked: 2}); got != want {
		t.Errorf("features: got %+v, want %+v", got, want)
	}
}

func TestControlMessages(t *testing.T) {
	k := audittest.NewKernel()
	ctl := k.Control(t)
	ctx := t.Context()
	if err := errors.Join(ctl.Trim(ctx), ctl.MakeEquiv(ctx, "/mnt", "/srv/x"), ctl.SendUser(ctx, tables.TypeUser, "op=test"), ctl.Unregister(ctx)); err != nil {
		t.Fatal(err)
	}
	pid := make([]byte, 44)
	pid[0] = 4 // AUDIT_STATUS_PID, little-endian machines
	want := []audittest.Sent{
		{Type: 1014, Payload: []byte{}},
		{Type: 1015, Payload: []byte("\x04\x00\x00\x00\x06\x00\x00\x00/mnt/srv/x")},
		{Type: 1005, Payload: []byte("op=test\x00")},
		{Type: 1001, Payload: pid},
	}
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the expected bytes are little-endian")
	}
	if diff := cmp.Diff(k.Sent(), want); diff != "" {
		t.Errorf("requests (-got +want):\n%s", diff)
	}
}

// TestControlIgnoresStrangers: answers count by sequence and sender.
func TestControlIgnoresStrangers(t *testing.T) {
	k := audittest.NewKernel()
	ctl := k.Control(t)
	forged := make([]byte, 20) // an NLMSG_ERROR for the first request, from a process
	copy(forged, binary.NativeEndian.AppendUint32(nil, 20))
	forged[4], forged[8] = 2, 1
	k.Inject(4711, forged)
	stale := bytes.Clone(forged)
	stale[8] = 99
	k.Inject(0, stale)
	k.Inject(0, []byte("short"))
	if _, err := ctl.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestControlHeld: whoever talks to the kernel while its backlog is full sleeps
// there; the caller's context counts nevertheless, and late answers are skipped.
func TestControlHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		ctl := k.Control(t)
		release := k.Hold()
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := ctl.Status(ctx); err == nil {
				t.Error("status while held: got no error")
			}
			cancel()
		}
		release()
		synctest.Wait()
		if err := ctl.Set(t.Context(), kernel.Settings{Failure: new(uint32(2))}); err != nil {
			t.Error(err)
		}
		if st, err := ctl.Status(t.Context()); err != nil || st.Failure != 2 {
			t.Errorf("status afterwards: got %+v, %v", st, err)
		}
		ctl.Close()
		if _, err := ctl.Status(t.Context()); !errors.Is(err, kernel.ErrClosed) {
			t.Errorf("status after close: got %v, want ErrClosed", err)
		}
	})
}

// TestControlCloseWakes: a call that waits for an answer ends when the Control
// is closed.
func TestControlCloseWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := audittest.NewKernel()
		ctl := k.Control(t)
		release := k.Hold()
		done := make(chan error, 1)
		go func() {
			_, err := ctl.Status(t.Context())
			done <- err
		}()
		synctest.Wait()
		ctl.Close()
		if err := <-done; !errors.Is(err, kernel.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		release()
	})
}

func TestSetupErrors(t *testing.T) {
	f := func(errno syscall.Errno, want kernel.Missing) {
		t.Helper()
		k := audittest.NewKernel()
		k.Deny(tables.TypeGet, errno)
		_, err := k.Control(t).Status(t.Context())
		var setup *kernel.SetupError
		if !errors.As(err, &setup) || setup.Missing != want || !errors.Is(err, errno) {
			t.Errorf("%v: got %v, want missing %v", errno, err, want)
		}
	}
	f(syscall.EPROTONOSUPPORT, kernel.MissingAudit)
	f(syscall.EAFNOSUPPORT, kernel.MissingAudit)
	f(syscall.ECONNREFUSED, kernel.MissingAudit)
}
