package container

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

const podUID = "0f7e6d5c-1a2b-3c4d-5e6f-708192a3b4c5"

func id(pair string) string { return strings.Repeat(pair, 32) }

func TestFind(t *testing.T) {
	const libpod = "45b4ee9225909eaa4bdb718c96da1f602a33d642d262d0f9c63c4f9431ee34ce"
	labels := []attribution.Label{{Name: "app", Value: "db"}}
	for _, c := range []struct {
		root string
		key  Key
		want *attribution.Container
	}{
		{"podman", Key{Runtime: cgroup.Podman, ID: libpod}, &attribution.Container{Name: "web", Image: "localhost/bb:1",
			Digest: "sha256:73d71b9dd54a60e80ef3166cffc1dea74f4520ecc43fe92e69e4f1d3061519a7", Runtime: "podman", Privileged: attribution.No}},
		{"docker", Key{Runtime: cgroup.Docker, ID: "55c288ededb0b5f7948e249963d591e3ab5d93d6ac4baa07e9051e5a3da07209"},
			&attribution.Container{Name: "dweb", Image: "localhost/bb:1", Runtime: "docker", Privileged: attribution.No,
				Labels: []attribution.Label{{Name: "app", Value: "web"}}}},
		{"containerd", Key{ID: id("cd")}, &attribution.Container{Runtime: "containerd",
			Pod: &attribution.Pod{Name: "x", Node: "n1"}}},
		{"runc", Key{Runtime: cgroup.Docker, ID: id("ab")}, &attribution.Container{Name: "rc1", Runtime: "runc"}},
		{"cri", Key{ID: id("aa")}, &attribution.Container{Name: "c1", Image: "registry:5000/demo/web:1.2", Runtime: "containerd",
			Pod: &attribution.Pod{Name: "web-0", Namespace: "demo", UID: podUID, Sandbox: id("bb"), Node: "n1"}}},
		{"cri", Key{ID: id("bb")}, &attribution.Container{Image: "registry.k8s.io/pause:3.9", Runtime: "containerd",
			Pod: &attribution.Pod{Name: "web-0", Namespace: "demo", UID: podUID, Sandbox: id("bb"), Node: "n1"}}},
		{"crio", Key{Runtime: cgroup.CRIO, ID: id("cc")}, &attribution.Container{Name: "c2", Image: "quay.io/demo/db:9",
			Digest: "sha256:" + id("ee"), Runtime: "cri-o",
			Pod: &attribution.Pod{Name: "db-0", Namespace: "demo", UID: podUID, Sandbox: id("dd"), Node: "n1", Labels: labels}}},
		{"crio", Key{ID: id("dd")}, &attribution.Container{Runtime: "cri-o", Privileged: attribution.No,
			Pod: &attribution.Pod{Name: "db-0", Namespace: "demo", UID: podUID, Sandbox: id("dd"), Node: "n1", Labels: labels}}},
		{"named", Key{Runtime: cgroup.LXC, ID: "web"}, &attribution.Container{Name: "web", Image: "debian:bookworm", Runtime: "lxc"}},
		{"named", Key{Runtime: cgroup.Nspawn, ID: "box"}, &attribution.Container{Name: "box", Image: "/var/lib/machines/box",
			Runtime: "systemd-nspawn"}},
		{"cri", Key{ID: id("cc")}, nil},
		{"cri", Key{ID: "../k8s.io/" + id("aa")}, nil},
		{"named", Key{Runtime: cgroup.LXC, ID: ".."}, nil},
	} {
		f := finder{host: host{filepath.Join("testdata", c.root)}, labels: []string{"app"}, node: "n1"}
		got, err := f.find(c.key)
		if c.want != nil {
			c.want.ID = c.key.ID
		} else if !errors.Is(err, errNone) {
			t.Errorf("%s %v: error %v, want %v", c.root, c.key, err, errNone)
		}
		if diff := cmp.Diff(got, c.want); diff != "" {
			t.Errorf("%s %v: %v, got - want +:\n%s", c.root, c.key, err, diff)
		}
	}
}

