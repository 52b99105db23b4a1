// Package entry knows how processes came into containers from outside: docker exec, podman exec, kubectl exec, runc exec,
// nsenter, lxc-attach.
//
// Nothing of a client's request reaches the node, but the runtime's own program does: containerd's shim, dockerd's, conmon
// and CRI-O all start runc or crun with
//
//	runc [options] exec --process FILE [--console-socket SOCKET] --detach --pid-file …/EXECID.pid CONTAINER
//
// and what they enter the container for descends from that process. Such an entry is an exec session with an id of its
// own, which every process of its tree bears. The id is the runtime's exec id where that is one (64 hexadecimal digits), so
// that it can be joined with containerd's events; otherwise it is the stamp of the event that began it.
//
// runc makes the process that becomes the shell with CLONE_PARENT, so its parent is the runc exec process, though that
// may be gone, and its pid the shim's child, when the shell's first record comes. Who descends from whom must therefore be
// known from the forks: the forebears that a caller gives are the parents as the processes were made.
//
// An exec session does not say who asked for it: kubectl exec, crictl and an exec probe look the same (via kubernetes).
// Programs that are in a container already begin no sessions, whatever they call themselves.
package entry
