package auditctl

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/internal/need"
	"vigil/rulesd"
)

func TestSettingsPrintTheFirstStatus(t *testing.T) {
	e := &fakeEngine{status: rulesd.Status{Failure: 1, BacklogLimit: 64, BacklogWaitTime: 15000}}
	want := "enabled 1\nfailure 1\npid 0\nrate_limit 0\nbacklog_limit 64\nlost 0\nbacklog 0\nbacklog_wait_time 15000\n"
	if diff := cmp.Diff(play(t, e, "-e", "1", "-b", "8192"), played{Out: want}); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
	if e.status.BacklogLimit != 8192 {
		t.Error("the second setting was not made")
	}
}

func TestStatus(t *testing.T) {
	e := &fakeEngine{status: rulesd.Status{Enabled: 2, Failure: 2, PID: 7, BacklogWaitTimeActual: new(uint32(5))}, fixed: true}
	want := "enabled enabled+immutable\nfailure panic\npid 7\nrate_limit 0\nbacklog_limit 0\nlost 0\nbacklog 0\n" +
		"backlog_wait_time 0\nbacklog_wait_time_actual 5\nloginuid_immutable 1 locked\n"
	if diff := cmp.Diff(play(t, e, "-s", "-i"), played{Out: want}); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
}

func TestLockedAndRefused(t *testing.T) {
	locked := &fakeEngine{status: rulesd.Status{Enabled: 2}}
	want := played{Err: "The audit system is in immutable mode, no rule changes allowed\n", Status: 1}
	if diff := cmp.Diff(play(t, locked, "-a", "always,exit", "-S", "2"), want); diff != "" {
		t.Errorf("locked: got -, want +\n%s", diff)
	}
	file := writeRules(t, "-D\n")
	want = played{Syslog: want.Err, Status: 1}
	if diff := cmp.Diff(play(t, locked, "-R", file), want); diff != "" {
		t.Errorf("locked, -R: got -, want +\n%s", diff)
	}
	none := &fakeEngine{fail: syscall.ECONNREFUSED}
	want = played{Err: "The audit system is disabled\n"}
	for _, args := range [][]string{{"-s"}, {"-l"}, {"-e", "1"}, {"-t"}, {"-w", "/x"}} {
		if diff := cmp.Diff(play(t, none, args...), want); diff != "" {
			t.Errorf("no audit, %q: got -, want +\n%s", args, diff)
		}
	}
}

func TestPrivilege(t *testing.T) {
	e := &fakeEngine{}
	deps := testDeps(e, &bytes.Buffer{})
	deps.CanControl = func() bool { return false }
	f := func(status int, stderr string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		if got := Run(t.Context(), args, &out, &errs, deps); got != status || errs.String() != stderr {
			t.Errorf("%q: %d, %q, want %d, %q", args, got, errs.String(), status, stderr)
		}
	}
	const root = "You must be root to run this program.\n"
	f(4, root, "-s")
	f(4, root, "-a", "always,exit")
	f(255, "", "-h")
	f(255, "Option --help is invalid\n", "--help")
	f(1, "")
	deps.CanControl = func() bool { return true }
	deps.Open = func(context.Context) (rulesd.Engine, error) { return nil, errors.New("no socket") }
	f(255, "Cannot open netlink audit socket\n", "-s")
}

