package format

import (
	"vigil/audit/tables"
)

// action is how the Elastic Common Schema classes an event. The names of actions
// are those of Elastic's auditd module, so that what was written for it
// (dashboards, detections) works; categories and types are from the schema's
// lists, as JSON.
type action struct {
	name, category, types string
}

const (
	process  = `["process"]`
	file     = `["file"]`
	network  = `["network"]`
	authn    = `["authentication"]`
	session  = `["session"]`
	iam      = `["iam"]`
	host     = `["host"]`
	driver   = `["driver"]`
	config   = `["configuration"]`
	intruder = `["intrusion_detection"]`

	info     = `["info"]`
	start    = `["start"]`
	end      = `["end"]`
	change   = `["change"]`
	creation = `["creation"]`
	deletion = `["deletion"]`
	access   = `["access"]`
	denied   = `["denied"]`

	userInfo   = `["user","info"]`
	userMade   = `["user","creation"]`
	userGone   = `["user","deletion"]`
	userChange = `["user","change"]`

	groupMade   = `["group","creation"]`
	groupGone   = `["group","deletion"]`
	groupChange = `["group","change"]`
)

// callAction classes a system call. One that is not listed is an action of its
// own name.
func callAction(call string) action {
	switch call {
	case "execve", "execveat":
		return action{"executed", process, start}
	case "exit", "exit_group":
		return action{"end", process, end}
	case "kill", "tkill", "tgkill", "pidfd_send_signal":
		return action{"killed-pid", process, end}
	case "setuid", "seteuid", "setfsuid", "setreuid", "setresuid", "setgid", "setegid", "setfsgid",
		"setregid", "setresgid", "setuid32", "setreuid32", "setresuid32", "setfsuid32", "setgid32",
		"setregid32", "setresgid32", "setfsgid32", "setgroups":
		return action{"changed-identity-of", process, change}
	case "sched_setparam", "sched_setscheduler", "sched_setattr":
		return action{"adjusted-scheduling-policy-of", process, change}
	case "mmap", "mmap2", "brk":
		return action{"allocated-memory", process, info}
	case "ptrace", "process_vm_writev", "capset", "prctl", "setns", "unshare":
		return action{call, process, change}
	case "init_module", "finit_module":
		return action{"loaded-kernel-module", driver, start}
	case "delete_module":
		return action{"unloaded-kernel-module", driver, end}
	case "settimeofday", "clock_settime", "clock_settime64", "stime", "adjtimex", "clock_adjtime":
		return action{"changed-system-time", host, change}
	case "sethostname", "setdomainname":
		return action{"changed-system-name", host, change}
	}
	if a, ok := fileAction(call); ok {
		return a
	}
	if a, ok := socketAction(call); ok {
		return a
	}
	return action{call, process, info}
}

// fileAction classes system calls on files.
func fileAction(call string) (action, bool) {
	switch call {
	case "open", "openat", "openat2", "readlink", "readlinkat", "open_by_handle_at":
		return action{"opened-file", file, access}, true
	case "creat":
		return action{"opened-file", file, creation}, true
	case "truncate", "ftruncate", "truncate64", "ftruncate64", "fallocate":
		return action{"opened-file", file, change}, true
	case "read", "pread64", "readv", "getdents", "getdents64":
		return action{"read-file", file, access}, true
	case "write", "pwrite64", "writev":
		return action{"wrote-to-file", file, change}, true
	case "setxattr", "fsetxattr", "lsetxattr", "setxattrat", "removexattr", "fremovexattr", "lremovexattr",
		"removexattrat", "file_setattr":
		return action{"changed-file-attributes-of", file, change}, true
	case "chmod", "fchmod", "fchmodat", "fchmodat2":
		return action{"changed-file-permissions-of", file, change}, true
	case "chown", "fchown", "fchownat", "lchown", "chown32", "fchown32", "lchown32":
		return action{"changed-file-ownership-of", file, change}, true
	case "mkdir", "mkdirat":
		return action{"created-directory", file, creation}, true
	case "rename", "renameat", "renameat2":
		return action{"renamed", file, change}, true
	case "link", "linkat":
		return action{"linked", file, creation}, true
	case "symlink", "symlinkat":
		return action{"symlinked", file, creation}, true
	case "mknod", "mknodat":
		return action{"make-device", file, creation}, true
	case "rmdir", "unlink", "unlinkat":
		return action{"deleted", file, deletion}, true
	case "mount", "fsmount", "move_mount":
		return action{"mounted", file, creation}, true
	case "umount", "umount2":
		return action{"unmounted", file, deletion}, true
	case "utime", "utimes", "futimesat", "futimens", "utimensat":
		return action{"changed-timestamp-of", file, change}, true
	case "statfs", "fstatfs", "statfs64", "fstatfs64":
		return action{"checked-filesystem-metadata-of", file, info}, true
	case "access", "faccessat", "faccessat2", "stat", "fstat", "lstat", "stat64", "fstat64", "lstat64", "statx",
		"fstatat", "newfstatat", "fstatat64", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr",
		"flistxattr":
		return action{"checked-metadata-of", file, info}, true
	}
	return action{}, false
}

