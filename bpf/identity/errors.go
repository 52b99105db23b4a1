package identity

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Reason is why the kernel's programs cannot be used.
type Reason string

const (
	// OldKernel: before 5.8, which brought ring buffers and task iterators.
	OldKernel Reason = "kernel"
	// NoBTF: the kernel was built without CONFIG_DEBUG_INFO_BTF.
	NoBTF Reason = "btf"
	// NoCapability: neither CAP_BPF with CAP_PERFMON nor CAP_SYS_ADMIN, or a policy forbids bpf(2).
	NoCapability Reason = "capability"
	// Lockdown: the kernel is locked down for confidentiality and lets no program read its memory.
	Lockdown Reason = "lockdown"
	// NoBPF: the kernel was built without bpf(2) or the tracepoints.
	NoBPF Reason = "bpf"
	// Rejected: the kernel refused a program.
	Rejected Reason = "rejected"
)

// Unavailable is returned by Probe, and by Open where the programs were demanded.
type Unavailable struct {
	Reason Reason
	Err    error
}

func (u *Unavailable) Error() string { return fmt.Sprintf("use eBPF: %v", u.Err) }

func (u *Unavailable) Unwrap() error { return u.Err }

// Advice says what an administrator can do about it, one sentence.
func (u *Unavailable) Advice() string {
	switch u.Reason {
	case OldKernel:
		return "run Linux 5.8 or later"
	case NoBTF:
		return "run a kernel with CONFIG_DEBUG_INFO_BTF=y (/sys/kernel/btf/vmlinux)"
	case NoCapability:
		return "give the process CAP_BPF and CAP_PERFMON, and let its seccomp or security policy allow bpf(2)"
	case Lockdown:
		return "boot without lockdown=confidentiality; lockdown=integrity is fine"
	case NoBPF:
		return "run a kernel with CONFIG_BPF_SYSCALL=y and CONFIG_BPF_EVENTS=y"
	}
	return "report this with the kernel's version and the message"
}

const (
	capSysAdmin = 21 // <linux/capability.h>
	capPerfmon  = 38
	capBPF      = 39
)

// Probe reports whether the kernel's programs can be used here, without loading one: nil, or an *Unavailable.
// proc is where procfs is; "" is /proc.
func Probe(proc string) error {
	if proc == "" {
		proc = "/proc"
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return fmt.Errorf("read kernel version: %w", err)
	}
	return probe(unix.ByteSliceToString(uts.Release[:]), proc+"/self/status", "/sys")
}

func probe(release, status, sys string) error {
	if major, minor := version(release); major < 5 || major == 5 && minor < 8 {
		return &Unavailable{OldKernel, fmt.Errorf("kernel %s is older than 5.8", release)}
	}
	if _, err := os.Stat(sys + "/kernel/btf/vmlinux"); err != nil {
		return &Unavailable{NoBTF, fmt.Errorf("find the kernel's types: %w", err)}
	}
	caps, err := capabilities(status)
	if err != nil {
		return err
	}
	if caps&(1<<capSysAdmin) == 0 && (caps&(1<<capBPF) == 0 || caps&(1<<capPerfmon) == 0) {
		return &Unavailable{NoCapability, fmt.Errorf("capabilities %#x hold neither CAP_BPF with CAP_PERFMON nor CAP_SYS_ADMIN", caps)}
	}
	if text, err := os.ReadFile(sys + "/kernel/security/lockdown"); err == nil && strings.Contains(string(text), "[confidentiality]") {
		return &Unavailable{Lockdown, errors.New("the kernel is locked down for confidentiality")}
	}
	return nil
}

// version reads "6.1.0-56-cloud-amd64".
func version(release string) (major, minor int) {
	_, _ = fmt.Sscanf(release, "%d.%d", &major, &minor)
	return major, minor
}

func capabilities(status string) (uint64, error) {
	text, err := os.ReadFile(status)
	if err != nil {
		return 0, fmt.Errorf("read capabilities: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if hex, ok := strings.CutPrefix(line, "CapEff:"); ok {
			caps, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("read capabilities: %w", err)
			}
			return caps, nil
		}
	}
	return 0, fmt.Errorf("read capabilities: no CapEff in %s", status)
}
