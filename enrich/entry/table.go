package entry

import (
	"bytes"
	"strings"

	"vigil/audit"
	"vigil/enrich/attribution"
)

// Config says how a Table works. Its zero value is valid.
type Config struct {
	// Sessions is how many exec sessions are remembered; 0 is 4096. The one unused for longest gives way.
	Sessions int
	// Members is how many of their processes are remembered by themselves, to be found when their forebears are not known
	// any more; 0 is 32768.
	Members int
	// ContainerOf returns the id of the container that a running process is in, "" if it is in none or not known. It is called by
	// Observe alone, for nsenter -t PID. nil: such entries are not known.
	ContainerOf func(pid uint32) string
}

// key is one process of this boot.
type key struct {
	pid   uint32
	start uint64
}

// session is one exec session.
type session struct {
	entry *attribution.Entry
	used  uint64 // by the clock of the table
}

// Table is the exec sessions of a machine. It belongs to one goroutine.
type Table struct {
	cfg   Config
	clock uint64 // counts uses
	roots map[key]*session
	ids   map[string]bool // in use
	// Sessions that began before this run.
	recalled map[string]*session
	// Members of sessions: those seen lately, and those seen before that.
	members, older map[key]*session
	args           audit.Args
	begun, evicted uint64
	version        uint64
}

// NewTable returns a Table without sessions.
func NewTable(cfg Config) *Table {
	if cfg.Sessions <= 0 {
		cfg.Sessions = 4096
	}
	if cfg.Members <= 0 {
		cfg.Members = 32768
	}
	return &Table{cfg: cfg, roots: map[key]*session{}, ids: map[string]bool{}, recalled: map[string]*session{}, members: map[key]*session{}, older: map[key]*session{}}
}

// Stats are a Table's counts.
type Stats struct {
	Sessions, Members int    // remembered
	Begun             uint64 // sessions
	Evicted           uint64 // sessions forgotten because there were too many
}

// Stats returns the counts as they are now.
func (t *Table) Stats() Stats {
	return Stats{Sessions: len(t.roots), Members: len(t.members) + len(t.older), Begun: t.begun, Evicted: t.evicted}
}

// Observe learns from an event in which a process has executed a program; others tell nothing. self is that process as it
// was made, container the id of the container that it is in.
func (t *Table) Observe(ev *audit.Event, self *attribution.Process, container string) {
	if self.Start == 0 || container != "" {
		return
	}
	exe, ok := executed(ev)
	if !ok || !Concerns([]byte(exe)) {
		return
	}
	ev.Args(&t.args)
	argv := t.args.Strings()
	c, ok := parse(exe, argv)
	if !ok {
		return
	}
	if c.target != 0 {
		if t.cfg.ContainerOf != nil {
			c.container = t.cfg.ContainerOf(c.target)
		}
		if c.container == "" {
			return
		}
	}
	t.begin(ev.ID, self, c)
}

// Concerns reports whether an execution of the program at exe can be of use to Observe and Created.
func Concerns(exe []byte) bool {
	switch string(exe[bytes.LastIndexByte(exe, '/')+1:]) {
	case "runc", "crun", "youki", "runsc", "docker-runc", "nsenter", "lxc-attach":
		return true
	}
	return false
}

// executed returns the program that ev has executed.
func executed(ev *audit.Event) (exe string, ok bool) {
	x, ok := attribution.Executed(ev)
	return string(x.Exe), ok && x.Exe != nil
}

// Version changes with everything that can make Entry's answer for the same process and kin another one.
func (t *Table) Version() uint64 { return t.version }

// Empty reports whether there is no session, so that Entry's answer is nil whatever it is asked.
func (t *Table) Empty() bool { return len(t.roots) == 0 && len(t.members) == 0 && len(t.older) == 0 }

func (t *Table) begin(id audit.ID, self *attribution.Process, c command) {
	e := &attribution.Entry{ID: c.execID, Via: c.via, Container: clip(c.container)}
	// Whoever may start runc may give it any exec id, but not the one of a session that there is.
	if e.ID == "" || t.ids[e.ID] {
		e.ID = id.String()
	}
	k := key{self.PID, self.Start}
	if old := t.roots[k]; old != nil {
		delete(t.ids, old.entry.ID)
	} else if len(t.roots) >= t.cfg.Sessions {
		t.evict()
	}
	t.begun++
	t.version++
	t.clock++
	t.ids[e.ID] = true
	t.roots[k] = &session{entry: e, used: t.clock}
	delete(t.members, k)
	delete(t.older, k)
}

// Recall notes that a process that runs is of an exec session that an earlier run knew.
func (t *Table) Recall(self *attribution.Process, e *attribution.Entry) {
	k := key{self.PID, self.Start}
	if self.Start == 0 || t.of(k) != nil {
		return
	}
	s := t.recalled[e.ID]
	if s == nil {
		if len(t.recalled) >= t.cfg.Sessions {
			return
		}
		s = &session{entry: e, used: t.clock}
		t.recalled[e.ID] = s
		t.ids[e.ID] = true
	}
	t.version++
	t.remember(k, s)
}

func clip(s string) string { return strings.Clone(s[:min(len(s), 256)]) }

func (t *Table) evict() {
	var victim key
	var at *session
	for k, s := range t.roots {
		if at == nil || s.used < at.used {
			victim, at = k, s
		}
	}
	delete(t.ids, at.entry.ID)
	delete(t.roots, victim)
	t.evicted++
	t.version++
}

// Entry returns the exec session that a process is of, nil if it is of none. kin are its forebears, the parent first, as
// far as they are known; each as it was made. Once found, a process is remembered by itself.
func (t *Table) Entry(self *attribution.Process, kin []attribution.Process) *attribution.Entry {
	if t.Empty() || self.Start == 0 {
		return nil
	}
	k := key{self.PID, self.Start}
	s := t.of(k)
	if s == nil {
		for i := range kin {
			if s = t.of(key{kin[i].PID, kin[i].Start}); s != nil {
				t.version++ // those who know this one, but not its forebears, are of the session too
				t.remember(k, s)
				break
			}
		}
	}
	if s == nil {
		return nil
	}
	t.clock++
	s.used = t.clock
	return s.entry
}

func (t *Table) of(k key) *session {
	if k.start == 0 {
		return nil
	}
	if s := t.roots[k]; s != nil {
		return s
	}
	if s := t.members[k]; s != nil {
		return s
	}
	s := t.older[k]
	if s != nil { // seen again: it stays
		delete(t.older, k)
		t.remember(k, s)
	}
	return s
}

// remember notes a member. The older half is forgotten when there are too many.
func (t *Table) remember(k key, s *session) {
	if len(t.members) >= t.cfg.Members/2 {
		t.members, t.older = t.older, t.members
		clear(t.members)
	}
	t.members[k] = s
}