// socketAction classes system calls on sockets.
func socketAction(call string) (action, bool) {
	switch call {
	case "connect":
		return action{"connected-to", network, `["connection","start"]`}, true
	case "accept", "accept4":
		return action{"accepted-connection-from", network, `["connection","start"]`}, true
	case "bind":
		return action{"bound-socket", network, start}, true
	case "listen":
		return action{"listen-for-connections", network, start}, true
	case "send", "sendto", "sendmsg", "sendmmsg":
		return action{"sent-to", network, `["connection","info"]`}, true
	case "recv", "recvfrom", "recvmsg", "recvmmsg":
		return action{"received-from", network, `["connection","info"]`}, true
	}
	return action{}, false
}

// recordAction classes a record that says more about its event than the system
// call beside it does.
func recordAction(t tables.Type) (action, bool) {
	if a, ok := userAction(t); ok {
		return a, true
	}
	if a, ok := systemAction(t); ok {
		return a, true
	}
	if a, ok := securityAction(t); ok {
		return a, true
	}
	return anomalyAction(t)
}

// userAction classes the messages of programs about users and groups.
func userAction(t tables.Type) (action, bool) {
	switch t {
	case tables.TypeUserAuth:
		return action{"authenticated", authn, info}, true
	case tables.TypeUserAcct:
		return action{"was-authorized", authn, info}, true
	case tables.TypeUserErr:
		return action{"error", authn, info}, true
	case tables.TypeUserLogin:
		return action{"logged-in", authn, start}, true
	case tables.TypeUserLogout:
		return action{"logged-out", authn, end}, true
	case tables.TypeUserStart:
		return action{"started-session", session, start}, true
	case tables.TypeUserEnd:
		return action{"ended-session", session, end}, true
	case tables.TypeCredAcq:
		return action{"acquired-credentials", authn, info}, true
	case tables.TypeCredDisp:
		return action{"disposed-credentials", authn, info}, true
	case tables.TypeCredRefr:
		return action{"refreshed-credentials", authn, info}, true
	case tables.TypeGrpAuth:
		return action{"authenticated-to-group", authn, info}, true
	case tables.TypeLogin:
		return action{"changed-login-id-to", authn, start}, true
	case tables.TypeUserCmd:
		return action{"ran-command", process, start}, true
	case tables.TypeChgrpID:
		return action{"changed-group", process, change}, true
	case tables.TypeChuserID:
		return action{"changed-user-id", process, change}, true
	case tables.TypeAddUser:
		return action{"added-user-account", iam, userMade}, true
	case tables.TypeDelUser:
		return action{"deleted-user-account", iam, userGone}, true
	case tables.TypeUserMgmt:
		return action{"modified-user-account", iam, userChange}, true
	case tables.TypeUserChauthtok:
		return action{"changed-password", iam, userChange}, true
	case tables.TypeAcctLock:
		return action{"locked-account", iam, userInfo}, true
	case tables.TypeAcctUnlock:
		return action{"unlocked-account", iam, userInfo}, true
	case tables.TypeAddGroup:
		return action{"added-group-account-to", iam, groupMade}, true
	case tables.TypeDelGroup:
		return action{"deleted-group-account-from", iam, groupGone}, true
	case tables.TypeGrpMgmt:
		return action{"modified-group-account", iam, groupChange}, true
	case tables.TypeGrpChauthtok:
		return action{"changed-group-password", iam, groupChange}, true
	case tables.TypeRoleAssign:
		return action{"assigned-user-role-to", iam, userChange}, true
	case tables.TypeRoleRemove:
		return action{"removed-user-role-from", iam, userChange}, true
	case tables.TypeRoleModify:
		return action{"modified-role", iam, change}, true
	case tables.TypeUserRoleChange:
		return action{"changed-role-to", iam, userChange}, true
	}
	return action{}, false
}

