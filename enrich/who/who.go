package who

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/enrich/attribution"
	"vigil/enrich/cgroup"
	"vigil/enrich/container"
	"vigil/enrich/entry"
	"vigil/enrich/login"
	"vigil/enrich/tree"
)

// Query is what a record says of its process.
type Query struct {
	ID   audit.ID
	PID  uint32
	PPID uint32 // 0 if the record has none
	Comm []byte // decoded, nil if the record has none
	Exec bool   // the record is of an execution that succeeded
}

// Process is what is known of a process. What is not known is zero.
type Process struct {
	attribution.Process
	VPID            uint32
	Cgroup, Cgroup1 string // paths in the hierarchies of version 2 and 1
}

// Processes finds processes. Its methods are called from the goroutine that calls Append and Observe, and must wait for
// nothing but what the kernel has already reported.
type Processes interface {
	// Lookup fills in p the process that had q's pid at its stamp; false if none is known.
	Lookup(q *Query, p *Process) bool
	// Ancestors appends the forebears of the process that Lookup found last, the parent first.
	Ancestors(dst []attribution.Process) []attribution.Process
}

// Config says what a Who adds. Its zero value is valid.
type Config struct {
	Format attribution.Format
	// Boot is when the machine booted, nanoseconds since the epoch, taken once: with it a process's start is always told the
	// same. 0: starts are not told.
	Boot uint64

	Containers container.Config
	Logins     login.Config
	Entries    entry.Config // ContainerOf is /proc's if nil
	Tree       tree.Config
}

// Who attributes records. Append and Observe belong to one goroutine.
type Who struct {
	cfg        Config
	processes  Processes
	containers *container.Store
	logins     *login.Table
	entries    *entry.Table
	tree       *tree.Table
	places     map[string]*place

	a         attribution.Attribution
	p         Process
	q         Query
	ses       uint32
	comm      []byte
	kin       []attribution.Process
	ancestors []attribution.Ancestor
}

// place is what a cgroup's path says.
type place struct {
	cgroup.Info
	path        string
	key         container.Key
	inContainer bool
}

// New returns a Who that asks processes.
func New(cfg Config, processes Processes) *Who {
	if cfg.Tree.Proc == "" {
		cfg.Tree.Proc = "/proc"
	}
	if cfg.Entries.ContainerOf == nil {
		cfg.Entries.ContainerOf = func(pid uint32) string { return containerOf(cfg.Tree.Proc, pid) }
	}
	if cfg.Format.Ancestors <= 0 {
		cfg.Format.Ancestors = 5
	}
	return &Who{cfg: cfg, processes: processes, containers: container.NewStore(cfg.Containers), logins: login.NewTable(cfg.Logins),
		entries: entry.NewTable(cfg.Entries), tree: tree.NewTable(cfg.Tree), places: map[string]*place{}}
}

// Run looks up in the background what Append has missed, until ctx ends.
func (w *Who) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.containers.Run(ctx) })
	g.Go(func() error { return w.tree.Run(ctx) })
	return g.Wait()
}

// Containers returns the containers that are known, for the head of a segment. It may be called from any goroutine.
func (w *Who) Containers() []*attribution.Container { return w.containers.All() }

// Stats are the tables' counts.
type Stats struct {
	Containers container.Stats
	Logins     login.Stats
	Entries    entry.Stats
	Tree       tree.Stats
}

// Stats returns the counts as they are now, for the goroutine that calls Append.
func (w *Who) Stats() Stats {
	return Stats{w.containers.Stats(), w.logins.Stats(), w.entries.Stats(), w.tree.Stats()}
}

// Append appends the attribution of r, whose line, without newline, begins at dst[start]. now is the time in nanoseconds
// since the epoch. It does not allocate when dst and the tables have room and the process's cgroup was seen before.
func (w *Who) Append(dst []byte, start int, r audit.Record, now int64) []byte {
	if !bearsProcess(r.Type) || !w.read(r) {
		return dst
	}
	w.attribute(now)
	return w.cfg.Format.Append(dst, start, &w.a)
}

// Observe learns from an event.
func (w *Who) Observe(ev *audit.Event) {
	executed := false
	for i := range ev.Records {
		w.logins.Observe(ev.Records[i])
		executed = executed || ev.Records[i].Type == tables.TypeExecve
	}
	if !executed {
		return
	}
	r, ok := ev.First(tables.TypeSyscall)
	if !ok || !w.read(r) || !w.q.Exec {
		return
	}
	w.p = Process{}
	if !w.processes.Lookup(&w.q, &w.p) {
		return
	}
	in := w.place(&w.p)
	w.entries.Observe(ev, &w.p.Process, in.ContainerID)
	w.tree.Observe(ev, &w.p.Process)
}

