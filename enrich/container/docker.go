package container

import (
	"strings"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

// dockerRoots are where docker keeps its data: by default, and as a snap.
var dockerRoots = []string{"var/lib/docker", "var/snap/docker/common/var-lib-docker"}

// docker reads config.v2.json, which the daemon writes when a container is made.
func (f *finder) docker(k Key) (*attribution.Container, error) {
	var file struct {
		Name   string
		Image  string // sha256:… of the image's configuration
		Config struct {
			Image  string
			Labels map[string]string
		}
	}
	err := errNone
	for _, root := range dockerRoots {
		dir := root + "/containers/" + k.ID
		if e := f.host.decode(dir+"/config.v2.json", &file); e != nil {
			err = telling(err, e)
			continue
		}
		c := &attribution.Container{Runtime: string(cgroup.Docker), Name: cut(strings.TrimPrefix(file.Name, "/"))}
		f.image(c, file.Config.Image)
		c.Labels = f.choose(file.Config.Labels)
		// cri-dockerd hands on the kubelet's labels.
		f.kubelet(c, file.Config.Labels)
		if c.Pod != nil {
			c.Pod.Sandbox = cut(file.Config.Labels["io.kubernetes.sandbox.id"])
			c.Pod.Labels, c.Labels = c.Labels, nil
		}
		var options struct{ Privileged bool }
		if f.host.decode(dir+"/hostconfig.json", &options) == nil {
			c.Privileged = attribution.TruthOf(options.Privileged)
		}
		return c, nil
	}
	return nil, err
}
