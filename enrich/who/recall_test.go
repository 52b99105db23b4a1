package who

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/enrich/attribution"
	"vigil/enrich/container"
	"vigil/enrich/tree"
)

// What an earlier run has written says who a process's person is, and of which exec session it is, if it is still the same
// process.
func TestRecall(t *testing.T) {
	const boot = 1795258195e9
	w := New(Config{Boot: boot, Tree: tree.Config{Proc: t.TempDir()}, Containers: container.Config{Host: t.TempDir()}}, kubernetes())
	recall := func(text string) {
		t.Helper()
		r, err := audit.ParseLine([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		w.Recall(r)
	}
	call := func(pid, start int64, rest string) string {
		return fmt.Sprintf("type=SYSCALL msg=audit(1795258300.000:%d): arch=c000003e syscall=2 success=yes pid=%d ses=7 comm=\"x\"\x1dPROC_START=%d %s",
			pid, pid, start, rest)
	}
	recall(`type=LOGIN msg=audit(1795258299.000:1): pid=10 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=7 res=1`)
	recall(`type=USER_START msg=audit(1795258299.001:2): pid=10 uid=0 auid=1000 ses=7 msg='op=PAM:session_open acct="alice" exe="/usr/sbin/sshd" addr=192.0.2.7 terminal=ssh res=success'`)
	// The shell 121 was made 121 s after the boot; the clocks say so to a few milliseconds.
	recall(call(121, boot+121e9+3e6, `EXEC_SESSION="s1" EXEC_VIA="kubernetes"`))
	recall(call(10, boot+99e9, `EXEC_SESSION="s2" EXEC_VIA="docker"`)) // another process had the pid
	recall(call(50, boot+50e9, ""))
	recall(call(4711, boot+50e9, `EXEC_SESSION="s3" EXEC_VIA="docker"`)) // is gone
	recall(call(1, 1, `EXEC_SESSION="s4" EXEC_VIA="docker"`))

	f := func(pid uint32, want *attribution.Entry) {
		t.Helper()
		r, err := audit.ParseLine([]byte(call(int64(pid), 0, "")))
		if err != nil {
			t.Fatal(err)
		}
		r.Enrichment = nil
		a := attributed(t, w, r)
		if diff := cmp.Diff(a.Entry, want); diff != "" {
			t.Errorf("%d: got - want +:\n%s", pid, diff)
		}
		if a.Login == nil || a.Login.User != "alice" || a.Login.Addr != "192.0.2.7" {
			t.Errorf("%d: login %+v", pid, a.Login)
		}
	}
	f(121, &attribution.Entry{ID: "s1", Via: "kubernetes", Container: cid})
	f(130, &attribution.Entry{ID: "s1", Via: "kubernetes", Container: cid}) // its child
	f(10, nil)
	f(50, nil)
	f(1, nil)
}

// What runs already is learned from procfs, wherever that is.
func TestLoad(t *testing.T) {
	proc := t.TempDir()
	for name, text := range map[string]string{
		"10/stat": "10 (sshd) S 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1000 0", "10/comm": "sshd\n", "10/cmdline": "/usr/sbin/sshd\x00-D\x00",
		"50/stat": "50 (x) S 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 9999 0", "50/comm": "containerd-shim\n", "50/cmdline": "not the one\x00",
		"self/comm": "x\n", "99/stat": "",
	} {
		file := filepath.Join(proc, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m := kubernetes()
	m.add(11, 10, 6, "bash", "/")
	w := New(Config{Tree: tree.Config{Proc: proc}, Containers: container.Config{Host: t.TempDir()}}, m)
	w.Load(t.Context())
	r, err := audit.ParseLine([]byte(`type=SYSCALL msg=audit(1795258300.000:9): arch=c000003e syscall=2 success=yes pid=11 ses=7 comm="bash"`))
	if err != nil {
		t.Fatal(err)
	}
	a := attributed(t, w, r)
	if len(a.Ancestors) == 0 || a.Ancestors[0].Args != "/usr/sbin/sshd -D" {
		t.Errorf("forebears %+v", a.Ancestors)
	}
	if got := w.Stats().Tree.Read; got != 1 {
		t.Errorf("%d programs read, want the one of the same process", got)
	}
}
