// Package cgroup reads from the path of a control group whose it is: a container's, a pod's, a systemd unit's, a user's.
//
// It looks at names alone. Whoever may make a cgroup chooses its name: root's are to be believed, those below a cgroup
// that was given away are not. A container is therefore the outermost that the path names; what it makes of its own
// cgroup is Inner, and what lies below user@UID.service is User's word.
package cgroup

import "strings"

// Runtime is what runs a container.
type Runtime string

// The runtimes that can be told by how they name cgroups.
const (
	Unknown    Runtime = "" // a container of which the path does not say it
	Docker     Runtime = "docker"
	Containerd Runtime = "containerd" // its CRI plugin, or nerdctl
	CRIO       Runtime = "cri-o"
	Podman     Runtime = "podman"
	LXC        Runtime = "lxc"
	Nspawn     Runtime = "systemd-nspawn"
	Garden     Runtime = "garden"
)

// Info is what a path says. All strings are parts of it but PodUID and unescaped machine names; absent ones are "".
type Info struct {
	ContainerID string // 64 hexadecimal digits, or the name where a runtime goes by names (LXC, systemd-nspawn)
	Runtime     Runtime
	Inner       string // the path below the container's own cgroup, "" or beginning with "/"

	PodUID string // Kubernetes': with hyphens, or 32 hexadecimal digits for a static pod

	Slice    string // the systemd slice that the unit is in: "system.slice"
	Unit     string // the systemd unit: "sshd.service", "session-3.scope", "docker-….scope"
	UserUnit string // the unit of a user's own service manager, below user@UID.service

	User    uint32 // whose service manager it is in; what lies below has names of that user's choice
	HasUser bool
}

// Parse reads a path as /proc/PID/cgroup shows it, of either version. It never fails: what says nothing gives nothing.
func Parse(path string) Info {
	var in Info
	systemd := true // until a component that systemd would not have made
	parent := ""
	for rest := path; rest != ""; {
		rest = strings.TrimPrefix(rest, "/")
		name, _, _ := strings.Cut(rest, "/")
		if name == "" {
			break
		}
		below := rest[len(name):]
		if in.PodUID == "" {
			in.PodUID = podUID(name)
		}
		if systemd {
			systemd = in.unit(name)
		}
		if id, runtime, ok := container(parent, name); ok {
			in.ContainerID, in.Runtime, in.Inner = id, runtime, below
			return in
		}
		parent, rest = name, below
	}
	return in
}

// unit notes a slice or unit, and reports whether units may follow: slices hold units, a unit holds none but the one
// that is a user's service manager.
func (in *Info) unit(name string) bool {
	name = strings.TrimPrefix(name, "_") // systemd's escape for names that the kernel could take for its own files
	switch {
	case strings.HasSuffix(name, ".slice"):
		if !in.HasUser {
			in.Slice = name
		}
		return true
	case !isUnit(name):
		return false
	case in.HasUser:
		in.UserUnit = name
		return false
	}
	in.Unit = name
	if uid, ok := cut(name, "user@", ".service"); ok {
		in.User, in.HasUser = number(uid)
		return in.HasUser
	}
	return false
}

func isUnit(name string) bool {
	dot := strings.LastIndexByte(name, '.')
	if dot < 1 {
		return false
	}
	switch name[dot:] {
	case ".service", ".scope", ".socket", ".mount", ".swap":
		return true
	}
	return false
}

// prefixes are how container cgroups begin, with either driver: the systemd driver puts ".scope" behind the id.
var prefixes = []struct {
	prefix  string
	runtime Runtime
}{
	{"docker-", Docker},
	{"cri-containerd-", Containerd},
	{"nerdctl-", Containerd},
	{"crio-", CRIO},
	{"libpod-", Podman},
}

