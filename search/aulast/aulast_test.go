package aulast

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/search/aulog"
	"vigil/search/auparse"
)

const (
	loginRecord = "type=LOGIN msg=audit(1700000100.000:10): pid=100 uid=0 old-auid=4294967295 auid=0 tty=(none) old-ses=4294967295 ses=1 res=1\n"
	userLogin   = "type=USER_LOGIN msg=audit(1700000101.000:11): pid=100 uid=0 auid=0 ses=1 msg='op=login id=0 exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.1 terminal=/dev/pts/0 res=success'\n"
	userEnd     = "type=USER_END msg=audit(1700090200.000:15): pid=100 uid=0 auid=0 ses=1 msg='op=PAM:session_close acct=\"root\" exe=\"x\" hostname=? addr=? terminal=ssh res=success'\n"
	boot        = "type=SYSTEM_BOOT msg=audit(1700000000.000:1): pid=1 uid=0 auid=4294967295 ses=4294967295 msg=' comm=\"x\" exe=\"/x\" hostname=? addr=? terminal=? res=success'\n"
	bootAgain   = "type=SYSTEM_BOOT msg=audit(1700200000.000:2): pid=1 uid=0 auid=4294967295 ses=4294967295 msg=' comm=\"x\" exe=\"/x\" hostname=? addr=? terminal=? res=success'\n"
	failed      = "type=USER_LOGIN msg=audit(1700000150.000:13): pid=105 uid=0 auid=4294967295 ses=4294967295 msg='op=login acct=1B5B324A626F62 exe=\"/usr/sbin/sshd\" hostname=? addr=192.0.2.66 terminal=sshd res=failed'\n"
)

// rootOnly knows one user.
type rootOnly struct{}

func (rootOnly) User(uid uint32) (string, bool) { return "root", uid == 0 }
func (rootOnly) Group(uint32) (string, bool)    { return "", false }

func run(log string, args ...string) (string, int) {
	var out bytes.Buffer
	status := Run(append(args, "--stdin"), Deps{
		Stdin: strings.NewReader(log), Out: &out, Err: &out, Names: rootOnly{}, Now: time.Unix(1700300000, 0), Location: time.UTC,
	})
	return out.String(), status
}

// What aulast 3.0.9 and 4.2.1 print for these logs.
func TestSessions(t *testing.T) {
	for _, c := range []struct {
		name, log, args, want string
	}{
		{"still there", loginRecord + userLogin, "", "root     pts/0        192.0.2.1        Tue Nov 14 22:15   still logged in\n"},
		{"logged out", loginRecord + userLogin + userEnd, "", "root     pts/0        192.0.2.1        Tue Nov 14 22:15 - 23:16  (1+01:01)\n"},
		{"crash", boot + loginRecord + userLogin + bootAgain, "", "reboot   system boot  ?                Tue Nov 14 22:13 - crash\n" +
			"root     pts/0        192.0.2.1        Tue Nov 14 22:15 - crash\nreboot   system boot  ?                Fri Nov 17 05:46 \n"},
		{"number taken", loginRecord + userLogin + strings.ReplaceAll(loginRecord, "100.000:10", "200.000:20"), "",
			"root     pts/0        192.0.2.1        Tue Nov 14 22:15   gone - no logout\n"},
		{"nobody logged in", loginRecord + userEnd, "", ""},
		{"another process", loginRecord + strings.Replace(userLogin, "pid=100", "pid=7", 1), "--debug", "Session not found or updated\n"},
		{"failed, with an escape in the name", failed, "--bad", "\\033[2Jb sshd         192.0.2.66       Tue Nov 14 22:15 - 22:15  (00:00)\n"},
		{"proof", loginRecord + userLogin + userEnd, "--proof", "root     pts/0        192.0.2.1        Tue Nov 14 22:15 - 23:16  (1+01:01)\n" +
			"    audit event proof serial numbers: 10, 11, 15\n    Session data can be found with this search:\n" +
			"    ausearch --start 11/14/23 22:15:00 --end 11/15/23 23:16:40\n\n"},
		{"one user", boot + loginRecord + userLogin, "--user alice", "reboot   system boot  ?                Tue Nov 14 22:13 \n"},
		{"one terminal", loginRecord + userLogin, "--tty 0", "root     pts/0        192.0.2.1        Tue Nov 14 22:15   still logged in\n"},
	} {
		got, status := run(c.log, strings.Fields(c.args)...)
		if diff := cmp.Diff(c.want, got); diff != "" || status != 0 {
			t.Errorf("%s: status %d (-want +got):\n%s", c.name, status, diff)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	s := NewSessions(Options{}, &bytes.Buffer{}, &bytes.Buffer{}, nil, auparse.New(auparse.Config{}))
	for i := range uint32(maxSessions + 1000) {
		s.begin(&session{ses: i})
	}
	if got := s.open.Len(); got != maxSessions || len(s.bySes) != maxSessions {
		t.Errorf("got %d sessions and %d numbers, want %d", got, len(s.bySes), maxSessions)
	}
}

func TestReadAccounts(t *testing.T) {
	got, err := ReadAccounts(strings.NewReader("root:x:0:0:root:/root:/bin/bash\n\n# nobody\nbroken\nn:x:-1:0::/:\ndaemon:x:1:1::/:\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Account{{"root", 0}, {"daemon", 1}}, got); diff != "" {
		t.Errorf("accounts (-want +got):\n%s", diff)
	}
}

func TestOutputError(t *testing.T) {
	s := NewSessions(Options{}, brokenWriter{}, &bytes.Buffer{}, nil, auparse.New(auparse.Config{}))
	s.begin(&session{boot: true, state: active})
	if err := s.End(0); !errors.Is(err, errBroken) {
		t.Errorf("got %v, want %v", err, errBroken)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

// FuzzSessions: whatever a log holds, no control byte but a newline is printed.
func FuzzSessions(f *testing.F) {
	for _, log := range []string{loginRecord + userLogin + userEnd, boot + loginRecord + bootAgain, failed, "type=LOGIN msg=audit(1.2:3): pid=-1 old auid=x"} {
		f.Add([]byte(log), "--proof --bad")
		f.Add([]byte(log), "--debug --user root --tty 1")
	}
	f.Fuzz(func(t *testing.T, log []byte, line string) {
		var out bytes.Buffer
		o, err := ParseOptions(strings.Fields(line))
		if err != nil {
			return
		}
		o.Location = time.UTC
		s := NewSessions(o, &out, &out, nil, auparse.New(auparse.Config{}))
		l := NewLastlog([]Account{{"root", 0}})
		if err := each(aulog.Config{Stream: bytes.NewReader(log)}, func(e *aulog.Event) error { l.Add(e); return s.Add(e) }); err != nil {
			t.Fatal(err)
		}
		if err := s.End(0); err != nil {
			t.Fatal(err)
		}
		if err := l.Print(&out, "", time.UTC); err != nil {
			t.Fatal(err)
		}
		if i := bytes.IndexFunc(out.Bytes(), func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
			t.Errorf("a control byte is printed: %q", out.Bytes())
		}
	})
}
