package daemon

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/kernel"
	"vigil/daemon/config"
	"vigil/rulesd"
	"vigil/rulesd/rule"
)

const (
	ruleA = "-w /etc/passwd -p wa -k a"
	ruleB = "-w /etc/group -p wa -k b"
	ruleC = "-w /etc/shadow -p wa -k c"

	// Of two rules for one call the first that matches decides.
	ruleNever = "-a never,exit -F arch=b64 -S execve -F uid=33 -k never"
	ruleExec  = "-a always,exit -F arch=b64 -S execve -k exec"
)

// writeRules puts lines into the only rule file.
func (b *bed) writeRules(lines ...string) {
	b.t.Helper()
	dir := b.settings.Rules.Dirs[0]
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "test.rules"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// loadRules puts rules into the fake kernel, as auditctl would.
func (b *bed) loadRules(lines ...string) {
	b.t.Helper()
	control := b.kernel.Control(b.t)
	for _, data := range ruleData(b.t, lines...) {
		if err := control.AddRule(b.t.Context(), data); err != nil {
			b.t.Fatal(err)
		}
	}
}

func ruleData(t *testing.T, lines ...string) [][]byte {
	t.Helper()
	var data [][]byte
	for _, line := range lines {
		c, _ := rule.ParseLine(line, rule.Env{})
		if c.Err != nil {
			t.Fatal(c.Err)
		}
		data = append(data, c.Rule.AppendBinary(nil))
	}
	return data
}

// keys are those of the rules in the fake kernel, in their order.
func (b *bed) keys() string {
	b.t.Helper()
	rules, err := rulesd.KernelRules(b.t.Context(), b.kernel.Control(b.t))
	if err != nil {
		b.t.Fatal(err)
	}
	var keys []string
	for i := range rules {
		keys = append(keys, rules[i].Keys()...)
	}
	return strings.Join(keys, " ")
}

// The rules of the files take the place of those that were there, and these come
// back in the end, in an order that means the same.
func TestRules(t *testing.T) {
	b := newBed(t)
	b.loadRules(ruleNever, ruleA, ruleExec)
	b.writeRules(ruleExec, ruleB)
	b.start()
	if got := b.keys(); got != "exec b" {
		t.Errorf("loaded %q, want %q", got, "exec b")
	}
	if diff := cmp.Diff(b.d.report().Rules, RulesStatus{Source: "files", Loaded: 2}); diff != "" {
		t.Errorf("status (-got +want):\n%s", diff)
	}
	b.end()
	got := strings.Fields(b.keys())
	if len(got) != 3 || index(got, "never") > index(got, "exec") || index(got, "a") == 3 {
		t.Errorf("put back %q, want a, and never before exec", got)
	}
}

func TestRulesThatStay(t *testing.T) {
	f := func(name string, change func(*bed), during, after string, status RulesStatus) {
		t.Run(name, func(t *testing.T) {
			b := newBed(t)
			b.loadRules(ruleC)
			change(b)
			b.start()
			if got := b.keys(); got != during {
				t.Errorf("while it runs: %q, want %q", got, during)
			}
			got := b.d.report().Rules
			if status.Problem != "" && strings.Contains(got.Problem, status.Problem) {
				status.Problem = got.Problem
			}
			if diff := cmp.Diff(got, status); diff != "" {
				t.Errorf("status (-got +want):\n%s", diff)
			}
			b.end()
			if got := b.keys(); got != after {
				t.Errorf("afterwards: %q, want %q", got, after)
			}
		})
	}
	f("load: false", func(b *bed) {
		b.writeRules(ruleA)
		b.settings.Rules.Load = false
	}, "c", "c", RulesStatus{Source: "none"})
	f("on_exit: keep", func(b *bed) {
		b.writeRules(ruleA)
		b.settings.Rules.OnExit = config.KeepRules
	}, "a", "a", RulesStatus{Source: "files", Loaded: 1})
	f("no rules at all, and no built-in ones", func(b *bed) {}, "", "c", RulesStatus{Source: "files"})
	f("a slip in the file", func(b *bed) {
		b.writeRules(ruleA, "-w /etc/group -p wq -k b")
	}, "c", "c", RulesStatus{Source: "none", Problem: "test.rules:2:"})
	f("locked", func(b *bed) {
		b.writeRules(ruleA)
		b.kernel.Change(func(s *kernel.Status) { s.Enabled = 2 })
	}, "c", "c", RulesStatus{Source: "locked", Loaded: 1})
	f("an observer", func(b *bed) {
		b.writeRules(ruleA)
		b.settings.Source.Mode = config.Observer
	}, "c", "c", RulesStatus{Source: "none"})
	f("another daemon", func(b *bed) {
		b.writeRules(ruleA)
		b.kernel.Change(func(s *kernel.Status) { s.PID = 1 })
	}, "c", "c", RulesStatus{Source: "none"})
}

func TestRulesBuiltIn(t *testing.T) {
	b := newBed(t)
	b.settings.Rules.BuiltIn = true
	b.start()
	if got := b.keys(); !strings.Contains(got, "exec") {
		t.Errorf("loaded %q, want the built-in rules", got)
	}
	if got := b.d.report().Rules; got.Source != "built-in" || got.Loaded < 20 {
		t.Errorf("status %+v", got)
	}
	b.end()
	if got := b.keys(); got != "" {
		t.Errorf("left behind %q", got)
	}
}

// What control lines and the start have set is put back as it was.
func TestRulesSettings(t *testing.T) {
	b := newBed(t)
	before := b.kernel.Status()
	b.writeRules("-b 100000", "-f 0", "-r 500", "--backlog_wait_time 100", ruleA)
	b.start()
	s := b.kernel.Status()
	got := [5]uint32{s.Enabled, s.Failure, s.RateLimit, s.BacklogLimit, s.BacklogWaitTime}
	if want := [5]uint32{1, 0, 500, 100000, 100}; got != want {
		t.Errorf("settings %v, want %v", got, want)
	}
	b.end()
	if diff := cmp.Diff(b.kernel.Status(), before); diff != "" {
		t.Errorf("the engine afterwards (-got +want):\n%s", diff)
	}
}

// Settings that somebody else has changed meanwhile are theirs.
func TestRulesSettingsOfOthers(t *testing.T) {
	b := newBed(t)
	b.start()
	b.kernel.Change(func(s *kernel.Status) { s.BacklogLimit, s.Failure = 333, 0 })
	b.end()
	if s := b.kernel.Status(); s.BacklogLimit != 333 || s.Failure != 0 || s.Enabled != 0 {
		t.Errorf("got %+v, want what was set, and off", s)
	}
}

// A backlog that is larger than asked for stays.
func TestRulesNeverLowerTheBacklog(t *testing.T) {
	b := newBed(t)
	b.kernel.Change(func(s *kernel.Status) { s.BacklogLimit = 1 << 20 })
	b.writeRules("-b 8192", ruleA)
	b.start()
	if got := b.kernel.Status().BacklogLimit; got != 1<<20 {
		t.Errorf("lowered to %d", got)
	}
	b.end()
}

// A run that was killed leaves its rules and settings behind, and in a file what
// it had found: the next one puts that back.
func TestRulesAfterACrash(t *testing.T) {
	b := newBed(t)
	b.leaveBehind(bootID())
	b.writeRules(ruleB)
	b.start()
	b.log.await(t, "did not end in order")
	if got := b.keys(); got != "b" {
		t.Errorf("loaded %q, want %q", got, "b")
	}
	b.end()
	if got := b.keys(); got != "c" {
		t.Errorf("put back %q, want %q", got, "c")
	}
	if s := b.kernel.Status(); s.Enabled != 0 || s.BacklogLimit != 64 {
		t.Errorf("put back %+v, want enabled 0, backlog limit 64", s)
	}
	if _, err := os.Stat(beforeFile(b.opts.RunDir)); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", beforeFile(b.opts.RunDir), err)
	}
}

