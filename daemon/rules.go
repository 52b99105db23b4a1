package daemon

import (
	"context"
	"log/slog"

	"vigil/audit/kernel"
	"vigil/daemon/config"
)

// rules are the kernel's rules as far as the daemon has to do with them.
type rules struct {
	engine   *kernel.Control
	settings config.Rules
	runDir   string
	log      *slog.Logger
	now      RulesStatus
}

func newRules(engine *kernel.Control, settings config.Rules, runDir string, log *slog.Logger) *rules {
	return &rules{engine: engine, settings: settings, runDir: runDir, log: log, now: RulesStatus{Source: "none"}}
}

func (r *rules) load(ctx context.Context) error                          { return nil }
func (r *rules) reload(ctx context.Context, settings config.Rules) error { return nil }
func (r *rules) restore(ctx context.Context) error                       { return nil }
func (r *rules) status() RulesStatus                                     { return r.now }
