package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// fakeEngine is an audit engine with one list.
type fakeEngine struct {
	status  rulesd.Status
	rules   [][]byte
	set     map[rule.OpKind]uint32
	failSet bool
}

func (e *fakeEngine) Rules(context.Context) ([][]byte, error) { return e.rules, nil }

func (e *fakeEngine) AddRule(_ context.Context, data []byte) error {
	e.rules = append(e.rules, bytes.Clone(data))
	return nil
}

func (e *fakeEngine) DeleteRule(_ context.Context, data []byte) error {
	e.rules = slices.DeleteFunc(e.rules, func(r []byte) bool { return bytes.Equal(r, data) })
	return nil
}

func (e *fakeEngine) Status(context.Context) (rulesd.Status, error) { return e.status, nil }

func (e *fakeEngine) Set(_ context.Context, kind rule.OpKind, value uint32) error {
	if e.failSet {
		return syscall.EINVAL
	}
	e.set[kind] = value
	return nil
}

func (e *fakeEngine) Do(context.Context, rule.Op) (uint32, error) { return 0, nil }

func (e *fakeEngine) LoginuidImmutable(context.Context) (on, locked bool, err error) {
	return false, false, nil
}

func (e *fakeEngine) Close() error { return nil }

// session is an engine, a rule file and what was printed.
type session struct {
	engine *fakeEngine
	src    Source
	out    bytes.Buffer
}

func newSession(t *testing.T, text string) *session {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.rules")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &session{engine: &fakeEngine{set: map[rule.OpKind]uint32{}}, src: Source{Paths: []string{file}}}
}

func (s *session) options(asJSON bool) Options {
	s.out.Reset()
	return Options{Out: &s.out, JSON: asJSON, Open: func(context.Context) (rulesd.Engine, error) { return s.engine, nil }}
}

const twoRules = "-b 100\n-a always,exit -F arch=b64 -S open -F key=a\n-a never,user -F uid=0\n"

func TestApplyAndDiff(t *testing.T) {
	s := newSession(t, twoRules)
	ctx := t.Context()
	if err := Diff(ctx, s.src, s.options(false)); !errors.Is(err, ErrFound) {
		t.Errorf("Diff: %v, want ErrFound", err)
	}
	want := "+ -a always,exit -F arch=b64 -S open -F key=a\n+ -a never,user -F uid=0\n" +
		"to the rules of the given files: 2 to add, 0 to remove, 0 kept, 0 of these to move\n"
	if diff := cmp.Diff(s.out.String(), want); diff != "" {
		t.Errorf("Diff: got -, want +\n%s", diff)
	}
	if err := Apply(ctx, s.src, &s.out, s.options(false)); err != nil {
		t.Fatal(err)
	}
	if got, want := s.out.String(), "2 rules loaded from the given files: 2 added, 0 removed, 0 kept\n"; got != want {
		t.Errorf("Apply: got %q, want %q", got, want)
	}
	if s.engine.set[rule.OpBacklog] != 100 {
		t.Error("Apply: -b was not set")
	}
	if err := Diff(ctx, s.src, s.options(true)); err != nil {
		t.Errorf("Diff afterwards: %v", err)
	}
	var d difference
	if err := json.Unmarshal(s.out.Bytes(), &d); err != nil || !d.Same || d.Kept != 2 || d.Added == nil {
		t.Errorf("Diff --json: %v, %+v", err, d)
	}
	if err := List(ctx, false, s.options(true)); err != nil {
		t.Fatal(err)
	}
	var rules []listed
	if err := json.Unmarshal(s.out.Bytes(), &rules); err != nil || len(rules) != 2 || rules[0].Keys[0] != "a" || rules[1].List != "user" {
		t.Errorf("List --json: %v, %+v", err, rules)
	}
}

// TestLocked: what the next boot would change is said, nothing is done, and that is no
// failure.
func TestLocked(t *testing.T) {
	s := newSession(t, twoRules)
	s.engine.status.Enabled = rulesd.EnabledLocked
	if err := Apply(t.Context(), s.src, &s.out, s.options(false)); err != nil {
		t.Errorf("Apply: %v", err)
	}
	if got := s.out.String(); !strings.HasSuffix(got, "0 of these to move; locked until the next boot\n") || !strings.HasPrefix(got, "+ ") {
		t.Errorf("Apply: got %q", got)
	}
	if len(s.engine.rules)+len(s.engine.set) != 0 {
		t.Error("something was changed")
	}
}

// TestSettingsFail: if a control line cannot be followed, the rules are put back.
func TestSettingsFail(t *testing.T) {
	s := newSession(t, twoRules)
	s.engine.failSet = true
	err := Apply(t.Context(), s.src, &s.out, s.options(false))
	if err == nil || !strings.Contains(err.Error(), "the rules were put back: set -b 100: invalid argument") {
		t.Errorf("Apply: %v", err)
	}
	if len(s.engine.rules) != 0 {
		t.Errorf("%d rules are left", len(s.engine.rules))
	}
}

// TestContinue: -c loads the rest, and counts as a failure.
func TestContinue(t *testing.T) {
	s := newSession(t, "-c\n-w bad\n-a never,user -F uid=0\n")
	var warnings bytes.Buffer
	if err := Apply(t.Context(), s.src, &warnings, s.options(false)); !errors.Is(err, ErrFound) {
		t.Errorf("Apply: %v, want ErrFound", err)
	}
	if !strings.HasPrefix(warnings.String(), "warning: ") || !strings.Contains(warnings.String(), "left out") || len(s.engine.rules) != 1 {
		t.Errorf("Apply: %q, %d rules", warnings.String(), len(s.engine.rules))
	}
}
