package attribution

// Attribution is what is known of the process that an audit record is about. What is not known is empty, zero or nil.
// Strings may hold any byte.
type Attribution struct {
	// Attributed says that the process was found, so that what is empty is known not to be there: no ContainerID means
	// that it is in no container.
	Attributed bool

	Cgroup string // path of its control group
	Unit   string // systemd's
	Slice  string

	Start  uint64 // when the process was made, nanoseconds since the epoch
	VPID   uint32 // its pid in its own pid namespace
	Script string // what it interprets

	ContainerID string // "" on the host
	Runtime     string
	PodUID      string
	Container   *Container // names and more, nil until the runtime's data are there

	Ancestors []Ancestor // the parent first
	// AncestorText is what Format.RenderAncestors has made of Ancestors; nil: it is to be made anew.
	AncestorText []byte
	Login        *Login
	Entry        *Entry
}

// Container is what its runtime says of a container. It is not changed once it is handed out.
type Container struct {
	ID         string
	Name       string
	Image      string // as it was asked for: registry:5000/name:tag
	Digest     string // of the image: sha256:…
	Runtime    string // docker, containerd, cri-o, podman, runc, crun, lxc, systemd-nspawn
	Privileged Truth
	Labels     []Label // those that are wanted
	Pod        *Pod    // nil outside of Kubernetes
}

// Pod is a pod of Kubernetes.
type Pod struct {
	Name, Namespace, UID string
	Account              string  // service account
	Sandbox              string  // id of the container that holds its namespaces
	Node                 string  // name of the node
	Labels               []Label // those that are wanted
}

// Label is one label of a container or pod.
type Label struct{ Name, Value string }

// Truth is yes, no or not known.
type Truth uint8

// The truths.
const (
	Unknown Truth = iota
	Yes
	No
)

// TruthOf is Yes or No.
func TruthOf(b bool) Truth {
	if b {
		return Yes
	}
	return No
}

// Ancestor is a forebear of a process.
type Ancestor struct {
	PID  uint32
	Comm string
	Exe  string
	Args string // the command line with argument 0, separated by spaces
}

// Login is the login behind a session (ses=).
type Login struct {
	User   string // "" if only the number is known, which is the record's auid
	TTY    string
	Addr   string // where the login came from
	Method string // ssh, login, su, cron, …
	Time   int64  // milliseconds since the epoch
}

// Entry is how a container was entered from outside.
type Entry struct {
	ID  string // of the exec session
	Via string // kubernetes, docker, podman, runc, nsenter, …
	// Container is the id of the container that was entered, as far as the entering program said. A process that was put
	// into the container's cgroup has that as its ContainerID; one that entered with nsenter has not.
	Container string
}

// Process names one process of this boot, with what it runs.
type Process struct {
	PID    uint32
	Start  uint64   // when it was made, ns since boot; 0 if that is not known, and then the process is nobody's kin
	ExecID uint32   // how many programs it and its forebears have executed; 0 if that is not known
	Comm   [16]byte // its name, ended by NUL
}

// Same reports whether p and q are one process, whatever it runs.
func (p *Process) Same(q *Process) bool { return p.PID == q.PID && p.Start == q.Start && p.Start != 0 }
