package rulesd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testHost is a new kernel on which every path but those that begin with /absent
// exists.
func testHost() Host {
	return Host{Release: "6.18.1", Stat: func(path string) (fs.FileInfo, error) {
		if strings.HasPrefix(path, "/absent") {
			return nil, fs.ErrNotExist
		}
		return fakeInfo(path), nil
	}}
}

type fakeInfo string

func (f fakeInfo) Name() string       { return string(f) }
func (f fakeInfo) Size() int64        { return 0 }
func (f fakeInfo) Mode() fs.FileMode  { return 0o600 }
func (f fakeInfo) ModTime() time.Time { return time.Time{} }
func (f fakeInfo) IsDir() bool        { return false }
func (f fakeInfo) Sys() any           { return nil }

// writeRules makes a directory of rule files.
func writeRules(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func texts(s *Set) []string {
	var out []string
	for i := range s.Entries {
		out = append(out, s.Entries[i].Rule.Text(testStyle()))
	}
	return out
}

func problems(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		f.File = filepath.Base(f.File)
		out = append(out, f.Severity.String()+" "+f.String())
	}
	return out
}

func TestSetMergesAsAugenrules(t *testing.T) {
	dir := writeRules(t, map[string]string{
		"10-base.rules":  "## a comment\n-D\n\n-b 8192\r\n-f 1\n-e 1\n",
		"9-first.rules":  "-w /nine -p w\n  # indented\n  -w /indented -p w\n",
		"30-more.rules":  "-b 100\n-w /thirty -p w\n-D -k gone\n-e 0\n",
		"20-gone.rules":  "-w /x -p w -k gone-with-it\n",
		"hidden.conf":    "-w /conf -p w\n",
		".dotted.rules":  "-w /dot -p w\n",
		"100-last.rules": "-A always,exit -F arch=b64 -S open -k front\n",
	})
	set, err := Load(Config{Dirs: []string{dir}, Inline: []string{"-w /inline -p w"}, Name: "vigil.yaml", Env: testEnv(), Host: testHost()})
	if err != nil || set.Err() != nil {
		t.Fatal(err, set.Err())
	}
	want := []string{"-a always,exit -F arch=b64 -S open -F key=front", "-w /nine -p w", "-w /indented -p w", "-w /thirty -p w", "-w /inline -p w"}
	if diff := cmp.Diff(texts(set), want); diff != "" {
		t.Errorf("rules: got -, want +\n%s", diff)
	}
	s := set.Settings
	if s.Backlog == nil || *s.Backlog != 100 || s.Failure == nil || *s.Failure != 1 || s.Enabled == nil || *s.Enabled != 0 {
		t.Errorf("settings: %+v, want the last ones: -b 100, -f 1, -e 0", s)
	}
	if set.Entries[4].Line.File != "vigil.yaml" || set.Entries[4].Line.Number != 1 {
		t.Errorf("inline rule is at %s:%d", set.Entries[4].Line.File, set.Entries[4].Line.Number)
	}
}

func TestSetIsWholeOrNotAtAll(t *testing.T) {
	dir := writeRules(t, map[string]string{"a.rules": "-w /ok -p w\n-a always,exit -F arch=b64 -S opne -k x\n-w /ok2 -p w\n-w bad\n"})
	set, err := Load(Config{Dirs: []string{dir}, Env: testEnv(), Host: testHost()})
	if err != nil {
		t.Fatal(err)
	}
	k := newFakeKernel(t, "-w /present -p w")
	_, err = set.Apply(t.Context(), k)
	var bad *SetError
	if !errors.As(err, &bad) {
		t.Fatalf("Apply: %v, want a SetError", err)
	}
	want := filepath.Join(dir, "a.rules") + `:2:31: unknown system call "opne" on x86_64: did you mean "open"?
    -a always,exit -F arch=b64 -S opne -k x
                                  ^~~~
(and 1 more)`
	if diff := cmp.Diff(err.Error(), want); diff != "" {
		t.Errorf("error: got -, want +\n%s", diff)
	}
	if len(k.requests) > 0 {
		t.Errorf("requests %q, want none", k.requests)
	}
}

