package whose

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// As in a pod, the host's root is mounted at another place, and what a Vigil in its own root would find is not there.
func TestPrefix(t *testing.T) {
	b := layOut(t)
	need(t, "runc", "unshare", "mount")
	host := filepath.Join(b.root, "host")
	if err := os.Mkdir(host, 0o755); err != nil {
		t.Fatal(err)
	}
	// Its own /run is empty: there are neither runc's states nor sockets.
	script := `mount --rbind / "$0" && mount -t tmpfs none /run && exec "$@"`
	b.wrap = []string{"unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script, host}
	b.prefix = host
	if out, err := exec.Command(b.wrap[0], append(b.wrap[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("mount namespaces cannot be made here: %v: %s", err, out)
	}
	// Forebears of before the start are read from the host's /proc.
	gate := "while [ ! -e " + filepath.Join(b.root, "open") + " ]; do busybox sleep 0.02; done; "
	b.start(b.program("busybox"), "sh", "-c", ": forebear; "+gate+b.program("busybox")+" true before; :")
	b.watch()
	b.write("open", "")
	b.executed("before")
	// runc's own place: /run/runc.
	plain := id("9c")
	b.run("runc", "run", "-d", "-b", b.bundle("plain", "/docker/"+plain, work, map[string]string{"app": "shop"}), plain)
	b.later("runc", "delete", "-f", plain)
	b.known(plain, "CONTAINER_NAME")
	b.run(append([]string{"runc", "exec", plain}, inside("plain")...)...)
	list := b.events()

	mains(t, list, plain)
	entered(t, list, "plain", "runc", plain)
	e := of(t, list, "true", "plain")
	if e.Container.Name != plain || e.Container.Labels["app"] != "shop" || e.User.Name != "root" {
		t.Errorf("container %+v, user %+v", e.Container, e.User)
	}
	e = of(t, list, "busybox", "before")
	if a := e.Vigil.Process.Ancestors; len(a) < 1 || a[0].CommandLine == "" || a[0].Executable != b.program("busybox") {
		t.Errorf("forebears %+v", a)
	}
}