// systemAction classes what concerns the host, its services and its audit system.
func systemAction(t tables.Type) (action, bool) {
	switch t {
	case tables.TypeSystemBoot:
		return action{"booted-system", host, start}, true
	case tables.TypeSystemShutdown:
		return action{"shutdown-system", host, end}, true
	case tables.TypeSystemRunlevel:
		return action{"changed-to-runlevel", host, change}, true
	case tables.TypeServiceStart:
		return action{"started-service", process, start}, true
	case tables.TypeServiceStop:
		return action{"stopped-service", process, end}, true
	case tables.TypeConfigChange:
		return action{"changed-audit-configuration", `["process","configuration"]`, change}, true
	case tables.TypeFeatureChange:
		return action{"changed-audit-feature", config, change}, true
	case tables.TypeDaemonStart:
		return action{"started-audit", process, start}, true
	case tables.TypeDaemonEnd:
		return action{"shutdown-audit", process, end}, true
	case tables.TypeDaemonAbort:
		return action{"aborted-auditd-startup", process, end}, true
	case tables.TypeDaemonConfig:
		return action{"changed-auditd-configuration", `["process","configuration"]`, change}, true
	case tables.TypeDaemonReconfig:
		return action{"reconfigured-auditd", `["process","configuration"]`, info}, true
	case tables.TypeDaemonResume:
		return action{"resumed-audit-logging", process, change}, true
	case tables.TypeDaemonRotate:
		return action{"rotated-audit-logs", process, change}, true
	case tables.TypeDaemonErr:
		return action{"audit-error", process, info}, true
	case tables.TypeDaemonAccept:
		return action{"remote-audit-connected", network, `["connection","start"]`}, true
	case tables.TypeDaemonClose:
		return action{"remote-audit-disconnected", network, `["connection","end"]`}, true
	case tables.TypeKernel:
		return action{"initialized-audit-subsystem", host, info}, true
	case tables.TypeUsysConfig:
		return action{"changed-configuration", config, change}, true
	case tables.TypeSoftwareUpdate:
		return action{"package-updated", `["package"]`, info}, true
	case tables.TypeNetfilterCfg:
		return action{"loaded-firewall-rule-to", config, change}, true
	case tables.TypeNetfilterPkt:
		return action{"received-packet", network, `["connection","info"]`}, true
	case tables.TypeKernModule:
		return action{"loaded-kernel-module", driver, start}, true
	case tables.TypeTimeInjOffset, tables.TypeTimeAdjNTPVal:
		return action{"changed-system-time", host, change}, true
	case tables.TypeTTY, tables.TypeUserTTY:
		return action{"typed", process, info}, true
	case tables.TypeVirtControl:
		return action{"issued-vm-control", host, info}, true
	case tables.TypeVirtCreate:
		return action{"created-vm-image", host, info}, true
	case tables.TypeVirtDestroy:
		return action{"deleted-vm-image", host, info}, true
	case tables.TypeCryptoKeyUser:
		return action{"negotiated-crypto-key", process, info}, true
	case tables.TypeCryptoSession:
		return action{"started-crypto-session", process, info}, true
	}
	return action{}, false
}

