package container

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
	"vigil/internal/need"
)

// realBed wants root and the programs, and returns a host's root with a root file system of busybox in it.
func realBed(t *testing.T, programs ...string) (root, rootfs string) {
	t.Helper()
	need.Root(t, "to start containers")
	need.Programs(t, append(programs, "busybox")...)
	// Not t.TempDir: a runtime's files may outlive the test by a moment, and paths of sockets are short.
	root, err := os.MkdirTemp("", "vigil-ctr-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	rootfs = filepath.Join(root, "rootfs")
	for _, dir := range []string{"bin", "etc", "proc", "sys", "dev", "tmp"} {
		if err := os.MkdirAll(filepath.Join(rootfs, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	run(t, "cp", busybox, filepath.Join(rootfs, "bin/busybox"))
	for _, name := range []string{"sh", "sleep"} {
		if err := os.Symlink("busybox", filepath.Join(rootfs, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return root, rootfs
}

// run runs a program; the test ends where this machine does not let it work.
func run(t *testing.T, argv ...string) string {
	t.Helper()
	// Files, not pipes, which the container would hold open.
	files := [2]*os.File{}
	for i := range files {
		f, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = files[0], files[1]
	err := cmd.Run()
	stdout, _ := os.ReadFile(files[0].Name())
	stderr, _ := os.ReadFile(files[1].Name())
	if err != nil {
		need.Missing(t, "a machine on which %s works: %v: %s", strings.Join(argv, " "), err, stderr)
	}
	return strings.TrimSpace(string(stdout))
}

func TestRealPodman(t *testing.T) {
	root, rootfs := realBed(t, "podman", "runc", "tar")
	podman := []string{"podman", "--root", filepath.Join(root, "var/lib/containers/storage"), "--runroot",
		filepath.Join(root, "run/containers/storage"), "--tmpdir", filepath.Join(root, "run/libpod"), "--storage-driver", "vfs",
		"--cgroup-manager=cgroupfs", "--runtime", "runc", "--events-backend=file"}
	run(t, "tar", "-C", rootfs, "-cf", filepath.Join(root, "rootfs.tar"), ".")
	run(t, append(podman, "import", "-q", filepath.Join(root, "rootfs.tar"), "localhost/vigil-test:1")...)
	id := run(t, append(podman, "run", "-d", "--name", "web", "--network=none", "--ulimit", "nofile=1024:1024", "--ulimit",
		"nproc=1024:1024", "localhost/vigil-test:1", "/bin/sleep", "1000")...)
	t.Cleanup(func() { _ = exec.Command(podman[0], append(podman[1:], "rm", "-f", "-t", "0", id)...).Run() })

	f := finder{host: host{root}}
	got, err := f.find(Key{Runtime: cgroup.Podman, ID: id})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "web" || got.Image != "localhost/vigil-test:1" || got.Runtime != "podman" ||
		!strings.HasPrefix(got.Digest, "sha256:") || got.Privileged != attribution.No {
		t.Errorf("got %+v", got)
	}
}

func TestRealRunc(t *testing.T) {
	root, rootfs := realBed(t, "runc")
	bundle := filepath.Join(root, "bundle")
	write(t, bundle, "config.json", `{"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0},"args":["/bin/sleep","1000"],"cwd":"/"},
		"root":{"path":"`+rootfs+`"},"mounts":[{"destination":"/proc","type":"proc","source":"proc"}],
		"annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-name":"web-0",
		"io.kubernetes.cri.sandbox-namespace":"demo"},
		"linux":{"cgroupsPath":"/docker/`+id("fe")+`","namespaces":[{"type":"pid"},{"type":"mount"}]}}`)
	runc := []string{"runc", "--root", filepath.Join(root, "run/runc")}
	run(t, append(runc, "run", "-d", "-b", bundle, "rc1")...)
	t.Cleanup(func() { _ = exec.Command(runc[0], append(runc[1:], "delete", "-f", "rc1")...).Run() })

	f := finder{host: host{root}}
	got, err := f.find(Key{Runtime: cgroup.Docker, ID: id("fe")})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "rc1" || got.Runtime != "runc" || got.Pod == nil || got.Pod.Name != "web-0" || got.Pod.Namespace != "demo" {
		t.Errorf("got %+v", got)
	}
}

func TestRealContainerd(t *testing.T) {
	root, rootfs := realBed(t, "containerd", "ctr", "runc")
	socket := filepath.Join(root, "c.sock")
	daemon := exec.Command("containerd", "--root", filepath.Join(root, "lib"), "--state", filepath.Join(root, "run/containerd"),
		"--address", socket, "--log-level", "fatal")
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = daemon.Process.Kill(); _ = daemon.Wait() })
	ctr := []string{"ctr", "--address", socket, "--connect-timeout", "20s", "-n", "k8s.io"}
	run(t, append(ctr, "run", "-d", "--rootfs", "--annotation", "io.kubernetes.cri.container-type=container",
		"--annotation", "io.kubernetes.cri.container-name=c1", "--annotation", "io.kubernetes.cri.image-name=web:1",
		"--annotation", "io.kubernetes.cri.sandbox-name=web-0", "--annotation", "io.kubernetes.cri.sandbox-namespace=demo",
		"--annotation", "io.kubernetes.cri.sandbox-uid="+podUID,
		"--cgroup", "/kubepods/burstable/pod"+podUID+"/"+id("fd"), rootfs, id("fd"), "/bin/sleep", "1000")...)
	t.Cleanup(func() {
		_ = exec.Command(ctr[0], append(ctr[1:], "task", "delete", "-f", id("fd"))...).Run()
	})
	f := finder{host: host{root}}
	got, err := f.find(Key{ID: id("fd")})
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "c1" || got.Image != "web:1" || got.Runtime != "containerd" || got.Pod == nil || got.Pod.Name != "web-0" ||
		got.Pod.UID != podUID {
		t.Errorf("got %+v", got)
	}
}
