package whose

import (
	"path/filepath"
	"slices"
	"testing"
)

// Containers whose ids are names that somebody has chosen, and whose control groups say no more.
func TestChosenNames(t *testing.T) {
	b := layOut(t)
	need(t, "containerd", "ctr", "runc")
	b.write("containerd.toml", "version = 2\n")
	ctr := b.containerd()
	b.watch()
	const alone, nerd = "vigil-whose-alone", "vigil-whose-ctr"
	runc := []string{"runc", "--root", filepath.Join(b.root, "run/runc")}
	b.run(append(slices.Clone(runc), "run", "-d", "-b", b.bundle("alone", "", work, map[string]string{"app": "shop"}), alone)...)
	b.later(append(slices.Clone(runc), "delete", "-f", alone)...)
	b.run(append(slices.Clone(ctr), "run", "-d", "--rootfs", "--label", "app=shop", b.rootfs, nerd, "/bin/sh", "-c", work)...)
	b.later(append(slices.Clone(ctr), "task", "delete", "-f", nerd)...)
	b.known(alone)
	b.known(nerd)
	b.run(append(append(slices.Clone(runc), "exec", alone), inside("alone")...)...)
	b.run(append(append(slices.Clone(ctr), "task", "exec", "--exec-id", "first", nerd), inside("ctr")...)...)
	list := b.events()

	mains(t, list, alone, nerd)
	different(t, entered(t, list, "alone", "runc", alone), entered(t, list, "ctr", "containerd", nerd))
	for mark, want := range map[string][2]string{"alone": {alone, "runc"}, "ctr": {nerd, "containerd"}} {
		if c := of(t, list, "true", mark).Container; c.Name != want[0] || c.Runtime != want[1] || c.Labels["app"] != "shop" {
			t.Errorf("%s: container %+v", mark, c)
		}
	}
}
