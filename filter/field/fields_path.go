package field

import (
	"bytes"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
)

var needsPath = []tables.Type{tables.TypePath}

const fromPath = "PATH name=, made absolute with CWD"

var pathFields = []Field{
	{Name: "fs.path.name", Type: String, Help: "absolute path of the file that a system call names, dots resolved",
		Example: "fs.path.name startswith /etc/", Source: fromPath, Needs: needsPath, get: getPath(pathMain, true)},
	{Name: "fs.path.nameraw", Type: String, Help: "that path as the process gave it", Example: "fs.path.nameraw = ../shadow",
		Source: "PATH name=", Needs: needsPath, get: getPath(pathMain, false)},
	{Name: "fs.path.source", Type: String, Help: "absolute path of the file that is renamed or linked to",
		Example: "fs.path.source = /etc/shadow", Source: fromPath, Needs: needsPath, get: getPath(pathSource, true)},
	{Name: "fs.path.sourceraw", Type: String, Help: "that path as the process gave it", Example: "fs.path.sourceraw exists",
		Source: "PATH name=", Needs: needsPath, get: getPath(pathSource, false)},
	{Name: "fs.path.target", Type: String, Help: "absolute path that a rename or a link makes", Example: "fs.path.target startswith /tmp/",
		Source: fromPath, Needs: needsPath, get: getPath(pathTarget, true)},
	{Name: "fs.path.targetraw", Type: String, Help: "that path as the process gave it", Example: "fs.path.targetraw exists",
		Source: "PATH name=", Needs: needsPath, get: getPath(pathTarget, false)},
}

// pathRole says which of an event's PATH records is meant.
type pathRole uint8

const (
	pathMain   pathRole = iota // what the call is about
	pathSource                 // old name of a rename or link
	pathTarget                 // new name
)

// path returns the PATH record in a role, with its name. Records of directories
// on the way (nametype=PARENT) never are it.
func (v *View) path(role pathRole) (audit.Record, audit.Field, bool) {
	call := v.syscall()
	two := twoPaths(call)
	if role != pathMain && !two {
		return audit.Record{}, audit.Field{}, false
	}
	for i := range v.ev.Records {
		r := v.ev.Records[i]
		if r.Type != tables.TypePath {
			continue
		}
		name, ok := r.Get("name")
		if !ok || name.IsNull() {
			continue
		}
		kind, _ := r.Get("nametype")
		switch string(kind.Value) {
		case "PARENT":
			continue
		case "CREATE":
			ok = role != pathSource
		default:
			// Of two DELETE in a rename the first is the old name, the second
			// the file that was in the place of the new one.
			ok = role != pathTarget
		}
		if ok {
			return r, name, true
		}
	}
	return audit.Record{}, audit.Field{}, false
}

func twoPaths(call string) bool {
	switch call {
	case "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat":
		return true
	}
	return false
}

func getPath(role pathRole, absolute bool) func(*View, *Ref, *Values) {
	return func(v *View, _ *Ref, out *Values) {
		if b, ok := v.pathText(role, absolute); ok {
			out.Bytes(b)
		}
	}
}

// pathText returns the name in a PATH record, absolute and without dots if wanted
// and possible. A name relative to a directory that was given as a descriptor is
// left as it is: which directory that is the records do not say.
func (v *View) pathText(role pathRole, absolute bool) ([]byte, bool) {
	_, name, ok := v.path(role)
	if !ok {
		return nil, false
	}
	b := v.text(name)
	if !absolute {
		return b, true
	}
	if len(b) > 0 && b[0] != '/' {
		if !v.fromCWD(role) {
			return b, true
		}
		cwd, ok := v.ev.First(tables.TypeCWD)
		if !ok {
			return b, true
		}
		f, ok := cwd.Get("cwd")
		if !ok || f.IsNull() {
			return b, true
		}
		dir := v.text(f)
		start := len(v.buf)
		v.buf = append(append(append(v.buf, dir...), '/'), b...)
		b = v.cut(start)
	}
	return v.clean(b), true
}

// atFDCWD is AT_FDCWD, -100, as 32 bits.
const atFDCWD = 0xffffff9c

// fromCWD reports whether relative names of the call begin at the working
// directory.
func (v *View) fromCWD(role pathRole) bool {
	call := v.syscall()
	n := 0
	switch {
	case call == "symlinkat":
		n = 1
	case (call == "renameat" || call == "renameat2" || call == "linkat") && role == pathTarget:
		n = 2
	case !strings.HasSuffix(call, "at") && !strings.HasSuffix(call, "at2") || call == "creat":
		return true
	}
	a, ok := v.arg(n)
	return !ok || uint32(a) == atFDCWD
}

// clean resolves "." and ".." and double slashes in an absolute path, by name, as
// Falco does. A path that is clean already is not copied.
func (v *View) clean(b []byte) []byte {
	if len(b) == 0 || b[0] != '/' || !bytes.Contains(b, []byte("//")) && !bytes.Contains(b, []byte("/.")) &&
		(len(b) == 1 || b[len(b)-1] != '/') {
		return b
	}
	start := len(v.buf)
	out := v.buf
	for len(b) > 0 {
		b = b[1:] // the slash
		end := bytes.IndexByte(b, '/')
		if end < 0 {
			end = len(b)
		}
		part := b[:end]
		b = b[end:]
		switch string(part) {
		case "", ".":
		case "..":
			if i := bytes.LastIndexByte(out[start:], '/'); i >= 0 {
				out = out[:start+i]
			}
		default:
			out = append(append(out, '/'), part...)
		}
	}
	if len(out) == start {
		out = append(out, '/')
	}
	v.buf = out
	return v.cut(start)
}

func getAbspath(v *View, r *Ref, out *Values) {
	role := pathMain
	switch r.Key {
	case "src":
		role = pathSource
	case "dst":
		role = pathTarget
	case "":
	default:
		return
	}
	if b, ok := v.pathText(role, true); ok {
		out.Bytes(b)
	}
}

func isFileCall(name string) bool {
	switch name {
	case "open", "openat", "openat2", "creat", "open_by_handle_at", "unlink", "unlinkat", "rename", "renameat", "renameat2",
		"link", "linkat", "symlink", "symlinkat", "mkdir", "mkdirat", "rmdir", "mknod", "mknodat", "chmod", "fchmod", "fchmodat",
		"fchmodat2", "chown", "lchown", "fchown", "fchownat", "truncate", "ftruncate", "setxattr", "lsetxattr", "fsetxattr",
		"removexattr", "lremovexattr", "fremovexattr", "mount", "umount2", "chroot", "pivot_root", "access", "faccessat",
		"faccessat2", "stat", "lstat", "newfstatat", "statx", "readlink", "readlinkat", "utime", "utimes", "utimensat", "chdir",
		"fchdir", "read", "write", "pread", "pwrite", "readv", "writev", "close", "sendfile", "fallocate", "swapon", "swapoff":
		return true
	}
	return false
}
