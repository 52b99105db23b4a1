package search

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// loginLog makes up n records of logins, sessions, boots and shutdowns.
func loginLog(seed uint64, n int) []byte {
	rng := rand.New(rand.NewPCG(seed, 11))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	const system = `pid=1 uid=0 auid=4294967295 ses=4294967295 msg=' comm="x" exe="/x" hostname=? addr=? terminal=? res=success'`
	var b bytes.Buffer
	sec := int64(1700000000)
	for i := range n {
		sec += []int64{0, 1, 5, 60, 3000, 90000}[rng.IntN(6)]
		pid, auid, ses := pick("100", "100", "101"), pick("0", "33", "1000", "4294967295"), pick("0", "1", "1", "2", "12", "4294967295")
		kind, body := "", ""
		switch rng.IntN(12) {
		case 0:
			kind, body = "SYSTEM_BOOT", system
		case 1:
			kind, body = "SYSTEM_SHUTDOWN", system
		case 2, 3, 4:
			kind = "LOGIN"
			body = fmt.Sprintf("pid=%s uid=0 old-auid=4294967295 auid=%s tty=(none) old-ses=4294967295 ses=%s res=1", pid, auid, ses)
		case 5:
			kind = "LOGIN"
			body = fmt.Sprintf("pid=%s uid=0 old auid=4294967295 new auid=%s old ses=4294967295 new ses=%s", pid, auid, ses)
		case 6, 7, 8:
			who, res := "id="+auid, "success"
			if rng.IntN(3) == 0 {
				who, res = pick(`acct="bob"`, "acct=626F62", `acct="(unknown)"`), "failed"
			}
			kind = "USER_LOGIN"
			body = fmt.Sprintf("pid=%s uid=0 auid=%s ses=%s msg='op=login %s exe=\"/usr/sbin/sshd\" hostname=%s addr=%s terminal=%s res=%s'",
				pid, auid, ses, who, pick("?", "h1.example.org.somewhere"), pick("?", "192.0.2.1"), pick("/dev/pts/1", "ssh", "tty3", "?"), res)
		case 9, 10:
			kind = "USER_END"
			body = fmt.Sprintf("pid=%s uid=0 auid=%s ses=%s msg='op=PAM:session_close acct=\"root\" exe=\"x\" hostname=? addr=? terminal=ssh res=success'", pid, auid, ses)
		default:
			kind = pick("USER_START", "USER_AUTH", "CRED_ACQ")
			body = "pid=1 uid=0 auid=0 ses=1 msg='op=x res=success'"
		}
		fmt.Fprintf(&b, "type=%s msg=audit(%d.%03d:%d): %s\n", kind, sec, i%1000, i+1, body)
	}
	return b.Bytes()
}

func TestAulast(t *testing.T) {
	p, dir := pairOf(t, "aulast"), t.TempDir()
	now := regexp.MustCompile(`--end \S+ \S+`) // of who is still logged in, it is now
	for seed := range uint64(40) {
		if err := os.WriteFile(filepath.Join(dir, "l.log"), loginLog(seed, 10+int(seed)*3), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"", "--proof --debug", "--bad --proof", "--user root --debug", "--tty pts/1", "--user www-data --tty 3 --proof"} {
			args := append([]string{"-f", "l.log"}, strings.Fields(line)...)
			want, got := runIn(t, dir, nil, p.stock, args...), runIn(t, dir, nil, p.ours, args...)
			want.Out, got.Out = now.ReplaceAllString(want.Out, "--end T"), now.ReplaceAllString(got.Out, "--end T")
			if want != got {
				t.Errorf("seed %d, aulast %q:\nstock %d %s%s\nours %d %s%s", seed, args, want.Status, want.Out, want.Err, got.Status, got.Out, got.Err)
			}
		}
	}
}

func TestAulastOptions(t *testing.T) {
	p, dir := pairOf(t, "aulast"), t.TempDir()
	log := loginLog(99, 40)
	if err := os.WriteFile(filepath.Join(dir, "l.log"), log, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"-f nofile", "--foo", "-h", "-f l.log extra", "--stdin -f l.log", "-f l.log --stdin", "-f nofile -f l.log", "-f l.log -f nofile", "-f /dev/null",
		"-f l.log --user", "-f l.log --tty", "--user a --user b -f l.log", "--tty a --tty b -f l.log", "-f .", "--bad --bad -f l.log", "-f l.log --tty /dev/pts/1",
	} {
		p.same(t, dir, nil, strings.Fields(line)...)
	}
	p.same(t, dir, log, "--stdin")
	p.same(t, dir, log, "--stdin", "--stdin", "--bad")
}

