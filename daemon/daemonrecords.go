package daemon

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// actor is the process on whose behalf the daemon starts, stops or rotates, as
// far as it is known. An unknown id is unset, 4294967295, as the kernel has it.
type actor struct {
	pid     int
	uid     uint32
	auid    uint32
	session uint32
}

const unset = ^uint32(0)

// self is the daemon itself.
func self() actor { return processActor(os.Getpid()) }

// processActor reads who a process is from /proc. A process that has gone
// leaves its ids unset.
func processActor(pid int) actor {
	dir := "/proc/" + strconv.Itoa(pid)
	a := actor{pid: pid, uid: unset, auid: procNumber(dir + "/loginuid"), session: procNumber(dir + "/sessionid")}
	var stat unix.Stat_t
	if unix.Stat(dir, &stat) == nil {
		a.uid = stat.Uid
	}
	return a
}

func procNumber(file string) uint32 {
	text, err := os.ReadFile(file)
	if err != nil {
		return unset
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 32)
	if err != nil {
		return unset
	}
	return uint32(n)
}

// The texts of the records that auditd writes about itself, word for word:
// aureport --config and the like read them.

func startText(version, format string, a actor) string {
	return fmt.Sprintf("op=start ver=%s format=%s kernel=%s auid=%d pid=%d uid=%d ses=%d%s res=success",
		version, format, kernelRelease(), a.auid, a.pid, a.uid, a.session, subject())
}

func endText(a actor) string {
	return fmt.Sprintf("op=terminate auid=%d uid=%d ses=%d pid=%d%s res=success", a.auid, a.uid, a.session, a.pid, subject())
}

func rotateText(a actor) string {
	return fmt.Sprintf("op=rotate-logs auid=%d uid=%d ses=%d pid=%d%s res=success", a.auid, a.uid, a.session, a.pid, subject())
}

func reconfigureText(a actor, state, result string) string {
	return fmt.Sprintf("op=reconfigure state=%s auid=%d pid=%d uid=%d ses=%d%s res=%s", state, a.auid, a.pid, a.uid, a.session, subject(), result)
}

// rulesText is a record of Vigil's own in the shape of auditd's: what became of the
// kernel's rules, in the words op=rules-repaired added=1 removed=0.
func rulesText(a actor, what string, succeeded bool) string {
	result := "success"
	if !succeeded {
		result = "failed"
	}
	return fmt.Sprintf("%s auid=%d pid=%d uid=%d ses=%d%s res=%s", what, a.auid, a.pid, a.uid, a.session, subject(), result)
}

// subject is " subj=CONTEXT" where a security module gives the daemon a
// context, else nothing.
func subject() string {
	text, err := os.ReadFile("/proc/self/attr/current")
	context := strings.TrimRight(string(text), "\x00\n ")
	if err != nil || context == "" || strings.ContainsAny(context, "\n\x1d\"") {
		return ""
	}
	return " subj=" + context
}

func kernelRelease() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Release[:])
}
