package tables

// Permissions of rules, AUDIT_PERM_* of <linux/audit.h>.
const (
	PermExec  = 1
	PermWrite = 2
	PermRead  = 4
	PermAttr  = 8
)

// permClass lists, by their names, the system calls that the kernel may count as
// one permission: the classes of include/asm-generic/audit_read.h, _write.h,
// _dir_write.h and _change_attr.h of Linux 6.18, and what audit_match_perm of
// kernel/auditsc.c takes out of the classes: the open and exec families, and
// socketcall for bind. A name that an architecture lacks is passed over: the
// 32-bit forms stand beside the others for that.
//
// Newer calls of the kind that the kernel's lists are slow to take up
// (openat2, quotactl_fd, file_getattr, file_setattr) are named as well. A call
// too many costs the evaluation of a rule, one too few an event.
var permClass = [...]struct {
	perm  uint32
	calls []string
}{
	{PermExec, []string{"execve", "execveat"}},
	{PermWrite, []string{
		"rename", "mkdir", "rmdir", "creat", "link", "unlink", "symlink", "mknod", "mkdirat", "mknodat",
		"unlinkat", "renameat", "linkat", "symlinkat", "renameat2", "acct", "swapon", "quotactl",
		"quotactl_fd", "truncate", "truncate64", "ftruncate", "ftruncate64", "bind", "fallocate",
		"open", "openat", "openat2", "socketcall",
	}},
	{PermRead, []string{
		"readlink", "readlinkat", "quotactl", "quotactl_fd", "listxattr", "llistxattr", "flistxattr",
		"listxattrat", "getxattr", "lgetxattr", "fgetxattr", "getxattrat", "open", "openat", "openat2",
		"file_getattr",
	}},
	{PermAttr, []string{
		"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat",
		"chown32", "fchown32", "lchown32", "setxattr", "lsetxattr", "fsetxattr", "setxattrat",
		"removexattr", "lremovexattr", "fremovexattr", "removexattrat", "link", "linkat", "file_setattr",
	}},
}

// PermSyscalls calls each with the number of every system call of the
// architecture that may need one of the permissions. A number can come twice.
// It reports false if there is no table for the architecture.
func PermSyscalls(a Arch, perms uint32, each func(nr int)) bool {
	if a.calls() == nil {
		return false
	}
	for _, class := range permClass {
		if perms&class.perm == 0 {
			continue
		}
		for _, name := range class.calls {
			if nr, ok := SyscallNumber(a, name); ok {
				each(nr)
			}
		}
	}
	return true
}

// syscallSince says with which kernel the newest system calls came, by name
// (syscalls(2), include/uapi/asm-generic/unistd.h).
var syscallSince = [...]struct {
	kernel string
	calls  []string
}{
	{"5.1", []string{"pidfd_send_signal", "io_uring_setup", "io_uring_enter", "io_uring_register"}},
	{"5.2", []string{"open_tree", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"}},
	{"5.3", []string{"pidfd_open", "clone3"}},
	{"5.6", []string{"openat2", "pidfd_getfd"}},
	{"5.8", []string{"faccessat2"}},
	{"5.9", []string{"close_range"}},
	{"5.10", []string{"process_madvise"}},
	{"5.11", []string{"epoll_pwait2"}},
	{"5.12", []string{"mount_setattr"}},
	{"5.13", []string{"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}},
	{"5.14", []string{"quotactl_fd", "memfd_secret"}},
	{"5.15", []string{"process_mrelease"}},
	{"5.16", []string{"futex_waitv"}},
	{"5.17", []string{"set_mempolicy_home_node"}},
	{"6.5", []string{"cachestat"}},
	{"6.6", []string{"fchmodat2", "map_shadow_stack"}},
	{"6.7", []string{"futex_wake", "futex_wait", "futex_requeue"}},
	{"6.8", []string{"statmount", "listmount", "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules"}},
	{"6.10", []string{"mseal"}},
	{"6.13", []string{"setxattrat", "getxattrat", "listxattrat", "removexattrat"}},
	{"6.15", []string{"open_tree_attr"}},
	{"6.17", []string{"file_getattr", "file_setattr"}},
}

// SyscallSince returns the version of Linux that brought a system call, "6.17",
// and false for those that are older than 5.1 or not known.
func SyscallSince(name string) (kernel string, ok bool) {
	for _, s := range syscallSince {
		for _, call := range s.calls {
			if call == name {
				return s.kernel, true
			}
		}
	}
	return "", false
}
