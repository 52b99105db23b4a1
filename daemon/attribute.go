package daemon

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/bpf/identity"
	"vigil/daemon/config"
	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
	"vigil/enrich/container"
)

// attributor says whose a record is: the process that had the record's pid at its
// time, and with it container, pod and systemd unit. Append belongs to the
// pipeline's goroutine.
type attributor struct {
	processes  *identity.Source
	containers *container.Store
	format     attribution.Format

	places map[string]place // by cgroup path; forgotten when there are too many
	boot   int64            // when the clock of process start times began, nanoseconds since the epoch
	a      attribution.Attribution
	text   []byte // a decoded name
}

// place is what a cgroup's path says.
type place struct {
	path        string
	info        cgroup.Info
	key         container.Key // if isContainer
	isContainer bool
}

// maxPlaces bounds the cgroup paths that are kept parsed.
const maxPlaces = 8192

// openAttributor begins to watch the processes. found is told of each container
// whose runtime's data have arrived.
func openAttributor(ctx context.Context, c config.Attribution, found func(*attribution.Container), log *slog.Logger) (*attributor, error) {
	fields, err := attribution.ParseFields(c.Fields)
	if err != nil {
		return nil, err
	}
	mode := identity.Auto
	switch c.BPF {
	case config.BPFOff:
		mode = identity.Connector
	case config.BPFRequire:
		mode = identity.BPF
	}
	processes, err := identity.Open(ctx, identity.Config{Mode: mode, Ancestors: c.Ancestors})
	if err != nil {
		return nil, err
	}
	if why := processes.Why(); why != nil && c.BPF == config.BPFAuto {
		log.Warn("short-lived processes will go unattributed: processes are watched without eBPF", "mode", string(processes.Mode()), "err", why)
	}
	return &attributor{
		processes:  processes,
		containers: container.NewStore(container.Config{Labels: c.Labels, Found: found, Logger: log}),
		format:     attribution.Format{Fields: fields, Ancestors: c.Ancestors},
		places:     make(map[string]place),
		boot:       bootTime().UnixNano(),
	}, nil
}

// run keeps the processes and containers up to date until ctx ends.
func (a *attributor) run(ctx context.Context) error {
	go a.containers.Run(ctx) //nolint:errcheck // ends with ctx, without error
	return a.processes.Run(ctx)
}

// append appends the attribution of r to dst, in which r's line begins at start.
// Only what is known is written; nothing for a record without a pid.
func (a *attributor) append(dst []byte, start int, r audit.Record, now time.Time) []byte {
	if !bearsPID(r.Type) {
		return dst
	}
	q, ok := a.query(r)
	if !ok {
		return dst
	}
	p, match := a.processes.Lookup(&q)
	if !match.Known() {
		return dst
	}
	a.a = attribution.Attribution{Attributed: true, VPID: p.NSPID}
	if p.Start != 0 {
		a.a.Start = uint64(a.boot) + p.Start
	}
	if at, ok := a.place(&p); ok {
		a.a.Cgroup, a.a.Unit, a.a.Slice = at.path, at.info.Unit, at.info.Slice
		a.a.ContainerID, a.a.Runtime, a.a.PodUID = at.info.ContainerID, string(at.info.Runtime), at.info.PodUID
		if at.isContainer {
			a.a.Container = a.containers.Get(at.key, now.UnixNano())
		}
	}
	return a.format.Append(dst, start, &a.a)
}

// bearsPID says whether records of a type are about one process, that of their
// field pid= (<linux/audit.h>: 1100-1199 and 2100-2999 are user messages, 1700-1799
// anomalies). The kernel puts that field first into what programs send.
func bearsPID(t tables.Type) bool {
	switch {
	case t == tables.TypeSyscall, t == tables.TypeSeccomp, t == tables.TypeUser, t == tables.TypeLogin:
		return true
	case t >= 1100 && t < 1200, t >= 1700 && t < 1800, t >= 2100 && t < 2900:
		return true
	}
	return false
}

