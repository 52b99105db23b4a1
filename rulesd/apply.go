package rulesd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// Kernel is the kernel's lists of rules. *kernel.Control of audit/kernel satisfies
// it. Rules are struct audit_rule_data. Its methods are called one at a time. The
// errors of AddRule and DeleteRule wrap the kernel's errno: EEXIST for a rule that
// is there, ENOENT for one that is not, EPERM when the rules are locked.
type Kernel interface {
	// Rules lists the rules in the kernel's order. The slices are the caller's.
	Rules(ctx context.Context) ([][]byte, error)
	AddRule(ctx context.Context, data []byte) error
	DeleteRule(ctx context.Context, data []byte) error
}

// ErrLocked is wrapped by errors of Set.Apply when the kernel's rules cannot be
// changed before the next boot (auditctl -e 2).
var ErrLocked = errors.New("the kernel's rules are locked until the next boot")

// Diff is what lies between the kernel's list and a set.
type Diff struct {
	Added   []Entry     // to be loaded
	Removed []rule.Rule // to be taken out
	Kept    int         // in both, the moved ones among them
	Moved   int         // in both, but in the wrong place
}

// Empty reports whether the kernel has what the set says.
func (d *Diff) Empty() bool { return len(d.Added)+len(d.Removed)+d.Moved == 0 }

// Change is a set applied, and the way back.
type Change struct {
	Diff
	Requests int       // additions and deletions sent to the kernel
	Skipped  []Finding // rules left out: this kernel is too old, or a path is not there

	before []rule.Rule
}