func TestRequests(t *testing.T) {
	e := &fakeEngine{status: rulesd.Status{PID: 99}}
	f := func(want played, args ...string) {
		t.Helper()
		if diff := cmp.Diff(play(t, e, args...), want); diff != "" {
			t.Errorf("%q: got -, want +\n%s", args, diff)
		}
	}
	f(played{Err: "lost: 7\n"}, "--reset-lost")
	f(played{Err: "backlog_wait_time_actual: 7\n"}, "--reset_backlog_wait_time_actual")
	f(played{}, "--loginuid-immutable")
	f(played{}, "-q", "/a,/b")
	f(played{}, "-m", "hello")
	f(played{}, "--signal", "usr1")
	f(played{}, "--signal", "reload")
	f(played{Err: "junk is an unsupported signal\n", Status: 255}, "--signal", "junk")
	e.status.PID = 0
	f(played{Err: "Auditd is not running\n"}, "--signal", "TERM")
	if diff := cmp.Diff(e.killed, []string{"99 10", "99 1"}); diff != "" {
		t.Errorf("signals: got -, want +\n%s", diff)
	}
	if !e.fixed {
		t.Error("--loginuid-immutable did nothing")
	}
	e.fail = syscall.EINVAL
	f(played{Err: "Error sending trim subtrees command (Invalid argument)\n", Status: 255}, "-t")
	f(played{Err: "Error sending enable request (Invalid argument)\n", Status: 255}, "-e", "1")
}

func writeRules(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.rules")
	if err := os.WriteFile(file, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFile(t *testing.T) {
	need.Root(t, "whose rule files must be")
	const one, bad, two = "-a always,exit -F arch=b64 -S open -k one\n", "-a always,exit -F arch=b64 -S nosuch\n", "-w /two -p w\n"
	f := func(text string, rules int, want played) {
		t.Helper()
		e := &fakeEngine{}
		file := writeRules(t, text)
		got := play(t, e, "-R", file)
		for _, s := range []*string{&got.Err, &got.Syslog} {
			*s = string(bytes.ReplaceAll([]byte(*s), []byte(file), []byte("FILE")))
		}
		if diff := cmp.Diff(got, want); diff != "" || len(e.rules) != rules {
			t.Errorf("%q: %d rules, want %d; got -, want +\n%s", text, len(e.rules), rules, diff)
		}
	}
	const unknown, line2 = "Syscall name unknown: nosuch\n", "There was an error in line 2 of FILE\n"
	// Before the first rule is sent it complains to the syslog, afterwards on stderr.
	f("# c\n"+bad+one, 0, played{Syslog: unknown + line2, Status: 1})
	f(one+bad+two, 1, played{Err: unknown + line2, Status: 1})
	f("-i\n"+bad+one, 1, played{Syslog: unknown + line2})
	f("-c\n"+bad+one, 1, played{Syslog: unknown + line2, Status: 1})
	f(one+one, 1, played{Err: "Error sending add rule data request (Rule exists)\n" + line2, Status: 1})
	f("-w /x -p w\r\n\r\n  -w /y -p w\n", 2, played{})
	f(one+"-D\n"+two, 1, played{Out: "No rules\n"})
	f("-R other\n", 0, played{Syslog: "Error - nested rule files not supported\nThere was an error in line 1 of FILE\n", Status: 1})
	f("-a exit,possible -S open\n"+one, 1, played{Syslog: "Append rule - possible is deprecated\n"})
	f(one+"-a always,exit -S open\n", 2, played{Err: "WARNING - 32/64 bit syscall mismatch in line 2, you should specify an arch\n"})
}

func TestFileMustBeRoots(t *testing.T) {
	f := func(prepare func(file string) error, want string) {
		t.Helper()
		file := writeRules(t, "-D\n")
		if err := prepare(file); err != nil {
			need.Missing(t, "the right to prepare a rule file: %v", err)
		}
		got := play(t, &fakeEngine{}, "-R", file)
		if diff := cmp.Diff(got, played{Syslog: "Error - " + file + " " + want + "\n", Status: 1}); diff != "" {
			t.Errorf("got -, want +\n%s", diff)
		}
	}
	f(func(file string) error { return os.Chown(file, 65534, 0) }, "isn't owned by root")
	if os.Geteuid() == 0 {
		f(func(file string) error { return os.Chmod(file, 0o642) }, "is world writable")
	}
	got := play(t, &fakeEngine{}, "-R", "/nosuch/file")
	want := played{Syslog: "audit rules file /nosuch/file doesn't exist\n", Status: 1}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got -, want +\n%s", diff)
	}
}