// The file of another boot says nothing about this one.
func TestRulesAfterAnotherBoot(t *testing.T) {
	b := newBed(t)
	b.leaveBehind("11111111-2222-3333-4444-555555555555")
	b.start()
	b.end()
	if got := b.keys(); got != "a" {
		t.Errorf("put back %q, want %q", got, "a")
	}
	if s := b.kernel.Status(); s.Enabled != 1 || s.BacklogLimit != 65536 {
		t.Errorf("put back %+v, want enabled 1, backlog limit 65536", s)
	}
}

// A file that a crash of the machine has torn is no reason not to start.
func TestRulesAfterATornFile(t *testing.T) {
	b := newBed(t)
	b.leaveBehind(bootID())
	if err := os.Truncate(beforeFile(b.opts.RunDir), 40); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.end()
	if got := b.keys(); got != "a" {
		t.Errorf("put back %q, want %q", got, "a")
	}
}

// leaveBehind makes kernel and run directory look as after a run that found rule
// c and engine settings after boot, and was killed with rule a loaded.
func (b *bed) leaveBehind(boot string) {
	b.t.Helper()
	b.loadRules(ruleA)
	b.kernel.Change(func(s *kernel.Status) { s.Enabled, s.BacklogLimit = 1, 65536 })
	found := before{Boot: boot, Failure: 1, BacklogLimit: 64, BacklogWaitTime: 15000, Rules: ruleData(b.t, ruleC)}
	if err := os.MkdirAll(b.opts.RunDir, 0o700); err != nil {
		b.t.Fatal(err)
	}
	if err := found.save(b.opts.RunDir); err != nil {
		b.t.Fatal(err)
	}
}

