package container

import (
	"bufio"
	"bytes"
	"path"
	"strings"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

const maxStates = 1024 // of runc, read while looking for a cgroup

// runc reads runc's own state, of containers that nothing else manages. Their cgroups are named at will, so the one with
// the id as the last part of its cgroup is taken where none bears the id itself.
func (f *finder) runc(k Key) (*attribution.Container, error) {
	const dir = "run/runc/"
	c, err := f.runcState(dir+k.ID, "")
	if err == nil {
		named(c, k.ID)
		return c, nil
	}
	names := f.host.list(dir)
	for _, name := range names[:min(len(names), maxStates)] {
		if c, err := f.runcState(dir+name, k.ID); err == nil {
			named(c, name)
			return c, nil
		}
	}
	return nil, err
}

// named gives a container the name that its runtime knows it by, unless whoever uses the runtime has given it one.
func named(c *attribution.Container, id string) {
	if c.Name == "" && (c.Pod == nil || c.Pod.Sandbox != id) {
		c.Name = cut(id)
	}
}

// runcState reads one state.json; errNone if group is not "" and not the container's cgroup: its id, or its path.
func (f *finder) runcState(dir, group string) (*attribution.Container, error) {
	var state struct {
		Cgroups map[string]string `json:"cgroup_paths"`
		Config  struct {
			Labels []string `json:"labels"` // annotations, and the bundle, as name=value
		} `json:"config"`
	}
	if err := f.host.decode(dir+"/state.json", &state); err != nil {
		return nil, err
	}
	if group != "" {
		found := false
		for _, p := range state.Cgroups {
			if group[0] == '/' {
				found = found || strings.HasSuffix(p, group)
			} else if in := cgroup.Parse(strings.TrimPrefix(p, "/sys/fs/cgroup")); in.ContainerID == group || path.Base(p) == group {
				found = true
			}
		}
		if !found {
			return nil, errNone
		}
	}
	annotations := map[string]string{}
	for _, label := range state.Config.Labels {
		if name, value, ok := strings.Cut(label, "="); ok && name != "bundle" {
			annotations[name] = value
		}
	}
	c := &attribution.Container{Runtime: "runc"}
	f.annotations(c, annotations)
	return c, nil
}

// byPath finds the container whose cgroup is at path, which ends in its id, as runc, crun and ctr name cgroups by themselves.
func (f *finder) byPath(path string) (*attribution.Container, error) {
	id := baseOf(path)
	if !validID(id) {
		return nil, errNone
	}
	c, err := f.runcState("run/runc/"+id, path)
	if err != nil {
		c, err = f.crunAt(id, path)
	}
	for _, state := range containerdStates {
		if err == nil {
			break
		}
		namespaces := f.host.list(state + "/runc") // where its shim has runc keep its state
		for _, namespace := range namespaces[:min(len(namespaces), 64)] {
			if _, e := f.runcState(state+"/runc/"+namespace+"/"+id, path); e == nil {
				c, err = f.containerd(Key{ID: id})
				break
			}
		}
	}
	if err != nil {
		return nil, errNone
	}
	c.ID = id
	named(c, id)
	if c.Pod != nil {
		f.account(c.Pod)
	}
	return c, nil
}

// crun reads crun's state and the bundle that it names.
func (f *finder) crun(k Key) (*attribution.Container, error) { return f.crunAt(k.ID, "") }

// crunAt is crun; errNone if group is not "" and not the path of the container's cgroup.
func (f *finder) crunAt(id, group string) (*attribution.Container, error) {
	var status struct {
		Bundle string `json:"bundle"`
		Cgroup string `json:"cgroup-path"`
	}
	if err := f.host.decode("run/crun/"+id+"/status", &status); err != nil {
		return nil, err
	}
	if group != "" && status.Cgroup != group {
		return nil, errNone
	}
	c := &attribution.Container{Runtime: "crun"}
	var b bundle
	if f.host.decode(strings.TrimPrefix(path.Clean("/"+status.Bundle), "/")+"/config.json", &b) == nil {
		f.annotations(c, b.Annotations)
	}
	named(c, id)
	return c, nil
}

// lxc believes that a container is one of LXC's if it is configured.
func (f *finder) lxc(k Key) (*attribution.Container, error) {
	text, err := f.host.read("var/lib/lxc/" + k.ID + "/config")
	if err != nil {
		return nil, err
	}
	c := &attribution.Container{Runtime: string(cgroup.LXC), Name: k.ID}
	for line := range bytes.Lines(text) {
		// lxc-create notes what the container was made of.
		if image, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "# Parameters passed to the template: "); ok {
			c.Image = cut(lxcImage(image))
		}
	}
	return c, nil
}

// lxcImage makes dist:release of a template's parameters.
func lxcImage(parameters string) string {
	words := strings.Fields(parameters)
	dist, release := "", ""
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "--dist", "-d":
			dist = words[i+1]
		case "--release", "-r":
			release = words[i+1]
		}
	}
	if dist == "" || release == "" {
		return dist
	}
	return dist + ":" + release
}

// machine reads what systemd-machined keeps of a container.
func (f *finder) machine(k Key) (*attribution.Container, error) {
	text, err := f.host.read("run/systemd/machines/" + k.ID)
	if err != nil {
		return nil, err
	}
	c := &attribution.Container{Runtime: string(cgroup.Nspawn), Name: k.ID}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "CLASS":
			if value != "container" {
				return nil, errNone
			}
		case "SERVICE":
			c.Runtime = cut(value)
		case "ROOT":
			c.Image = cut(value)
		}
	}
	return c, nil
}