// container reports the container that the cgroup name, in parent, is of.
func container(parent, name string) (id string, runtime Runtime, ok bool) {
	bare := strings.TrimSuffix(name, ".scope")
	for _, p := range prefixes {
		// What follows is the id: a monitor's, "libpod-conmon-ID", is none.
		if id, ok := strings.CutPrefix(bare, p.prefix); ok && isID(id) {
			return id, p.runtime, true
		}
	}
	// The CRI plugin with the cgroupfs driver and a path meant for the systemd driver: "SLICE:cri-containerd:ID".
	if slice, rest, ok := strings.Cut(name, ":"); ok && strings.HasSuffix(slice, ".slice") {
		prefix, id, _ := strings.Cut(rest, ":")
		for _, p := range prefixes {
			if prefix+"-" == p.prefix && isID(id) {
				return id, p.runtime, true
			}
		}
	}
	switch {
	case isID(name):
		if parent == "docker" || parent == "actions_job" {
			return name, Docker, true
		}
		return name, Unknown, true
	case parent == "ecs" && isTask(name): // one container a task, without a name of its own
		return "", Unknown, false
	case isTask(name):
		return name, Docker, true
	case parent == "garden" && isToken(name):
		return name, Garden, true
	}
	return machine(parent, name)
}

// machine reports a container that goes by a name.
func machine(parent, name string) (id string, runtime Runtime, ok bool) {
	if id, ok := strings.CutPrefix(name, "lxc.payload."); ok && id != "" {
		return id, LXC, true
	}
	switch parent {
	case "lxc", "lxc.payload":
		return name, LXC, true
	case "machine.slice":
		if id, ok := cut(name, "systemd-nspawn@", ".service"); ok {
			return unescape(id), Nspawn, true
		}
		// Machines of others are registered with their kind before the name, as libvirt's "machine-qemu\x2d1\x2dvm.scope".
		if id, ok := cut(name, "machine-", ".scope"); ok && !strings.HasPrefix(id, `qemu\x2d`) && !strings.HasPrefix(id, `lxc\x2d`) {
			return unescape(id), Nspawn, true
		}
	}
	return "", Unknown, false
}

// podUID reads "pod0f7e…" of the cgroupfs driver and "kubepods-burstable-pod0f7e_….slice" of the systemd driver.
func podUID(name string) string {
	if slice, _, ok := strings.Cut(name, ":"); ok {
		name = slice
	}
	uid, ok := strings.CutPrefix(name, "pod")
	if !ok {
		slice, isSlice := strings.CutSuffix(name, ".slice")
		at := strings.LastIndex(slice, "-pod")
		if !isSlice || at < 0 || !strings.Contains(slice[:at], "kubepods") {
			return ""
		}
		uid = strings.ReplaceAll(slice[at+len("-pod"):], "_", "-")
	}
	switch len(uid) {
	case 32:
		if isHex(uid) {
			return uid
		}
	case 36:
		for i := range len(uid) {
			if i == 8 || i == 13 || i == 18 || i == 23 {
				if uid[i] != '-' {
					return ""
				}
			} else if !isHex(uid[i : i+1]) {
				return ""
			}
		}
		return uid
	}
	return ""
}

// isID reports whether s is a container's id: 256 random bits.
func isID(s string) bool { return len(s) == 64 && isHex(s) }

// isTask reports whether s is a container of Amazon's ECS: 32 digits, a hyphen, a number.
func isTask(s string) bool {
	if len(s) < 34 || s[32] != '-' || !isHex(s[:32]) {
		return false
	}
	_, ok := number(s[33:])
	return ok
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}

func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return s != ""
}

// cut returns what is between prefix and suffix, if both are there and something between.
func cut(s, prefix, suffix string) (string, bool) {
	s, ok1 := strings.CutPrefix(s, prefix)
	s, ok2 := strings.CutSuffix(s, suffix)
	return s, ok1 && ok2 && s != ""
}

func number(s string) (uint32, bool) {
	n := uint64(0)
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + uint64(s[i]-'0'); n > 1<<32-1 {
			return 0, false
		}
	}
	return uint32(n), s != ""
}

// unescape undoes systemd's escape of unit names, systemd.unit(5): "\x2d" is "-".
func unescape(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	digit := func(c byte) int { return strings.IndexByte("0123456789abcdef", c) }
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i+3 < len(s) && s[i] == '\\' && s[i+1] == 'x' && digit(s[i+2]) >= 0 && digit(s[i+3]) >= 0 {
			b.WriteByte(byte(digit(s[i+2])<<4 | digit(s[i+3])))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
