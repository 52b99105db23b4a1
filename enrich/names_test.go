package enrich

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit/tables"
)

// etc is a directory of passwd, group and nsswitch.conf.
type etc struct {
	dir string
	t   *testing.T
}

func newEtc(t *testing.T) etc { return etc{dir: t.TempDir(), t: t} }

// write replaces a file in one step, as useradd does, and makes it look as if
// it had been written at the time given.
func (e etc) write(name, text string, at time.Time) {
	e.t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Chtimes(path+".new", at, at); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		e.t.Fatal(err)
	}
}

// wantUser checks the name of a user; "" means none.
func wantUser(t *testing.T, names *Names, uid uint32, want string) {
	t.Helper()
	if got, ok := names.User(uid); got != want || ok != (want != "") {
		t.Errorf("User(%d) = %q, %v, want %q", uid, got, ok, want)
	}
}

func wantGroup(t *testing.T, names *Names, gid uint32, want string) {
	t.Helper()
	if got, ok := names.Group(gid); got != want || ok != (want != "") {
		t.Errorf("Group(%d) = %q, %v, want %q", gid, got, ok, want)
	}
}

var longAgo = time.Unix(1000000000, 0)

func TestParseNames(t *testing.T) {
	f := func(text string, groupAfter bool, want map[uint32]string) {
		t.Helper()
		got := make(map[uint32]string)
		for id, name := range parseNames([]byte(text), groupAfter) {
			got[id] = name.text
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", text, diff)
		}
	}
	f("", true, map[uint32]string{})
	f("root:x:0:0:root:/root:/bin/sh\nbin:x:2:2::/:\n", true, map[uint32]string{0: "root", 2: "bin"})
	f("root:x:0:0", true, map[uint32]string{0: "root"})
	f("root:x:0\n", true, map[uint32]string{})
	f("root:x:0\nadm:x:4:a,b", false, map[uint32]string{0: "root", 4: "adm"})
	f("first:x:5:5::/:\nsecond:x:5:5::/:\n", true, map[uint32]string{5: "first"})
	f("# c:x:1:1\n\n  \n+nis:x:2:2\n-no:x:3:3\n lead:x:4:4\n", true, map[uint32]string{4: "lead"})
	f("a:x::1\nb:x:1x:1\nc:x:-1:1\nd:x:0x1:1\ne:x: 6:1\ng:x:+7:1\n", true, map[uint32]string{6: "e", 7: "g"})
	f("a:x:4294967294:1\nb:x:4294967295:1\nc:x:4294967296:1\nd:x:99999999999999999999999:1\n", true,
		map[uint32]string{4294967294: "a"})
	f("::::\n:\na\n", true, map[uint32]string{})
}

func TestSources(t *testing.T) {
	f := func(text, database string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, sources([]byte(text), database)); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", text, diff)
		}
	}
	f("passwd: files systemd\ngroup: files\n", "passwd", "files", "systemd")
	f("# passwd: x\npasswd:\tfiles sss # y\n", "passwd", "files", "sss")
	f("passwd: files [NOTFOUND=return SUCCESS=continue] ldap\n", "passwd", "files", "ldap")
	f("shadow: files\n", "passwd")
	f("", "passwd")
}

func TestFilesChange(t *testing.T) {
	e := newEtc(t)
	e.write("passwd", "one:x:1:1::/:\n", longAgo)
	e.write("group", "gone:x:1:\n", longAgo)
	now := time.Now()
	names := NewNames(Config{Etc: e.dir})
	wantUser(t, names, 1, "one")
	wantUser(t, names, 2, "")
	wantGroup(t, names, 1, "gone")

	e.write("passwd", "two:x:2:2::/:\n", longAgo.Add(time.Hour))
	names.Refresh(now.Add(500 * time.Millisecond)) // looked at half a second ago
	wantUser(t, names, 1, "one")
	names.Refresh(now.Add(1500 * time.Millisecond))
	wantUser(t, names, 1, "")
	wantUser(t, names, 2, "two")
	wantGroup(t, names, 1, "gone")

	e.write("group", "gtwo:x:2:\n", longAgo.Add(time.Hour))
	names.Observe(tables.TypeSyscall)
	wantGroup(t, names, 2, "")
	names.Observe(tables.TypeAddGroup)
	wantGroup(t, names, 2, "gtwo")

	// A clock that was set back does not stop it.
	e.write("passwd", "three:x:3:3::/:\n", longAgo.Add(2*time.Hour))
	names.Refresh(now.Add(-24 * time.Hour))
	wantUser(t, names, 3, "three")

	if err := os.Remove(filepath.Join(e.dir, "passwd")); err != nil {
		t.Fatal(err)
	}
	names.Refresh(now)
	wantUser(t, names, 3, "")
}

