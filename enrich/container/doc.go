// Package container finds out what the container of a process is called: its name, image and labels, and its pod.
//
// It reads what container runtimes leave on disk, and asks them on their sockets for the rest. A Store does so in the
// background, when runc or crun is started to make a container, and when a container is first asked for, so that whoever
// asks never waits: until the answer is there, the container's id is all that is known, and a CONTAINER record in the trail
// tells the rest to readers.
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
//	runc, crun        /run/runc/ID/state.json, /run/crun/ID/status; of a container that is being made, its bundle's config.json
//	LXC               /var/lib/lxc/NAME/config
//	systemd-nspawn    /run/systemd/machines/NAME
//
//	kubelet           /var/lib/kubelet/pods/UID/volumes/kubernetes.io~projected/NAME/token: the service account, in its claims
//
// # Who is asked
//
// containerd keeps pod labels and image digests in its database alone, podman its labels. So do others whose data lie
// elsewhere than by default. Package runtimeapi asks
//
//	containerd        /run/containerd/containerd.sock, and that of k3s and microk8s: Kubernetes' interface, then its own
//	CRI-O             /run/crio/crio.sock
//	docker            /run/docker.sock
//	podman            /run/podman/podman.sock; a user's, /run/user/UID/podman/podman.sock
//
// once for each container, for 2 seconds at most; one that does not answer is asked four times more, within a minute and a
// half. What is on disk counts for more than what is told.
//
// A container whose cgroup names none, as with runc and ctr where somebody has chosen its id, is looked for by the cgroup's
// path: the runtime's state of that id must say that it is its cgroup.
//
// # Whom is believed
//
// The files are the runtimes', the texts in them are whoever's who started the container. That runc is about to make one is
// believed of root alone, and only until the container is found by itself. A file that is larger than 4 MiB
// is not read, values are cut to a few hundred bytes, and only labels that were asked for are kept. Values may hold any
// byte: whoever prints them encodes them.
package container
