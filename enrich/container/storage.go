package container

import (
	"encoding/json"
	"strconv"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

// storageRoots are where containers/storage, which podman and CRI-O use, keeps its data: what is gone after a boot, and
// what is not.
var storageRoots = []string{"run/containers/storage", "var/lib/containers/storage"}

// drivers are the storage drivers, which directories are named after.
var drivers = []string{"overlay", "vfs", "btrfs"}

// maxHomes bounds how many users are asked for their containers.
const maxHomes = 256

// storage reads what podman and CRI-O leave: the bundle, and the index of containers and images.
func (f *finder) storage(k Key) (*attribution.Container, error) {
	roots := storageRoots
	if k.IsUser {
		roots = []string{"run/user/" + strconv.FormatUint(uint64(k.User), 10) + "/containers"}
		if homes := f.host.list("home"); len(homes) <= maxHomes {
			for _, home := range homes {
				roots = append(roots, "home/"+home+"/.local/share/containers/storage")
			}
		}
	}
	err := errNone
	for _, root := range roots {
		for _, driver := range drivers {
			var b bundle
			if e := f.host.decode(root+"/"+driver+"-containers/"+k.ID+"/userdata/config.json", &b); e != nil {
				err = telling(err, e)
				continue
			}
			c := &attribution.Container{Runtime: string(cgroup.Podman)}
			f.annotations(c, b.Annotations)
			if c.Runtime == string(cgroup.Podman) {
				c.Privileged = isTrue(b.Annotations["io.podman.annotations.privileged"])
				c.Labels = nil // podman's annotations are no labels
			} else {
				f.sandboxLabels(c, root+"/"+driver+"-containers/")
			}
			f.index(c, k.ID, roots)
			return c, nil
		}
	}
	return nil, err
}

// sandboxLabels takes the pod's labels from the sandbox, since a container has only its own.
func (f *finder) sandboxLabels(c *attribution.Container, containers string) {
	if c.Pod == nil || !validID(c.Pod.Sandbox) {
		return
	}
	var b bundle
	var labels map[string]string
	if f.host.decode(containers+c.Pod.Sandbox+"/userdata/config.json", &b) == nil &&
		json.Unmarshal([]byte(b.Annotations[crio+"Labels"]), &labels) == nil {
		c.Pod.Labels = f.choose(labels)
	}
}

// index completes c from the lists of containers and images.
func (f *finder) index(c *attribution.Container, id string, roots []string) {
	type container struct {
		ID       string
		Names    []string
		Image    string
		Metadata string
	}
	type image struct {
		ID     string
		Digest string
		Names  []string
	}
	imageID := ""
	for _, root := range roots {
		for _, driver := range drivers {
			var list []container
			if f.host.decode(root+"/"+driver+"-containers/containers.json", &list) != nil {
				continue
			}
			for _, entry := range list {
				if entry.ID != id {
					continue
				}
				if len(entry.Names) > 0 && c.Name == "" {
					c.Name = cut(entry.Names[0])
				}
				imageID = entry.Image
				var metadata struct {
					Image string `json:"image-name"`
				}
				if json.Unmarshal([]byte(entry.Metadata), &metadata) == nil && c.Image == "" {
					f.image(c, metadata.Image)
				}
			}
			if imageID == "" || c.Digest != "" {
				continue
			}
			var images []image
			if f.host.decode(root+"/"+driver+"-images/images.json", &images) != nil {
				continue
			}
			for _, entry := range images {
				if entry.ID == imageID {
					c.Digest = cut(entry.Digest)
				}
			}
		}
	}
}
