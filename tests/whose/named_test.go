package whose

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// main returns the pid of the container's process that waits, by its control group.
func (b *bed) main(group string) string {
	b.t.Helper()
	found := ""
	b.eventually("a process that sleeps in "+group, func() bool {
		for _, pid := range members(group) {
			if comm, err := os.ReadFile(filepath.Join("/proc", pid, "comm")); err == nil && strings.TrimSpace(string(comm)) == "sleep" {
				found = pid
			}
		}
		return found != ""
	})
	return found
}

// LXC names containers, and so their control groups.
func TestLXC(t *testing.T) {
	b := newBed(t, "lxc-start", "lxc-attach")
	const name = "vigil-whose"
	b.write("rootfs/work.sh", work+"\n")
	b.write("var/lib/lxc/"+name+"/config", "# Parameters passed to the template: --dist debian --release bookworm\n"+
		"lxc.uts.name = "+name+"\nlxc.rootfs.path = dir:"+b.rootfs+"\nlxc.net.0.type = empty\nlxc.apparmor.profile = unconfined\n"+
		"lxc.mount.auto = proc:rw\nlxc.init.cmd = /bin/sh /work.sh\n")
	lxc := []string{"-n", name, "-P", filepath.Join(b.root, "var/lib/lxc")}
	if _, err := b.try(append([]string{"lxc-start", "-o", filepath.Join(b.root, "lxc.log")}, lxc...)...); err != nil {
		log, _ := os.ReadFile(filepath.Join(b.root, "lxc.log"))
		t.Skipf("LXC starts no container here: %v: %s", err, log[max(0, len(log)-1000):])
	}
	b.later(append([]string{"lxc-stop", "-k"}, lxc...)...)
	b.known(name)
	b.run(append(append([]string{"lxc-attach"}, lxc...), append([]string{"--"}, inside("attached")...)...)...)
	list := b.events()

	session := entered(t, list, "attached", "lxc-attach", name)
	different(t, session)
	mains(t, list, name)
	if c := of(t, list, "true", "attached").Container; c.Name != name || c.Runtime != "lxc" || c.Image.Name != "debian" {
		t.Errorf("container %+v", c)
	}
}

// systemd-nspawn runs in the control group that systemd's machine manager has made for it; here it is made by the test, and
// so is the manager's file.
func TestNspawn(t *testing.T) {
	b := newBed(t, "systemd-nspawn", "nsenter")
	const name = "vigil-whose"
	group := b.group("machine.slice/machine-vigil\\x2dwhose.scope")
	b.write("run/systemd/machines/"+name, "NAME="+name+"\nCLASS=container\nSERVICE=systemd-nspawn\nROOT="+b.rootfs+"\n")
	ended := b.startIn(group, "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--console=pipe", "-D", b.rootfs, "/bin/sh", "-c", work)
	b.eventually("an execution in the container, or its end", func() bool {
		select {
		case <-ended:
			t.Skip("systemd-nspawn starts no container here")
		default:
		}
		text, err := os.ReadFile(b.vigil.Log())
		return err == nil && strings.Contains(string(text), ` a1="child"`)
	})
	b.known(name)
	b.run(append([]string{"nsenter", "-t", b.main(group), "-m", "-p"}, inside("entered")...)...)
	list := b.events()

	mains(t, list, name)
	if c := of(t, list, "true", "main").Container; c.Name != name || c.Runtime != "systemd-nspawn" {
		t.Errorf("container %+v", c)
	}
	// Who has entered by nsenter is not in the container's control group.
	first, child := of(t, list, "true", "entered"), of(t, list, "true", "entered-child")
	if s := first.Vigil.Exec; s.ID == "" || s.Via != "nsenter" || s.ContainerID != name || s != child.Vigil.Exec || first.Container.ID != "" {
		t.Errorf("session %+v, of the child %+v, in container %q", s, child.Vigil.Exec, first.Container.ID)
	}
}

// crun returns the command for the host's crun. It refuses to work where version 2 of control groups stands beside version 1,
// so there it gets a mount namespace in which version 2 is all there is.
func (b *bed) crun() []string {
	crun := []string{"crun", "--root", filepath.Join(b.root, "run/crun")}
	if b.hierarchy() == "/sys/fs/cgroup" {
		return crun
	}
	script := `umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$0" "$@"`
	return append([]string{"unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script}, crun...)
}

func TestCrun(t *testing.T) {
	b := newBed(t, "crun", "unshare", "mount")
	crun, name := b.crun(), id("a7")
	run := append(slices.Clone(crun), "run", "-d", "-b", b.bundle("plain", "/docker/"+name, work, map[string]string{"app": "shop"}), name)
	if _, err := b.try(run...); err != nil {
		t.Skipf("crun starts no container here: %v", err)
	}
	b.later(append(slices.Clone(crun), "delete", "-f", name)...)
	b.known(name)
	b.run(append(append(slices.Clone(crun), "exec", name), inside("plain")...)...)
	b.runOnTerminal(append(append(slices.Clone(crun), "exec", "-t", name), inside("tty")...)...)
	list := b.events()

	different(t, entered(t, list, "plain", "crun", name), entered(t, list, "tty", "crun", name))
	mains(t, list, name)
	if c := of(t, list, "true", "plain").Container; c.Name != name || c.Runtime != "crun" || c.Labels["app"] != "shop" {
		t.Errorf("container %+v", c)
	}
}
