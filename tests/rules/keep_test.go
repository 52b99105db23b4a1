package rules

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vigil/tests/rig"
)

// waitFor waits up to two seconds for something to hold, and says how long it took.
func (b *bed) waitFor(what string, holds func() bool) {
	b.t.Helper()
	const limit = 2 * time.Second
	start := time.Now()
	for !holds() {
		if time.Since(start) > limit {
			b.t.Fatalf("%s: not within %v", what, limit)
		}
		if err := rig.Pause(b.ctx, 10*time.Millisecond); err != nil {
			b.t.Fatal(err)
		}
	}
	b.t.Logf("%s: after %v", what, time.Since(start).Round(time.Millisecond))
}

// said reports whether the daemon's trail has a record with the text.
func said(d *rig.Daemon, text string) bool {
	log, err := os.ReadFile(d.Log())
	return err == nil && bytes.Contains(log, []byte(text))
}

// TestKept removes and adds rules behind the daemon's back with stock auditctl, and changes the files.
func TestKept(t *testing.T) {
	b := newBed(t)
	const one, two = "-a always,exit -F arch=b64 -S mkdirat -F uid=12345 -F key=one", "-w /etc/passwd -p wa -k two"
	d, err := rig.StartVigil(b.ctx, b.tools, rig.Options{Dir: t.TempDir(), Rules: []string{one, two}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	has := func(rules ...string) bool { return slices.Equal(b.rules(), rules) }
	if !has(one, two) {
		t.Fatalf("the daemon loaded %q", b.rules())
	}
	if r := b.stock("-W", "/etc/passwd", "-p", "wa", "-k", "two"); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	b.waitFor("the rule is back, and the trail tells of it", func() bool { return has(one, two) && said(d, "op=rules-repaired added=1 removed=0") })
	if r := b.stock("-a", "never,exit", "-F", "arch=b64", "-S", "all"); r.Status != 0 {
		t.Fatalf("%+v", r)
	}
	b.waitFor("the foreign rule is gone, and the trail tells of it", func() bool { return has(one, two) && said(d, "op=rules-repaired added=0 removed=1") })

	file := filepath.Join(d.Dir, "rules.d", "test.rules")
	if err := os.WriteFile(file, []byte(one+"\n-w /etc/group -p wq\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	b.waitFor("a bad file is told of", func() bool { return said(d, "op=rules-rejected") })
	if !has(one, two) {
		t.Errorf("a bad file changed the rules: %q", b.rules())
	}
	if err := os.WriteFile(file, []byte(one+"\n-w /etc/group -p w\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	b.waitFor("a changed file is loaded", func() bool { return has(one, "-w /etc/group -p w") && said(d, "op=rules-applied") })
}
