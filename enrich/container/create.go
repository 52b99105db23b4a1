package container

import (
	"strings"
	"time"

	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
)

// Creation is a container that a runtime is about to make: what the command line of runc or crun says.
type Creation struct {
	ID     string
	Bundle string // the OCI bundle's directory, "" if it is not known
	By     string // runc or crun
}

// creating is the Runtime of the keys of containers that were looked up when they were made. Their cgroup is not known
// then, and with it what else would be in their Key.
const creating cgroup.Runtime = "\x00creating"

// Create has a container looked up that is about to be made, so that its first process is told with its names. It waits
// for nothing. Whoever calls it vouches that root has asked for it: what a container is called then is root's word.
func (s *Store) Create(c Creation) {
	select {
	case s.begun <- c:
	default:
		s.refused.Add(1)
	}
}

// begun returns what was known of a container when it was made, nil if nothing.
func begun(known map[Key]*entry, k Key, now int64) *attribution.Container {
	if k.IsUser { // root has made none of these
		return nil
	}
	e := known[Key{Runtime: creating, ID: k.ID, Path: k.Path}]
	if e == nil {
		return nil
	}
	if last := e.used.Load(); now-last > int64(time.Second) || now < last {
		e.used.Store(now)
	}
	return e.container
}

// create looks a container up that is about to be made.
func (s *Store) create(c *Creation, now time.Time) {
	made, path, bundleErr := s.bundle(c)
	found, err := s.find(Key{ID: c.ID})
	if err != nil {
		found, err = made, bundleErr
	}
	if err != nil {
		return // it will be looked for with its first event
	}
	k := Key{Runtime: creating, ID: found.ID}
	if path != "" {
		k = Key{Runtime: creating, Path: path}
	}
	e := &entry{container: found}
	e.used.Store(now.UnixNano())
	if old := (*s.known.Load())[k]; old == nil || !equal(old.container, found) {
		s.tell(found)
	}
	s.put(k, e)
}

// created reads the bundle of a container that is being made. path is that of its cgroup if it names no container.
func (f *finder) created(c *Creation) (found *attribution.Container, path string, err error) {
	if !validID(c.ID) || c.Bundle == "" {
		return nil, "", errNone
	}
	var b bundle
	if err := f.host.decode(strings.TrimPrefix(c.Bundle, "/")+"/config.json", &b); err != nil {
		return nil, "", err
	}
	found = &attribution.Container{ID: c.ID, Runtime: c.By}
	f.annotations(found, b.Annotations)
	named(found, c.ID)
	path = groupOf(b.Linux.CgroupsPath)
	if path == "" {
		path = "/" + c.ID
	}
	// Its cgroup bears another id if its maker has chosen so.
	if in := cgroup.Parse(path); in.ContainerID != "" {
		found.ID, path = in.ContainerID, ""
	}
	return found, path, nil
}

// groupOf makes a path of a bundle's cgroupsPath, which for the systemd driver is slice:prefix:name.
func groupOf(path string) string {
	if slice, rest, ok := strings.Cut(path, ":"); ok && strings.HasSuffix(slice, ".slice") {
		if prefix, name, ok := strings.Cut(rest, ":"); ok {
			return "/" + slice + "/" + prefix + "-" + name + ".scope"
		}
	}
	return path
}
