// Package container finds out what the container of a process is called: its name, image and labels, and its pod.
//
// It reads what container runtimes leave on disk, and asks no runtime. A Store does so in the background when a container
// is first asked for, so that whoever asks never waits: until the answer is there, the container's id is all that is known,
// and a CONTAINER record in the trail tells the rest to readers.
//
// # What is read
//
// All below the host's root, which may be mounted elsewhere; symbolic links stay inside of it.
//
//	docker            /var/lib/docker/containers/ID/config.v2.json, hostconfig.json
//	containerd        /run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json, and where k3s, microk8s and
//	                  docker have that
//	CRI-O, podman     /run/containers/storage/overlay-containers/ID/userdata/config.json or below /var/lib/containers/storage
//	                  or a user's .local/share/containers/storage, with overlay-containers/containers.json and
//	                  overlay-images/images.json beside
//	runc, crun        /run/runc/ID/state.json, /run/crun/ID/status
//	LXC               /var/lib/lxc/NAME/config
//	systemd-nspawn    /run/systemd/machines/NAME
//
// containerd keeps pod labels, the service account and image digests in its database alone, podman its labels: they are
// not known. Nor is a service account anywhere else.
//
// # Whom is believed
//
// The files are the runtimes', the texts in them are whoever's who started the container. A file that is larger than 4 MiB
// is not read, values are cut to a few hundred bytes, and only labels that were asked for are kept. Values may hold any
// byte: whoever prints them encodes them.
package container
