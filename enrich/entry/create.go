package entry

import (
	"path"
	"slices"

	"vigil/audit"
	"vigil/audit/tables"
)

// Creation is a container that runc or crun is about to make.
type Creation struct {
	ID     string
	Bundle string // directory of its OCI bundle, absolute if that can be told, "" if not known
	By     string // runc or crun
}

// createFlags are the options that take no value, of runc and crun behind the words create, run and restore.
var createFlags = []string{"--detach", "-d", "--keep", "--no-pivot", "--no-new-keyring", "--no-subreaper", "--help", "-h", "--tcp-established",
	"--ext-unix-sk", "--shell-job", "--file-locks", "--auto-dedup", "--lazy-pages"}

// Created reports what container an event's process, which is in container (the id, "" if in none), is about to make. Only
// root's word is taken: whoever else starts a runtime may give any container any name.
func (t *Table) Created(ev *audit.Event, container string) (Creation, bool) {
	if container != "" {
		return Creation{}, false
	}
	exe, ok := executed(ev)
	if !ok {
		return Creation{}, false
	}
	by := path.Base(exe)
	if by == "docker-runc" {
		by = "runc"
	}
	if by != "runc" && by != "crun" || !isRoot(ev) {
		return Creation{}, false
	}
	ev.Args(&t.args)
	c, ok := parseCreate(t.args.Strings())
	c.By = by
	if ok && !path.IsAbs(c.Bundle) {
		c.Bundle = path.Join(directory(ev), c.Bundle)
	}
	return c, ok
}

func isRoot(ev *audit.Event) bool {
	r, _ := ev.First(tables.TypeSyscall)
	euid, ok := r.Get("euid")
	return ok && string(euid.Value) == "0"
}

func directory(ev *audit.Event) string {
	r, ok := ev.First(tables.TypeCWD)
	if !ok {
		return ""
	}
	f, ok := r.Get("cwd")
	if !ok || f.IsNull() {
		return ""
	}
	return string(f.Text(nil))
}

// parseCreate reads a command line of runc or crun; false if it makes no container.
func parseCreate(argv []string) (Creation, bool) {
	if len(argv) == 0 {
		return Creation{}, false
	}
	args := argv[1:]
	for ok := true; ok; {
		_, _, args, ok = option(args, globalFlags)
	}
	if len(args) == 0 || !slices.Contains([]string{"create", "run", "restore"}, args[0]) {
		return Creation{}, false
	}
	var c Creation
	args = args[1:]
	for {
		name, value, rest, ok := option(args, createFlags)
		if !ok {
			break
		}
		if name == "--bundle" || name == "-b" {
			c.Bundle = value
		}
		args = rest
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "" {
		return Creation{}, false
	}
	c.ID = clip(args[0])
	return c, true
}
