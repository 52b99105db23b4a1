package field

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
)

var update = flag.Bool("update", false, "write docs/fields.md")

// TestReference holds docs/fields.md to the table: go test ./filter/field -update
// writes it.
func TestReference(t *testing.T) {
	const path = "../../docs/fields.md"
	want := Standard().Markdown()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs from the table (-want +got); go test ./filter/field -update writes it:\n%s", path, diff)
	}
}

func TestTableIsComplete(t *testing.T) {
	listed := map[string]bool{}
	for _, c := range classes {
		listed[c.name] = true
	}
	for _, f := range Standard().Fields() {
		if f.Type == 0 || f.Help == "" || f.Example == "" || f.Source == "" {
			t.Errorf("%s: something is missing: %+v", f.Name, f)
		}
		if !strings.Contains(f.Example, f.Name) {
			t.Errorf("%s: the example is of another field: %s", f.Name, f.Example)
		}
		if strings.HasSuffix(f.Help, ".") || strings.ContainsAny(f.Help, "\n") {
			t.Errorf("%s: the meaning ends in a full stop or has lines: %s", f.Name, f.Help)
		}
		if (f.get == nil) != f.Never {
			t.Errorf("%s: a field has a value or is marked as never having one", f.Name)
		}
		if !listed[f.Class()] {
			t.Errorf("%s: its class is not listed", f.Name)
		}
	}
}

func TestNames(t *testing.T) {
	want := []string{
		// The base names that Falco's stock rules use in conditions and outputs.
		"evt.type", "proc.name", "evt.num", "container.id", "fd.typechar", "proc.cmdline", "fd.name", "proc.pname", "fd.num",
		"container.image.repository", "evt.is_open_write", "evt.rawres", "evt.res", "proc.aname", "fd.directory", "fd.net",
		"evt.is_open_read", "fd.ip", "proc.args", "fd.l4proto", "proc.exe", "fd.connected", "fd.name_changed", "fd.snet", "k8s.ns.name",
		"proc.vpid", "user.uid", "user.name", "evt.arg.flags", "evt.arg.path", "proc.pcmdline", "fd.sport", "fd.filename", "proc.tty",
		"evt.arg.newpath", "evt.arg.oldpath", "container.privileged", "user.loginuid", "fd.type", "evt.arg.filename", "evt.arg.mode",
		"evt.arg.name", "fd.sip", "proc.env", "fd.sip.name", "thread.cap_effective", "thread.cap_permitted", "evt.arg.request",
		"proc.exepath", "proc.cwd", "evt.arg.cmd", "evt.arg.target", "evt.arg.uid", "fd.cip.name", "fd.nameraw", "proc.pexe",
		"container.mount.dest", "evt.arg.domain", "evt.buffer", "evt.is_open_exec", "fd.cip", "fd.cnet", "fd.port", "fd.rnet",
		"fd.sockfamily", "k8s.pod.name", "proc.aexe", "proc.duration", "proc.is_exe_from_memfd", "proc.is_exe_upper_layer",
		"proc.is_vpgid_leader", "fd.lport", "fd.rport", "container.start_ts", "evt.args", "group.gid", "group.name", "proc.pexepath",
		"proc.sname", "user.loginname", "container.mounts", "evt.arg.fd", "evt.arg.linkpath", "fd.lip.name", "fd.rip", "fd.rip.name",
		"proc.aexepath", "proc.exe_ino.ctime", "proc.exe_ino.ctime_duration_proc_start", "proc.exe_ino.mtime",
		// What guides use beside them.
		"evt.time", "evt.outputtime", "evt.cpu", "evt.dir", "evt.info", "proc.id", "thread.tid", "container.info", "container.name",
		"container.image", "syscall.type",
	}
	r := Standard()
	for _, name := range want {
		if _, err := r.Lookup(name, "", false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecordFields(t *testing.T) {
	f := func(name, arg string, hasArg bool, wantError string) {
		t.Helper()
		_, err := Standard().Lookup(name, arg, hasArg)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != wantError {
			t.Errorf("%s: got %q, want %q", name, got, wantError)
		}
	}
	f("SYSCALL.exit", "", false, "")
	f("PATH.name", "1", true, "")
	f("USER_LOGIN.acct", "", false, "")
	f("PATH.name", "x", true, "the argument must be a whole number up to 65535 in PATH.name[x]")
	f("PATHS.name", "", false, "unknown field PATHS.name: did you mean PATH.name?")
	f("SYSCALL.a.b.c.d.e", "", false, "unknown field SYSCALL.a.b.c.d.e")
	f("syscall.exit", "", false, "unknown field syscall.exit: did you mean syscall.type?")
	f("proc.nam", "", false, "unknown field proc.nam: did you mean proc.name?")
	f("evt.arg", "", false, "an argument is missing, as in evt.arg.path startswith /etc, after evt.arg")
}

func TestRegistryRefusesDoubles(t *testing.T) {
	if _, err := NewRegistry([]Field{{Name: "a.b"}}, []Field{{Name: "a.b"}}); err == nil {
		t.Error("got no error")
	}
}

// FuzzIndex: the quick walk of a SYSCALL record finds what audit.Fields finds.
func FuzzIndex(f *testing.F) {
	f.Add(`arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=2 ppid=900 pid=1000 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts1 ses=3 comm="cat" exe="/usr/bin/cat" subj=u:r:t key="exec"`)
	f.Add(`arch=c000003e syscall=59 tty=(none) ses=3 comm="a b" exe=2F61 key=(null)`)
	f.Add(`pid=1 pid=2 comm="x"y exe='a b' key={a b}, tty=a) ses=3,`)
	f.Add(`arch=1 per=400000 syscall=5  success=no (exit=3) msg='pid=7' comm=`)
	f.Add("comm=\" pid=7 exe=\"x\" pid=8")
	f.Fuzz(func(t *testing.T, body string) {
		r := audit.Record{Type: tables.TypeSyscall, Body: []byte(body)}
		v := NewView(Config{})
		// Each field first, for the walk ends where the field is.
		for first := range nNames {
			v.Load(&audit.Event{Records: []audit.Record{r}})
			for i := range nNames {
				n := (first + i) % nNames
				got, ok := v.value(n)
				want, wantOK := r.Get(string(names[n]))
				if ok != wantOK || !bytes.Equal(got, want.Value) {
					t.Fatalf("%q: %s: got %q, %v, want %q, %v", body, names[n], got, ok, want.Value, wantOK)
				}
			}
		}
	})
}

func TestClean(t *testing.T) {
	v := NewView(Config{})
	f := func(path, want string) {
		t.Helper()
		if got := string(v.clean([]byte(path))); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	f("/etc/passwd", "/etc/passwd")
	f("/etc/../etc/./passwd", "/etc/passwd")
	f("//etc///passwd/", "/etc/passwd")
	f("/..", "/")
	f("/../../x", "/x")
	f("/", "/")
	f("/a/b/../../..", "/")
	f("/a/...", "/a/...")
	f("/.hidden/x", "/.hidden/x")
	f("relative/../x", "relative/../x")
	f("", "")
}

func TestText(t *testing.T) {
	r := Standard()
	if got := string(r.Text("fd.sport")); !strings.HasPrefix(got, "fd.sport ") || !strings.Contains(got, "port of the server") {
		t.Errorf("got %s", got)
	}
	text, err := r.JSON("")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := bytes.Count(text, []byte("\n{")), len(r.Fields()); got != want {
		t.Errorf("got %d objects, want %d", got, want)
	}
}
