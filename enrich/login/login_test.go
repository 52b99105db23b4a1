package login

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/enrich/attribution"
)

// feed gives lines of an audit log to a new table.
func feed(t testing.TB, cfg Config, lines ...string) *Table {
	t.Helper()
	table := NewTable(cfg)
	for _, line := range lines {
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		table.Observe(r)
	}
	return table
}

const (
	auth1  = `type=USER_AUTH msg=audit(1626611363.100:1): pid=2288 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication grantors=pam_unix acct="alice" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'`
	login1 = `type=LOGIN msg=audit(1626611363.720:2): pid=2288 uid=0 subj=unconfined old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=1`
	start1 = `type=USER_START msg=audit(1626611363.730:3): pid=2288 uid=0 auid=1000 ses=3 msg='op=PAM:session_open grantors=pam_limits acct="alice" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'`
	user1  = `type=USER_LOGIN msg=audit(1626611363.800:4): pid=2288 uid=0 auid=1000 ses=3 msg='op=login id=1000 exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=/dev/pts/0 res=success'`
	sudo   = `type=USER_START msg=audit(1626611370.000:5): pid=2400 uid=1000 auid=1000 ses=3 msg='op=PAM:session_open acct="root" exe="/usr/bin/sudo" hostname=? addr=? terminal=/dev/pts/9 res=success'`
	sudoed = `type=USER_END msg=audit(1626611371.000:6): pid=2400 uid=1000 auid=1000 ses=3 msg='op=PAM:session_close acct="root" exe="/usr/bin/sudo" hostname=? addr=? terminal=/dev/pts/9 res=success'`
	ended  = `type=USER_END msg=audit(1626611380.000:7): pid=2288 uid=0 auid=1000 ses=3 msg='op=PAM:session_close acct="alice" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success'`
)

func alice() *attribution.Login {
	return &attribution.Login{User: "alice", TTY: "pts/0", Addr: "192.0.2.7", Method: "ssh", Time: 1626611363720}
}

func TestLogin(t *testing.T) {
	f := func(name string, ses uint32, want *attribution.Login, ended bool, lines ...string) {
		t.Helper()
		table := feed(t, Config{}, lines...)
		if diff := cmp.Diff(table.Login(ses), want); diff != "" {
			t.Errorf("%s: got - want +:\n%s", name, diff)
		}
		if got := table.Ended(ses); got != ended {
			t.Errorf("%s: ended %v, want %v", name, got, ended)
		}
	}
	f("nothing", 3, nil, false)
	f("unset", noSession, nil, false, auth1, login1, user1)
	f("the kernel's word alone", 3, &attribution.Login{Time: 1626611363720}, false, login1)
	f("authentication before", 3, &attribution.Login{User: "alice", Addr: "192.0.2.7", Method: "ssh", Time: 1626611363720}, false, auth1, login1)
	f("ssh", 3, alice(), false, auth1, login1, start1, user1)
	f("without USER_AUTH", 3, alice(), false, login1, start1, user1)
	f("sudo in it", 3, alice(), false, auth1, login1, start1, user1, sudo, sudoed)
	f("over", 3, alice(), true, auth1, login1, start1, user1, ended)

	f("failed authentication", 3, &attribution.Login{Time: 1626611363720}, false,
		`type=USER_AUTH msg=audit(1626611363.100:1): pid=2288 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication acct="mallory" exe="/usr/sbin/sshd" hostname=198.51.100.1 addr=198.51.100.1 terminal=ssh res=failed'`, login1)
	f("another process of the session", 3, &attribution.Login{Time: 1626611363720}, false, login1,
		`type=USER_LOGIN msg=audit(1626611363.800:4): pid=4000 uid=0 auid=1000 ses=3 msg='op=login acct="bob" exe="/usr/sbin/sshd" addr=203.0.113.1 terminal=pts/7 res=success'`)
	f("fields forged in the text", 3, alice(), false, auth1, login1, start1, user1,
		`type=USER_LOGIN msg=audit(1626611363.900:5): pid=4000 uid=0 auid=1000 ses=9 msg='op=login pid=2288 ses=3 acct="bob" exe="/usr/sbin/sshd" addr=203.0.113.1 terminal=pts/7 res=success'`)
	f("an old authentication of the same pid", 3, &attribution.Login{Time: 1626611363720}, false,
		`type=USER_AUTH msg=audit(1626611000.100:1): pid=2288 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication acct="old" exe="/usr/sbin/sshd" addr=192.0.2.9 terminal=ssh res=success'`, login1)

	nested := alice()
	f("nested login", 5, nested, false, auth1, login1, start1, user1,
		`type=LOGIN msg=audit(1626611400.000:9): pid=2500 uid=0 old-auid=1000 auid=0 tty=pts0 old-ses=3 ses=5 res=1`,
		`type=USER_START msg=audit(1626611400.010:10): pid=2500 uid=0 auid=0 ses=5 msg='op=PAM:session_open acct="root" exe="/usr/bin/su" hostname=? addr=? terminal=pts/0 res=success'`)
	f("console", 4, &attribution.Login{User: "bob", TTY: "tty1", Method: "login", Time: 1626611363720}, false,
		`type=LOGIN msg=audit(1626611363.720:2): pid=800 uid=0 old-auid=4294967295 auid=1001 tty=tty1 old-ses=4294967295 ses=4 res=1`,
		`type=USER_START msg=audit(1626611363.730:3): pid=800 uid=0 auid=1001 ses=4 msg='op=PAM:session_open acct="bob" exe="/usr/bin/login" hostname=? addr=? terminal=/dev/tty1 res=success'`)
	f("cron", 6, &attribution.Login{User: "root", Method: "cron", Time: 1626611363720}, false,
		`type=LOGIN msg=audit(1626611363.720:2): pid=900 uid=0 old-auid=4294967295 auid=0 tty=(none) old-ses=4294967295 ses=6 res=1`,
		`type=USER_START msg=audit(1626611363.730:3): pid=900 uid=0 auid=0 ses=6 msg='op=PAM:session_open acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success'`)
	f("refused by the kernel", 3, nil, false,
		`type=LOGIN msg=audit(1626611363.720:2): pid=2288 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 res=0`)
}

