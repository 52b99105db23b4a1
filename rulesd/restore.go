package rulesd

import (
	"context"
	"fmt"

	"vigil/rulesd/rule"
)

// Restore brings the kernel's lists to rules that [KernelRules] returned at an
// earlier time. Rules that cannot be put back, because a directory that they name
// is gone, say, do not keep the others from it; the error tells of all of them.
func Restore(ctx context.Context, k Kernel, rules []rule.Rule) error {
	if err := restore(ctx, k, rules); err != nil {
		return fmt.Errorf("put back the rules: %w", err)
	}
	return nil
}
