package whose

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// id is a container's id, made of two digits.
func id(digits string) string { return strings.Repeat(digits, 32) }

// bundle writes an OCI bundle for the host's root file system. The container executes script with a shell.
func (b *bed) bundle(name, cgroup, script string, annotations map[string]string) string {
	b.t.Helper()
	type object = map[string]any
	text, err := json.Marshal(object{
		"ociVersion":  "1.0.2",
		"process":     object{"user": object{"uid": 0, "gid": 0}, "args": []string{"/bin/sh", "-c", script}, "cwd": "/"},
		"root":        object{"path": b.rootfs},
		"mounts":      []object{{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/dev/pts", "type": "devpts", "source": "devpts"}},
		"annotations": annotations,
		"linux":       object{"cgroupsPath": cgroup, "namespaces": []object{{"type": "pid"}, {"type": "mount"}}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.write("bundles/"+name+"/config.json", string(text))
	return filepath.Join(b.root, "bundles", name)
}

// work is what a container does: it says that it runs, and waits.
const work = "/bin/true main; /bin/sh -c '/bin/true child; :'; exec /bin/sleep 1000"

// inside is what is executed in a container from outside: a program, and another one as its child.
func inside(mark string) []string {
	return []string{"/bin/sh", "-c", "/bin/true " + mark + "; /bin/sh -c '/bin/true " + mark + "-child; :'; :"}
}

// entered checks that what inside(mark) has executed is one exec session, and returns it.
func entered(t *testing.T, list []event, mark, via, container string) session {
	t.Helper()
	first, child := of(t, list, "true", mark), of(t, list, "true", mark+"-child")
	for _, e := range []event{first, child} {
		if e.Vigil.Exec.ID == "" || e.Vigil.Exec.Via != via || e.Container.ID != container {
			t.Errorf("%s: session %+v in container %q, want one via %s in %s", e.Process.Args[1], e.Vigil.Exec, e.Container.ID, via, container)
		}
	}
	if first.Vigil.Exec != child.Vigil.Exec {
		t.Errorf("%s: the child's session is %+v, the parent's %+v", mark, child.Vigil.Exec, first.Vigil.Exec)
	}
	return first.Vigil.Exec
}

// different checks that no two sessions are the same.
func different(t *testing.T, sessions ...session) {
	t.Helper()
	seen := map[string]bool{}
	for _, s := range sessions {
		if seen[s.ID] {
			t.Errorf("two entries share the session %q", s.ID)
		}
		seen[s.ID] = true
	}
}

func TestRunc(t *testing.T) {
	b := newBed(t, "runc")
	runc := []string{"runc", "--root", filepath.Join(b.root, "run/runc")}
	// One whose cgroup bears its id, one in a pod as CRI-O would have made it.
	plain, pod := id("a1"), id("b2")
	b.run(append(runc, "run", "-d", "-b", b.bundle("plain", "/docker/"+plain, work, map[string]string{"app": "plain"}), plain)...)
	b.later(append(runc, "delete", "-f", plain)...)
	b.run(append(runc, "run", "-d", "-b", b.bundle("pod", "/kubepods/burstable/pod"+podUID+"/crio-"+pod, work, crioAnnotations(pod)), pod)...)
	b.later(append(runc, "delete", "-f", pod)...)
	b.known(plain, "CONTAINER_NAME")
	b.known(pod, "POD_NAME")
	b.run(append(append(runc, "exec", plain), inside("plain-1")...)...)
	b.run(append(append(runc, "exec", plain), inside("plain-2")...)...)
	b.runOnTerminal(append(append(runc, "exec", "-t", plain), inside("plain-tty")...)...)
	b.run(append(append(runc, "exec", "-d", pod), inside("pod-detached")...)...)
	b.executed("pod-detached-child")
	list := b.events()

	different(t, entered(t, list, "plain-1", "runc", plain), entered(t, list, "plain-2", "runc", plain),
		entered(t, list, "plain-tty", "runc", plain), entered(t, list, "pod-detached", "runc", pod))
	for _, mark := range []string{"plain-1", "plain-2", "plain-tty"} {
		e := of(t, list, "true", mark)
		if e.Container.Name != plain || e.Container.Runtime != "runc" || e.Container.Labels["app"] != "plain" {
			t.Errorf("%s: container %+v", mark, e.Container)
		}
	}
	e := of(t, list, "true", "pod-detached-child")
	if e.Container.Name != "web" || e.Container.Image.Name != "registry.example/shop/web" || e.Orchestrator.Namespace != "shop" ||
		e.Orchestrator.Resource.Name != "web-0" || e.Orchestrator.Resource.ID != podUID {
		t.Errorf("in the pod: container %+v, pod %+v", e.Container, e.Orchestrator)
	}
	mains(t, list, plain, pod)
}

// mains checks what containers have executed by themselves: each its own, and in no exec session.
func mains(t *testing.T, list []event, containers ...string) {
	t.Helper()
	count := map[string]int{}
	for _, e := range list {
		if len(e.Process.Args) == 2 && (e.Process.Args[1] == "main" || e.Process.Args[1] == "child") {
			count[e.Container.ID]++
			if e.Vigil.Exec.ID != "" {
				t.Errorf("%s %s: session %+v in a container's own process", e.Container.ID, e.Process.Args[1], e.Vigil.Exec)
			}
			if e.Container.Name == "" {
				t.Errorf("%s %s: the container has no name", e.Container.ID, e.Process.Args[1])
			}
		}
	}
	for _, c := range containers {
		if count[c] != 2 {
			t.Errorf("%d executions of the container %s itself, want 2", count[c], c)
		}
	}
}

const podUID = "0f7e6d5c-1a2b-3c4d-5e6f-708192a3b4c5"

// crioAnnotations are those that CRI-O puts into a bundle.
func crioAnnotations(container string) map[string]string {
	return map[string]string{
		"io.kubernetes.cri-o.ContainerType": "container", "io.kubernetes.cri-o.ContainerID": container,
		"io.kubernetes.cri-o.SandboxID": id("5b"), "io.kubernetes.cri-o.ImageName": "registry.example/shop/web:1.4",
		"io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": podUID,
		"io.kubernetes.container.name": "web",
		"io.kubernetes.cri-o.Labels": `{"io.kubernetes.container.name":"web","io.kubernetes.pod.name":"web-0",` +
			`"io.kubernetes.pod.namespace":"shop","io.kubernetes.pod.uid":"` + podUID + `"}`,
	}
}
