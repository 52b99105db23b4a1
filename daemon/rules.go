package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"vigil/audit/kernel"
	"vigil/daemon/config"
	"vigil/rulesd"
)

// rules are the kernel's rules and settings as far as the daemon changes them.
type rules struct {
	engine   *kernel.Control
	settings config.Rules
	runDir   string
	log      *slog.Logger

	before before                            // what to put back
	keeper *rulesd.Keeper                    // of the rules that were loaded; nil: none were
	tell   func(text string, succeeded bool) // puts a DAEMON_CONFIG record into the trail

	keeping sync.Mutex         // guards the two below
	stop    context.CancelFunc // ends keeping; nil: nothing is kept
	stopped chan struct{}      // closed when it has ended

	mu    sync.Mutex
	left  before // how the settings were when we had set them
	taken bool   // the engine is ours to change, and to put back
	now   RulesStatus
}

// takeEngine remembers how the engine is, so that it can be put back, by this
// run or, if it is killed, by the next. tell puts a text about the rules into the
// trail.
func takeEngine(ctx context.Context, engine *kernel.Control, settings config.Rules, runDir string, tell func(text string, succeeded bool), log *slog.Logger) (*rules, error) {
	r := &rules{engine: engine, tell: tell, settings: settings, runDir: runDir, log: log, now: RulesStatus{Source: "none"}}
	b, inherited, err := rememberBefore(ctx, engine, runDir)
	if err != nil {
		return nil, err
	}
	if inherited {
		log.Info("the run before did not end in order: what it found will be put back", "file", beforeFile(runDir))
	}
	r.before, r.taken = b, true
	return r, nil
}

// leaveEngine are the rules of an observer: another daemon's.
func leaveEngine(runDir string, log *slog.Logger) *rules {
	return &rules{runDir: runDir, log: log, now: RulesStatus{Source: "none"}}
}

// load loads the configured rules, or the built-in ones if there are none. Rules
// with an error are not loaded, and the daemon goes on with what the kernel has:
// a slip in a file is no reason to read nothing.
func (r *rules) load(ctx context.Context) error {
	if !r.taken {
		return nil
	}
	if r.settings.Load {
		if err := r.apply(ctx, r.settings); err != nil {
			r.log.Error("the rules were not loaded, and the kernel's are as they were", "err", err)
			r.setProblem(err)
		}
	}
	return r.remember(ctx)
}

// remember takes down the settings as they are now that we have set them: what
// is still so when we leave is put back.
func (r *rules) remember(ctx context.Context) error {
	status, err := r.engine.Status(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left.take(status)
	return nil
}

// reload looks at the files now. What is wrong with them is returned; what is right
// is the keeper's to load.
func (r *rules) reload(ctx context.Context, settings config.Rules) error {
	if !r.ours() || !settings.Load {
		return nil
	}
	if _, _, err := r.read(ctx, settings); err != nil {
		return err
	}
	r.mu.Lock()
	r.settings = settings
	r.mu.Unlock()
	if r.keeper != nil {
		r.keeper.Reload()
	}
	return nil
}

// ours reports whether the engine is ours to change.
func (r *rules) ours() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.taken
}

func (r *rules) setProblem(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.Problem = err.Error()
}

// apply brings the kernel to the set, whole or not at all.
func (r *rules) apply(ctx context.Context, settings config.Rules) error {
	set, source, err := r.read(ctx, settings)
	if err != nil {
		return err
	}
	change, err := set.Apply(ctx, r.engine)
	if errors.Is(err, rulesd.ErrLocked) {
		return r.locked(ctx, change, err)
	}
	if err != nil {
		return err
	}
	if source == rulesd.FromFiles { // of the built-in ones, those for what this host lacks are left out in silence
		for _, f := range append(set.Findings(), change.Skipped...) {
			if f.Severity == rulesd.Warning {
				r.log.Warn("rule: " + f.String())
			}
		}
	}
	r.keeper = r.newKeeper(set)
	r.log.Info("rules are loaded", "from", source, "rules", len(set.Entries)-len(change.Skipped),
		"added", len(change.Added), "removed", len(change.Removed))
	r.mu.Lock()
	r.now = RulesStatus{Source: source, Loaded: len(set.Entries) - len(change.Skipped)}
	r.mu.Unlock()
	return r.applySettings(ctx, set.Settings)
}

