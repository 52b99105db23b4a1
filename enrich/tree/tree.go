package tree

import (
	"bytes"
	"strings"

	"vigil/audit"
	"vigil/enrich/attribution"
)

// Config says how a Table works. Its zero value is valid.
type Config struct {
	// Proc is where procfs is; "/proc" if empty.
	Proc string
	// Max is how many programs are remembered; 0 is 8192. Those not asked for lately give way, and are read from /proc again if
	// they still run.
	Max int
}

const (
	maxArgs = 256 // bytes of a command line that are kept
	maxPath = 512
)

// Command is a program that a process runs. It does not change.
type Command struct {
	Comm   string
	Exe    string
	Args   string // the command line with argument 0, separated by spaces, cut off
	Script string // "" if it interprets none
}

// key is one process of this boot.
type key struct {
	pid   uint32
	start uint64
}

type program struct {
	Command
	exec     uint32   // the process's count of programs when it executed this one, 0 if that is not known
	executed bool     // by the process itself, since an event has told of it
	before   *program // what the process ran before, nil if that is not known; two are kept
	gone     bool     // the process could not be found any more: nothing is known, and need not be asked for
}

// runs reports whether p still runs the program.
func (c *program) runs(p *attribution.Process) bool {
	if c.exec != 0 && p.ExecID != 0 {
		return c.exec == p.ExecID
	}
	return c.Comm == "" || p.Comm[0] == 0 || isNamed(p, c.Comm)
}

func isNamed(p *attribution.Process, comm string) bool {
	b, _, _ := bytes.Cut(p.Comm[:], []byte{0})
	return string(b) == comm
}

// Table is the programs that processes run. Its methods but Run belong to one goroutine.
type Table struct {
	cfg Config
	// Programs seen lately, and those seen before that.
	programs, older *generation
	args            audit.Args
	names           map[string]string
	wanted          chan attribution.Process
	read            chan answer
	asked           map[key]bool // of Run, and not answered
	versions        [1024]uint64 // by pid
	refused         uint64       // requests
	stats           Stats
}

// Stats are a Table's counts.
type Stats struct {
	Programs int    // remembered
	Executed uint64 // learned from records
	Read     uint64 // learned from /proc
	Gone     uint64 // not found there any more
}

// NewTable returns a Table that knows no program.
func NewTable(cfg Config) *Table {
	if cfg.Proc == "" {
		cfg.Proc = "/proc"
	}
	if cfg.Max <= 0 {
		cfg.Max = 8192
	}
	return &Table{cfg: cfg, programs: newGeneration(), older: newGeneration(), asked: map[key]bool{}, names: map[string]string{},
		wanted: make(chan attribution.Process, 64), read: make(chan answer, 64)}
}

// Stats returns the counts as they are now.
func (t *Table) Stats() Stats {
	s := t.stats
	s.Programs = len(t.programs.of) + len(t.older.of)
	return s
}

// Observe learns from an event in which a process has executed a program; others tell nothing. self is that process as the
// execution has made it.
func (t *Table) Observe(ev *audit.Event, self *attribution.Process) {
	if x, ok := attribution.Executed(ev); ok {
		t.Learn(ev, self, x)
	}
}

// Learn is Observe for an event in which self is known to have executed x.
func (t *Table) Learn(ev *audit.Event, self *attribution.Process, x attribution.Execution) {
	if self.Start == 0 {
		return
	}
	c := &program{exec: self.ExecID, executed: true}
	c.Comm, c.Exe = t.intern(x.Comm), t.intern(x.Exe[:min(len(x.Exe), maxPath)])
	ev.Args(&t.args)
	c.Args = join(&t.args)
	c.Script = clip(Script(ev, c.Exe, &t.args), maxPath)
	t.stats.Executed++
	if old := t.of(self); old != nil && !old.gone && old.exec < c.exec {
		if c.before = old; old.before != nil {
			old.before.before = nil
		}
	}
	t.learn(key{self.PID, self.Start}, c)
}

func clip(s string, n int) string { return strings.Clone(s[:min(len(s), n)]) }

// join puts the arguments that are kept into one string.
func join(args *audit.Args) string {
	n := args.Len()
	for i := 0; i < args.Len() && n < maxArgs; i++ {
		n += len(args.At(i))
	}
	var b strings.Builder
	b.Grow(min(n, maxArgs))
	for i := range args.Len() {
		if i > 0 {
			b.WriteByte(' ')
		}
		arg := args.At(i)
		if room := maxArgs - b.Len(); len(arg) >= room {
			b.Write(arg[:max(room, 0)])
			break
		}
		b.Write(arg)
	}
	return b.String()
}

// Version is a number that changes with everything that can make an answer for these processes say more or something
// else, or make it worth the while to ask again. What is merely forgotten changes nothing: it is as true as it was.
func (t *Table) Version(processes ...attribution.Process) uint64 {
	t.receive()
	sum := t.refused
	for i := range processes {
		sum += t.versions[processes[i].PID%uint32(len(t.versions))] // they only grow, so that the sum tells of each
	}
	return sum
}

