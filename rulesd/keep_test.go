package rulesd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keeping runs a Keeper over lines that the test may change.
type keeping struct {
	kernel *fakeKernel
	keeper *Keeper
	lines  []string
	files  chan struct{}

	mu     sync.Mutex
	events []string
}

// keep runs test in a bubble, with a keeper of the lines that the kernel has.
func keep(t *testing.T, leave bool, lines []string, test func(t *testing.T, k *keeping)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{kernel: newFakeKernel(t, lines...), lines: lines, files: make(chan struct{}, 1)}
		cfg := KeeperConfig{
			Kernel: k.kernel, Leave: leave,
			Load: func(context.Context) (*Set, error) {
				k.mu.Lock()
				defer k.mu.Unlock()
				return Load(Config{Inline: k.lines, Env: testEnv(), Host: testHost()})
			},
			Report: func(e Event) {
				text := e.Kind.String()
				if e.Diff != nil {
					for _, added := range e.Diff.Added {
						text += " +" + added.Rule.Text(testStyle())
					}
					for i := range e.Diff.Removed {
						text += " -" + e.Diff.Removed[i].Text(testStyle())
					}
				}
				k.mu.Lock()
				defer k.mu.Unlock()
				k.events = append(k.events, text)
			},
		}
		k.keeper = NewKeeper(cfg, testSet(t, lines...))
		k.keeper.files = func(context.Context, []string) <-chan struct{} { return k.files }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- k.keeper.Run(ctx) }()
		test(t, k)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

// write changes the files.
func (k *keeping) write(lines []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = lines
}

// wait lets time pass, and everything happen that is due by then.
func (k *keeping) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (k *keeping) expect(t *testing.T, events []string, rules ...string) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if diff := cmp.Diff(k.events, events); diff != "" {
		t.Errorf("events: got -, want +\n%s", diff)
	}
	if diff := cmp.Diff(k.kernel.texts(), rules); diff != "" {
		t.Errorf("rules: got -, want +\n%s", diff)
	}
	k.events = nil
}

func (k *keeping) behindOurBack(t *testing.T, remove bool, line string) {
	t.Helper()
	r := parseRule(t, line)
	request := k.kernel.AddRule
	if remove {
		request = k.kernel.DeleteRule
	}
	if err := request(t.Context(), r.AppendBinary(nil)); err != nil {
		t.Fatal(err)
	}
}

const ruleA, ruleB, ruleC = "-w /a -p w", "-w /b -p w", "-w /c -p w"

func TestKeeperRepairs(t *testing.T) {
	keep(t, false, []string{ruleA, ruleB}, func(t *testing.T, k *keeping) {
		k.behindOurBack(t, true, ruleB)
		k.behindOurBack(t, false, ruleC)
		k.keeper.KernelChanged()
		k.wait(time.Second)
		k.expect(t, []string{"repaired +" + ruleB + " -" + ruleC}, ruleA, ruleB)
		// The repair itself makes records, which are hints: nothing more happens.
		k.keeper.KernelChanged()
		k.wait(time.Second)
		k.expect(t, nil, ruleA, ruleB)
	})
}

func TestKeeperPolls(t *testing.T) {
	keep(t, false, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.behindOurBack(t, true, ruleA)
		k.wait(59 * time.Second)
		k.expect(t, nil)
		k.wait(2 * time.Second)
		k.expect(t, []string{"repaired +" + ruleA}, ruleA)
	})
}

func TestKeeperLeaves(t *testing.T) {
	keep(t, true, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.behindOurBack(t, true, ruleA)
		for range 3 { // said once
			k.keeper.KernelChanged()
			k.wait(time.Minute)
		}
		k.expect(t, []string{"left +" + ruleA})
		k.write([]string{ruleA, ruleB}) // the files decide again when they change
		k.files <- struct{}{}
		k.wait(2 * time.Second)
		k.expect(t, []string{"applied +" + ruleA + " +" + ruleB}, ruleA, ruleB)
	})
}

func TestKeeperAppliesFilesAfterAQuietMoment(t *testing.T) {
	keep(t, false, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.write([]string{"half a l"}) // an editor at work
		k.files <- struct{}{}
		k.wait(900 * time.Millisecond)
		k.write([]string{ruleA, ruleB})
		k.files <- struct{}{}
		k.wait(900 * time.Millisecond)
		k.expect(t, nil, ruleA)
		k.wait(200 * time.Millisecond)
		k.expect(t, []string{"applied +" + ruleB}, ruleA, ruleB)
	})
}

