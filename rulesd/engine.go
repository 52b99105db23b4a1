package rulesd

import (
	"context"
	"fmt"
	"path/filepath"

	"vigil/rulesd/rule"
)

// Status is what the kernel says of its audit engine.
type Status struct {
	Enabled, Failure, PID, RateLimit, BacklogLimit, Lost, Backlog, Features, BacklogWaitTime uint32
	// BacklogWaitTimeActual is nil on kernels that do not say.
	BacklogWaitTimeActual *uint32
}

// EnabledLocked is a Status' Enabled that ends with the next boot: nothing can be
// changed (auditctl -e 2).
const EnabledLocked = 2

// Engine is the kernel's audit engine, for commands that do more than change rules.
// Errors wrap the kernel's errno. Its methods are called one at a time.
type Engine interface {
	Kernel
	Status(ctx context.Context) (Status, error)
	// Set changes one setting: of the kinds OpEnabled, OpFailure, OpRate,
	// OpBacklog and OpBacklogWait.
	Set(ctx context.Context, kind rule.OpKind, value uint32) error
	// Do carries out a request of the kinds OpTrim, OpEquivalent, OpMessage (its
	// Text is the whole message), OpLoginuidFixed, OpResetLost and
	// OpResetBacklogWait. The last two return what the count was.
	Do(ctx context.Context, op rule.Op) (uint32, error)
	// LoginuidImmutable tells whether that feature is on, and locked.
	LoginuidImmutable(ctx context.Context) (on, locked bool, err error)
	Close() error
}

// ApplySettings sets what a set's control lines say, and carries out its requests.
// Enabled comes last: 2 locks all others, and the rules.
func (s *Set) ApplySettings(ctx context.Context, e Engine) error {
	for _, setting := range []struct {
		kind  rule.OpKind
		name  string
		value *uint32
	}{
		{rule.OpBacklog, "-b", s.Settings.Backlog}, {rule.OpFailure, "-f", s.Settings.Failure},
		{rule.OpRate, "-r", s.Settings.Rate}, {rule.OpBacklogWait, "--backlog_wait_time", s.Settings.BacklogWait},
		{rule.OpEnabled, "-e", s.Settings.Enabled},
	} {
		if setting.kind == rule.OpEnabled {
			if err := s.requests(ctx, e); err != nil {
				return err
			}
		}
		if setting.value == nil {
			continue
		}
		if err := e.Set(ctx, setting.kind, *setting.value); err != nil {
			return fmt.Errorf("set %s %d: %w", setting.name, *setting.value, err)
		}
	}
	return nil
}

func (s *Set) requests(ctx context.Context, e Engine) error {
	requests := s.Requests
	if s.Settings.LoginuidImmutable {
		requests = append(requests[:len(requests):len(requests)], rule.Op{Kind: rule.OpLoginuidFixed})
	}
	for _, op := range requests {
		if _, err := e.Do(ctx, op); err != nil {
			return err
		}
	}
	return nil
}

// Sources say where a host's rules are, in the order in which they are looked for.
type Sources struct {
	Dirs    []string // directories of rule files
	Inline  []string // further lines
	Name    string   // what findings call the place of Inline
	BuiltIn bool     // use the built-in rules if there are none
	Env     rule.Env
	Host    Host
}

// Where the rules of a set came from.
const (
	FromFiles   = "files"
	FromBuiltIn = "built-in"
)

// Find reads a host's rules: those of the directories and lines; if these hold
// none, the file audit.rules beside each directory, which auditctl -R is given
// on hosts without augenrules; if that holds none either, the built-in ones. Files
// of nothing but settings, as distributions ship them, hold no rules. from is where
// the rules are from.
func Find(src Sources) (set *Set, from string, err error) {
	cfg := Config{
		Dirs: src.Dirs, Inline: src.Inline, Name: src.Name, Env: src.Env, Host: src.Host, IgnoreMissing: true,
	}
	if set, err = Load(cfg); err != nil {
		return nil, "", err
	}
	if empty(set) {
		beside := cfg
		beside.Dirs, beside.Inline = nil, nil
		for _, dir := range src.Dirs {
			beside.Files = append(beside.Files, filepath.Join(filepath.Dir(filepath.Clean(dir)), "audit.rules"))
		}
		more, err := Load(beside)
		if err != nil {
			return nil, "", err
		}
		if !empty(more) {
			set = more
		}
	}
	if empty(set) && src.BuiltIn {
		return Builtin(src.Env, src.Host), FromBuiltIn, nil
	}
	return set, FromFiles, nil
}

// empty reports whether a set says nothing about rules.
func empty(s *Set) bool { return len(s.Entries)+len(s.Skipped) == 0 && s.Err() == nil }
