package whose

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnits(t *testing.T) {
	b := newBed(t)
	service := b.group("system.slice/vigil-whose.service")
	user := b.group("user.slice/user-4242.slice/user@4242.service/app.slice/app-x.scope")
	b.run(in(service, "busybox", "true", "of-service")...)
	b.run(in(user, "busybox", "true", "of-user")...)
	list := b.events()

	e := of(t, list, "busybox", "of-service")
	if e.Vigil.Unit != "vigil-whose.service" || e.Vigil.Slice != "system.slice" || e.Service.Name != "vigil-whose" ||
		e.Vigil.Process.Cgroup != "/system.slice/vigil-whose.service" || e.Container.ID != "" {
		t.Errorf("of a service: %+v, service %+v, container %+v", e.Vigil, e.Service, e.Container)
	}
	e = of(t, list, "busybox", "of-user")
	if e.Vigil.Unit != "user@4242.service" || e.Vigil.Slice != "user-4242.slice" {
		t.Errorf("of a user's service: unit %q, slice %q", e.Vigil.Unit, e.Vigil.Slice)
	}
}

// What a script does is told as its doing, not as the interpreter's.
func TestScript(t *testing.T) {
	b := layOut(t)
	need(t)
	b.watched = filepath.Join(b.root, "watched")
	b.write("watched/README", "")
	b.watch()
	script := filepath.Join(b.root, "job.sh")
	b.write("job.sh", "#!"+b.program("busybox")+" sh\n: >"+b.watched+"/by-script\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	b.write("job.sh.again", ": >"+b.watched+"/by-name\n")
	b.run(script)
	b.run("busybox", "sh", "job.sh.again") // in the working directory
	list := b.events()

	var got []string
	for _, e := range list {
		if e.File.Path == filepath.Join(b.watched, "by-script") || e.File.Path == filepath.Join(b.watched, "by-name") {
			got = append(got, e.Vigil.Process.Script)
		}
	}
	if want := []string{script, script + ".again"}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("scripts %q, want %q", got, want)
	}
}

// Forebears are told as they were when they made what they made, also those that ran before Vigil did.
func TestAncestors(t *testing.T) {
	b := layOut(t)
	need(t)
	bin := func(name string) string { return filepath.Join(b.rootfs, "bin", name) }
	gate := func(name string) string {
		return "while [ ! -e " + filepath.Join(b.root, name) + " ]; do " + bin("sleep") + " 0.02; done; "
	}
	// Grandparent, parent and child, waiting since before the start.
	b.start(bin("sh"), "-c", ": grandparent; "+bin("sh")+" -c ': parent; "+gate("open")+bin("true")+" before; :'; :")
	b.watch()
	b.write("open", "")
	b.executed("before")

	// A parent that executes another program once it has made its child, and one that does so at once.
	b.start(bin("sh"), "-c", "("+gate("late")+"exec "+bin("true")+" late) & exec "+bin("sleep")+" 1234")
	b.executed("1234")
	b.write("late", "")
	b.executed("late")
	b.start(bin("sh"), "-c", bin("true")+" early & exec "+bin("sleep")+" 1235")
	b.executed("early")
	b.executed("1235")
	list := b.events()

	e := of(t, list, "true", "before")
	if a := e.Vigil.Process.Ancestors; len(a) < 2 || !strings.Contains(a[0].CommandLine, ": parent") || a[0].Executable != b.program("busybox") &&
		a[0].Executable != bin("busybox") || !strings.Contains(a[1].CommandLine, ": grandparent") {
		t.Errorf("of processes of before the start: %+v", a)
	}
	for _, mark := range []string{"late", "early"} {
		e = of(t, list, "true", mark)
		if a := e.Vigil.Process.Ancestors; len(a) < 1 || !strings.HasPrefix(a[0].CommandLine, bin("sh")+" -c ") || a[0].Name != "sh" {
			t.Errorf("%s: of a parent that has executed another program since: %+v", mark, a)
		}
	}
}
