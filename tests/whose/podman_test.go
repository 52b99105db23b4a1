package whose

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// podman returns the command for the host's podman. Not every machine lets limits be raised or has overlayfs in it.
func (b *bed) podman() []string {
	return []string{"podman", "--root", filepath.Join(b.root, "var/lib/containers/storage"), "--runroot",
		filepath.Join(b.root, "run/containers/storage"), "--tmpdir", filepath.Join(b.root, "run/libpod"), "--storage-driver", "vfs",
		"--cgroup-manager=cgroupfs", "--runtime", "runc", "--events-backend=file"}
}

func TestPodman(t *testing.T) {
	b := layOut(t)
	need(t, "podman", "runc", "tar")
	podman := b.podman()
	b.run("tar", "-C", b.rootfs, "-cf", filepath.Join(b.root, "rootfs.tar"), ".")
	b.run(append(podman, "import", "-q", filepath.Join(b.root, "rootfs.tar"), "localhost/vigil-test:1")...)
	socket := filepath.Join(b.root, "run/podman/podman.sock")
	b.write("run/podman/README", "podman makes no directories for its socket")
	b.start(append(podman, "system", "service", "--time=0", "unix://"+socket)...)
	b.watch()
	run := func(name string, more ...string) string {
		argv := append(slices.Clone(podman), "run", "--network=none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024",
			"--name", name)
		return b.run(append(argv, more...)...)
	}
	web := run("web", "-d", "--label", "app=shop", "--label", "other=no", "localhost/vigil-test:1", "/bin/sh", "-c", work)
	b.later(append(podman, "rm", "-f", "-t", "0", web)...)
	b.known(web, `CONTAINER_NAME="web"`, `CONTAINER_LABELS="app=shop"`)
	exec := func(more ...string) []string { return append(append(slices.Clone(podman), "exec"), more...) }
	b.run(exec(append([]string{web}, inside("plain")...)...)...)
	b.runOnTerminal(exec(append([]string{"-it", web}, inside("tty")...)...)...)
	b.run(exec(append([]string{"-d", web}, inside("detached")...)...)...)
	b.executed("detached-child")
	// One that is gone before anybody could look for it.
	run("brief", "--rm", "localhost/vigil-test:1", "/bin/true", "brief")
	b.executed("brief")
	list := b.events()

	different(t, entered(t, list, "plain", "podman", web), entered(t, list, "tty", "podman", web), entered(t, list, "detached", "podman", web))
	mains(t, list, web)
	for _, mark := range []string{"main", "plain", "tty-child"} {
		c := of(t, list, "true", mark).Container
		if c.Name != "web" || c.Image.Name != "localhost/vigil-test" || !slices.Equal(c.Image.Tag, []string{"1"}) || c.Runtime != "podman" {
			t.Errorf("%s: container %+v", mark, c)
		}
	}
	c := of(t, list, "true", "plain").Container
	if len(c.Image.Hash.All) != 1 || !strings.HasPrefix(c.Image.Hash.All[0], "sha256:") {
		t.Errorf("the image's digest is %q", c.Image.Hash.All)
	}
	if len(c.Labels) != 1 || c.Labels["app"] != "shop" {
		t.Errorf("labels %v, of which podman tells on its socket alone", c.Labels)
	}
	if c := of(t, list, "true", "brief").Container; c.Name != "brief" || c.Image.Name != "localhost/vigil-test" {
		t.Errorf("the brief container is %+v", c)
	}
}
