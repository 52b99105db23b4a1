package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"vigil/bpf/identity"
	"vigil/daemon/config"
	"vigil/enrich/attribution"
	"vigil/enrich/container"
	"vigil/enrich/tree"
	"vigil/enrich/who"
)

// attributor says whose a record is: the process that had the record's pid at its
// time, and with it container, pod, systemd unit, login and parents. append and
// observe belong to the pipeline's goroutine.
type attributor struct {
	source *identity.Source
	who    *who.Who
}

// keptAncestors is how many generations are remembered at least, so that an exec
// session is found again below many that no rule has shown.
const keptAncestors = 16

// openAttributor begins to watch the processes. found is told of each container
// whose runtime's data have arrived.
func openAttributor(ctx context.Context, c config.Attribution, root string, found func(*attribution.Container), log *slog.Logger) (*attributor, error) {
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
	proc := hostProc(root)
	source, err := identity.Open(ctx, identity.Config{Mode: mode, Proc: proc, Ancestors: max(c.Ancestors, keptAncestors)})
	if err != nil {
		return nil, err
	}
	if why := source.Why(); why != nil && c.BPF == config.BPFAuto {
		log.Warn("short-lived processes will go unattributed: processes are watched without eBPF", "mode", string(source.Mode()), "err", why)
	}
	settings := who.Config{
		Format:     attribution.Format{Fields: fields, Ancestors: c.Ancestors},
		Boot:       uint64(bootTime().UnixNano()),
		Containers: container.Config{Host: root, Node: hostName(root), Labels: c.Labels, Ask: c.Runtimes, Found: found, Logger: log},
		Tree:       tree.Config{Proc: proc},
	}
	return &attributor{source: source, who: who.New(settings, &processes{source: source})}, nil
}

// hostProc is where the host's processes are: below its root directory where that
// is mounted with what is mounted in it, otherwise ours, which are the host's if we
// share its pid namespace.
func hostProc(root string) string {
	proc := filepath.Join(root, "proc")
	if _, err := os.Stat(filepath.Join(proc, "1", "stat")); err != nil {
		return "/proc"
	}
	return proc
}

// hostName is what the host is called, in small letters as the kubelet names its
// node; "" if that cannot be told.
func hostName(root string) string {
	if root != "/" {
		text, err := os.ReadFile(filepath.Join(root, "etc", "hostname"))
		if err != nil {
			return ""
		}
		return strings.ToLower(strings.TrimSpace(string(text)))
	}
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return strings.ToLower(name)
}

// run keeps the processes and containers up to date until ctx ends.
func (a *attributor) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.source.Run(ctx) })
	g.Go(func() error { return a.who.Run(ctx) })
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("watch processes: %w", err)
	}
	return nil
}

// processes are those that bpf/identity knows, in the words of enrich/who.
type processes struct {
	source *identity.Source
	query  identity.Query
	found  identity.Process
	kin    []identity.Ancestor
}

// Lookup finds the process that a record is about.
func (p *processes) Lookup(q *who.Query, to *who.Process) bool {
	p.query = identity.Query{PID: q.PID, Sec: q.ID.Sec, Milli: q.ID.Milli, Exec: q.Exec, PPID: q.PPID, Comm: q.Comm}
	var match identity.Match
	p.found, match = p.source.Lookup(&p.query)
	if !match.Known() {
		return false
	}
	f := &p.found
	to.Process = attribution.Process{PID: f.PID, Start: f.Start, ExecID: f.ExecID, Comm: f.Comm}
	to.VPID, to.Cgroup, to.Cgroup1 = f.NSPID, f.Cgroup, f.Cgroup1
	return true
}

// Ancestors appends the forebears of the process that was found last.
func (p *processes) Ancestors(dst []attribution.Process, most int) []attribution.Process {
	p.kin = p.source.Ancestors(&p.found, p.kin[:0], most)
	for i := range p.kin {
		k := &p.kin[i]
		dst = append(dst, attribution.Process{PID: k.PID, Start: k.Start, ExecID: k.ExecID, Comm: k.Comm})
	}
	return dst
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
	a, err := openAttributor(ctx, d.settings.Attribution, d.settings.Node.Root, d.tellContainer, d.log)
	if err != nil {
		d.log.Error("records will not say whose they are", "err", err)
		return nil
	}
	d.attributor = a
	d.later(a.source.Close)
	d.recall(ctx)
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
	s, c := a.source.Stats(), a.who.ContainerStats()
	status := &AttributionStatus{
		Mode: string(a.source.Mode()), Living: s.Living, Dead: s.Dead, Dropped: s.DroppedRecords, Scans: s.Scans,
		Containers: len(a.who.Containers()), Lookups: make(map[string]uint64),
		Runtimes: RuntimesStatus{Found: c.Found, Absent: c.Absent, Failed: c.Failed, Answered: c.Answers, Silent: c.Silent, Refused: c.Refused},
	}
	if why := a.source.Why(); why != nil {
		status.Why = why.Error()
	}
	for match, n := range s.Lookups {
		status.Lookups[identity.Match(match).String()] = n
	}
	return status
}