// Where a cgroup's name says nothing, its path does, if a runtime's state says that the container's is there.
func TestFindByPath(t *testing.T) {
	root := t.TempDir()
	write(t, root, "run/runc/alone/state.json", `{"cgroup_paths":{"":"/sys/fs/cgroup/unified/alone","pids":"/sys/fs/cgroup/pids/alone"},
		"config":{"labels":["bundle=/b","app=shop"]}}`)
	write(t, root, "run/crun/other/status", `{"cgroup-path":"/given/other","bundle":"/b"}`)
	write(t, root, "run/containerd/runc/default/ctr1/state.json", `{"cgroup_paths":{"":"/sys/fs/cgroup/default/ctr1"}}`)
	write(t, root, "run/containerd/io.containerd.runtime.v2.task/default/ctr1/config.json", `{"annotations":{"app":"shop"}}`)
	f := finder{host: host{root}, labels: []string{"app"}}
	shop := []attribution.Label{{Name: "app", Value: "shop"}}
	for path, want := range map[string]*attribution.Container{
		"/alone":              {ID: "alone", Name: "alone", Runtime: "runc", Labels: shop},
		"/given/other":        {ID: "other", Name: "other", Runtime: "crun"},
		"/default/ctr1":       {ID: "ctr1", Name: "ctr1", Runtime: "containerd", Labels: shop},
		"/another/alone":      nil,
		"/other":              nil,
		"/k8s.io/ctr1":        nil,
		"/nobody":             nil,
		"/../alone":           nil,
		"/system.slice/alone": nil,
	} {
		got, err := f.find(Key{Path: path})
		if diff := cmp.Diff(got, want); diff != "" || (want == nil) != errors.Is(err, errNone) {
			t.Errorf("%s: %v, got - want +:\n%s", path, err, diff)
		}
	}
}

func TestKeyOf(t *testing.T) {
	f := func(path string, want Key, ok bool) {
		t.Helper()
		if got, gotOK := KeyOf(path, cgroup.Parse(path)); got != want || gotOK != ok {
			t.Errorf("%s: got %+v, %v, want %+v, %v", path, got, gotOK, want, ok)
		}
	}
	f("/docker/"+id("aa"), Key{Runtime: cgroup.Docker, ID: id("aa")}, true)
	f("/rc1", Key{Path: "/rc1"}, true)
	f("/default/ctr1", Key{Path: "/default/ctr1"}, true)
	f("/", Key{}, false)
	f("", Key{}, false)
	f("/system.slice/ssh.service", Key{}, false)
	f("/system.slice/ssh.service/sub", Key{}, false)
	f("/user.slice/user-1000.slice/user@1000.service/app.slice/x", Key{}, false)
	f("/kubepods/besteffort/pod"+podUID, Key{}, false)
	f("/a/b c", Key{}, false)
}

