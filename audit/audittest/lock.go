package audittest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vigil/audit/kernel"
)

const (
	// lockFile is locked with flock(2) by whatever uses the machine's engine.
	lockFile = "/run/lock/vigil-audit.lock"

	// lockTimeout is how long a test waits for its turn.
	lockTimeout = 15 * time.Minute

	// cleanupTimeout bounds what putting things back asks of the engine.
	cleanupTimeout = 30 * time.Second

	// enabledLocked is the state that only a reboot ends.
	enabledLocked = 2
)

// LockedEnv says, when set, that the caller of the test holds the lock: for
// flock /run/lock/vigil-audit.lock env VIGIL_ENGINE_LOCKED=1 go test.
const LockedEnv = "VIGIL_ENGINE_LOCKED"

// RequireEngine skips the test if there is no audit engine that it may use: it
// does not run as root, or the kernel has none. As root with CI=true it fails
// instead, so that a run that is meant to test the engine cannot pass without.
func RequireEngine(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: run the test binary with sudo")
	}
	ctx, cancel := context.WithTimeout(t.Context(), cleanupTimeout)
	defer cancel()
	ctl, err := kernel.DialControl(ctx, kernel.ControlConfig{})
	if err == nil {
		defer ctl.Close()
		_, err = ctl.Status(ctx)
	}
	var setup *kernel.SetupError
	switch {
	case err == nil:
	case errors.As(err, &setup) && os.Getenv("CI") != "true":
		t.Skipf("no usable audit engine: %v", err)
	default:
		t.Fatalf("no usable audit engine: %v", err)
	}
}

// LockEngine gives the test the machine's audit engine until it ends: it waits
// for the lock, and at the end puts back the rules and the settings (enabled,
// failure, rate limit, backlog limit, backlog wait time) as they were. A
// registration that the test leaves behind is an error of the test. Skips and
// fails like RequireEngine.
//
// The Control is for the test's use; it is closed at the end.
func LockEngine(t testing.TB) *kernel.Control {
	t.Helper()
	RequireEngine(t)
	if os.Getenv(LockedEnv) == "" {
		lock(t)
	}
	ctl, err := kernel.DialControl(t.Context(), kernel.ControlConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ctl.Close() })
	before, err := read(t.Context(), ctl)
	if err != nil {
		t.Fatal(err)
	}
	if before.status.Enabled == enabledLocked {
		t.Skip("audit settings are locked until reboot")
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
		defer cancel()
		if err := before.putBack(ctx, ctl); err != nil {
			t.Errorf("put the audit engine back: %v", err)
		}
	})
	return ctl
}

// lock takes the lock for the rest of the test.
func lock(t testing.TB) {
	t.Helper()
	f, err := os.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	// In line with the others who wait, which polling would not be.
	got := make(chan error, 1)
	go func() { got <- unix.Flock(int(f.Fd()), unix.LOCK_EX) }()
	select {
	case err = <-got:
	case <-time.After(lockTimeout):
		err = errors.New("still held by somebody else")
	}
	if err != nil {
		t.Fatalf("lock %s: %v (set %s=1 if the caller holds it)", lockFile, err, LockedEnv)
	}
}

// engine is the engine's state.
type engine struct {
	status kernel.Status
	rules  [][]byte
}

func read(ctx context.Context, ctl *kernel.Control) (engine, error) {
	status, err := ctl.Status(ctx)
	if err != nil {
		return engine{}, err
	}
	rules, err := ctl.Rules(ctx)
	return engine{status, rules}, err
}

// putBack makes the engine what it was.
func (e engine) putBack(ctx context.Context, ctl *kernel.Control) error {
	now, err := read(ctx, ctl)
	if err != nil {
		return err
	}
	var errs []error
	if !slices.EqualFunc(now.rules, e.rules, bytes.Equal) {
		for _, rule := range now.rules {
			errs = append(errs, ctl.DeleteRule(ctx, rule))
		}
		for _, rule := range e.rules {
			errs = append(errs, ctl.AddRule(ctx, rule))
		}
	}
	errs = append(errs, ctl.Set(ctx, kernel.Settings{
		Failure:         &e.status.Failure,
		RateLimit:       &e.status.RateLimit,
		BacklogLimit:    &e.status.BacklogLimit,
		BacklogWaitTime: &e.status.BacklogWaitTime,
		Enabled:         &e.status.Enabled,
	}))
	if now.status.PID == uint32(os.Getpid()) {
		errs = append(errs, errors.New("the test is still registered as audit daemon"), ctl.Unregister(ctx))
	}
	return errors.Join(errs...)
}
