package whose

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"vigil/tests/rig"
)

// helperVariable makes this test binary the process of a person who has logged in.
const helperVariable = "VIGIL_WHOSE_PERSON"

// userStart is AUDIT_USER_START of <linux/audit.h>.
const userStart = 1105

// person logs in as sshd would, as the user whose id is in helperVariable: sets its own loginuid, for which the kernel gives it
// a session, and says who it is. Then it executes true with each word that it reads.
func person() error {
	runtime.LockOSThread() // the kernel keeps it for each thread
	if err := os.WriteFile("/proc/thread-self/loginuid", []byte(os.Getenv(helperVariable)), 0); err != nil {
		return fmt.Errorf("set loginuid: %w", err)
	}
	session, err := os.ReadFile("/proc/thread-self/sessionid")
	if err != nil {
		return err
	}
	said := `op=PAM:session_open grantors=pam_unix acct="alice" exe="/usr/sbin/sshd" hostname=192.0.2.7 addr=192.0.2.7 terminal=ssh res=success`
	if err := rig.SendUser(userStart, []byte(said)); err != nil {
		return err
	}
	fmt.Printf("%s\n", session)
	words := bufio.NewScanner(os.Stdin)
	for words.Scan() {
		if err := exec.Command("busybox", "true", words.Text()).Run(); err != nil {
			return err
		}
	}
	return words.Err()
}

// loggedIn is a person who has logged in.
type loggedIn struct {
	session string
	do      func(word string) // execute true with it
}

// logIn starts a person.
func (b *bed) logIn() loggedIn {
	b.t.Helper()
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), helperVariable+"=1234")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	session, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.t.Fatalf("log in: %v", err)
	}
	return loggedIn{strings.TrimSpace(session), func(word string) {
		b.t.Helper()
		if _, err := fmt.Fprintln(in, word); err != nil {
			b.t.Fatal(err)
		}
		b.executed(word)
	}}
}

// Who has logged in is known of all that a session does, also to a Vigil that was started later.
func TestLogin(t *testing.T) {
	b := layOut(t)
	need(t)
	// Systemd-logind knows this one, who was there before any Vigil.
	before := b.logInBefore()
	b.watch()
	person := b.logIn()
	person.do("first-run")
	b.stop()
	b.watch()
	person.do("second-run")
	before.do("earlier")
	list := b.events()

	for _, mark := range []string{"first-run", "second-run"} {
		e := of(t, list, "busybox", mark)
		if l := e.Vigil.Login; l.User != "alice" || l.Address != "192.0.2.7" || l.Method != "ssh" {
			t.Errorf("%s: login %+v", mark, l)
		}
	}
	e := of(t, list, "busybox", "earlier")
	if l := e.Vigil.Login; l.User != "bob" || l.Address != "192.0.2.8" || l.Method != "ssh" || l.TTY != "pts/9" {
		t.Errorf("of before the start: login %+v", l)
	}
}

// logInBefore starts a person whom only systemd-logind knows.
func (b *bed) logInBefore() loggedIn {
	b.t.Helper()
	person := b.logIn()
	b.write("run/systemd/sessions/"+person.session, strings.Join([]string{"# This is private data. Do not parse.", "UID=1234", "USER=bob",
		"REMOTE=1", "REMOTE_HOST=192.0.2.8", "SERVICE=sshd", "TTY=pts/9", "AUDIT=" + person.session, "REALTIME=1795258195000000", ""}, "\n"))
	return person
}
