// Package doctor looks at a host with the eyes of someone who wants to run
// Vigil on it, and says what is missing and what to do about it.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"vigil/audit/kernel"
	"vigil/bpf/identity"
)

// Verdict is how one check came out.
type Verdict string

// The verdicts. Only Fail keeps `vigil run` from working.
const (
	OK   Verdict = "ok"
	Warn Verdict = "warn"
	Fail Verdict = "fail"
)

// Finding is the outcome of one check.
type Finding struct {
	Check   string  `json:"check"`            // what was looked at: "capabilities"
	Verdict Verdict `json:"verdict"`          //
	Found   string  `json:"found"`            // what is there
	Advice  string  `json:"advice,omitempty"` // what to do; empty when all is well
}

// Host is where the doctor looks. The zero value is not useful.
type Host struct {
	Proc  string // the proc file system: "/proc"
	Trail string // the trail's live file
	// Status asks the audit engine how it is; see [Engine].
	Status func(context.Context) (kernel.Status, error)
	// Processes says why eBPF programs cannot watch processes here, nil if they can;
	// see [identity.Probe].
	Processes func(proc string) error
}

// Engine asks the kernel's audit engine over a socket of its own.
func Engine(ctx context.Context) (kernel.Status, error) {
	control, err := kernel.DialControl(ctx, kernel.ControlConfig{})
	if err != nil {
		return kernel.Status{}, err
	}
	defer control.Close() //nolint:errcheck // only asked
	return control.Status(ctx)
}

// Examine runs every check, in the order in which a person would mend things.
func Examine(ctx context.Context, h Host) []Finding {
	findings := []Finding{h.kernel(), h.capabilities(), h.namespaces()}
	findings = append(findings, h.engine(ctx)...)
	return append(findings, h.processes(), h.bootLine(), h.trail())
}

// processes asks whether the shortest-lived process can be told whose it is.
func (h Host) processes() Finding {
	err := h.Processes(h.Proc)
	if err == nil {
		return Finding{Check: "attribution", Verdict: OK, Found: "eBPF programs can watch every process"}
	}
	f := Finding{Check: "attribution", Verdict: Warn, Found: err.Error()}
	var unavailable *identity.Unavailable
	if errors.As(err, &unavailable) {
		f.Advice = unavailable.Advice() + "; without it, most short-lived processes go unattributed"
	}
	return f
}

// Failed says whether a finding keeps `vigil run` from working.
func Failed(findings []Finding) bool {
	for _, f := range findings {
		if f.Verdict == Fail {
			return true
		}
	}
	return false
}

func (h Host) kernel() Finding {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Finding{Check: "kernel", Verdict: Warn, Found: "unknown: " + err.Error()}
	}
	release := unix.ByteSliceToString(u.Release[:])
	f := Finding{Check: "kernel", Verdict: OK, Found: "Linux " + release + " " + unix.ByteSliceToString(u.Machine[:])}
	if major, _, ok := strings.Cut(release, "."); ok {
		if n, err := strconv.Atoi(major); err == nil && n < 4 {
			f.Verdict, f.Advice = Warn, "older than Linux 4: not tried"
		}
	}
	return f
}

// wanted are the capabilities that `vigil run` uses, and for what.
func wanted() []struct {
	bit        uint
	name, what string
	needed     bool
} {
	return []struct {
		bit        uint
		name, what string
		needed     bool
	}{
		{30, "CAP_AUDIT_CONTROL", "to register as the audit daemon and to load rules", true},
		{37, "CAP_AUDIT_READ", "to observe beside another daemon", false},
		{29, "CAP_AUDIT_WRITE", "to wake the kernel's queue after a stall", false},
		{12, "CAP_NET_ADMIN", "to force a large receive buffer", false},
	}
}

func (h Host) capabilities() Finding {
	set, err := effective(filepath.Join(h.Proc, "self/status"))
	if err != nil {
		return Finding{Check: "capabilities", Verdict: Warn, Found: err.Error()}
	}
	f := Finding{Check: "capabilities", Verdict: OK, Found: "all that are needed"}
	var missing, advice []string
	for _, c := range wanted() {
		if set&(1<<c.bit) != 0 {
			continue
		}
		missing = append(missing, c.name)
		advice = append(advice, c.name+" "+c.what)
		if c.needed {
			f.Verdict = Fail
		} else if f.Verdict == OK {
			f.Verdict = Warn
		}
	}
	if len(missing) > 0 {
		f.Found = "missing " + strings.Join(missing, ", ")
		f.Advice = "run as root, or give " + strings.Join(advice, "; ")
	}
	return f
}