// write makes a file below a new root.
func write(t *testing.T, root, path, text string) {
	t.Helper()
	file := filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFindHostile(t *testing.T) {
	config := "var/lib/docker/containers/" + id("aa") + "/config.v2.json"
	k := Key{Runtime: cgroup.Docker, ID: id("aa")}
	find := func(root string) (*attribution.Container, error) {
		f := finder{host: host{root}, labels: []string{"app", "x*"}}
		return f.find(k)
	}
	t.Run("odd and large values", func(t *testing.T) {
		root := t.TempDir()
		write(t, root, config, `{"Name":"/a\u001d\n\"b","Config":{"Image":"`+strings.Repeat("i", 1000)+`@sha256:12","Labels":{"app":"`+
			strings.Repeat("v", 1<<20)+`","x1":"\u0000","y":"1"}}}`)
		got, err := find(root)
		if err != nil {
			t.Fatal(err)
		}
		want := &attribution.Container{ID: k.ID, Name: "a\x1d\n\"b", Image: strings.Repeat("i", 512), Digest: "sha256:12",
			Runtime: "docker", Labels: []attribution.Label{{Name: "app", Value: strings.Repeat("v", 512)}, {Name: "x1", Value: "\x00"}}}
		if diff := cmp.Diff(got, want); diff != "" {
			t.Errorf("got - want +:\n%s", diff)
		}
	})
	t.Run("too large", func(t *testing.T) {
		root := t.TempDir()
		write(t, root, config, `{"Name":"`+strings.Repeat("a", maxFile)+`"}`)
		if c, err := find(root); c != nil || err == nil || errors.Is(err, errNone) {
			t.Errorf("got %v, %v, want an error that says so", c, err)
		}
	})
	t.Run("broken", func(t *testing.T) {
		root := t.TempDir()
		write(t, root, config, strings.Repeat("[", 1<<20))
		if c, err := find(root); c != nil || err == nil || errors.Is(err, errNone) {
			t.Errorf("got %v, %v, want an error that says so", c, err)
		}
	})
	t.Run("link out of the root", func(t *testing.T) {
		root, outside := t.TempDir(), t.TempDir()
		write(t, outside, "config.v2.json", `{"Name":"/outside"}`)
		write(t, root, config[:len(config)-len("config.v2.json")]+"x", "")
		if err := os.Symlink(filepath.Join(outside, "config.v2.json"), filepath.Join(root, config)); err != nil {
			t.Fatal(err)
		}
		if c, err := find(root); c != nil || !errors.Is(err, errNone) {
			t.Errorf("got %v, %v, want %v", c, err, errNone)
		}
	})
	t.Run("absolute link inside", func(t *testing.T) {
		root := t.TempDir()
		write(t, root, "data/docker/containers/"+id("aa")+"/config.v2.json", `{"Name":"/inside"}`)
		if err := os.MkdirAll(filepath.Join(root, "var/lib"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/data/docker", filepath.Join(root, "var/lib/docker")); err != nil {
			t.Fatal(err)
		}
		if c, err := find(root); err != nil || c.Name != "inside" {
			t.Errorf("got %v, %v", c, err)
		}
	})
	t.Run("not a file", func(t *testing.T) {
		root := t.TempDir()
		if err := os.MkdirAll(filepath.Join(root, config), 0o755); err != nil {
			t.Fatal(err)
		}
		if c, err := find(root); c != nil || err == nil {
			t.Errorf("got %v, %v", c, err)
		}
	})
}

// FuzzConfig holds that no configuration of a container breaks the reading of it, and that values are bounded.
func FuzzConfig(f *testing.F) {
	for _, name := range []string{"cri/run/containerd/io.containerd.runtime.v2.task/k8s.io/" + id("aa"),
		"crio/run/containers/storage/overlay-containers/" + id("cc") + "/userdata"} {
		text, err := os.ReadFile(filepath.Join("testdata", name, "config.json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"Name":"/web","Config":{"Image":"a@sha256:1","Labels":{"io.kubernetes.pod.name":"p"}}}`))
	root := f.TempDir()
	paths := []string{"var/lib/docker/containers/" + id("aa") + "/config.v2.json", "run/runc/" + id("bb") + "/state.json",
		"run/containerd/io.containerd.runtime.v2.task/k8s.io/" + id("cc") + "/config.json",
		"run/containers/storage/overlay-containers/" + id("dd") + "/userdata/config.json",
		"run/crun/" + id("ee") + "/status"}
	for _, path := range paths {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	find := finder{host: host{root}, labels: []string{"*"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, path := range paths {
			if err := os.WriteFile(filepath.Join(root, path), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, pair := range []string{"aa", "bb", "cc", "dd", "ee"} {
			c, err := find.find(Key{ID: id(pair)})
			if err != nil {
				continue
			}
			if len(c.Name) > 512 || len(c.Image) > 512 || len(c.Digest) > 512 || len(c.Labels) > 64 {
				t.Errorf("too long: %+v", c)
			}
			attribution.AppendContainer(nil, c)
		}
	})
}