// securityAction classes what security modules say.
func securityAction(t tables.Type) (action, bool) {
	switch t {
	case tables.TypeAVC:
		return action{"violated-selinux-policy", intruder, denied}, true
	case tables.TypeUserAVC:
		return action{"access-permission", intruder, info}, true
	case tables.TypeSELinuxErr:
		return action{"caused-mac-policy-error", intruder, info}, true
	case tables.TypeUserSELinuxErr:
		return action{"access-error", intruder, info}, true
	case tables.TypeSeccomp:
		return action{"violated-seccomp-policy", `["process","intrusion_detection"]`, denied}, true
	case tables.TypeLandlockAccess:
		return action{"violated-landlock-policy", intruder, denied}, true
	case tables.TypeIPEAccess:
		return action{"violated-ipe-policy", intruder, denied}, true
	case tables.TypeMACPolicyLoad, tables.TypeIPEPolicyLoad:
		return action{"loaded-selinux-policy", config, change}, true
	case tables.TypeMACStatus, tables.TypeUserMACStatus:
		return action{"changed-selinux-enforcement", config, change}, true
	case tables.TypeMACConfigChange, tables.TypeIPEConfigChange:
		return action{"changed-selinux-boolean", config, change}, true
	case tables.TypeUserMACPolicyLoad:
		return action{"loaded-mac-policy", config, change}, true
	case tables.TypeUserMACConfigChange:
		return action{"changed-mac-configuration", config, change}, true
	case tables.TypeMACCheck:
		return action{"mac-permission", intruder, info}, true
	case tables.TypeDACCheck:
		return action{"access-result", intruder, info}, true
	case tables.TypeFSRelabel:
		return action{"relabeled-filesystem", config, change}, true
	case tables.TypeLabelLevelChange:
		return action{"modified-level-of", config, change}, true
	case tables.TypeLabelOverride:
		return action{"overrode-label-of", config, change}, true
	}
	return action{}, false
}

// anomalyAction classes anomalies and the answers to them.
func anomalyAction(t tables.Type) (action, bool) {
	switch t {
	case tables.TypeAnomAbend:
		return action{"crashed-program", process, end}, true
	case tables.TypeAnomPromiscuous:
		return action{"changed-promiscuous-mode-on-device", `["network","intrusion_detection"]`, change}, true
	case tables.TypeAnomLink, tables.TypeAnomCreat:
		return action{"used-suspicious-link", `["file","intrusion_detection"]`, access}, true
	case tables.TypeAnomExec:
		return action{"attempted-execution-of-forbidden-program", `["process","intrusion_detection"]`, start}, true
	case tables.TypeAnomLoginFailures:
		return action{"failed-log-in-too-many-times-to", `["authentication","intrusion_detection"]`, `["start","denied"]`}, true
	case tables.TypeAnomLoginTime:
		return action{"attempted-log-in-during-unusual-hour-to", `["authentication","intrusion_detection"]`, `["start","denied"]`}, true
	case tables.TypeAnomLoginSessions:
		return action{"opened-too-many-sessions-to", `["authentication","intrusion_detection"]`, `["start","denied"]`}, true
	case tables.TypeAnomLoginLocation:
		return action{"attempted-log-in-from-unusual-place-to", `["authentication","intrusion_detection"]`, `["start","denied"]`}, true
	case tables.TypeAnomLoginAcct:
		return action{"attempted-log-in-to-watched-account", `["authentication","intrusion_detection"]`, `["start","denied"]`}, true
	case tables.TypeAnomLoginService:
		return action{"service-account-attempted-login", `["authentication","intrusion_detection"]`, `["start","denied"]`}, true
	case tables.TypeAnomRootTrans:
		return action{"user-became-root", `["authentication","intrusion_detection"]`, start}, true
	case tables.TypeAnomAccessFS:
		return action{"accessed-watched-file-or-directory", `["file","intrusion_detection"]`, access}, true
	case tables.TypeAnomMkExec:
		return action{"made-an-executable", `["file","intrusion_detection"]`, change}, true
	case tables.TypeAnomAddAcct:
		return action{"added-user-account", `["iam","intrusion_detection"]`, userMade}, true
	case tables.TypeAnomDelAcct:
		return action{"deleted-user-account", `["iam","intrusion_detection"]`, userGone}, true
	case tables.TypeAnomModAcct:
		return action{"modified-user-account", `["iam","intrusion_detection"]`, userChange}, true
	}
	if t >= tables.TypeRespAnomaly && t <= tables.TypeRespOriginUnblockTimed {
		return action{"", intruder, info}, true
	}
	return action{}, false
}