// bearsProcess reports whether records of the type are about the process whose pid they bear, once in an event.
func bearsProcess(t tables.Type) bool {
	switch {
	case t == tables.TypeSyscall, t == tables.TypeUringOp, t == tables.TypeSeccomp, t == tables.TypeLogin, t == tables.TypeTTY:
		return true
	case t >= 1100 && t <= 1199: // AUDIT_FIRST_USER_MSG: programs' messages
		return true
	case t >= 2100 && t <= 2899: // AUDIT_FIRST_USER_MSG2 but for Vigil's own
		return true
	case t >= 1700 && t <= 1799: // AUDIT_FIRST_KERN_ANOM_MSG
		return true
	}
	return false
}

// read takes from a record what tells its process. It reports whether there is a pid.
func (w *Who) read(r audit.Record) bool {
	w.q = Query{ID: r.ID}
	w.ses = math.MaxUint32
	success, call := false, -1
	arch := tables.Arch(0)
	fs := r.Fields()
	for f, ok := fs.Next(); ok && !f.FromProgram(); f, ok = fs.Next() {
		switch string(f.Name) {
		case "pid":
			if w.q.PID == 0 {
				w.q.PID = number(f)
			}
		case "ppid":
			w.q.PPID = number(f)
		case "ses":
			w.ses = math.MaxUint32
			if n, ok := f.Uint(); ok && n < math.MaxUint32 {
				w.ses = uint32(n)
			}
		case "arch":
			n, _ := f.Hex()
			arch = tables.Arch(n)
		case "syscall":
			if n, ok := f.Uint(); ok && n < math.MaxInt32 {
				call = int(n)
			}
		case "success":
			success = string(f.Value) == "yes"
		case "comm":
			w.comm = f.Text(w.comm[:0])
			w.q.Comm = w.comm
		}
		if w.q.Comm != nil && r.Type == tables.TypeSyscall {
			break // comm comes last
		}
	}
	if success && call >= 0 {
		name, _ := tables.SyscallName(arch, call)
		w.q.Exec = name == "execve" || name == "execveat"
	}
	return w.q.PID != 0
}

func number(f audit.Field) uint32 {
	n, ok := f.Uint()
	if !ok || n > math.MaxInt32 {
		return 0
	}
	return uint32(n)
}

// attribute fills w.a for w.q.
func (w *Who) attribute(now int64) {
	w.a = attribution.Attribution{}
	w.a.Login = w.logins.Login(w.ses)
	w.p = Process{}
	if !w.processes.Lookup(&w.q, &w.p) {
		return
	}
	p, a := &w.p, &w.a
	a.Attributed = true
	in := w.place(p)
	a.Cgroup, a.Unit, a.Slice = in.path, in.Unit, in.Slice
	a.ContainerID, a.Runtime, a.PodUID = in.ContainerID, string(in.Runtime), in.PodUID
	if in.inContainer {
		a.Container = w.containers.Get(in.key, now)
	}
	if w.cfg.Boot != 0 && p.Start != 0 {
		a.Start = w.cfg.Boot + p.Start
	}
	a.VPID = p.VPID
	if p.Start == 0 {
		return
	}
	w.kin = w.processes.Ancestors(w.kin[:0])
	a.Entry = w.entries.Entry(&p.Process, w.kin)
	w.ancestors = w.tree.Ancestors(w.ancestors[:0], &p.Process, w.kin[:min(len(w.kin), w.cfg.Format.Ancestors)])
	a.Ancestors = w.ancestors
	if !w.q.Exec { // the program before is not what the record is about
		a.Script = w.tree.Script(&p.Process)
	}
}

// maxPlaces bounds how many cgroups' paths are remembered.
const maxPlaces = 16384

// place tells what a process's cgroups say: the hierarchy that names a container, else a unit, else version 2's.
func (w *Who) place(p *Process) *place {
	v2 := w.parse(p.Cgroup)
	if v2.ContainerID != "" || p.Cgroup1 == "" {
		return v2
	}
	v1 := w.parse(p.Cgroup1)
	if v1.ContainerID != "" || v1.Unit != "" && v2.Unit == "" || v2.path == "" || v2.path == "/" {
		return v1
	}
	return v2
}

func (w *Who) parse(path string) *place {
	if in := w.places[path]; in != nil {
		return in
	}
	if len(w.places) >= maxPlaces {
		clear(w.places)
	}
	in := &place{Info: cgroup.Parse(path), path: path}
	in.key, in.inContainer = container.KeyOf(in.Info)
	w.places[path] = in
	return in
}

// containerOf reads the container of a process that runs.
func containerOf(proc string, pid uint32) string {
	text, err := os.ReadFile(filepath.Join(proc, strconv.FormatUint(uint64(pid), 10), "cgroup"))
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(text) {
		// hierarchy-ID:controller-list:cgroup-path, cgroups(7)
		parts := bytes.SplitN(bytes.TrimSuffix(line, []byte("\n")), []byte(":"), 3)
		if len(parts) == 3 {
			if in := cgroup.Parse(string(parts[2])); in.ContainerID != "" {
				return in.ContainerID
			}
		}
	}
	return ""
}
