package container

import (
	"encoding/json"
	"slices"
	"strings"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

// bundle is what is read of an OCI bundle's config.json.
type bundle struct {
	Annotations map[string]string `json:"annotations"`
	Linux       struct {
		CgroupsPath string `json:"cgroupsPath"`
	} `json:"linux"`
}

// Annotations of containerd's CRI plugin (pkg/cri/annotations) and of CRI-O (pkg/annotations).
const (
	cri  = "io.kubernetes.cri."
	crio = "io.kubernetes.cri-o."
)

// containerdStates are where containerd keeps its state: by default, in k3s and RKE2, in microk8s, and when docker has
// started it.
var containerdStates = []string{"run/containerd", "run/k3s/containerd", "var/snap/microk8s/common/run/containerd",
	"run/docker/containerd/daemon"}

// containerd reads the bundle of a running task.
func (f *finder) containerd(k Key) (*attribution.Container, error) {
	err := errNone
	for _, state := range containerdStates {
		tasks := state + "/io.containerd.runtime.v2.task"
		names := f.host.list(tasks)
		slices.SortFunc(names, func(a, b string) int { // Kubernetes' namespace first
			switch {
			case a == "k8s.io":
				return -1
			case b == "k8s.io":
				return 1
			}
			return strings.Compare(a, b)
		})
		for _, namespace := range names[:min(len(names), 64)] {
			var b bundle
			if e := f.host.decode(tasks+"/"+namespace+"/"+k.ID+"/config.json", &b); e != nil {
				err = telling(err, e)
				continue
			}
			c := &attribution.Container{Runtime: string(cgroup.Containerd)}
			if namespace == "moby" {
				c.Runtime = string(cgroup.Docker)
			}
			f.annotations(c, b.Annotations)
			if c.Pod == nil && namespace != "moby" {
				named(c, k.ID) // ctr calls it nothing else
			}
			return c, nil
		}
	}
	return nil, err
}

// annotations takes what the annotations of a bundle tell.
func (f *finder) annotations(c *attribution.Container, a map[string]string) {
	switch {
	case a[cri+"container-type"] != "":
		if a[cri+"sandbox-name"] == "" && a[cri+"sandbox-id"] == "" {
			break
		}
		c.Name = cut(a[cri+"container-name"])
		f.image(c, first(a[cri+"image-name"], a[cri+"podsandbox.image-name"]))
		p := f.pod(c)
		p.Name, p.Namespace = cut(a[cri+"sandbox-name"]), cut(a[cri+"sandbox-namespace"])
		p.UID, p.Sandbox = cut(a[cri+"sandbox-uid"]), cut(a[cri+"sandbox-id"])
	case a[crio+"ContainerType"] != "" && a["io.container.manager"] != "libpod":
		f.crio(c, a)
	default:
		f.kubelet(c, a)
	}
	if c.Name == "" {
		c.Name = cut(a["nerdctl/name"])
	}
	if c.Labels == nil && c.Pod == nil {
		c.Labels = f.choose(a)
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (f *finder) crio(c *attribution.Container, a map[string]string) {
	c.Runtime = string(cgroup.CRIO)
	var labels map[string]string
	_ = json.Unmarshal([]byte(a[crio+"Labels"]), &labels) // without them there are the annotations
	f.kubelet(c, labels)
	p := f.pod(c)
	p.Name = first(p.Name, cut(a["io.kubernetes.pod.name"]))
	p.Namespace = first(p.Namespace, cut(first(a["io.kubernetes.pod.namespace"], a[crio+"Namespace"])))
	p.UID = first(p.UID, cut(a["io.kubernetes.pod.uid"]))
	p.Sandbox = cut(a[crio+"SandboxID"])
	if a[crio+"ContainerType"] == "container" {
		c.Name = first(c.Name, cut(first(a["io.kubernetes.container.name"], a[crio+"Name"])))
	} else {
		c.Name = ""
		p.Labels = f.choose(labels)
	}
	f.image(c, first(a[crio+"ImageName"], a[crio+"Image"]))
	if ref := a[crio+"ImageRef"]; strings.Contains(ref, "@sha256:") {
		c.Digest = cut(ref[strings.Index(ref, "@")+1:])
	}
	c.Privileged = isTrue(a[crio+"PrivilegedRuntime"])
}
