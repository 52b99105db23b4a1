package rulesd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// fakeKernel keeps lists of rules as the kernel does: a rule that is prepended may be
// there already, one that is appended may not, and of two equal rules the first one is
// deleted (kernel/auditfilter.c).
type fakeKernel struct {
	mu       sync.Mutex
	lists    map[tables.List][]rule.Rule
	requests []string                    // "append", "prepend" or "delete", and the rule
	locked   bool                        // EPERM for every change
	old      []tables.List               // lists that it does not know
	missing  string                      // ENOENT for rules with this path
	failAt   int                         // the request that fails, from 1
	failWith error                       // EIO by default
	after    func(before, now *fakeView) // called after each change
}

// fakeView is the lists at one moment.
type fakeView struct{ lists map[tables.List][]rule.Rule }

func newFakeKernel(t *testing.T, lines ...string) *fakeKernel {
	t.Helper()
	k := &fakeKernel{lists: map[tables.List][]rule.Rule{}}
	for _, line := range lines {
		r := parseRule(t, line)
		if err := k.AddRule(t.Context(), r.AppendBinary(nil)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	k.requests = nil
	return k
}

func (k *fakeKernel) view() *fakeView {
	v := &fakeView{map[tables.List][]rule.Rule{}}
	for list, rules := range k.lists {
		v.lists[list] = slices.Clone(rules)
	}
	return v
}

func (k *fakeKernel) Rules(context.Context) ([][]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out [][]byte
	for list := range tables.List(8) {
		for _, r := range k.lists[list] {
			out = append(out, r.AppendBinary(nil))
		}
	}
	return out, nil
}

func (k *fakeKernel) texts() []string {
	data, _ := k.Rules(context.Background())
	var out []string
	for _, d := range data {
		var r rule.Rule
		if err := r.UnmarshalBinary(d); err != nil {
			out = append(out, err.Error())
			continue
		}
		out = append(out, r.Text(testStyle()))
	}
	return out
}

func (k *fakeKernel) request(kind string, r *rule.Rule) error {
	k.requests = append(k.requests, kind+" "+r.Text(testStyle()))
	switch {
	case k.locked:
		return syscall.EPERM
	case len(k.requests) == k.failAt && k.failWith != nil:
		return fmt.Errorf("%s rule: %w", kind, k.failWith)
	case len(k.requests) == k.failAt:
		return fmt.Errorf("%s rule: %w", kind, syscall.EIO)
	}
	return nil
}

func (k *fakeKernel) AddRule(_ context.Context, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var r rule.Rule
	if err := r.UnmarshalBinary(data); err != nil {
		return errors.Join(err, syscall.EINVAL)
	}
	kind := "append"
	if r.Prepend {
		kind = "prepend"
	}
	if err := k.request(kind, &r); err != nil {
		return err
	}
	if problem, _ := r.Refused(); problem != "" || slices.Contains(k.old, r.List) {
		return fmt.Errorf("add rule: %w", syscall.EINVAL)
	}
	for _, f := range r.Fields {
		if k.missing != "" && f.Text == k.missing {
			return syscall.ENOENT
		}
	}
	before := k.view()
	list := k.lists[r.List]
	r.Mask[63] &= 0xffff // the classes' bits
	if r.Prepend {
		r.Prepend = false
		k.lists[r.List] = slices.Insert(list, 0, r)
	} else {
		if slices.ContainsFunc(list, func(have rule.Rule) bool { return have.Equal(&r) }) {
			return fmt.Errorf("add rule: %w", syscall.EEXIST)
		}
		k.lists[r.List] = append(list, r)
	}
	k.changed(before)
	return nil
}

func (k *fakeKernel) DeleteRule(_ context.Context, data []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var r rule.Rule
	if err := r.UnmarshalBinary(data); err != nil {
		return errors.Join(err, syscall.EINVAL)
	}
	if err := k.request("delete", &r); err != nil {
		return err
	}
	at := slices.IndexFunc(k.lists[r.List], func(have rule.Rule) bool { return have.Equal(&r) })
	if at < 0 {
		return syscall.ENOENT
	}
	before := k.view()
	k.lists[r.List] = slices.Delete(slices.Clone(k.lists[r.List]), at, at+1)
	k.changed(before)
	return nil
}

func (k *fakeKernel) changed(before *fakeView) {
	if k.after != nil {
		k.after(before, k.view())
	}
}

// testEnv is an x86_64 host on which /etc and what ends in /dir are directories.
func testEnv() rule.Env {
	ids := map[string]uint32{"root": 0, "daemon": 1}
	lookup := func(name string) (uint32, bool) { id, ok := ids[name]; return id, ok }
	return rule.Env{
		Machine: tables.ArchX86_64, User: lookup, Group: lookup,
		IsDir: func(path string) bool { return path == "/etc" || strings.HasSuffix(path, "/dir") },
	}
}

func testStyle() rule.Style { return rule.Style{Machine: tables.ArchX86_64, IsDir: testEnv().IsDir} }

func parseRule(t testing.TB, line string) rule.Rule {
	t.Helper()
	cmd, ok := rule.ParseLine(line, testEnv())
	if !ok || cmd.Err != nil || cmd.Verb != rule.Add {
		t.Fatalf("%q is no rule: %v", line, cmd.Err)
	}
	return cmd.Rule
}