// locked says what the next boot would change.
func (r *rules) locked(ctx context.Context, change *rulesd.Change, err error) error {
	r.log.Warn(err.Error(), "to_add", len(change.Added), "to_remove", len(change.Removed))
	loaded, listErr := rulesd.KernelRules(ctx, r.engine)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = RulesStatus{Source: "locked", Loaded: len(loaded)}
	return listErr
}

// read finds the rules, for the kernel as it is.
func (r *rules) read(ctx context.Context, settings config.Rules) (*rulesd.Set, string, error) {
	status, err := r.engine.Status(ctx)
	if err != nil {
		return nil, "", err
	}
	set, from, err := rulesd.Find(rulesd.Sources{
		Dirs: settings.Dirs, Inline: settings.Inline, Name: "rules.inline", BuiltIn: settings.BuiltIn,
		Host: rulesd.Host{Features: status.Features},
	})
	if err != nil {
		return nil, "", fmt.Errorf("read rules: %w", err)
	}
	return set, from, set.Err()
}

// applySettings sets what the control lines say. The backlog is raised, never
// lowered: a larger one costs nothing until it is needed.
func (r *rules) applySettings(ctx context.Context, s rulesd.Settings) error {
	status, err := r.engine.Status(ctx)
	if err != nil || status.Enabled == 2 {
		return err
	}
	// Each change is an event in the trail, so what is right already is left.
	set, changed := kernel.Settings{}, false
	change := func(target **uint32, wanted *uint32, is uint32) {
		if wanted != nil && *wanted != is {
			*target, changed = wanted, true
		}
	}
	change(&set.Failure, s.Failure, status.Failure)
	change(&set.RateLimit, s.Rate, status.RateLimit)
	change(&set.BacklogWaitTime, s.BacklogWait, status.BacklogWaitTime)
	if s.Backlog != nil && status.BacklogLimit != 0 && (*s.Backlog == 0 || *s.Backlog > status.BacklogLimit) {
		change(&set.BacklogLimit, s.Backlog, status.BacklogLimit)
	}
	if changed {
		if err := r.engine.Set(ctx, set); err != nil {
			return err
		}
	}
	if s.LoginuidImmutable {
		if err := r.engine.SetFeature(ctx, kernel.FeatureLoginuidImmutable, true, true); err != nil {
			return err
		}
	}
	if s.Enabled == nil || *s.Enabled == status.Enabled {
		return nil
	}
	// Last, because 2 locks the rest.
	return r.engine.Set(ctx, kernel.Settings{Enabled: s.Enabled})
}

// restoreRules puts the rules back, unless they are to be kept. Nothing is loaded
// after it.
func (r *rules) restoreRules(ctx context.Context) error {
	r.stopKeeping()
	if !r.ours() || r.settings.OnExit == config.KeepRules || !r.settings.Load {
		return nil
	}
	status, err := r.engine.Status(ctx)
	if err != nil || status.Enabled == 2 {
		return err
	}
	return r.before.restoreRules(ctx, r.engine)
}

// restoreSettings puts the settings back, when nothing is read any more, and
// forgets what was remembered.
func (r *rules) restoreSettings(ctx context.Context) error {
	if !r.ours() {
		return nil
	}
	r.mu.Lock()
	left := r.left
	r.taken = false
	r.mu.Unlock()
	if err := r.before.restoreSettings(ctx, r.engine, left); err != nil {
		return err
	}
	return forgetBefore(r.runDir)
}

// release leaves everything as it is: another process has taken the registration,
// and rules and settings are its business now.
func (r *rules) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.taken {
		return
	}
	r.taken = false
	if err := forgetBefore(r.runDir); err != nil {
		r.log.Warn(err.Error())
	}
}

func (r *rules) status() RulesStatus {
	if r == nil {
		return RulesStatus{Source: "none"}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}