// query collects what a record says of its process.
func (a *attributor) query(r audit.Record) (q identity.Query, ok bool) {
	q.Sec, q.Milli = r.ID.Sec, r.ID.Milli
	var call, arch audit.Field
	var success []byte
	fields := r.Fields()
	for f, more := fields.Next(); more && !f.FromProgram(); f, more = fields.Next() {
		switch string(f.Name) {
		case "pid":
			n, valid := f.Uint()
			if !valid {
				return q, false
			}
			q.PID, ok = uint32(n), true
		case "ppid":
			n, _ := f.Uint()
			q.PPID = uint32(n)
		case "comm":
			a.text = f.Text(a.text[:0])
			q.Comm = a.text
		case "syscall":
			call = f
		case "arch":
			arch = f
		case "success":
			success = f.Value
		}
	}
	q.Exec = string(success) == "yes" && isExec(arch, call)
	return q, ok
}

// isExec says whether a system call makes a process run another program.
func isExec(arch, call audit.Field) bool {
	machine, ok := arch.Hex()
	number, isNumber := call.Int()
	if !ok || !isNumber {
		return false
	}
	name, _ := tables.SyscallName(tables.Arch(machine), int(number))
	return name == "execve" || name == "execveat"
}

// place parses the paths of a process's cgroups, once for each: that in version
// 2's hierarchy, or the one in version 1's if only that names a container.
func (a *attributor) place(p *identity.Process) (place, bool) {
	at, ok := a.parse(p.Cgroup)
	if p.Cgroup1 != "" && (!ok || at.info.ContainerID == "") {
		if at1, ok1 := a.parse(p.Cgroup1); ok1 && (!ok || at1.info.ContainerID != "") {
			return at1, true
		}
	}
	return at, ok
}

func (a *attributor) parse(path string) (place, bool) {
	if path == "" {
		return place{}, false
	}
	at, ok := a.places[path]
	if !ok {
		if len(a.places) >= maxPlaces {
			clear(a.places)
		}
		at = place{path: path, info: cgroup.Parse(path)}
		at.key, at.isContainer = container.KeyOf(at.info)
		a.places[path] = at
	}
	return at, true
}

// bootTime is when the clock began that process start times are taken from.
func bootTime() time.Time {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return time.Time{}
	}
	return time.Now().Add(-time.Duration(t.Nano()))
}

// openAttribution begins to watch processes, if that is configured. Without it the
// daemon goes on: records are worth more than what is said about them.
func (d *daemon) openAttribution(ctx context.Context) error {
	if !d.settings.Attribution.Enabled || d.trail == nil {
		return nil
	}
	a, err := openAttributor(ctx, d.settings.Attribution, d.tellContainer, d.log)
	if err != nil {
		d.log.Error("records will not say whose they are", "err", err)
		return nil
	}
	d.attributor = a
	d.later(a.processes.Close)
	return nil
}

// tellContainer puts what a runtime says of a container into the trail, once when
// it is known and again at the head of each segment.
func (d *daemon) tellContainer(c *attribution.Container) {
	line := d.scribe.appendContainer(nil, c, time.Now())
	if err := d.trail.Append(line, 1); err == nil {
		d.ledger.Written(1)
	}
}

// attributionStatus is nil if records are not attributed.
func (a *attributor) status() *AttributionStatus {
	if a == nil {
		return nil
	}
	s := a.processes.Stats()
	status := &AttributionStatus{
		Mode: string(a.processes.Mode()), Living: s.Living, Dead: s.Dead, Dropped: s.DroppedRecords, Scans: s.Scans,
		Containers: len(a.containers.All()), Lookups: make(map[string]uint64),
	}
	if why := a.processes.Why(); why != nil {
		status.Why = why.Error()
	}
	for match, n := range s.Lookups {
		status.Lookups[identity.Match(match).String()] = n
	}
	return status
}