// Relation is all of a child that Ancestors' answer for its parent and those above depends on.
type Relation struct {
	most, exec uint32
	alike      bool
}

// Relation returns how child stands to parent.
func (t *Table) Relation(child, parent *attribution.Process) Relation {
	return Relation{t.countWhenMade(child, parent), child.ExecID, child.Comm == parent.Comm}
}

// learn notes a program that was not known.
func (t *Table) learn(k key, c *program) {
	t.versions[k.pid%uint32(len(t.versions))]++
	t.keep(k, c)
}

// keep notes a program. The older half is forgotten when there are too many.
func (t *Table) keep(k key, c *program) {
	if len(t.programs.of) >= t.cfg.Max/2 {
		t.programs, t.older = t.older, t.programs
		t.programs.clear()
	}
	t.programs.put(k, c)
}

func (t *Table) of(p *attribution.Process) *program {
	k := key{p.PID, p.Start}
	if c := t.programs.get(k); c != nil {
		return c
	}
	c := t.older.get(k)
	if c != nil { // asked for again: it stays
		delete(t.older.of, k)
		t.keep(k, c)
	}
	return c
}

// Command returns what p runs, nil if that is not known; Run then looks. kin are its forebears, the parent first: a
// process that has executed nothing since it was forked runs what its parent did then.
func (t *Table) Command(p *attribution.Process, kin []attribution.Process) *Command {
	if p.Start == 0 {
		return nil
	}
	t.receive()
	own := t.of(p)
	if own != nil && own.runs(p) && !own.gone {
		return &own.Command
	}
	if p.ExecID != 0 {
		for i := range kin {
			// The forebear may have executed other programs since, and so may p: then the counts differ, or at least the
			// names.
			if c := t.of(&kin[i]); c != nil && !c.gone && c.exec == p.ExecID && isNamed(p, c.Comm) {
				return &c.Command
			}
		}
	}
	if own == nil || !own.runs(p) {
		t.want(p)
	}
	return nil
}

// Ancestors appends what is known of p's forebears, kin, the parent first: of each the program that it ran when it made its
// child, though kin may be told as they have become since. What cannot be told is left out.
func (t *Table) Ancestors(dst []attribution.Ancestor, p *attribution.Process, kin []attribution.Process) []attribution.Ancestor {
	child := p
	for i := range kin {
		p := &kin[i]
		if p.PID == 0 {
			break
		}
		a := attribution.Ancestor{PID: p.PID}
		if most := t.countWhenMade(child, p); p.ExecID > most {
			if c := t.ran(p, most); c != nil {
				a.Comm, a.Exe, a.Args = c.Comm, c.Exe, c.Args
			}
		} else if c := t.Command(p, kin[i+1:]); c != nil {
			a.Comm, a.Exe, a.Args = c.Comm, c.Exe, c.Args
		} else if own := t.of(p); own == nil && p.Start != 0 && (p.ExecID+1 == child.ExecID || p.ExecID == child.ExecID && p.Comm == child.Comm) {
			// It has executed nothing since it made the child, so its name at least is what it was.
			name, _, _ := bytes.Cut(p.Comm[:], []byte{0})
			a.Comm = t.intern(name)
		}
		dst = append(dst, a)
		child = p
	}
	return dst
}

// countWhenMade returns what a parent's count of programs can have been at most when it made child: the child's own, less one
// if the child has executed a program since. That is known from an event, or where the counts are the same and the names
// are not. If the counts are not known it is what the parent's is now.
func (t *Table) countWhenMade(child, parent *attribution.Process) uint32 {
	if child.ExecID == 0 || parent.ExecID == 0 {
		return parent.ExecID
	}
	if own := t.of(child); own != nil && own.executed && own.exec == child.ExecID ||
		parent.ExecID == child.ExecID && parent.Comm != child.Comm {
		return child.ExecID - 1
	}
	return child.ExecID
}

// ran returns what p ran when its count of programs was most, or less if it never was that; nil if that is not known.
func (t *Table) ran(p *attribution.Process, most uint32) *Command {
	if p.Start == 0 {
		return nil
	}
	next := p.ExecID // the count with which it ran something else
	for c := t.of(p); c != nil && !c.gone && c.exec != 0; c = c.before {
		if c.exec <= most {
			if c.exec == most || c.exec+1 == next {
				return &c.Command
			}
			return nil // and maybe others after it
		}
		next = c.exec
	}
	return nil
}

// intern returns a string for a name. There are few of them.
func (t *Table) intern(name []byte) string {
	if s, ok := t.names[string(name)]; ok {
		return s
	}
	if len(t.names) >= 1024 {
		clear(t.names)
	}
	s := string(name)
	t.names[s] = s
	return s
}

// Script returns the script that p interprets, "" if none is known. It asks for nothing.
func (t *Table) Script(p *attribution.Process) string {
	if p.Start == 0 {
		return ""
	}
	if c := t.of(p); c != nil && !c.gone && c.runs(p) {
		return c.Script
	}
	return ""
}
