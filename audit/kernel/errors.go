package kernel

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrClosed is returned by calls on a closed Source or Control.
var ErrClosed = errors.New("audit socket is closed")

// Missing says what keeps a process from the audit engine.
type Missing uint8

// What can be missing.
const (
	MissingAudit        Missing = iota + 1 // the kernel's audit engine itself
	MissingCapability                      // a capability; SetupError.Capability names it
	MissingUserNS                          // the initial user namespace
	MissingPIDNS                           // the initial pid namespace
	MissingNetNS                           // the host's network namespace
	MissingRegistration                    // the registration, which nobody can have twice
)

// SetupError is returned by Open, DialControl and a Control's calls when the
// environment does not allow what was asked: it says what is missing and what
// to do. Err is the system's error.
type SetupError struct {
	Op         string // "read audit status"
	Missing    Missing
	Capability string // "CAP_AUDIT_CONTROL"
	Err        error
}

// Error prints "what failed: why: what to do".
func (e *SetupError) Error() string {
	why, fix := e.advice()
	if e.Err != nil {
		return fmt.Sprintf("%s: %v: %s: %s", e.Op, e.Err, why, fix)
	}
	return fmt.Sprintf("%s: %s: %s", e.Op, why, fix)
}

// Unwrap returns the system's error.
func (e *SetupError) Unwrap() error { return e.Err }

// advice says why and what to do.
func (e *SetupError) advice() (why, fix string) {
	switch e.Missing {
	case MissingAudit:
		return "the kernel has no audit engine", "boot a kernel with CONFIG_AUDIT and without audit=0"
	case MissingCapability:
		return "no " + e.Capability, "run as root, or give the process or container " + e.Capability
	case MissingUserNS:
		return "not in the initial user namespace", "run without user namespaces (rootless containers cannot reach the audit engine)"
	case MissingPIDNS:
		return "not in the host's pid namespace", "share the host's pid namespace (hostPID: true, --pid=host)"
	case MissingNetNS:
		return "not in the host's network namespace, where alone observers hear records", "share the host's network namespace (hostNetwork: true, --network=host), or its pid namespace and CAP_SYS_ADMIN"
	}
	return "not allowed", "run as root on the host"
}

// HeldError is returned by Open in Daemon mode when a living process has the
// registration, which the kernel never takes from one.
type HeldError struct {
	PID  int
	Comm string // "" if unknown
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("register as audit daemon: %s holds the registration: stop it, or run as observer", e.who())
}

// who names the holder.
func (e *HeldError) who() string { return holder(e.PID, e.Comm) }

// TakenError is returned by Source.Read, once, when the registration turned out
// to be another process's. It is a notice: the Source goes on as an observer.
type TakenError struct {
	PID  int
	Comm string // "" if unknown
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("audit registration was taken by %s: observing", holder(e.PID, e.Comm))
}

// RetakenError is returned by Source.Read, once, when the Source has become the
// daemon again, or for the first time if it observed another until that left.
// It is a notice, and the Source goes on.
type RetakenError struct {
	PID  int // who held the registration before
	Comm string
}

func (e *RetakenError) Error() string {
	return fmt.Sprintf("audit registration taken back: %s let go of it", holder(e.PID, e.Comm))
}

// IsNotice reports whether an error of Source.Read is a notice, after which the
// Source goes on.
func IsNotice(err error) bool {
	var taken *TakenError
	var retaken *RetakenError
	return errors.As(err, &taken) || errors.As(err, &retaken)
}

// holder names a process.
func holder(pid int, comm string) string {
	if comm == "" {
		comm = "a process"
	}
	return fmt.Sprintf("%s (pid %d)", comm, pid)
}

// diagnose turns an errno from the audit socket into a SetupError if it comes
// from the environment, and otherwise puts op before it. need is the capability
// that op takes.
func diagnose(op string, err error, need capability, env environment) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return fmt.Errorf("%s: %w", op, err)
	}
	missing := Missing(0)
	switch errno {
	case syscall.EPROTONOSUPPORT, syscall.EAFNOSUPPORT:
		// No audit_net_init ran: not built, or booted with audit=0.
		missing = MissingAudit
	case syscall.ECONNREFUSED:
		// audit.c, audit_netlink_ok: what a user namespace gets, so that PAM
		// thinks there is no audit at all.
		missing = MissingAudit
		if env.userNamespace() {
			missing = MissingUserNS
		}
	case syscall.EPERM, syscall.EACCES:
		switch {
		case env.userNamespace():
			missing = MissingUserNS
		case !env.has(need):
			missing = MissingCapability
		case need == capAuditControl && env.pidNamespace():
			missing = MissingPIDNS
		}
	}
	if missing == 0 {
		return fmt.Errorf("%s: %w", op, err)
	}
	return &SetupError{Op: op, Missing: missing, Capability: need.String(), Err: err}
}
