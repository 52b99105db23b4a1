package container

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

// Key names a container: the id, or the name with runtimes that go by names. Where a cgroup's path says neither, as with runc
// and ctr alone, which take any name, it is the path.
type Key struct {
	Runtime cgroup.Runtime // what the cgroup's path says, Unknown if nothing
	ID      string         // "" if there is a Path
	Path    string
	User    uint32 // whose, if its cgroup is below a user's service manager
	IsUser  bool
}

// KeyOf is the key of the container that the cgroup at path, which says in, is of or may be of; false if it is none's.
func KeyOf(path string, in cgroup.Info) (Key, bool) {
	if in.ContainerID != "" {
		return Key{Runtime: in.Runtime, ID: in.ContainerID, User: in.User, IsUser: in.HasUser}, true
	}
	if in.Unit != "" || in.Slice != "" || in.HasUser || in.PodUID != "" || !validID(baseOf(path)) {
		return Key{}, false
	}
	return Key{Path: path}, true
}

func baseOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// finder looks containers up on disk.
type finder struct {
	host   host
	labels []string
	node   string
}

// errNone: no runtime has left anything of the container.
var errNone = errors.New("find container: no runtime knows it")

// find looks everywhere, where the cgroup's name points to first.
func (f *finder) find(k Key) (*attribution.Container, error) {
	if k.Path != "" {
		return f.byPath(k.Path)
	}
	if !validID(k.ID) {
		return nil, errNone
	}
	type place struct {
		of   []cgroup.Runtime
		find func(Key) (*attribution.Container, error)
	}
	places := []place{
		{[]cgroup.Runtime{cgroup.Docker}, f.docker},
		{[]cgroup.Runtime{cgroup.Containerd}, f.containerd},
		{[]cgroup.Runtime{cgroup.CRIO, cgroup.Podman}, f.storage},
		{nil, f.runc},
		{nil, f.crun},
	}
	switch k.Runtime {
	case cgroup.LXC:
		places = []place{{nil, f.lxc}}
	case cgroup.Nspawn:
		places = []place{{nil, f.machine}}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		switch inA, inB := slices.Contains(a.of, k.Runtime), slices.Contains(b.of, k.Runtime); {
		case inA && !inB:
			return -1
		case inB && !inA:
			return 1
		}
		return 0
	})
	var failures []error
	for _, p := range places {
		c, err := p.find(k)
		if err == nil && c != nil {
			c.ID = k.ID
			if c.Pod != nil {
				f.account(c.Pod)
			}
			return c, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, errNone) {
			failures = append(failures, err)
		}
	}
	if failures != nil {
		return nil, errors.Join(failures...)
	}
	return nil, errNone
}

// validID reports whether id may be part of a path.
func validID(id string) bool {
	if id == "" || len(id) > 128 || id[0] == '.' || id[0] == '-' {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// cut bounds a value.
func cut(s string) string { return strings.Clone(s[:min(len(s), 512)]) }

// image splits a digest from an image's name.
func (f *finder) image(c *attribution.Container, name string) {
	if at := strings.Index(name, "@sha256:"); at >= 0 {
		c.Digest = cut(name[at+1:])
		if at > 0 {
			c.Image = cut(name[:at])
		}
		return
	}
	c.Image = cut(name)
}

// choose returns the labels that are wanted, sorted by name.
func (f *finder) choose(all map[string]string) []attribution.Label {
	var list []attribution.Label
	for name, value := range all {
		if len(list) < 64 && slices.ContainsFunc(f.labels, func(want string) bool {
			prefix, isPrefix := strings.CutSuffix(want, "*")
			return want == name || isPrefix && strings.HasPrefix(name, prefix)
		}) {
			list = append(list, attribution.Label{Name: cut(name), Value: cut(value)})
		}
	}
	slices.SortFunc(list, func(a, b attribution.Label) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// kubelet sets what the kubelet tells every runtime as labels of its containers.
func (f *finder) kubelet(c *attribution.Container, labels map[string]string) {
	name := labels["io.kubernetes.pod.name"]
	if name == "" {
		return
	}
	p := f.pod(c)
	p.Name, p.Namespace, p.UID = cut(name), cut(labels["io.kubernetes.pod.namespace"]), cut(labels["io.kubernetes.pod.uid"])
	if n := labels["io.kubernetes.container.name"]; n != "" {
		c.Name = cut(n)
	}
}

func (f *finder) pod(c *attribution.Container) *attribution.Pod {
	if c.Pod == nil {
		c.Pod = &attribution.Pod{Node: f.node}
	}
	return c.Pod
}

// isTrue reads the ways in which runtimes write a truth.
func isTrue(s string) attribution.Truth {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return attribution.Unknown
	}
	return attribution.TruthOf(b)
}

// telling returns the one of two errors that says more than that there is nothing.
func telling(a, b error) error {
	if a == nil || errors.Is(a, errNone) || errors.Is(a, os.ErrNotExist) {
		return b
	}
	return a
}
