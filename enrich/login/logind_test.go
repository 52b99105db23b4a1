package login

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/enrich/attribution"
)

// loginFile is what systemd-logind 252 writes of a login by ssh.
const loginFile = `# This is private data. Do not parse.
UID=1000
USER=alice
ACTIVE=1
IS_DISPLAY=0
STATE=active
REMOTE=1
STOPPING=0
TYPE=tty
CLASS=user
SCOPE=session-7.scope
FIFO=/run/systemd/sessions/7.ref
TTY=pts/0
TTY_VALIDITY=from-pam
REMOTE_HOST=192.0.2.7
SERVICE=sshd
LEADER=812
AUDIT=7
REALTIME=1795258195263000
MONOTONIC=61263000
`

func TestLoad(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "run/systemd/sessions")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"7": loginFile, "c1": "USER=gdm\nTTY=tty1\n", "8": "USER=bob\nAUDIT=8\nTTY=tty2\nSERVICE=login\n",
		"9": "AUDIT=4294967295\nUSER=nobody\n", "x": "AUDIT=x\n", "junk": "\x00=\n=\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Records have told of the session 8 already, but not where it was.
	table := feed(t, Config{}, `type=LOGIN msg=audit(1795258195.300:10): pid=900 uid=0 old-auid=4294967295 auid=1001 tty=(none) old-ses=4294967295 ses=8 res=1`,
		`type=USER_START msg=audit(1795258195.301:11): pid=900 uid=0 auid=1001 ses=8 msg='op=PAM:session_open acct="carol" exe="/usr/bin/login" hostname=? addr=? terminal=? res=success'`)
	table.Load(root)
	f := func(ses uint32, want *attribution.Login) {
		t.Helper()
		if diff := cmp.Diff(table.Login(ses), want); diff != "" {
			t.Errorf("session %d: got - want +:\n%s", ses, diff)
		}
	}
	f(7, &attribution.Login{User: "alice", TTY: "pts/0", Addr: "192.0.2.7", Method: "ssh", Time: 1795258195263})
	f(8, &attribution.Login{User: "carol", TTY: "tty2", Method: "login", Time: 1795258195300})
	f(9, nil)
	if n := table.Stats().Sessions; n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
	NewTable(Config{}).Load(t.TempDir()) // nothing there is no error
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(loginFile))
	f.Add([]byte("AUDIT=1\nREALTIME=-1\nLEADER=x\n=\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		table := NewTable(Config{})
		table.load(text)
		for _, s := range table.sessions {
			if len(s.login.User) > maxText || s.login.Time < 0 {
				t.Errorf("got %+v", s.login)
			}
		}
	})
}
