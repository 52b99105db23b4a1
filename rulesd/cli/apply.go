package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"vigil/rulesd"
)

// applied is what Apply did, in JSON.
type applied struct {
	From     string           `json:"from"`
	Rules    int              `json:"rules"`
	Added    int              `json:"added"`
	Removed  int              `json:"removed"`
	Kept     int              `json:"kept"`
	Moved    int              `json:"moved"`
	Requests int              `json:"requests"`
	Locked   bool             `json:"locked"` // nothing was done: the next boot will
	Warnings []rulesd.Finding `json:"warnings"`
}

// Apply brings the kernel to a set, whole or not at all, and sets what its control
// lines say. Warnings go to stderr. While the kernel's rules are locked it says what
// the next boot will change, and that is no failure, as with augenrules.
func Apply(ctx context.Context, src Source, stderr io.Writer, opt Options) error {
	engine, status, err := opt.connect(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	set, from, err := src.load(rulesd.Host{Features: status.Features})
	if err == nil {
		err = set.Err()
	}
	if err != nil {
		return err
	}
	if status.Enabled == rulesd.EnabledLocked {
		d, err := set.Diff(ctx, engine)
		if err != nil {
			return err
		}
		return opt.printDiff(d, from, true)
	}
	change, err := set.Apply(ctx, engine)
	if err != nil {
		return err
	}
	if err := set.ApplySettings(ctx, engine); err != nil {
		return errors.Join(fmt.Errorf("the rules were put back: %w", err), change.Undo(context.WithoutCancel(ctx), engine))
	}
	return opt.printApplied(set, change, from, stderr)
}

func (o Options) printApplied(set *rulesd.Set, change *rulesd.Change, from string, stderr io.Writer) error {
	out := applied{
		From: from, Rules: len(set.Entries) - len(change.Skipped), Added: len(change.Added), Removed: len(change.Removed),
		Kept: change.Kept, Moved: change.Moved, Requests: change.Requests, Warnings: []rulesd.Finding{},
	}
	out.Warnings = append(append(out.Warnings, set.Findings()...), change.Skipped...)
	if o.JSON {
		if err := o.encode(out); err != nil {
			return err
		}
	} else {
		for _, f := range out.Warnings {
			fmt.Fprintf(stderr, "%s: %s\n", f.Severity, f.Detail())
		}
		fmt.Fprintf(o.Out, "%s loaded from %s: %d added, %d removed, %d kept\n",
			count(out.Rules, "rule"), from, out.Added, out.Removed, out.Kept)
	}
	if set.Tolerant {
		for _, f := range set.Findings() {
			if f.LeftOut {
				return ErrFound // -c: the rest is loaded, and it counts as a failure
			}
		}
	}
	return nil
}