// While it runs, the file says what a crash would have to put back.
func TestRulesRemembered(t *testing.T) {
	b := newBed(t)
	b.loadRules(ruleC)
	b.writeRules(ruleA)
	b.start()
	text, err := os.ReadFile(beforeFile(b.opts.RunDir))
	if err != nil {
		t.Fatal(err)
	}
	var got before
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := before{Boot: bootID(), Failure: 1, BacklogLimit: 64, BacklogWaitTime: 15000, Rules: ruleData(t, ruleC)}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("%s (-got +want):\n%s", text, diff)
	}
	b.end()
}

// SIGHUP reads the rules again: all of them, or none.
func TestReload(t *testing.T) {
	b := newBed(t)
	b.writeRules(ruleA)
	b.start()
	sender := actor{pid: 7, uid: 0, auid: 1000, session: 3}

	b.writeRules("-b 200000", ruleB)
	b.d.reload(context.Background(), sender)
	b.log.await(t, "the rule files have changed, and are loaded")
	if got := b.keys(); got != "b" {
		t.Errorf("after the reload %q, want %q", got, "b")
	}
	b.writeRules(ruleA, "-w")
	b.d.reload(context.Background(), sender)
	if got := b.keys(); got != "b" {
		t.Errorf("after a reload with a mistake %q, want %q", got, "b")
	}
	b.log.await(t, "nothing was reloaded")
	b.settings.Trail.Files = 77
	b.writeRules(ruleB)
	b.d.reload(context.Background(), sender)
	b.log.await(t, "settings=[trail]")
	b.end()

	var got []string
	for _, line := range b.trail() {
		if _, text, ok := strings.Cut(line, ": op=reconfigure "); ok {
			got = append(got, text)
		}
	}
	subject := subject()
	want := []string{
		"state=changed auid=1000 pid=7 uid=0 ses=3" + subject + " res=success",
		"state=no-change auid=1000 pid=7 uid=0 ses=3" + subject + " res=failed",
		"state=changed auid=1000 pid=7 uid=0 ses=3" + subject + " res=success",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("DAEMON_CONFIG records (-got +want):\n%s", diff)
	}
	if got := b.keys(); got != "" {
		t.Errorf("left behind rules %q", got)
	}
	if got := b.kernel.Status().BacklogLimit; got != 64 {
		t.Errorf("left behind a backlog limit of %d, want 64", got)
	}
}

// What is loaded when the daemon leaves stays away: a late SIGHUP loads nothing.
func TestReloadWhenLeaving(t *testing.T) {
	b := newBed(t)
	b.writeRules(ruleA)
	b.start()
	if err := b.d.rules.restoreRules(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.d.reload(context.Background(), self())
	if got := b.keys(); got != "" {
		t.Errorf("loaded %q", got)
	}
	b.end()
}
