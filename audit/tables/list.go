package tables

// List is the number of a list of rules, AUDIT_FILTER_* of <linux/audit.h>.
type List uint32

// Lists of rules, in the order in which the kernel lists them. AUDIT_FILTER_ENTRY
// (2) and AUDIT_FILTER_WATCH (3) are gone.
const (
	ListUser       List = 0
	ListTask       List = 1
	ListExit       List = 4
	ListExclude    List = 5
	ListFilesystem List = 6 // AUDIT_FILTER_FS, Linux 4.15
	ListIOUring    List = 7 // AUDIT_FILTER_URING_EXIT, Linux 5.16
)

// Prepend is the bit AUDIT_FILTER_PREPEND beside the list's number: the rule goes
// to the head of the list.
const Prepend = 0x10

// listNames are the lists' names in rules, in the order in which usage texts
// give them.
var listNames = [...]struct {
	list List
	name string
}{
	{ListTask, "task"}, {ListExit, "exit"}, {ListUser, "user"}, {ListExclude, "exclude"},
	{ListFilesystem, "filesystem"}, {ListIOUring, "io_uring"},
}

// String returns the list's name in rules, "" for what is no list.
func (l List) String() string {
	for _, n := range listNames {
		if n.list == l {
			return n.name
		}
	}
	return ""
}

// ListByName returns the list of a name in rules.
func ListByName(name string) (List, bool) {
	for _, n := range listNames {
		if n.name == name {
			return n.list, true
		}
	}
	return 0, false
}

// ListNames returns the names of all lists. The slice is the caller's.
func ListNames() []string {
	names := make([]string, 0, len(listNames))
	for _, n := range listNames {
		names = append(names, n.name)
	}
	return names
}

// Action is what a rule does, AUDIT_NEVER and its fellows of <linux/audit.h>.
type Action uint32

// Actions, from <linux/audit.h>. The kernel has refused ActionPossible since
// Linux 2.6.27.
const (
	ActionNever    Action = 0
	ActionPossible Action = 1
	ActionAlways   Action = 2
)

// String returns the action's name in rules, "" for what is none.
func (a Action) String() string {
	switch a {
	case ActionNever:
		return "never"
	case ActionPossible:
		return "possible"
	case ActionAlways:
		return "always"
	}
	return ""
}

// fileTypes are the names of file types in rules and their bits of st_mode
// (inode(7)).
var fileTypes = [...]struct {
	mode uint32
	name string
}{
	{0o100000, "file"}, {0o040000, "dir"}, {0o140000, "socket"}, {0o120000, "link"},
	{0o020000, "character"}, {0o060000, "block"}, {0o010000, "fifo"},
}

// FileTypeName returns the name in rules of the file type in a file's mode.
func FileTypeName(mode uint32) (string, bool) {
	for _, t := range fileTypes {
		if t.mode == mode {
			return t.name, true
		}
	}
	return "", false
}

// FileTypeByName returns the mode bits of a file type's name in rules. Case is
// ignored.
func FileTypeByName(name string) (uint32, bool) {
	for _, t := range fileTypes {
		if equalFold(t.name, name) {
			return t.mode, true
		}
	}
	return 0, false
}

// FileTypeNames returns the names of all file types. The slice is the caller's.
func FileTypeNames() []string {
	names := make([]string, 0, len(fileTypes))
	for _, t := range fileTypes {
		names = append(names, t.name)
	}
	return names
}

// fsTypes are the file systems that rules name, with their numbers of
// <linux/magic.h>.
var fsTypes = [...]struct {
	magic uint32
	name  string
}{
	{0x74726163, "tracefs"}, {0x64626720, "debugfs"}, {0x0027e0eb, "cgroup"}, {0x63677270, "cgroup2"},
}

// FSTypeName returns the name in rules of a file system's magic number.
func FSTypeName(magic uint32) (string, bool) {
	for _, t := range fsTypes {
		if t.magic == magic {
			return t.name, true
		}
	}
	return "", false
}

// FSTypeByName returns the magic number of a file system's name in rules. Case is
// ignored.
func FSTypeByName(name string) (uint32, bool) {
	for _, t := range fsTypes {
		if equalFold(t.name, name) {
			return t.magic, true
		}
	}
	return 0, false
}

// FSTypeNames returns the names of the file systems that rules may name. The
// slice is the caller's.
func FSTypeNames() []string {
	names := make([]string, 0, len(fsTypes))
	for _, t := range fsTypes {
		names = append(names, t.name)
	}
	return names
}
