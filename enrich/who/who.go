package who

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

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
	// Ancestors appends the forebears of the process that Lookup found last, the parent first, at most most.
	Ancestors(dst []attribution.Process, most int) []attribution.Process
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

	said         [slots]said
	lineages     [256]lineage
	lastCall     call
	lastExecutes bool
	executed     [16]executed // by serial

	// Of the record that is being attributed.
	a        attribution.Attribution
	p        Process
	q        Query
	ses      uint32
	comm     []byte
	in       *place
	kin      []attribution.Process
	versions struct{ entries, programs uint64 } // of the tables, before they were asked
}

// executed is the process of an execution's SYSCALL record, for when the event is whole.
type executed struct {
	id audit.ID
	p  Process // PID is 0: none
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

// ContainerStats are the counts of looking for containers. It may be called from any goroutine.
func (w *Who) ContainerStats() container.Stats { return w.containers.Stats() }

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
	w.p = Process{}
	known := w.processes.Lookup(&w.q, &w.p)
	if known && w.p.Start != 0 {
		most := w.cfg.Format.Ancestors
		if !w.entries.Empty() {
			most = maxKin
		}
		w.kin = w.processes.Ancestors(w.kin[:0], most)
		if !w.q.Exec {
			return w.again(dst, start, now)
		}
		w.executed[w.q.ID.Serial%uint32(len(w.executed))] = executed{w.q.ID, w.p}
	}
	if known {
		w.attribute(now)
	} else {
		w.a = attribution.Attribution{Login: w.logins.Login(w.ses)}
	}
	return w.cfg.Format.Append(dst, start, &w.a)
}

// maxKin is how far up an exec session is looked for.
const maxKin = 64

// Observe learns from an event.
func (w *Who) Observe(ev *audit.Event) {
	execution := false
	for i := range ev.Records {
		switch t := ev.Records[i].Type; {
		case t == tables.TypeExecve:
			execution = true
		case t < 1300: // what the kernel says of logins, and programs: below AUDIT_FIRST_EVENT
			w.logins.Observe(ev.Records[i])
		}
	}
	if !execution || !w.whose(ev) {
		return
	}
	x, ok := attribution.Executed(ev)
	if !ok {
		return
	}
	// In a pid namespace of its own it is in some container, whatever its cgroup is called.
	if entry.Concerns(x.Exe) && (w.p.VPID == 0 || w.p.VPID == w.p.PID) {
		id := w.containerID()
		w.entries.Observe(ev, &w.p.Process, id)
		if c, ok := w.entries.Created(ev, id); ok {
			w.containers.Create(container.Creation(c))
		}
	}
	w.tree.Learn(ev, &w.p.Process, x)
}

// containerID is the id of the container that w.p is in, "" if in none.
func (w *Who) containerID() string {
	in := w.place(&w.p)
	if in.ContainerID == "" && in.inContainer {
		if c := w.containers.Get(in.key, time.Now().UnixNano()); c != nil {
			return c.ID
		}
	}
	return in.ContainerID
}

// whose finds the process that has executed a program in ev. Its SYSCALL record has mostly been attributed already: the
// answer of then is as good as one of now, since the kernel told of the exec before it wrote the record.
func (w *Who) whose(ev *audit.Event) bool {
	if e := &w.executed[ev.ID.Serial%uint32(len(w.executed))]; e.p.PID != 0 && e.id == ev.ID {
		w.p, e.p.PID = e.p, 0
		return true
	}
	r, ok := ev.First(tables.TypeSyscall)
	if !ok || !w.read(r) || !w.q.Exec {
		return false
	}
	w.p = Process{}
	return w.processes.Lookup(&w.q, &w.p)
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

// attribute fills w.a for w.q, whose process is w.p with w.kin.
func (w *Who) attribute(now int64) {
	w.a = attribution.Attribution{Attributed: true, Login: w.logins.Login(w.ses)}
	p, a := &w.p, &w.a
	w.versions.entries, w.versions.programs = w.entries.Version(), w.programs()
	in := w.place(p)
	w.in = in
	a.Cgroup, a.Unit, a.Slice = in.path, in.Unit, in.Slice
	a.ContainerID, a.Runtime, a.PodUID = in.ContainerID, string(in.Runtime), in.PodUID
	if in.inContainer {
		a.Container = w.containers.Get(in.key, now)
		if c := a.Container; c != nil && in.ContainerID == "" { // its cgroup does not say whose it is
			a.ContainerID, a.Runtime = c.ID, c.Runtime
		}
	}
	if w.cfg.Boot != 0 && p.Start != 0 {
		a.Start = w.cfg.Boot + p.Start
	}
	a.VPID = p.VPID
	if p.Start == 0 {
		return
	}
	a.Entry = w.entries.Entry(&p.Process, w.kin)
	w.lineage()
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
	in.key, in.inContainer = container.KeyOf(path, in.Info)
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
