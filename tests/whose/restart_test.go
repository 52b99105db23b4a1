package whose

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A shell in a container keeps its exec session when Vigil is started anew, and the container its names, which the head of
// each file of the trail tells.
func TestRestartAndRotation(t *testing.T) {
	b := newBed(t, "runc")
	runc := []string{"runc", "--root", filepath.Join(b.root, "run/runc")}
	plain := id("c3")
	b.run(append(runc, "run", "-d", "-b", b.bundle("plain", "/docker/"+plain, work, map[string]string{"app": "shop"}), plain)...)
	b.later(append(runc, "delete", "-f", plain)...)
	b.known(plain, "CONTAINER_NAME")
	shell := func(name string) string {
		return "/bin/true " + name + "; while [ ! -e /tmp/go ]; do /bin/sleep 0.05; done; /bin/true " + name + "-after"
	}
	b.run(append(runc, "exec", "-d", plain, "/bin/sh", "-c", shell("first"))...)
	b.executed("first")
	b.stop()

	b.watch()
	b.run(append(runc, "exec", "-d", plain, "/bin/sh", "-c", shell("second"))...)
	b.executed("second")
	if err := b.vigil.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	b.eventually("a new file of the trail whose head tells of the container", func() bool {
		text, err := os.ReadFile(b.vigil.Log())
		_, old := os.Stat(b.vigil.Log() + ".1")
		return err == nil && old == nil && strings.Contains(string(text), `op=known CONTAINER_ID="`+plain+`"`)
	})
	b.write("rootfs/tmp/go", "")
	b.executed("first-after")
	b.executed("second-after")
	list := b.events()

	for _, name := range []string{"first", "second"} {
		before, after := of(t, list, "true", name), of(t, list, "true", name+"-after")
		if before.Vigil.Exec.ID == "" || before.Vigil.Exec != after.Vigil.Exec {
			t.Errorf("%s: session %+v, and %+v later", name, before.Vigil.Exec, after.Vigil.Exec)
		}
	}
	different(t, of(t, list, "true", "first").Vigil.Exec, of(t, list, "true", "second").Vigil.Exec)

	// Each file alone tells what the container is called.
	live := b.run(programs(t).Vigil, "replay", "--output", "text", "--format", "%container.name %proc.cmdline", "--filter",
		`container.name = `+plain+` and proc.args contains second-after`, b.vigil.Log())
	if want := plain + " true second-after"; live != want {
		t.Errorf("the live file alone tells %q, want %q", live, want)
	}
}

// Events that bear a container's id alone are completed from its CONTAINER record by whoever reads.
func TestCompletion(t *testing.T) {
	b := layOut(t)
	need(t, "runc")
	b.watch("  fields: [container, exec]")
	runc := []string{"runc", "--root", filepath.Join(b.root, "run/runc")}
	pod := id("e5")
	b.run(append(runc, "run", "-d", "-b", b.bundle("pod", "/kubepods/burstable/pod"+podUID+"/crio-"+pod, work, crioAnnotations(pod)), pod)...)
	b.later(append(runc, "delete", "-f", pod)...)
	b.known(pod, "POD_NAME")
	b.run(append(append(runc, "exec", pod), inside("plain")...)...)
	list := b.events()

	text, err := os.ReadFile(b.vigil.Log())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "type=CONTAINER ") && strings.Contains(line, "POD_NAME=") {
			t.Fatalf("the trail's own lines bear names: %s", line)
		}
	}
	e := of(t, list, "true", "plain")
	if e.Container.Name != "web" || e.Container.Image.Name != "registry.example/shop/web" || e.Orchestrator.Resource.Name != "web-0" {
		t.Errorf("container %+v, pod %+v", e.Container, e.Orchestrator)
	}
	mains(t, list, pod)
	out := b.run(programs(t).Vigil, "replay", "--filter", "k8s.pod.name = web-0 and proc.args contains plain-child and proc.name = true", b.vigil.Log())
	if !strings.Contains(out, "[pod shop/web-0]") || strings.Count(out, "\n") != 0 {
		t.Errorf("a filter by the pod's name finds %q", out)
	}
}
