package daemon

import (
	"context"
	"errors"
	"fmt"

	"vigil/audit/kernel"
	"vigil/rulesd"
)

// newKeeper makes the keeper of the rules that the kernel has now.
func (r *rules) newKeeper(loaded *rulesd.Set) *rulesd.Keeper {
	return rulesd.NewKeeper(rulesd.KeeperConfig{
		Load:   r.wanted,
		Kernel: r.engine,
		Report: r.kept,
		Paths:  r.settings.Dirs,
		Leave:  !r.settings.Repair,
	}, loaded)
}

// wanted reads the files as they are configured now.
func (r *rules) wanted(ctx context.Context) (*rulesd.Set, error) {
	r.mu.Lock()
	settings := r.settings
	r.mu.Unlock()
	set, _, err := r.read(ctx, settings)
	var broken *rulesd.SetError
	if errors.As(err, &broken) { // is in the set too
		return set, nil
	}
	return set, err
}

// keep keeps the kernel's rules as the files say, until stopKeeping or the end of
// ctx.
func (r *rules) keep(ctx context.Context) {
	r.keeping.Lock()
	defer r.keeping.Unlock()
	if r.keeper == nil || r.stop != nil {
		return
	}
	ctx, r.stop = context.WithCancel(ctx)
	r.stopped = make(chan struct{})
	go func(stopped chan<- struct{}) {
		defer close(stopped)
		if err := r.keeper.Run(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("the rules are not kept any more", "err", err)
		}
	}(r.stopped)
}

// stopKeeping ends keep, and returns when nothing is changed any more.
func (r *rules) stopKeeping() {
	r.keeping.Lock()
	defer r.keeping.Unlock()
	if r.stop == nil {
		return
	}
	r.stop()
	<-r.stopped
	r.stop = nil
}

// modeChanged keeps the rules only while the daemon is the kernel's: those of the
// process that took its place are that one's business.
func (r *rules) modeChanged(ctx context.Context, mode kernel.Mode) {
	if mode != kernel.Daemon {
		r.stopKeeping()
		return
	}
	r.keep(ctx)
	if r.keeper != nil {
		r.keeper.Reload()
	}
}

// kept says what the keeper did or saw: to people, in the status, and in the trail.
func (r *rules) kept(e rulesd.Event) {
	added, removed := 0, 0
	if e.Diff != nil {
		added, removed = len(e.Diff.Added), len(e.Diff.Removed)
	}
	switch e.Kind {
	case rulesd.Repaired:
		r.log.Warn("another process had changed the kernel's rules: they are as they should be again", "put_back", added, "taken_out", removed)
	case rulesd.Left:
		r.log.Warn("another process has changed the kernel's rules: they are left so", "missing", added, "foreign", removed)
	case rulesd.Applied:
		r.log.Info("the rule files have changed, and are loaded", "added", added, "removed", removed)
		r.loaded(e)
	default:
		r.log.Error("rules: "+e.Kind.String(), "err", e.Err)
	}
	r.tell(fmt.Sprintf("op=rules-%s added=%d removed=%d", e.Kind, added, removed), e.Err == nil)
}

// loaded takes a new set into the status, and does what its control lines say.
func (r *rules) loaded(e rulesd.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	err := r.applySettings(ctx, e.Set.Settings)
	if err == nil {
		err = r.remember(ctx)
	}
	if err != nil {
		r.log.Error("the settings in the rule files are not in force", "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Loaded, r.now.Problem = len(e.Set.Entries), ""
}
