package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"vigil/audit/kernel"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// before is how the audit engine was set before we touched it. It is kept in a
// file in the run directory, which a reboot empties as it resets the engine: so a
// daemon that was killed leaves to the next one to know what to put back.
type before struct {
	Boot            string   `json:"boot"`
	Enabled         uint32   `json:"enabled"`
	Failure         uint32   `json:"failure"`
	RateLimit       uint32   `json:"rate_limit"`
	BacklogLimit    uint32   `json:"backlog_limit"`
	BacklogWaitTime uint32   `json:"backlog_wait_time"`
	Rules           [][]byte `json:"rules"` // struct audit_rule_data each, in the kernel's order
}

func beforeFile(runDir string) string { return filepath.Join(runDir, "before.json") }

// settings are the numbers of a status that are restored.
func (b *before) settings() [5]uint32 {
	return [5]uint32{b.Enabled, b.Failure, b.RateLimit, b.BacklogLimit, b.BacklogWaitTime}
}

func (b *before) take(s kernel.Status) {
	b.Enabled, b.Failure, b.RateLimit = s.Enabled, s.Failure, s.RateLimit
	b.BacklogLimit, b.BacklogWaitTime = s.BacklogLimit, s.BacklogWaitTime
}

// rememberBefore reads how the engine is and keeps it, unless a run of this boot
// that did not end in order has left what it found. inherited says that.
func rememberBefore(ctx context.Context, engine *kernel.Control, runDir string) (b before, inherited bool, err error) {
	boot := bootID()
	text, err := os.ReadFile(beforeFile(runDir))
	if err == nil && json.Unmarshal(text, &b) == nil && b.Boot == boot && boot != "" {
		return b, true, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return b, false, fmt.Errorf("read what the run before found: %w", err)
	}
	status, err := engine.Status(ctx)
	if err != nil {
		return b, false, err
	}
	b = before{Boot: boot}
	b.take(status)
	if b.Rules, err = engine.Rules(ctx); err != nil {
		return b, false, err
	}
	return b, false, b.save(runDir)
}

// save writes the file whole or not at all.
func (b *before) save(runDir string) error {
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("remember the audit settings: %w", err)
	}
	next := beforeFile(runDir) + ".next"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return fmt.Errorf("remember the audit settings: %w", err)
	}
	if err := os.Rename(next, beforeFile(runDir)); err != nil {
		return fmt.Errorf("remember the audit settings: %w", err)
	}
	return nil
}

// restoreRules puts the rules back.
func (b *before) restoreRules(ctx context.Context, engine *kernel.Control) error {
	rules := make([]rule.Rule, len(b.Rules))
	for i, data := range b.Rules {
		if err := rules[i].UnmarshalBinary(data); err != nil {
			return fmt.Errorf("put back the rules: %w", err)
		}
	}
	return rulesd.Restore(ctx, engine, rules)
}

// restoreSettings puts back the settings that are still as we left them: what
// somebody has changed since is theirs.
func (b *before) restoreSettings(ctx context.Context, engine *kernel.Control, left before) error {
	status, err := engine.Status(ctx)
	if err != nil || status.Enabled == 2 { // locked until reboot
		return err
	}
	var now before
	now.take(status)
	ours, is, was := left.settings(), now.settings(), b.settings()
	var s kernel.Settings
	changed := false
	for i, target := range []**uint32{&s.Enabled, &s.Failure, &s.RateLimit, &s.BacklogLimit, &s.BacklogWaitTime} {
		if is[i] == ours[i] && is[i] != was[i] {
			*target, changed = &was[i], true
		}
	}
	if !changed {
		return nil
	}
	return engine.Set(ctx, s)
}

// forgetBefore removes the file once everything is put back.
func forgetBefore(runDir string) error {
	if err := os.Remove(beforeFile(runDir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the audit settings: %w", err)
	}
	return nil
}
