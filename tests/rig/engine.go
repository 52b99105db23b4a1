package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// LockPath is the file whose flock(2) says who may change the machine's audit engine: the kernel has only one.
const LockPath = "/run/lock/vigil-audit.lock"

// Backlog is the kernel queue, in records, that every measured daemon starts from: what Debian's own
// /etc/audit/rules.d/audit.rules sets.
const Backlog = 8192

// State is what `auditctl -s` and `auditctl -l` print: the part of the kernel's audit engine that a daemon changes.
type State struct {
	Enabled, Failure, PID, RateLimit, BacklogLimit, Lost, Backlog, BacklogWait int
	Rules                                                                      string // one line a rule, as listed
}

// ReadState asks stock auditctl.
func ReadState(ctx context.Context) (State, error) {
	var s State
	out, err := auditctl(ctx, "-s")
	if err != nil {
		return s, err
	}
	numbers := map[string]*int{
		"enabled": &s.Enabled, "failure": &s.Failure, "pid": &s.PID, "rate_limit": &s.RateLimit,
		"backlog_limit": &s.BacklogLimit, "lost": &s.Lost, "backlog": &s.Backlog, "backlog_wait_time": &s.BacklogWait,
	}
	lines := bufio.NewScanner(strings.NewReader(out))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || numbers[words[0]] == nil {
			continue
		}
		if *numbers[words[0]], err = strconv.Atoi(words[1]); err != nil {
			return s, fmt.Errorf("read audit status: %w", err)
		}
	}
	if out, err = auditctl(ctx, "-l"); err != nil {
		return s, err
	}
	if s.Rules = strings.TrimSpace(out); s.Rules == "No rules" {
		s.Rules = ""
	}
	return s, nil
}

// Changed says in one line what differs between s, taken before, and now; "" when a daemon put everything back.
// The backlog limit may have been raised, and counters move by themselves.
func (s State) Changed(now State) string {
	var diff []string
	number := func(name string, before, after int) {
		if before != after {
			diff = append(diff, fmt.Sprintf("%s %d -> %d", name, before, after))
		}
	}
	number("enabled", s.Enabled, now.Enabled)
	number("failure", s.Failure, now.Failure)
	number("pid", s.PID, now.PID)
	number("rate_limit", s.RateLimit, now.RateLimit)
	number("backlog_wait_time", s.BacklogWait, now.BacklogWait)
	if s.Rules != now.Rules {
		diff = append(diff, fmt.Sprintf("rules %q -> %q", s.Rules, now.Rules))
	}
	return strings.Join(diff, ", ")
}

// Engine is the machine's audit engine, held by this process until Restore.
type Engine struct {
	lock  *os.File
	saved State
}

// LockEngine waits for the engine, remembers its state and leaves it blank: enabled, no rules, Backlog, failure printk.
// It refuses an engine that somebody outside the lock is using or has locked (-e 2).
func LockEngine(ctx context.Context) (*Engine, error) {
	lock, err := os.OpenFile(LockPath, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open audit lock: %w", err)
	}
	for {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("take audit lock: %w", err), lock.Close())
		}
		if err := Pause(ctx, 50*time.Millisecond); err != nil {
			return nil, errors.Join(fmt.Errorf("wait for audit lock %s: %w", LockPath, err), lock.Close())
		}
	}
	e := &Engine{lock: lock}
	if e.saved, err = settled(ctx); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if e.saved.PID != 0 || e.saved.Enabled == 2 {
		return nil, errors.Join(fmt.Errorf("use audit engine: enabled %d, daemon pid %d: stop that daemon first",
			e.saved.Enabled, e.saved.PID), lock.Close())
	}
	if err := e.Reset(ctx); err != nil {
		return nil, errors.Join(err, e.Restore())
	}
	return e, nil
}

// settled reads the state. A daemon that was killed stays registered until the kernel next has something to send to it,
// so it gets something.
func settled(ctx context.Context) (State, error) {
	s, err := ReadState(ctx)
	for range 40 {
		if err != nil || s.PID == 0 {
			break
		}
		if _, alive := os.Stat(fmt.Sprintf("/proc/%d", s.PID)); alive == nil {
			break
		}
		if err = Poke(ctx, "is the audit daemon there?"); err == nil {
			err = Pause(ctx, 50*time.Millisecond)
		}
		if err == nil {
			s, err = ReadState(ctx)
		}
	}
	return s, err
}

// Reset brings the engine back to the blank state that LockEngine made. The kernel's lost counter starts at 0.
func (e *Engine) Reset(ctx context.Context) error {
	for _, args := range [][]string{{"-D"}, {"-e", "1"}, {"-f", "1"}, {"-r", "0"}, {"-b", strconv.Itoa(Backlog)},
		{"--backlog_wait_time", "15000"}, {"--reset-lost"}} {
		if _, err := auditctl(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// Restore puts back what LockEngine found and gives the lock up, also when the test's own context is over. It may take a
// minute: each rule that goes waits for all readers in the kernel.
func (e *Engine) Restore() error {
	if e.lock == nil {
		return nil
	}
	// The kernel takes some 15 ms to delete a rule, and a test may have loaded a
	// thousand.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s := e.saved
	steps := [][]string{{"-D"}}
	for rule := range strings.Lines(s.Rules) {
		steps = append(steps, strings.Fields(rule))
	}
	steps = append(steps, []string{"-f", strconv.Itoa(s.Failure)}, []string{"-r", strconv.Itoa(s.RateLimit)},
		[]string{"-b", strconv.Itoa(s.BacklogLimit)}, []string{"--backlog_wait_time", strconv.Itoa(s.BacklogWait)},
		[]string{"--reset-lost"}, []string{"-e", strconv.Itoa(s.Enabled)})
	var failed error
	for _, args := range steps {
		if _, err := auditctl(ctx, args...); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	failed = errors.Join(failed, e.lock.Close())
	e.lock = nil
	return failed
}

// LoadRules hands a file of rules to stock auditctl, which wants it root's and closed to others.
func LoadRules(ctx context.Context, file string) error {
	_, err := auditctl(ctx, "-R", file)
	return err
}

// Poke sends a harmless user message, which wakes the kernel's queue.
func Poke(ctx context.Context, text string) error {
	_, err := auditctl(ctx, "-m", text)
	return err
}

// ResetLost sets the kernel's lost counter to 0.
func ResetLost(ctx context.Context) error {
	_, err := auditctl(ctx, "--reset-lost")
	return err
}

func auditctl(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "auditctl", args...).CombinedOutput()
	// --reset-lost's exit code is the acknowledgement's: 255 when the old value was above 0.
	if err != nil && (len(args) == 0 || args[0] != "--reset-lost") {
		return "", fmt.Errorf("auditctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// Pause sleeps, or returns ctx's error when that is over first.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
