package facts

import (
	"bytes"
	"fmt"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
)

// maxNamed is how many files a sentence names.
const maxNamed = 8

// Deed says in words what the event's system call does or tried to do, and what kind
// of thing that is: write, read, network or call.
func (f *Facts) Deed() (kind, text string) {
	name, _ := f.Call()
	var made, gone, names []string // files made, removed, and all
	f.Paths(func(p Path) {
		if len(names) == maxNamed {
			return
		}
		names = append(names, string(p.Name))
		switch string(p.Kind) {
		case "CREATE":
			made = append(made, string(p.Name))
		case "DELETE":
			gone = append(gone, string(p.Name))
		}
	})
	file := strings.Join(names, ", ")
	switch name {
	case "connect", "bind", "accept", "accept4", "sendto", "sendmsg":
		if a, ok := f.Address(); ok {
			return "network", name + " " + string(address(a))
		}
		return "network", name
	case "open", "openat", "openat2", "creat":
		switch {
		case len(made) > 0:
			return "write", "creates " + strings.Join(made, ", ")
		case f.writes(name):
			return "write", "opens to write " + file
		}
		return "read", "opens " + file
	case "rename", "renameat", "renameat2":
		if len(made) > 0 && len(gone) > 0 {
			return "write", "renames " + gone[0] + " to " + made[len(made)-1]
		}
		return "write", "renames " + file
	case "unlink", "unlinkat", "rmdir":
		return "write", "removes " + strings.Join(orElse(gone, names), ", ")
	case "mkdir", "mkdirat":
		return "write", "makes directory " + strings.Join(orElse(made, names), ", ")
	case "mknod", "mknodat":
		return "write", "makes " + strings.Join(orElse(made, names), ", ")
	case "symlink", "symlinkat", "link", "linkat":
		return "write", "links " + strings.Join(orElse(made, names), ", ")
	}
	if change, ok := changes(name); ok {
		return "write", strings.TrimSpace(change + " " + file)
	}
	text = strings.TrimSpace(name + " " + file)
	if key := f.Known(f.Key); key != nil {
		text += fmt.Sprintf(" [%s]", bytes.ReplaceAll(key, []byte{1}, []byte(", ")))
	}
	return "call", text + " by " + string(f.Known(f.Exe))
}

// changes says what system calls do that change a file that is there.
func changes(call string) (text string, ok bool) {
	switch call {
	case "chmod", "fchmod", "fchmodat", "fchmodat2":
		return "changes the mode of", true
	case "chown", "fchown", "lchown", "fchownat":
		return "changes the owner of", true
	case "truncate", "ftruncate":
		return "truncates", true
	case "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr":
		return "changes attributes of", true
	case "utime", "utimes", "utimensat", "futimesat":
		return "changes the times of", true
	case "mount":
		return "mounts on", true
	case "umount2":
		return "unmounts", true
	}
	return "", false
}

func orElse(a, b []string) []string {
	if len(a) > 0 {
		return a
	}
	return b
}

// writes reports whether an open asks for more than reading. The flags are those
// of <asm-generic/fcntl.h>: O_ACCMODE is 3, O_TRUNC 01000.
func (f *Facts) writes(call string) bool {
	var flags uint64
	switch call {
	case "creat":
		return true
	case "open":
		flags, _ = f.A[1].Hex()
	case "openat":
		flags, _ = f.A[2].Hex()
	case "openat2":
		r, _ := f.Event.First(tables.TypeOpenat2)
		oflag, _ := r.Get("oflag")
		o, _ := oflag.Octal()
		flags = uint64(o)
	}
	return flags&3 != 0 || flags&0o1000 != 0
}

func address(a audit.Sockaddr) []byte {
	switch {
	case a.Addr.IsValid():
		return []byte(fmt.Sprintf("%s port %d", a.Addr, a.Port))
	case len(a.Path) > 0:
		return a.Path
	}
	name, _ := tables.FamilyName(int(a.Family))
	return []byte(name)
}