// TestSameTime: a file that was written twice within a tick of the clock has the
// same time and perhaps the same size.
func TestSameTime(t *testing.T) {
	e := newEtc(t)
	path := filepath.Join(e.dir, "passwd")
	now := time.Now()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now); err != nil {
			t.Fatal(err)
		}
	}
	write("one:x:1:1::/:\n")
	names := NewNames(Config{Etc: e.dir})
	wantUser(t, names, 1, "one")
	write("two:x:1:1::/:\n")
	names.Refresh(now.Add(1500 * time.Millisecond))
	wantUser(t, names, 1, "two")
}

// TestUnreadable: names stay as they were when a file cannot be read, and the log
// says so once.
func TestUnreadable(t *testing.T) {
	e := newEtc(t)
	e.write("passwd", "one:x:1:1::/:\n", longAgo)
	var log bytes.Buffer
	names := NewNames(Config{Etc: e.dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	path := filepath.Join(e.dir, "passwd")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o755); err != nil { // reading a directory fails
		t.Fatal(err)
	}
	for i := range 3 {
		names.Refresh(time.Now().Add(time.Duration(i+1) * time.Hour))
	}
	wantUser(t, names, 1, "one")
	if n := strings.Count(log.String(), "level=WARN"); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, log.String())
	}
}

// TestUserAdded: the record that tells of a new user has the user's name already.
func TestUserAdded(t *testing.T) {
	e := newEtc(t)
	e.write("passwd", "root:x:0:0::/:\n", longAgo)
	names := NewNames(Config{Etc: e.dir})
	e.write("passwd", "root:x:0:0::/:\nnew:x:1001:1001::/:\n", longAgo.Add(time.Hour))
	r := record(tables.TypeAddUser, "pid=1 uid=0 msg='op=add-user id=1001 res=success'")
	got := string(AppendSuffix(nil, r, names))
	if want := "\x1dUID=\"root\" ID=\"new\""; got != want {
		t.Errorf("AppendSuffix = %q, want %q", got, want)
	}
}

func TestConcurrentUse(t *testing.T) {
	e := newEtc(t)
	e.write("passwd", "one:x:1:1::/:\n", longAgo)
	e.write("nsswitch.conf", "passwd: files sss\n", longAgo)
	names := NewNames(Config{Etc: e.dir, Getent: func(context.Context, string, []string) ([]byte, error) { return nil, nil }})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var runs, wg sync.WaitGroup
	runs.Go(func() { _ = names.Run(ctx) })
	for range 4 {
		wg.Go(func() {
			for i := range 1000 {
				names.User(uint32(i % 40))
				names.Group(uint32(i % 40))
				if i%100 == 0 {
					names.Observe(tables.TypeAddUser)
					names.Refresh(time.Now().Add(time.Duration(i) * time.Second))
				}
			}
		})
	}
	wg.Wait()
	cancel()
	runs.Wait()
	wantUser(t, names, 1, "one")
}

// fakeGetent answers like getent(1) from a table and counts.
type fakeGetent struct {
	mu    sync.Mutex
	users map[string]string
	runs  int
	asked []string
	fail  error
}

func (g *fakeGetent) run(_ context.Context, database string, ids []string) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs++
	var out []byte
	for _, id := range ids {
		g.asked = append(g.asked, database+" "+id)
		if name, ok := g.users[database+" "+id]; ok {
			out = fmt.Appendf(out, "%s:*:%s:%s::/:\n", name, id, id)
		}
	}
	return out, g.fail
}

// take returns the questions since the last call.
func (g *fakeGetent) take() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	asked := g.asked
	g.asked = nil
	return asked
}

func TestDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEtc(t)
		e.write("passwd", "local:x:1:1::/:\n", longAgo)
		e.write("nsswitch.conf", "passwd: files sss\ngroup: files\n", longAgo)
		g := &fakeGetent{users: map[string]string{"passwd 7000": "remote"}}
		names := NewNames(Config{Etc: e.dir, Getent: g.run})
		wantUser(t, names, 7000, "") // nobody is asked before Run
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = names.Run(ctx) }()
		synctest.Wait()

		// settle lets the questions be asked.
		settle := func() {
			time.Sleep(time.Second)
			synctest.Wait()
			names.Refresh(time.Now())
		}
		wantAsked := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, g.take()); diff != "" {
				t.Errorf("questions (-want +got)\n%s", diff)
			}
		}
		wantUser(t, names, 1, "local")
		wantUser(t, names, 7000, "") // asked for now
		wantUser(t, names, 7000, "")
		wantUser(t, names, 7001, "")
		wantGroup(t, names, 7000, "") // groups are in files only
		settle()
		wantAsked("passwd 7000", "passwd 7001")
		wantUser(t, names, 7000, "remote")
		wantUser(t, names, 7001, "")
		settle()
		wantAsked()

		// An absent name is asked for again after a minute; until the answer is
		// there, the old one is good.
		time.Sleep(keepAbsent)
		names.Refresh(time.Now())
		g.users["passwd 7001"] = "late"
		wantUser(t, names, 7000, "remote")
		wantUser(t, names, 7001, "")
		settle()
		wantAsked("passwd 7001")
		wantUser(t, names, 7001, "late")

		// A change of users makes all be asked for.
		g.users["passwd 7000"] = "renamed"
		names.Observe(tables.TypeUserMgmt)
		wantUser(t, names, 7000, "remote")
		settle()
		wantAsked("passwd 7000")
		wantUser(t, names, 7000, "renamed")

		// When the service fails, names stay unknown and nothing stops.
		g.mu.Lock()
		g.fail = errors.New("down")
		g.mu.Unlock()
		wantUser(t, names, 7002, "")
		settle()
		wantUser(t, names, 7002, "")
		wantUser(t, names, 1, "local")
	})
}

// TestDirectoryFlood: strange ids cost bounded memory and a bounded number of
// questions.
func TestDirectoryFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEtc(t)
		e.write("nsswitch.conf", "passwd: files ldap\n", longAgo)
		g := &fakeGetent{}
		names := NewNames(Config{Etc: e.dir, Getent: g.run})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = names.Run(ctx) }()
		synctest.Wait()
		for second := range 30 {
			for i := range 2000 {
				names.User(uint32(second*2000 + i))
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := len(names.remote.answers); n > maxRemote {
			t.Errorf("%d answers kept, want at most %d", n, maxRemote)
		}
		if g.runs > 30*11 {
			t.Errorf("getent ran %d times in 30 s", g.runs)
		}
	})
}

// TestDynamicUsers: systemd's users are known without a program.
func TestDynamicUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEtc(t)
		e.write("nsswitch.conf", "passwd: files systemd\ngroup: files systemd\n", longAgo)
		links := filepath.Join(e.dir, "dynamic-uid")
		if err := os.Mkdir(links, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("service", filepath.Join(links, "direct:61234")); err != nil {
			t.Fatal(err)
		}
		names := NewNames(Config{Etc: e.dir, Runtime: e.dir})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = names.Run(ctx) }()
		synctest.Wait()
		for _, uid := range []uint32{61234, 61235, 100000} {
			wantUser(t, names, uid, "")
		}
		wantGroup(t, names, 61234, "")
		time.Sleep(time.Second)
		synctest.Wait()
		wantUser(t, names, 61234, "service")
		wantGroup(t, names, 61234, "service")
		wantUser(t, names, 61235, "")
		if _, asked := names.remote.answers[key{users, 100000}]; asked {
			t.Error("a user that systemd cannot know was asked for")
		}
	})
}

// TestRunGetent asks the machine's own getent.
func TestRunGetent(t *testing.T) {
	out, err := runGetent(t.Context(), "passwd", []string{"0", "4123456789"})
	if err != nil {
		t.Skipf("no getent here: %v", err)
	}
	if got := parseNames(out, true)[0].text; got != "root" {
		t.Errorf("user 0 is %q, want root", got)
	}
}

func FuzzParseNames(f *testing.F) {
	for _, name := range []string{"testdata/etc/passwd", "testdata/etc/group"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a:x:1:1\n\n:::\n+:::\n#\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for id, name := range parseNames(text, true) {
			if id == unset || strings.ContainsAny(name.text, ":\n") {
				t.Errorf("id %d is %q", id, name.text)
			}
			quoted := string(name.appendQuoted(nil))
			if strings.ContainsAny(quoted, " \n\x1d\x00") || len(quoted) > 2*maxName {
				t.Errorf("%q is printed as %q", name.text, quoted)
			}
		}
		sources(text, "passwd")
	})
}
