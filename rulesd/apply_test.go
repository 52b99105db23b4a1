package rulesd

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/tables"
)

// TestApplyFailureIsUndone: whichever request fails, the rules are as they were.
func TestApplyFailureIsUndone(t *testing.T) {
	have := []string{"-a always,exit -F arch=b64 -S open -F key=a", "-w /b -p w -k b", "-a never,exit -F arch=b64 -S all -F uid=1 -F key=n"}
	want := []string{"-a never,exit -F arch=b64 -S all -F uid=1 -F key=n", "-a always,exit -F arch=b64 -S open -F key=a", "-w /c -p w -k c"}
	set := testSet(t, want...)
	clean := newFakeKernel(t, have...)
	if _, err := set.Apply(t.Context(), clean); err != nil {
		t.Fatal(err)
	}
	for at := 1; at <= len(clean.requests); at++ {
		k := newFakeKernel(t, have...)
		before := k.texts()
		k.failAt = at
		_, err := set.Apply(t.Context(), k)
		if !errors.Is(err, syscall.EIO) {
			t.Fatalf("request %d fails: Apply: %v", at, err)
		}
		if diff := cmp.Diff(sorted(k.texts()), sorted(before)); diff != "" {
			t.Errorf("request %d fails: got -, want +\n%s", at, diff)
		}
	}
}

func sorted(lines []string) map[string]bool {
	m := map[string]bool{}
	for _, line := range lines {
		m[line] = true
	}
	return m
}

func TestApplyNamesTheLine(t *testing.T) {
	k := newFakeKernel(t)
	k.failAt, k.failWith = 2, syscall.ENOMEM
	_, err := testSet(t, "-w /a -p w", "-w /b -p w").Apply(t.Context(), k)
	want := "load rules: inline:2: -w /b -p w: append rule: cannot allocate memory"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if len(k.texts()) != 0 {
		t.Errorf("left behind: %q", k.texts())
	}
}

// TestApplyMissingPath: a path that went between the check and the kernel's look at
// it is no reason to load nothing.
func TestApplyMissingPath(t *testing.T) {
	k := newFakeKernel(t)
	k.missing = "/gone/x"
	change, err := testSet(t, "-w /a -p w", "-w /gone/x -p w").Apply(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"warning inline:2: /gone/x does not exist: the rule is left out until it does"}
	if diff := cmp.Diff(problems(change.Skipped), want); diff != "" {
		t.Errorf("skipped: got -, want +\n%s", diff)
	}
	if diff := cmp.Diff(k.texts(), []string{"-w /a -p w"}); diff != "" {
		t.Error(diff)
	}
}

func TestApplyLocked(t *testing.T) {
	k := newFakeKernel(t, "-w /a -p w")
	k.locked = true
	change, err := testSet(t, "-w /b -p w").Apply(t.Context(), k)
	if !errors.Is(err, ErrLocked) {
		t.Fatalf("Apply: %v, want ErrLocked", err)
	}
	if change == nil || len(change.Added) != 1 || len(change.Removed) != 1 {
		t.Errorf("what would change: %+v", change)
	}
	if diff := cmp.Diff(k.texts(), []string{"-w /a -p w"}); diff != "" {
		t.Error(diff)
	}
}

// TestApplyOldKernel: rules that an old kernel does not know are left out with a
// warning that names the version; on a kernel that should know them the refusal is
// an error.
func TestApplyOldKernel(t *testing.T) {
	load := func(release string) *Set {
		host := testHost()
		host.Release = release
		set, err := Load(Config{Inline: []string{"-a never,io_uring -S openat", "-a never,filesystem -F fstype=tracefs", "-w /a -p w"},
			Name: "f", Env: testEnv(), Host: host})
		if err != nil || set.Err() != nil {
			t.Fatal(err, set.Err())
		}
		return set
	}
	k := newFakeKernel(t)
	k.old = []tables.List{tables.ListIOUring, tables.ListFilesystem}
	set := load("4.4.0")
	change, err := set.Apply(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"warning f:1: this kernel lacks the list io_uring, which came with Linux 5.16: the rule is left out",
		"warning f:2: this kernel lacks the list filesystem, which came with Linux 4.15: the rule is left out",
	}
	if diff := cmp.Diff(problems(change.Skipped), want); diff != "" {
		t.Errorf("skipped: got -, want +\n%s", diff)
	}
	if diff := cmp.Diff(k.texts(), []string{"-w /a -p w"}); diff != "" {
		t.Error(diff)
	}
	if d, err := set.Diff(t.Context(), k); err != nil || !d.Empty() {
		t.Errorf("Diff misses what the kernel cannot have: %+v, %v", d, err)
	}
	// A distribution took the list into an old version: it is loaded.
	k = newFakeKernel(t)
	if change, err := load("5.14.0-503.el9").Apply(t.Context(), k); err != nil || len(change.Skipped) != 0 || len(k.texts()) != 3 {
		t.Errorf("5.14 with the lists: %v, %q", err, k.texts())
	}
	k = newFakeKernel(t)
	k.old = []tables.List{tables.ListIOUring}
	if _, err := load("6.18.0").Apply(t.Context(), k); err == nil || !strings.Contains(err.Error(), "f:1") {
		t.Errorf("6.18 without io_uring: %v, want an error that names the line", err)
	}
}

// TestDuplicates: a rule that is there twice, which auditctl -A can do, is there once
// afterwards.
func TestDuplicates(t *testing.T) {
	k := newFakeKernel(t, "-w /a -p w", "-w /b -p w", "-A always,exit -S all -F path=/a -F perm=w")
	if n := len(k.texts()); n != 3 {
		t.Fatalf("%d rules, want 3", n)
	}
	if _, err := testSet(t, "-w /a -p w", "-w /b -p w").Apply(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(k.texts(), []string{"-w /a -p w", "-w /b -p w"}); diff != "" {
		t.Error(diff)
	}
}
