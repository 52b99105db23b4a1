package audittest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
)

func TestLockEnginePutsBack(t *testing.T) {
	ctl := audittest.LockEngine(t)
	t.Setenv(audittest.LockedEnv, "1") // by this test, for the inner one
	type state struct {
		Status kernel.Status
		Rules  [][]byte
	}
	now := func() (s state) {
		t.Helper()
		var err error
		if s.Status, err = ctl.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Rules, err = ctl.Rules(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	counts := cmpopts.IgnoreFields(kernel.Status{}, "Lost", "Backlog", "BacklogWaitTimeActual")
	keep := audittest.SyscallRule(t, 54321, "openat")
	if err := ctl.AddRule(t.Context(), keep); err != nil {
		t.Fatal(err)
	}
	before := now()
	t.Run("inner", func(t *testing.T) {
		ctl := audittest.LockEngine(t)
		ctx := t.Context()
		for _, err := range []error{
			ctl.DeleteRule(ctx, keep),
			ctl.AddRule(ctx, audittest.SyscallRule(t, 54322, "openat")),
			ctl.AddRule(ctx, audittest.SyscallRule(t, 54323, "execve")),
			ctl.Set(ctx, kernel.Settings{Enabled: new(uint32(1)), Failure: new(uint32(0)), RateLimit: new(uint32(9999)),
				BacklogLimit: new(uint32(123)), BacklogWaitTime: new(uint32(77))}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(now(), before, counts); diff == "" {
			t.Error("nothing was changed")
		}
	})
	if diff := cmp.Diff(now(), before, counts); diff != "" {
		t.Errorf("afterwards (-got +want):\n%s", diff)
	}
}
