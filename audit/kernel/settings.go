package kernel

import (
	"context"
	"errors"
)

const (
	disabled uint32 = 0
	enabled  uint32 = 1
	locked   uint32 = 2 // until reboot: nothing but the registration can be changed
)

// changed is what a daemon has changed of the engine's settings: from, to.
type changed struct {
	enabled, backlogLimit, rateLimit *[2]uint32
}

// adjust changes what a daemon needs before it registers.
func (s *Source) adjust(ctx context.Context, status Status) error {
	log := s.cfg.Logger
	s.limit = status.BacklogLimit
	if status.Enabled == locked {
		log.Info("audit settings are locked until reboot and stay as they are", "backlog_limit", status.BacklogLimit)
		return nil
	}
	// 0 is no limit at all.
	if status.BacklogLimit != 0 && status.BacklogLimit < s.cfg.BacklogLimit {
		if err := s.ctl.Set(ctx, Settings{BacklogLimit: &s.cfg.BacklogLimit}); err != nil {
			return err
		}
		s.changed.backlogLimit = &[2]uint32{status.BacklogLimit, s.cfg.BacklogLimit}
		s.limit = s.cfg.BacklogLimit
	}
	if status.RateLimit == 0 {
		return nil
	}
	if !s.cfg.LiftRateLimit {
		log.Warn("the kernel has a rate limit for audit records, and loses those above it", "rate_limit", status.RateLimit, "fix", "auditctl -r 0")
		return nil
	}
	if err := s.ctl.Set(ctx, Settings{RateLimit: new(uint32(0))}); err != nil {
		return err
	}
	s.changed.rateLimit = &[2]uint32{status.RateLimit, 0}
	return nil
}

// enable turns auditing on.
func (s *Source) enable(ctx context.Context, status Status) error {
	if status.Enabled != disabled || s.cfg.KeepEnabled {
		return nil
	}
	if err := s.ctl.Set(ctx, Settings{Enabled: new(enabled)}); err != nil {
		return err
	}
	s.changed.enabled = &[2]uint32{disabled, enabled}
	return nil
}

// disable turns auditing off again if enable turned it on and it is still so.
func (s *Source) disable(ctx context.Context) error {
	if s.changed.enabled == nil {
		return nil
	}
	status, err := s.ctl.Status(ctx)
	if err != nil || status.Enabled != s.changed.enabled[1] {
		return err
	}
	s.changed.enabled = nil
	return s.ctl.Set(ctx, Settings{Enabled: new(disabled)})
}

// restore puts back the settings that are still as adjust left them: what
// somebody else has set since stays.
func (s *Source) restore(ctx context.Context) error {
	if s.changed.backlogLimit == nil && s.changed.rateLimit == nil {
		return nil
	}
	status, err := s.ctl.Status(ctx)
	if err != nil {
		return err
	}
	var errs []error
	if c := s.changed.backlogLimit; c != nil && status.BacklogLimit == c[1] {
		errs = append(errs, s.ctl.Set(ctx, Settings{BacklogLimit: &c[0]}))
	}
	if c := s.changed.rateLimit; c != nil && status.RateLimit == c[1] {
		errs = append(errs, s.ctl.Set(ctx, Settings{RateLimit: &c[0]}))
	}
	s.changed = changed{enabled: s.changed.enabled}
	return errors.Join(errs...)
}
