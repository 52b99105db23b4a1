package main

import (
	"context"
	"fmt"

	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// engine is the kernel's audit engine as rulesd asks for it.
type engine struct{ *kernel.Control }

// openEngine connects to the audit engine.
func openEngine(ctx context.Context) (rulesd.Engine, error) {
	control, err := kernel.DialControl(ctx, kernel.ControlConfig{})
	if err != nil {
		return nil, err
	}
	return engine{control}, nil
}

func (e engine) Status(ctx context.Context) (rulesd.Status, error) {
	s, err := e.Control.Status(ctx)
	return rulesd.Status{
		Enabled: s.Enabled, Failure: s.Failure, PID: s.PID, RateLimit: s.RateLimit, BacklogLimit: s.BacklogLimit, Lost: s.Lost,
		Backlog: s.Backlog, Features: s.Features, BacklogWaitTime: s.BacklogWaitTime, BacklogWaitTimeActual: s.BacklogWaitTimeActual,
	}, err
}

func (e engine) Set(ctx context.Context, kind rule.OpKind, value uint32) error {
	var s kernel.Settings
	switch kind {
	case rule.OpEnabled:
		s.Enabled = &value
	case rule.OpFailure:
		s.Failure = &value
	case rule.OpRate:
		s.RateLimit = &value
	case rule.OpBacklog:
		s.BacklogLimit = &value
	case rule.OpBacklogWait:
		s.BacklogWaitTime = &value
	default:
		return fmt.Errorf("change audit settings: no setting %d", kind)
	}
	return e.Control.Set(ctx, s)
}

func (e engine) Do(ctx context.Context, op rule.Op) (uint32, error) {
	switch op.Kind {
	case rule.OpTrim:
		return 0, e.Trim(ctx)
	case rule.OpEquivalent:
		return 0, e.MakeEquiv(ctx, op.Text, op.Subtree)
	case rule.OpMessage:
		return 0, e.SendUser(ctx, tables.TypeUser, op.Text)
	case rule.OpLoginuidFixed:
		return 0, e.SetFeature(ctx, kernel.FeatureLoginuidImmutable, true, true)
	case rule.OpResetLost:
		return e.ResetLost(ctx)
	case rule.OpResetBacklogWait:
		return e.ResetBacklogWaitTimeActual(ctx)
	}
	return 0, fmt.Errorf("change audit settings: no request %d", op.Kind)
}

func (e engine) LoginuidImmutable(ctx context.Context) (on, locked bool, err error) {
	f, err := e.Features(ctx)
	return f.On&kernel.FeatureLoginuidImmutable != 0, f.Locked&kernel.FeatureLoginuidImmutable != 0, err
}
