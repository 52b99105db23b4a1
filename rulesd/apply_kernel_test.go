package rulesd_test

import (
	"testing"
	"time"

	"vigil/audit/audittest"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

func TestBuiltinLoads(t *testing.T) {
	ctl := audittest.LockEngine(t)
	set := rulesd.Builtin(rule.Env{}, rulesd.Host{})
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	for _, f := range set.Findings() {
		t.Log(f)
	}
	start := time.Now()
	change, err := set.Apply(t.Context(), ctl)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules, %d requests, %v", len(set.Entries), change.Requests, time.Since(start))
	diff, err := set.Diff(t.Context(), ctl)
	if err != nil || !diff.Empty() {
		t.Errorf("after Apply: %+v, %v", diff, err)
	}
	if err := change.Undo(t.Context(), ctl); err != nil {
		t.Error(err)
	}
	rules, err := rulesd.KernelRules(t.Context(), ctl)
	if err != nil || len(rules) != len(change.Before()) {
		t.Errorf("after Undo: %d rules, %v", len(rules), err)
	}
}