// KernelRules lists the kernel's rules.
func KernelRules(ctx context.Context, k Kernel) ([]rule.Rule, error) {
	data, err := k.Rules(ctx)
	if err != nil {
		return nil, err
	}
	rules := make([]rule.Rule, len(data))
	for i := range data {
		if err := rules[i].UnmarshalBinary(data[i]); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

// Diff compares the set with the kernel's list and changes nothing. Rules that the
// kernel is too old for are not missed.
func (s *Set) Diff(ctx context.Context, k Kernel) (*Diff, error) {
	have, err := KernelRules(ctx, k)
	if err != nil {
		return nil, err
	}
	p := makePlan(have, s.Rules())
	d := s.diff(&p, have)
	d.Added = slices.DeleteFunc(d.Added, func(e Entry) bool { return tooNew(&e.Rule, s.host) != nil })
	return &d, nil
}

func (s *Set) diff(p *plan, have []rule.Rule) Diff {
	d := Diff{Kept: p.kept, Moved: p.moved}
	for _, i := range p.added {
		d.Added = append(d.Added, s.Entries[i])
	}
	for _, i := range p.removed {
		d.Removed = append(d.Removed, have[i])
	}
	return d
}

// Apply makes the kernel's lists those of the set, with the fewest changes. A rule
// that is in both is never absent, and the order means what the set's order means.
// A set with an error is refused whole (*SetError). If the kernel refuses a
// rule, what was done is undone and the error names the rule's line; locked
// rules are ErrLocked, and nothing was done. Rules that this kernel is too old for, or
// whose path is not there, are left out: Change.Skipped.
//
// The settings of the set are not Apply's business.
func (s *Set) Apply(ctx context.Context, k Kernel) (*Change, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	have, err := KernelRules(ctx, k)
	if err != nil {
		return nil, err
	}
	want := s.Rules()
	p := makePlan(have, want)
	change := &Change{Diff: s.diff(&p, have), before: have}
	failed := change.run(ctx, k, &p, s)
	if failed == nil {
		return change, nil
	}
	if errors.Is(failed, ErrLocked) && change.Requests == 0 {
		return change, failed
	}
	// The context may be what failed; what was there is put back all the same.
	if err := restore(context.WithoutCancel(ctx), k, have); err != nil {
		return nil, errors.Join(failed, fmt.Errorf("put back the rules: %w", err))
	}
	return nil, failed
}

// run carries the steps out.
func (c *Change) run(ctx context.Context, k Kernel, p *plan, s *Set) error {
	var data []byte
	left := map[int]Finding{} // wanted rules that this host cannot have
	for _, step := range p.steps {
		r := *step.rule
		r.Prepend = step.kind == stepPrepend
		data = r.AppendBinary(data[:0])
		var err error
		if step.kind == stepDelete {
			err = k.DeleteRule(ctx, data)
			if errors.Is(err, syscall.ENOENT) {
				err = nil // somebody else was faster
			}
		} else {
			err = k.AddRule(ctx, data)
			if errors.Is(err, syscall.EEXIST) {
				err = nil
			}
		}
		switch {
		case err == nil:
			c.Requests++
		case errors.Is(err, syscall.EPERM):
			return fmt.Errorf("%w: %w", ErrLocked, err)
		case step.kind == stepDelete || step.wanted < 0 && cannotHave(&r, s.host, err) == nil:
			return err
		case cannotHave(&r, s.host, err) == nil:
			e := s.Entries[step.wanted]
			return fmt.Errorf("load rules: %s:%d: %s: %w", e.Line.File, e.Line.Number, e.Line.Text, err)
		case step.wanted >= 0:
			left[step.wanted] = *cannotHave(&r, s.host, err)
		}
	}
	c.leaveOut(left, p, s)
	return nil
}

// cannotHave is the finding about a rule that the kernel refuses though nothing is
// wrong with it, nil if something is.
func cannotHave(r *rule.Rule, host Host, err error) *Finding {
	if need := tooNew(r, host); need != nil && errors.Is(err, syscall.EINVAL) {
		f := tooOld(*need)
		return &f
	}
	if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	for _, f := range r.Fields {
		if f.Field == tables.FieldPath || f.Field == tables.FieldDir || f.Field == tables.FieldExe {
			missing := missing(f.Text, os.ErrNotExist)
			return &missing
		}
	}
	return nil
}

// leaveOut takes out of the account what this host cannot have.
func (c *Change) leaveOut(left map[int]Finding, p *plan, s *Set) {
	if len(left) == 0 {
		return
	}
	c.Added = nil
	for _, i := range p.added {
		e := s.Entries[i]
		f, out := left[i]
		if !out {
			c.Added = append(c.Added, e)
			continue
		}
		f.File, f.Line, f.Text = e.Line.File, e.Line.Number, e.Line.Text
		c.Skipped = append(c.Skipped, f)
	}
}

// tooNew returns what a rule asks that the kernel may be too old for, nil if it is
// new enough for all of it.
func tooNew(r *rule.Rule, host Host) *rule.Need {
	for _, need := range r.Needs() {
		if host.older(need.Kernel) {
			return &need
		}
	}
	return nil
}

// Undo puts back the rules that were there before the change.
func (c *Change) Undo(ctx context.Context, k Kernel) error {
	if err := restore(ctx, k, c.before); err != nil {
		return fmt.Errorf("put back the rules: %w", err)
	}
	return nil
}

// Before are the rules that the kernel had before the change.
func (c *Change) Before() []rule.Rule { return c.before }

// restore brings the kernel's lists to earlier ones.
func restore(ctx context.Context, k Kernel, before []rule.Rule) error {
	now, err := KernelRules(ctx, k)
	if err != nil {
		return err
	}
	p := makePlan(now, unique(before))
	var errs []error
	for _, step := range p.steps {
		r := *step.rule
		r.Prepend = step.kind == stepPrepend
		data := r.AppendBinary(nil)
		if step.kind == stepDelete {
			err = k.DeleteRule(ctx, data)
		} else {
			err = k.AddRule(ctx, data)
		}
		if err != nil && !errors.Is(err, syscall.EEXIST) && !errors.Is(err, syscall.ENOENT) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// unique leaves out repetitions, of which the last one counts as for the planner.
func unique(rules []rule.Rule) []rule.Rule {
	last := make(map[rule.ID]int, len(rules))
	for i := range rules {
		last[rules[i].ID()] = i
	}
	out := make([]rule.Rule, 0, len(last))
	for i := range rules {
		if last[rules[i].ID()] == i {
			out = append(out, rules[i])
		}
	}
	return out
}