// TestKeeperRepairsWhileFilesChange: what somebody does to the kernel while the files
// are being written is repaired at once, and the half-written files are not looked at.
func TestKeeperRepairsWhileFilesChange(t *testing.T) {
	keep(t, false, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.write([]string{"half a l"})
		k.files <- struct{}{}
		k.behindOurBack(t, true, ruleA)
		k.keeper.KernelChanged()
		k.wait(500 * time.Millisecond)
		k.expect(t, []string{"repaired +" + ruleA}, ruleA)
		k.write([]string{ruleA, ruleB})
		k.wait(time.Second)
		k.expect(t, []string{"applied +" + ruleB}, ruleA, ruleB)
	})
}

func TestKeeperRejectsBadFiles(t *testing.T) {
	keep(t, false, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.write([]string{ruleB, "-w bad"})
		for range 3 { // said once
			k.files <- struct{}{}
			k.wait(2 * time.Second)
		}
		k.expect(t, []string{"rejected"}, ruleA)
		k.behindOurBack(t, true, ruleA) // what was good is kept all the same
		k.keeper.KernelChanged()
		k.wait(time.Second)
		if diff := cmp.Diff(k.kernel.texts(), []string{ruleA}); diff != "" {
			t.Error(diff)
		}
		k.events = nil
		k.write([]string{ruleB})
		k.keeper.Reload() // needs no quiet moment
		k.wait(time.Millisecond)
		k.expect(t, []string{"applied +" + ruleB + " -" + ruleA}, ruleB)
	})
}

func TestKeeperSettingsAlone(t *testing.T) {
	keep(t, false, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.write([]string{ruleA, "-b 1000"})
		k.keeper.Reload()
		k.wait(time.Millisecond)
		k.expect(t, []string{"applied"}, ruleA)
	})
}

func TestKeeperLocked(t *testing.T) {
	keep(t, false, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.kernel.locked = true
		k.write([]string{ruleB})
		for range 3 {
			k.keeper.Reload()
			k.wait(time.Second)
		}
		k.expect(t, []string{"locked +" + ruleB + " -" + ruleA}, ruleA)
	})
}

// TestKeeperPatience: against somebody who undoes every repair at once the repairs
// become rarer, down to the poll.
func TestKeeperPatience(t *testing.T) {
	keep(t, false, []string{ruleA}, func(t *testing.T, k *keeping) {
		k.keeper.cfg.Report = func(e Event) {
			k.events = append(k.events, e.Kind.String())
			r := parseRule(t, ruleA)
			if err := k.kernel.DeleteRule(t.Context(), r.AppendBinary(nil)); err != nil {
				t.Error(err)
			}
			k.keeper.KernelChanged()
		}
		k.behindOurBack(t, true, ruleA)
		k.keeper.KernelChanged()
		k.wait(10 * time.Minute)
		if n := len(k.events); n < 10 || n > 30 {
			t.Errorf("%d repairs in ten minutes, want some 20", n)
		}
	})
}

func TestConcernsRules(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		if got := ConcernsRules([]byte(text)); got != want {
			t.Errorf("ConcernsRules(%q) = %v", text, got)
		}
	}
	f(`auid=4294967295 ses=4294967295 subj=unconfined op=add_rule key="x" list=4 res=1`, true)
	f(`auid=0 ses=1 op=remove_rule key=(null) list=4 res=1`, true)
	f(`op=remove_rule dir="/x" key="k" list=4 res=1`, true)
	f(`op=set audit_backlog_limit=64 old=64 auid=0 ses=1 res=1`, false)
}

// TestWatchFiles is the real watch: files that come, change, go, and whole
// directories.
func TestWatchFiles(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "rules.d")
	changed := watchFiles(t.Context(), []string{dir})
	step := func(what string, do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: nothing heard", what)
		}
		for { // until it is quiet
			select {
			case <-changed:
				continue
			case <-time.After(50 * time.Millisecond):
			}
			return
		}
	}
	file := filepath.Join(dir, "a.rules")
	step("directory made", func() error { return os.Mkdir(dir, 0o755) })
	step("file made", func() error { return os.WriteFile(file, []byte("-D\n"), 0o600) })
	step("file changed", func() error { return os.WriteFile(file, []byte("-b 1\n"), 0o600) })
	step("file replaced", func() error {
		if err := os.WriteFile(file+".new", nil, 0o600); err != nil {
			return err
		}
		return os.Rename(file+".new", file)
	})
	step("directory moved", func() error { return os.Rename(dir, dir+".old") })
	step("directory made again", func() error { return os.Mkdir(dir, 0o755) })
	step("file made again", func() error { return os.WriteFile(file, nil, 0o600) })
}