func (h Host) namespaces() Finding {
	f := Finding{Check: "namespaces", Verdict: OK, Found: "the host's own"}
	switch {
	case !initialUsers(filepath.Join(h.Proc, "self/uid_map")):
		f.Verdict, f.Found = Fail, "a user namespace"
		f.Advice = "run on the host itself: the kernel gives audit records only to the initial user namespace"
	case !initial(h.Proc, "pid", initPIDNamespace):
		f.Verdict, f.Found = Fail, "a pid namespace"
		f.Advice = "share the host's pid namespace (hostPID: true, --pid=host): only there can a process register"
	case !sameNetwork(h.Proc):
		f.Verdict, f.Found = Warn, "a network namespace other than that of process 1"
		f.Advice = "with CAP_SYS_ADMIN and the host's pid namespace vigil enters the host's network for its socket; without them, share the host's network"
	}
	return f
}

// engine asks the audit engine itself, and reads its answer.
func (h Host) engine(ctx context.Context) []Finding {
	status, err := h.Status(ctx)
	var setup *kernel.SetupError
	switch {
	case errors.As(err, &setup):
		return []Finding{{Check: "audit engine", Verdict: Fail, Found: "not reachable", Advice: setup.Error()}}
	case err != nil:
		return []Finding{{Check: "audit engine", Verdict: Fail, Found: err.Error(), Advice: "see what `dmesg` says about audit"}}
	}
	return []Finding{enabled(status), h.registration(status), queue(status), rate(status), lost(status)}
}

func enabled(s kernel.Status) Finding {
	f := Finding{Check: "audit engine", Verdict: OK, Found: "enabled"}
	switch s.Enabled {
	case 0:
		f.Found = "there, and off"
		f.Advice = "nothing to do: `vigil run` turns it on, and off again when it leaves"
	case 2:
		f.Verdict, f.Found = Warn, "enabled, and locked until the next boot (-e 2)"
		f.Advice = "rules cannot be changed now; `vigil run` reads and keeps what comes"
	}
	return f
}

func (h Host) registration(s kernel.Status) Finding {
	f := Finding{Check: "audit daemon", Verdict: OK, Found: "none registered: `vigil run` will be it"}
	if s.PID == 0 {
		return f
	}
	name, err := readWord(filepath.Join(h.Proc, strconv.Itoa(int(s.PID)), "comm"))
	switch {
	case err != nil:
		f.Verdict, f.Found = Warn, fmt.Sprintf("pid %d is registered and not to be seen", s.PID)
		f.Advice = "if it is gone, `vigil run` takes its place"
	case name == "vigil":
		f.Found = fmt.Sprintf("vigil (pid %d)", s.PID)
	default:
		f.Verdict, f.Found = Warn, fmt.Sprintf("%s (pid %d) is registered", name, s.PID)
		f.Advice = "`vigil run` observes beside it; to take its place: stop it first"
	}
	return f
}

// smallBacklog is the size below which storms are known to lose records: the
// kernel's default is 64, auditd's shipped rules say 8192.
const smallBacklog = 8192

func queue(s kernel.Status) Finding {
	f := Finding{Check: "kernel queue", Verdict: OK, Found: fmt.Sprintf("%d records, waits up to %d ticks", s.BacklogLimit, s.BacklogWaitTime)}
	switch {
	case s.BacklogLimit == 0:
		f.Found = fmt.Sprintf("no limit, waits up to %d ticks", s.BacklogWaitTime)
	case s.BacklogLimit < smallBacklog:
		f.Found = fmt.Sprintf("%d records", s.BacklogLimit)
		f.Advice = "nothing to do: `vigil run` raises it; for the time before it starts, boot with audit_backlog_limit=65536"
	}
	return f
}

func rate(s kernel.Status) Finding {
	if s.RateLimit == 0 {
		return Finding{Check: "rate limit", Verdict: OK, Found: "none"}
	}
	return Finding{
		Check: "rate limit", Verdict: Warn, Found: fmt.Sprintf("%d records a second: the kernel drops the rest", s.RateLimit),
		Advice: "auditctl -r 0",
	}
}

func lost(s kernel.Status) Finding {
	f := Finding{Check: "lost so far", Verdict: OK, Found: strconv.FormatUint(uint64(s.Lost), 10)}
	if s.Lost != 0 {
		f.Verdict = Warn
		f.Advice = "the kernel has dropped records since boot or the last reset: a larger -b, or a reader that keeps up"
	}
	return f
}