func TestSetTolerance(t *testing.T) {
	lines := []string{"-w /one -p w", "nonsense", "-w /two -p w"}
	set, err := Load(Config{Inline: append([]string{"-i"}, lines...), Env: testEnv(), Host: testHost()})
	if err != nil || set.Err() != nil || len(set.Entries) != 2 || set.Tolerant {
		t.Errorf("-i: %v, %v, %d rules, tolerant %v", err, set.Err(), len(set.Entries), set.Tolerant)
	}
	set, err = Load(Config{Inline: append([]string{"-c"}, lines...), Env: testEnv(), Host: testHost()})
	if err != nil || set.Err() != nil || len(set.Entries) != 2 || !set.Tolerant {
		t.Errorf("-c: %v, %v, %d rules, tolerant %v", err, set.Err(), len(set.Entries), set.Tolerant)
	}
	set, err = Load(Config{Inline: append(slices.Clone(lines), "-i"), Env: testEnv(), Host: testHost()})
	if err != nil || set.Err() == nil {
		t.Errorf("-i behind the error: %v, %v, want an error", err, set.Err())
	}
}

func TestCheck(t *testing.T) {
	f := func(want string, lines ...string) {
		t.Helper()
		set, err := Load(Config{Inline: lines, Name: "f", Env: testEnv(), Host: testHost()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Join(problems(set.Check()), "\n"), want); diff != "" {
			t.Errorf("%q: got -, want +\n%s", lines, diff)
		}
	}
	f("", "-a always,exit -F arch=b64 -S open -k x", "-w /etc/passwd -p wa -k y")
	f("warning f:2: the same rule again: it is loaded once", "-w /a -p w", "-w /a -p w")
	f("warning f:1:27: no user \"chrony\" on this host: the rule cannot match and is left out", "-a never,exit -S 2 -F uid=chrony")
	f("error f:1:28: no user \"chrony\" on this host", "-a never,exit -S 2 -F uid!=chrony")
	f("warning f:1: /absent/dir does not exist: the rule is left out until it does", "-w /absent/dir/file -p w")
	f("warning f:1: /absent does not exist: it is watched as a file once it is made", "-w /absent -p w")
	f("warning f:1: without arch= the same numbers are other calls to 32-bit programs: write one rule with arch=b64 and one with arch=b32",
		"-a always,exit -S open")
	f("warning f:2: the rule cannot fire: line 1, which says never, matches everything that it does",
		"-a never,exit -F arch=b64 -S all -F uid=0", "-a always,exit -F arch=b64 -S open -F uid=0 -F auid>=1000 -k x")
	f("", "-a never,exit -F arch=b64 -S all -F uid=0 -F auid=0", "-a always,exit -F arch=b64 -S open -F uid=0 -k x")
	f("warning f:2: line 1 matches everything that this rule does, and comes first: the key y is never recorded",
		"-a always,exit -F arch=b64 -F dir=/etc -F perm=wa -F key=x", "-a always,exit -F arch=b64 -F path=/etc/passwd -F perm=w -F key=y")
	f("warning f:2: line 1 matches everything that this rule does",
		"-a always,exit -F arch=b64 -S open,close -k x", "-a always,exit -F arch=b64 -S open -F uid>0 -k x")
	f("warning f:1: no new process is audited: the 1 rules of the list exit cannot fire", "-a never,task", "-w /a -p w")
	f("warning f:1: perm without arch is evaluated for every system call: 2 such rules in this file",
		"-a always,exit -F path=/a -F perm=wa -k x", "-a always,exit -F path=/b -F perm=wa -k y")
	f("error f:1: no rule before this one is equal to the one to delete", "-d always,exit -F arch=b64 -S open")
	f("", "-a always,exit -F arch=b64 -S open -k x", "-d always,exit -F arch=b64 -S open -k x", "-a never,exit -F arch=b64 -S open -k x")
	f("error f:1:30: the kernel takes no such rule: a rule takes one of path, dir and inode, once", "-a always,exit -F path=/a -F dir=/b -k x")
	f("error f:1:18: the kernel takes no such rule: uid cannot be unset: auid alone can", "-a never,user -F uid=unset")
	f("warning f:1: \"10x\" is read as 10", "-a never,user -F uid=10x")
	f("warning f:1: -l has no place in a rule file: taken no notice of", "-l")
	f("warning f:1: the action possible does nothing: the line is left out", "-a exit,possible -S open")
	f("error f:1:11: unknown list \"exit\\t-S\"", "-a always,exit\t-S open")
}

func TestCheckOldKernels(t *testing.T) {
	host := testHost()
	host.Release = "4.14.0-200.el7.x86_64"
	host.Features = 0x3f
	set, err := Load(Config{Inline: []string{
		"-a never,filesystem -F fstype=tracefs", "-a always,exit -F arch=b64 -S openat2,open -k x", "-w /a -p w",
	}, Name: "f", Env: testEnv(), Host: host})
	if err != nil || set.Err() != nil {
		t.Fatal(err, set.Err())
	}
	want := []string{
		"warning f:1: this kernel lacks the list filesystem, which came with Linux 4.15: the rule is left out",
		"warning f:2: the kernel 4.14.0-200.el7.x86_64 has no system call openat2, which came with Linux 5.6",
	}
	if diff := cmp.Diff(problems(set.Check()), want); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
	if len(set.Entries) != 2 || len(set.Skipped) != 1 {
		t.Errorf("%d rules, %d skipped, want 2 and 1", len(set.Entries), len(set.Skipped))
	}
}

// TestHostileFiles: a long line, and more errors than anybody reads.
func TestHostileFiles(t *testing.T) {
	set, err := Load(Config{Inline: []string{strings.Repeat("-w /a ", 20_000)}, Env: testEnv(), Host: testHost()})
	if err != nil || set.Err() == nil || len(set.Err().Error()) > 500 {
		t.Errorf("a long line: %v, %.500v", err, set.Err())
	}
	set, err = Load(Config{Inline: append([]string{"-i"}, slices.Repeat([]string{"-w bad"}, 5000)...), Env: testEnv(), Host: testHost()})
	if err != nil || len(set.Findings()) != 1001 || set.Err() == nil {
		t.Errorf("5,000 errors: %v, %d findings, %v", err, len(set.Findings()), set.Err())
	}
}

func TestUntrustedFiles(t *testing.T) {
	dir := writeRules(t, map[string]string{"a.rules": "-w /a -p w\n"})
	if err := os.Chmod(filepath.Join(dir, "a.rules"), 0o602); err != nil {
		t.Fatal(err)
	}
	set, err := Load(Config{Dirs: []string{dir}, Env: testEnv(), Host: testHost()})
	if err != nil || set.Err() == nil || len(set.Entries) != 0 {
		t.Errorf("a file that everybody may write to: %v, %v, %d rules", err, set.Err(), len(set.Entries))
	}
}

func TestLoadMissing(t *testing.T) {
	if _, err := LoadDirs("/absent/rules.d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("LoadDirs: %v, want not exist", err)
	}
	set, err := Load(Config{Dirs: []string{"/absent/rules.d"}, Files: []string{"/absent/a.rules"}, IgnoreMissing: true})
	if err != nil || len(set.Entries) != 0 {
		t.Errorf("IgnoreMissing: %v", err)
	}
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "rules.d")
	src := Sources{Dirs: []string{dir}, BuiltIn: true, Env: testEnv(), Host: testHost()}
	f := func(from, first string) {
		t.Helper()
		set, got, err := Find(src)
		if err != nil || set.Err() != nil || got != from || len(set.Entries) == 0 || (first != "" && texts(set)[0] != first) {
			t.Errorf("Find: %v, %q, %d rules, want from %q and %q first", err, got, len(set.Entries), from, first)
		}
	}
	f(FromBuiltIn, "")
	if err := os.WriteFile(filepath.Join(root, "audit.rules"), []byte("-D\n-w /merged -p w\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(FromFiles, "-w /merged -p w")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.rules"), []byte("-w /a -p w\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(FromFiles, "-w /a -p w")
}

func TestVersionCompare(t *testing.T) {
	// The order of ls -v of coreutils 9.1.
	want := []string{"1.rules", "9-first.rules", "10-base.rules", "10-base2.rules", "10-base-x.rules", "100-last.rules",
		"a.rules", "a01.rules", "a1.rules", "a2.rules", "a10.rules", "b~.rules", "b.rules", "b-1.rules"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, versionCompare)
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
}
