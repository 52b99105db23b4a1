package auditctl

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	"vigil/audit/tables"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

// fakeEngine is an audit engine with one list.
type fakeEngine struct {
	status rulesd.Status
	fixed  bool // the login uid
	rules  [][]byte
	done   []string // settings and requests
	fail   error    // of every request
	killed []string
}

func (e *fakeEngine) Rules(context.Context) ([][]byte, error) { return e.rules, e.fail }

func (e *fakeEngine) AddRule(_ context.Context, data []byte) error {
	switch {
	case e.fail != nil:
		return e.fail
	case slices.ContainsFunc(e.rules, func(r []byte) bool { return bytes.Equal(r, data) }):
		return fmt.Errorf("add rule: %w", syscall.EEXIST)
	}
	e.rules = append(e.rules, bytes.Clone(data))
	return nil
}

func (e *fakeEngine) DeleteRule(_ context.Context, data []byte) error {
	at := slices.IndexFunc(e.rules, func(r []byte) bool { return bytes.Equal(r, data) })
	if at < 0 {
		return fmt.Errorf("delete rule: %w", syscall.ENOENT)
	}
	e.rules = slices.Delete(slices.Clone(e.rules), at, at+1)
	return nil
}

func (e *fakeEngine) Status(context.Context) (rulesd.Status, error) { return e.status, e.fail }

func (e *fakeEngine) Set(_ context.Context, kind rule.OpKind, value uint32) error {
	if e.fail != nil {
		return e.fail
	}
	e.done = append(e.done, fmt.Sprint(kind, "=", value))
	*map[rule.OpKind]*uint32{
		rule.OpEnabled: &e.status.Enabled, rule.OpFailure: &e.status.Failure, rule.OpRate: &e.status.RateLimit,
		rule.OpBacklog: &e.status.BacklogLimit, rule.OpBacklogWait: &e.status.BacklogWaitTime,
	}[kind] = value
	return nil
}

func (e *fakeEngine) Do(_ context.Context, op rule.Op) (uint32, error) {
	e.done = append(e.done, fmt.Sprint(op.Kind, " ", op.Text, " ", op.Subtree))
	if op.Kind == rule.OpLoginuidFixed {
		e.fixed = true
	}
	return 7, e.fail
}

func (e *fakeEngine) LoginuidImmutable(context.Context) (on, locked bool, err error) {
	return e.fixed, e.fixed, e.fail
}

func (e *fakeEngine) Close() error { return nil }

// played is what a command line did.
type played struct {
	Out, Err, Syslog string
	Status           int
}

// play runs auditctl on a fake engine.
func play(t *testing.T, e *fakeEngine, args ...string) played {
	t.Helper()
	var out, stderr, log bytes.Buffer
	status := Run(t.Context(), args, &out, &stderr, testDeps(e, &log))
	return played{out.String(), stderr.String(), log.String(), status}
}

func testDeps(e *fakeEngine, log *bytes.Buffer) Deps {
	return Deps{
		Open:       func(context.Context) (rulesd.Engine, error) { return e, nil },
		CanControl: func() bool { return true },
		Syslog:     func(text string) { fmt.Fprintln(log, text) },
		Kill: func(pid int, sig syscall.Signal) error {
			e.killed = append(e.killed, fmt.Sprint(pid, " ", int(sig)))
			return nil
		},
		Exe: "/usr/sbin/auditctl",
		Env: rule.Env{
			Machine: tables.ArchX86_64,
			IsDir:   func(path string) bool { return strings.HasSuffix(path, "/dir") },
		},
	}
}
