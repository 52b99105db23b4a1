package entry

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// command is what a program's command line says of an entry.
type command struct {
	via       string
	execID    string // of the runtime, "" if it gave none
	container string // as the command line names it
	target    uint32 // the process whose namespaces are entered, 0 if none is named
}

// Options that take no value, of runc and crun before and behind the word exec; every other one takes one.
var (
	globalFlags = []string{"--debug", "--systemd-cgroup", "--version", "-v", "--help", "-h"}
	execFlags   = []string{"--tty", "-t", "--detach", "-d", "--no-new-privs", "--ignore-paused", "--allow-paused", "--help", "-h"}
)

// parse reads the command line of a program; false if it enters no container.
func parse(exe string, argv []string) (command, bool) {
	if len(argv) < 2 {
		return command{}, false
	}
	switch name := path.Base(exe); name {
	case "runc", "crun", "youki", "runsc", "docker-runc":
		return parseRuntime(name, argv[1:])
	case "nsenter":
		return parseNsenter(argv[1:])
	case "lxc-attach":
		return parseAttach(argv[1:])
	}
	return command{}, false
}

// option takes an option off the front of args; ok is false if there is none.
func option(args []string, flags []string) (name, value string, rest []string, ok bool) {
	if len(args) == 0 || len(args[0]) < 2 || args[0][0] != '-' || args[0] == "--" {
		return "", "", args, false
	}
	name, value, has := strings.Cut(args[0], "=")
	rest = args[1:]
	if !has && !slices.Contains(flags, name) && len(rest) > 0 {
		value, rest = rest[0], rest[1:]
	}
	return name, value, rest, true
}

func parseRuntime(name string, args []string) (command, bool) {
	c := command{via: name}
	hint := ""
	for {
		option, value, rest, ok := option(args, globalFlags)
		if !ok {
			break
		}
		if option == "--root" || option == "--log" {
			hint += value + "\n"
		}
		args = rest
	}
	if len(args) == 0 || args[0] != "exec" {
		return c, false
	}
	args = args[1:]
	for {
		option, value, rest, ok := option(args, execFlags)
		if !ok {
			break
		}
		switch option {
		case "--pid-file":
			c.execID = execID(value)
			hint += value + "\n"
		case "--process", "-p":
			hint += value + "\n"
		}
		args = rest
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "" {
		return c, false
	}
	c.container = args[0]
	switch {
	case strings.Contains(hint, "/moby"):
		c.via = "docker"
	case strings.Contains(hint, "/k8s.io"), strings.Contains(hint, "/crio"):
		c.via = "kubernetes"
	case strings.Contains(hint, "/io.containerd.runtime.v2.task/"), strings.Contains(hint, "/containerd/runc/"):
		c.via = "containerd"
	case strings.Contains(hint, "/containers/storage/"), strings.Contains(hint, "/libpod"):
		c.via = "podman"
	}
	return c, true
}

// execID finds the runtime's id of the exec in the pid file's path: …/EXECID.pid of containerd's shim,
// …/EXECID/exec_pid of podman.
func execID(file string) string {
	if id, ok := strings.CutSuffix(path.Base(file), ".pid"); ok && isID(id) {
		return id
	}
	if id := path.Base(path.Dir(file)); path.Base(file) == "exec_pid" && isID(id) {
		return id
	}
	return ""
}

func isID(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// parseNsenter reads nsenter -t PID; other ways to name namespaces name no container.
func parseNsenter(args []string) (command, bool) {
	c := command{via: "nsenter"}
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if c.target == 1<<32-1 { // the word behind -t
			c.target = pid(arg)
			continue
		}
		switch value, isLong := strings.CutPrefix(arg, "--target="); {
		case isLong:
			c.target = pid(value)
		case arg == "--target", arg == "-t":
			c.target = 1<<32 - 1
		case len(arg) > 1 && arg[0] == '-' && arg[1] != '-':
			// Short options together: -mt PID, -t123.
			at := strings.IndexByte(arg, 't')
			if at > 0 && at == len(arg)-1 {
				c.target = 1<<32 - 1
			} else if at > 0 && c.target == 0 {
				c.target = pid(arg[at+1:])
			}
		case arg != "" && arg[0] != '-' && c.target != 0:
			return c, true // the program to run
		}
	}
	return c, c.target != 0 && c.target != 1<<32-1
}

func pid(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// parseAttach reads lxc-attach -n NAME or lxc-attach NAME.
func parseAttach(args []string) (command, bool) {
	c := command{via: "lxc-attach"}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch value, isLong := strings.CutPrefix(arg, "--name="); {
		case isLong:
			c.container = value
		case (arg == "-n" || arg == "--name") && len(args) > 0:
			c.container, args = args[0], args[1:]
		case arg == "--":
			return c, c.container != ""
		case arg != "" && arg[0] != '-' && c.container == "":
			c.container = arg
		}
	}
	return c, c.container != ""
}
