package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWithoutThePower runs vigil where the audit engine is out of reach: run must say what is missing and exit 1, and
// replay must work all the same.
func TestWithoutThePower(t *testing.T) {
	need(t, "setpriv", "unshare")
	tools := programs(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		env  []string
		wrap []string
		say  []string // one of these must be in the message
	}{
		{"ordinary user", nil, []string{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"}, []string{"CAP_AUDIT_CONTROL", "root"}},
		{"root without capabilities", nil, []string{"setpriv", "--bounding-set", "-all", "--inh-caps", "-all"}, []string{"CAP_AUDIT_CONTROL"}},
		{"user namespace", nil, []string{"unshare", "--user", "--map-root-user"}, []string{"user namespace"}},
		{"kernel without audit", []string{helperNoAudit}, []string{self}, []string{"CONFIG_AUDIT", "kernel"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			probe := exec.Command(c.wrap[0], append(slices.Clone(c.wrap[1:]), "/bin/true")...)
			probe.Env = append(os.Environ(), c.env...)
			if out, err := probe.CombinedOutput(); err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("%v: %v: %s", c.wrap, err, out)
				}
				t.Skipf("missing: %v: %v: %s", c.wrap, err, out)
			}
			dir := folder(t)
			for _, sub := range []string{"log", "rules.d", "run", "state"} {
				if err := os.Mkdir(filepath.Join(dir, sub), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(filepath.Join(dir, sub), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			before := state(t)
			stdout, stderr, code := runAs(t, c.env, append(slices.Clone(c.wrap), tools.Vigil, "run", "--audit-dir", dir, "--run-dir", filepath.Join(dir, "run"),
				"--state-dir", filepath.Join(dir, "state"), "--trail", filepath.Join(dir, "log", "audit.log"))...)
			if code != 1 || !strings.HasPrefix(stderr, "vigil: ") || !containsOne(stderr, c.say) {
				t.Errorf("run: exit %d, want 1 and one of %q: %s%s", code, c.say, stdout, stderr)
			}
			if changed := before.Changed(state(t)); changed != "" {
				t.Errorf("run failed but changed the engine: %s", changed)
			}
			stdout, stderr, code = runAs(t, c.env, append(slices.Clone(c.wrap), tools.Vigil, "doctor", "--audit-dir", dir, "--trail", filepath.Join(dir, "log", "audit.log"))...)
			if code != 1 || !containsOne(stdout+stderr, c.say) {
				t.Errorf("doctor: exit %d, want 1 and one of %q: %s%s", code, c.say, stdout, stderr)
			}
			log := filepath.Join(dir, "old.log")
			if err := os.WriteFile(log, []byte("type=USER_LOGIN msg=audit(1626611363.720:1): pid=1 uid=0 auid=0 ses=1 msg='op=login acct=\"root\" res=success'\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			stdout, stderr, code = runAs(t, c.env, append(slices.Clone(c.wrap), tools.Vigil, "replay", "--output", "json", log)...)
			if code != 0 || strings.Count(stdout, "\n") != 1 {
				t.Errorf("replay: exit %d: %s%s", code, stdout, stderr)
			}
		})
	}
}

func containsOne(text string, any []string) bool {
	for _, one := range any {
		if strings.Contains(text, one) {
			return true
		}
	}
	return false
}