func TestTableIsBounded(t *testing.T) {
	table := NewTable(Config{Max: 10})
	for i := range 100 {
		line := fmt.Sprintf(`type=LOGIN msg=audit(1626611363.720:2): pid=%d uid=0 old-auid=4294967295 auid=1000 old-ses=4294967295 ses=%d res=1`, i+1, i)
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		table.Observe(r)
		if i == 95 {
			r, _ = audit.ParseLine([]byte(`type=USER_LOGOUT msg=audit(1.000:2): pid=96 uid=0 auid=1000 ses=95 msg='op=login res=success'`))
			table.Observe(r)
		}
	}
	if got, want := table.Stats(), (Stats{Sessions: 10, Begun: 100, Evicted: 90}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if table.Login(95) != nil || table.Login(90) == nil {
		t.Error("one that has ended must give way first")
	}
	table.Reset()
	if table.Login(99) != nil {
		t.Error("known after Reset")
	}
}

func FuzzObserve(f *testing.F) {
	for _, line := range []string{auth1, login1, start1, user1, sudo, ended} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		r, err := audit.ParseLine([]byte(line))
		if err != nil {
			return
		}
		table := feed(t, Config{Max: 4}, auth1, login1, start1, user1)
		table.Observe(r)
		if l := table.Login(3); l == nil {
			t.Error("forgotten")
		} else if len(l.User) > maxText || len(l.Addr) > maxText || len(l.TTY) > maxText || len(l.Method) > maxText {
			t.Errorf("too long: %+v", l)
		}
	})
}

func BenchmarkLogin(b *testing.B) {
	table := feed(b, Config{}, auth1, login1, start1, user1)
	b.ReportAllocs()
	for b.Loop() {
		if table.Login(3) == nil {
			b.Fatal("not known")
		}
	}
}

func BenchmarkObserve(b *testing.B) {
	table := feed(b, Config{}, auth1, login1, start1, user1)
	r, _ := audit.ParseLine([]byte(`type=SYSCALL msg=audit(1.000:2): arch=c000003e syscall=59 success=yes`))
	b.ReportAllocs()
	for b.Loop() {
		table.Observe(r)
	}
}
