package who

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"vigil/audit"
	"vigil/audit/tables"
)

// TestAgain has one Who that remembers what it has said, and one that does not: whatever happens to processes, logins,
// exec sessions and programs in between, they say the same.
func TestAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	m := kubernetes()
	remembers, forgets := New(Config{Boot: 1}, m), New(Config{Boot: 1}, m)
	line := func(format string, args ...any) audit.Record {
		r, err := audit.ParseLine(fmt.Appendf(nil, format, args...))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	observe := func(ev *audit.Event) {
		remembers.Observe(ev)
		forgets.Observe(ev)
	}
	pids := []uint32{1, 10, 50, 100, 121, 130, 131, 7777}
	names := []string{"sh", "cat", "runc", "ls"}
	said, serial := map[string]bool{}, 10
	for range 20_000 {
		pid := pids[random.IntN(len(pids))]
		p := m.processes[pid]
		serial++
		switch random.IntN(12) {
		case 0: // it executes a program, and its events say so
			if p == nil {
				continue
			}
			p.ExecID++
			p.Comm = [16]byte{}
			name := names[random.IntN(len(names))]
			copy(p.Comm[:15], name)
			if random.IntN(2) == 0 {
				ev := event(t, serial, pid, name, "/bin/"+name, name, fmt.Sprint(serial))
				if name == "runc" {
					ev = event(t, serial, pid, name, "/usr/sbin/runc", "runc", "exec", "--process", "/tmp/p", "--detach", cid)
				}
				observe(ev)
			}
		case 1: // another process has the pid
			if pid > 100 {
				m.add(pid, pids[random.IntN(4)], uint32(random.IntN(20)), names[random.IntN(len(names))], inPod)
				m.processes[pid].Start += uint64(serial)
			}
		case 2: // it moves
			if p != nil {
				p.Cgroup1 = []string{inPod, "/system.slice/ssh.service", ""}[random.IntN(3)]
			}
		case 3: // a login
			r := line(`type=LOGIN msg=audit(1626611363.720:%d): pid=10 uid=0 old-auid=4294967295 auid=%d tty=(none) old-ses=4294967295 ses=3 res=1`,
				serial, random.IntN(3))
			observe(&audit.Event{ID: r.ID, Records: []audit.Record{r}})
			r = line(`type=USER_LOGIN msg=audit(1626611363.800:%d): pid=10 uid=0 auid=1000 ses=3 msg='op=login acct="alice%d" exe="/usr/sbin/sshd" hostname=? addr=192.0.2.7 terminal=/dev/pts/0 res=success'`,
				serial, random.IntN(3))
			observe(&audit.Event{ID: r.ID, Records: []audit.Record{r}})
		default:
			text := fmt.Sprintf(`type=SYSCALL msg=audit(1626611363.720:%d): arch=c000003e syscall=%d success=yes exit=3 a0=1 ppid=50 pid=%d auid=0 uid=0 tty=(none) ses=%d comm="x" exe="/x" key=(null)`,
				serial, 257-198*random.IntN(2), pid, random.IntN(4))
			r := line("%s", text)
			clear(forgets.said[:])
			clear(forgets.lineages[:])
			got, want := string(remembers.Append([]byte(text), 0, r, 1)), string(forgets.Append([]byte(text), 0, r, 1))
			if got != want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			said[got[len(text):]] = true
		}
	}
	if len(said) < 1000 {
		t.Errorf("only %d different things were said", len(said))
	}
}

// FuzzRead has the two ways to read a SYSCALL record agree.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=50 pid=9 auid=4294967295 uid=0 tty=(none) ses=4294967295 comm="sh" exe="/bin/sh" key=(null)`,
		`arch=40000003 syscall=11 per=8 success=no exit=-2 a0=1 items=0 ppid=50 pid=9 auid=7 uid=0 tty=pts0 ses=3 comm=612062 exe="/bin/sh" pid=8 key=(null)`,
		`arch=c000003e syscall=322 pid=0 pid=7 comm="" exe`,
		`pid=7`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if head, _, _ := strings.Cut(text, " comm="); strings.ContainsAny(head, `"'{},`) {
			return // the kernel writes none of these there
		}
		r := audit.Record{Type: tables.TypeSyscall, Body: []byte(text)}
		w := New(Config{}, kubernetes())
		if !w.readCall(r) {
			return
		}
		got, ses := w.q, w.ses
		got.Comm = append([]byte(nil), got.Comm...)
		w.readAny(r)
		if fmt.Sprint(got, ses) != fmt.Sprint(w.q, w.ses) {
			t.Errorf("%q: got %+v %d, want %+v %d", text, got, ses, w.q, w.ses)
		}
	})
}
