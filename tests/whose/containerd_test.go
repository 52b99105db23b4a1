package whose

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// containerd starts the host's containerd, as containerd.toml configures it, and returns the command for it.
func (b *bed) containerd() []string {
	b.t.Helper()
	socket := filepath.Join(b.root, "run/containerd/containerd.sock")
	b.start("containerd", "--config", filepath.Join(b.root, "containerd.toml"), "--root", filepath.Join(b.root, "var/lib/containerd"),
		"--state", filepath.Join(b.root, "run/containerd"), "--address", socket, "--log-level", "warn")
	b.eventually("containerd's socket", func() bool {
		_, err := os.Stat(socket)
		return err == nil
	})
	return []string{"ctr", "--address", socket, "--connect-timeout", "30s"}
}

func TestContainerd(t *testing.T) {
	b := layOut(t)
	need(t, "containerd", "ctr", "runc")
	b.write("containerd.toml", "version = 2\n")
	ctr := b.containerd()
	b.watch()
	start := func(namespace, id string, more ...string) {
		argv := append(slices.Clone(ctr), "-n", namespace, "run", "-d", "--rootfs", "--label", "app=shop", "--label", "nerdctl/name=cart")
		b.run(append(append(argv, more...), b.rootfs, id, "/bin/sh", "-c", work)...)
		b.later(append(slices.Clone(ctr), "-n", namespace, "task", "delete", "-f", id)...)
	}
	plain, pod := id("c1"), id("d2")
	start("default", plain)
	// As the plug-in for Kubernetes would have made it.
	start("k8s.io", pod, "--annotation", "io.kubernetes.cri.container-type=container", "--annotation", "io.kubernetes.cri.container-name=web",
		"--annotation", "io.kubernetes.cri.image-name=registry.example/shop/web:1.4", "--annotation", "io.kubernetes.cri.sandbox-name=web-0",
		"--annotation", "io.kubernetes.cri.sandbox-namespace=shop", "--annotation", "io.kubernetes.cri.sandbox-uid="+podUID,
		"--annotation", "io.kubernetes.cri.sandbox-id="+id("5b"), "--cgroup", "/kubepods/burstable/pod"+podUID+"/"+pod)
	b.known(plain, `CONTAINER_NAME="cart"`, "CONTAINER_LABELS")
	b.known(pod, `POD_NAME="web-0"`)
	exec := func(namespace, id string, execID string, more ...string) []string {
		argv := append(slices.Clone(ctr), "-n", namespace, "task", "exec", "--exec-id", execID)
		return append(append(argv, more...), id)
	}
	b.run(append(exec("default", plain, "first"), inside("plain")...)...)
	b.runOnTerminal(append(exec("default", plain, id("e7"), "-t"), inside("tty")...)...)
	b.run(append(exec("k8s.io", pod, id("f8")), inside("pod")...)...)
	list := b.events()

	first, tty, inPod := entered(t, list, "plain", "containerd", plain), entered(t, list, "tty", "containerd", plain),
		entered(t, list, "pod", "kubernetes", pod)
	different(t, first, tty, inPod)
	if tty.ID != id("e7") || inPod.ID != id("f8") {
		t.Errorf("sessions %s and %s, want containerd's own ids of them", tty.ID, inPod.ID)
	}
	count := map[string]int{}
	for _, e := range list {
		if len(e.Process.Args) == 2 && (e.Process.Args[1] == "main" || e.Process.Args[1] == "child") {
			count[e.Container.ID]++
			if e.Vigil.Exec.ID != "" {
				t.Errorf("%s: session %+v in a container's own process", e.Container.ID, e.Vigil.Exec)
			}
		}
	}
	if count[plain] != 2 || count[pod] != 2 {
		t.Errorf("executions of the containers themselves: %v, want 2 each", count)
	}
	if c := of(t, list, "true", "plain").Container; c.Name != "cart" || c.Runtime != "containerd" || c.Labels["app"] != "shop" {
		t.Errorf("container %+v, of which containerd tells on its socket alone", c)
	}
	e := of(t, list, "true", "pod-child")
	if e.Container.Name != "web" || e.Container.Image.Name != "registry.example/shop/web" || e.Container.Runtime != "containerd" ||
		e.Orchestrator.Namespace != "shop" || e.Orchestrator.Resource.Name != "web-0" || e.Orchestrator.Resource.ID != podUID ||
		e.Vigil.Pod.Sandbox != id("5b") {
		t.Errorf("in the pod: %+v, %+v, %+v", e.Container, e.Orchestrator, e.Vigil.Pod)
	}
}