// --extract writes the records that sessions were told from. Stock writes (null) for some; ours has every one.
func TestAulastExtract(t *testing.T) {
	p, dir := pairOf(t, "aulast"), t.TempDir()
	const begin = "type=LOGIN msg=audit(1700000001.000:1): pid=100 uid=0 old-auid=4294967295 auid=0 tty=(none) old-ses=4294967295 ses=1 res=1\n"
	const end = "type=USER_END msg=audit(1700000002.000:2): pid=100 uid=0 auid=0 ses=1 msg='op=PAM:session_close acct=\"root\" exe=\"x\" hostname=? addr=? terminal=ssh res=success'\n"
	if err := os.WriteFile(filepath.Join(dir, "l.log"), []byte(begin+"type=CRED_ACQ msg=audit(1700000001.500:9): pid=1 uid=0 auid=0 ses=1 msg='op=x res=success'\n"+end), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{p.stock, p.ours} {
		runIn(t, dir, nil, program, "--extract", "-f", "l.log")
		got, err := os.ReadFile(filepath.Join(dir, "aulast.log"))
		if err != nil || string(got) != begin+end {
			t.Errorf("%s: aulast.log holds %q, %v; want %q", program, got, err, begin+end)
		}
		_ = os.Remove(filepath.Join(dir, "aulast.log"))
	}
}

func TestAulastlog(t *testing.T) {
	p, dir := pairOf(t, "aulastlog"), t.TempDir()
	for seed := range uint64(10) {
		var log []byte
		for line := range bytes.Lines(loginLog(seed, 60)) {
			log = append(log, line...)
			// Stock passes over the event behind a login: there is another one there.
			log = append(log, fmt.Sprintf("type=CRED_REFR msg=audit(%s: pid=1 uid=0 auid=0 ses=1 msg='op=x res=success'\n", stampOf(line))...)
		}
		p.same(t, dir, log, "--stdin")
		p.same(t, dir, log, "--stdin", "-u", "root")
	}
	for _, line := range []string{"-h", "--user", "--user nobody-of-that-name --stdin", "--stdin x", "-u root --user daemon --stdin", "--stdin --stdin"} {
		p.same(t, dir, []byte{}, strings.Fields(line)...)
	}
}

// stampOf is the time of a record, with a serial that no other has.
func stampOf(line []byte) string {
	_, rest, _ := strings.Cut(string(line), "audit(")
	stamp, _, _ := strings.Cut(rest, ":")
	_, rest, _ = strings.Cut(rest, ":")
	serial, _, _ := strings.Cut(rest, ")")
	return stamp + ":1" + serial + ")"
}

// Stock's aulastlog does not see a login that comes right behind another one.
func TestAulastlogTwoLogins(t *testing.T) {
	p, dir := pairOf(t, "aulastlog"), t.TempDir()
	const line = "type=USER_LOGIN msg=audit(170000000%d.000:%d): pid=100 uid=0 auid=%d ses=1 msg='op=login id=0 exe=\"x\" hostname=h%d addr=? terminal=t res=success'\n"
	log := fmt.Sprintf(line+line, 1, 1, 0, 1, 2, 2, 0, 2)
	for _, c := range []struct{ program, want string }{{p.stock, "h1"}, {p.ours, "h2"}} {
		if got := runIn(t, dir, []byte(log), c.program, "--stdin", "-u", "root").Out; !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want the login from %s", c.program, got, c.want)
		}
	}
}

func TestAulastHostile(t *testing.T) {
	p, dir := pairOf(t, "aulast"), t.TempDir()
	log := loginLog(7, 400)
	rng := rand.New(rand.NewPCG(7, 13))
	for i := range 600 {
		log[rng.IntN(len(log))] = byte(i)
	}
	log = append(log, "type=USER_LOGIN msg=audit(1700000000.000:1): pid=1 uid=0 auid=1 ses=1 msg='op=x acct=1B5B324A exe=\"x\" hostname=\x1b[2J addr=? terminal=\x1b]0;x\x07 res=failed'"...)
	if err := os.WriteFile(filepath.Join(dir, "bad.log"), log, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"--proof --debug", "--bad --debug"} {
		got := runIn(t, dir, nil, p.ours, append([]string{"-f", "bad.log"}, strings.Fields(line)...)...)
		if got.Status != 0 {
			t.Errorf("aulast %s: exit status %d: %s", line, got.Status, got.Err)
		}
		if strings.ContainsFunc(got.Out+got.Err, func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Errorf("aulast %s: a control byte reaches the output: %q", line, got.Out)
		}
	}
}
