package identity

import "math"

// ref points to a life that may have been forgotten since: then its generation differs. The zero ref points nowhere.
type ref struct {
	index int32
	gen   uint32
}

// state is what a process is between two changes. Times are CLOCK_MONOTONIC, ns.
type state struct {
	lo        int64 // no event in this state bears an older stamp than that
	at        int64 // when it had surely begun
	confirmed int64 // the last time that it was seen to be so
	stamp     int64 // the exec's audit stamp, CLOCK_REALTIME ns; 0 when no exec began the state, or it had none
	exec      uint32
	auid      uint32
	session   uint32
	pidns     uint32
	mntns     uint32
	netns     uint32
	cgroup    int32
	cgroup1   int32
	older     int32 // the state before; 0 if not remembered
	late      bool  // read from /proc some time after it began
	comm      Comm
}

// past is a state that has ended. They queue in the order in which they ended.
type past struct {
	state
	end   int64 // no event in this state bears a later stamp
	owner ref   // the zero ref when its life has forgotten it
	next  int32
}

// life is a process from its start to its end. Times as in state.
type life struct {
	state          // the last one
	start   uint64 // CLOCK_BOOTTIME
	born    int64  // no event of the process bears an older stamp than that
	begun   int64  // when it had surely begun: from then on nobody else had the pid
	hi      int64  // no event bears a later stamp than this; 0 while it lives
	since   int64  // its states are known from here on
	parent  ref
	gen     uint32
	pid     uint32
	ppid    uint32
	creator uint32
	nspid   uint32
	before  int32 // the process that had the pid before; 0 if not remembered
	after   int32 // and the one that had it next
	next    int32 // in the tail
	need    int32 // remembered processes of which this one is an ancestor
	round   uint32
	kept    bool // out of the tail, as an ancestor only
}

// loss is a time in which the kernel dropped records.
type loss struct{ from, to int64 }

const (
	maxPast   = 8 // states of one process that are remembered beside the last
	maxLosses = 32
)

// limits of a table.
type limits struct {
	ancestors int
	tailAge   int64
	tail      int // the dead, and ended states: so many are always remembered
	maxTail   int // and so many while look-ups lag behind
}

// table remembers who runs and who ran lately. It does not lock.
type table struct {
	limits
	clock   *clock
	byPID   *pids // the youngest life with the pid
	lives   pool[life]
	pasts   pool[past]
	cgroups cgroups

	deadFirst, deadLast int32 // the tail of the dead
	dead                int
	pastFirst, pastLast int32
	past                int

	progress int64 // nobody will ask for what ended before
	losses   []loss
	repaired int64  // what was lost before has been made good by a scan
	round    uint32 // of scans
	counts   Counts
}

// Counts are numbers since Open, and the table's present size.
type Counts struct {
	Forks, Execs, Exits, Moves, Seen uint64
	Living, Dead, Ancestors          int // remembered processes; Ancestors are dead ones that only their offspring keeps
	States                           int // ended states of them
	Cgroups                          int
	Malformed                        uint64 // records that were not understood
	Lookups                          [matches]uint64
}

func newTable(l limits, c *clock) *table {
	return &table{limits: l, clock: c, byPID: newPIDs(), cgroups: cgroups{byKey: map[uint64]int32{}},
		progress: math.MaxInt64}
}

func (t *table) resolve(r ref) *life {
	if r.index == 0 {
		return nil
	}
	if l := t.lives.at(r.index); l.gen == r.gen {
		return l
	}
	return nil
}

func (t *table) ref(i int32) ref {
	if i == 0 {
		return ref{}
	}
	return ref{i, t.lives.at(i).gen}
}

// add makes a life for r, the youngest with its pid.
func (t *table) add(r *record, born int64) *life {
	i := t.lives.get()
	l := t.lives.at(i)
	gen := l.gen + 1 // whoever pointed to what was here before must not find this
	before := t.byPID.get(r.pid)
	*l = life{gen: gen, pid: r.pid, ppid: r.ppid, creator: r.creator, nspid: r.nspid, start: r.start,
		born: born, begun: r.clock, since: born, before: before}
	t.byPID.set(r.pid, i)
	if before != 0 {
		t.lives.at(before).after = i
	}
	l.parent = t.parentOf(l, r.clock)
	t.keepAncestors(l, +1)
	t.counts.Living++
	return l
}

// parentOf finds the parent that l had at a time; the zero ref if that is not remembered.
func (t *table) parentOf(l *life, at int64) ref {
	if l.ppid == 0 || l.ppid == l.pid {
		return ref{}
	}
	i := t.byPID.get(l.ppid)
	if i == 0 {
		return ref{}
	}
	if p := t.lives.at(i); p.hi != 0 && p.hi < at || p.start > l.start {
		return ref{} // another process that had its pid
	}
	return t.ref(i)
}

// keepAncestors notes by = +1 that l is remembered, -1 that it is not any more. Ancestors stay as long as somebody needs
// them, so both times the same ones are found.
func (t *table) keepAncestors(l *life, by int32) {
	at := l.parent
	for range t.limits.ancestors {
		a := t.resolve(at)
		if a == nil {
			return
		}
		next := a.parent
		a.need += by
		if a.need == 0 && a.kept {
			t.counts.Ancestors--
			t.forget(at.index, a)
		}
		at = next
	}
}

// end notes that l's process has exited.
func (t *table) end(i int32, l *life, hi int64) {
	l.hi, l.next = max(hi, 1), 0 // 0 is alive
	if t.deadLast == 0 {
		t.deadFirst = i
	} else {
		t.lives.at(t.deadLast).next = i
	}
	t.deadLast = i
	t.dead++
	t.counts.Living--
}

// expire forgets what the tail has no room or time for.
func (t *table) expire(now int64) {
	over := func(n int, end int64) bool {
		return end < now-t.tailAge || n > t.maxTail || n > t.tail && end < t.progress
	}
	for t.deadFirst != 0 && over(t.dead, t.lives.at(t.deadFirst).hi) {
		i := t.deadFirst
		l := t.lives.at(i)
		t.deadFirst = l.next
		if t.deadFirst == 0 {
			t.deadLast = 0
		}
		t.dead--
		t.unlink(i, l)
		t.keepAncestors(l, -1)
		if l.need > 0 {
			l.kept = true
			t.counts.Ancestors++
		} else {
			t.forget(i, l)
		}
	}
	for t.pastFirst != 0 && over(t.past, t.pasts.at(t.pastFirst).end) {
		t.expirePast()
	}
	for len(t.losses) > 0 && t.losses[0].to < t.repaired && t.losses[0].to < now-2*t.tailAge {
		t.losses = t.losses[:copy(t.losses, t.losses[1:])]
	}
}

// unlink takes a life out of those that are looked up by pid.
func (t *table) unlink(i int32, l *life) {
	if l.before != 0 {
		t.lives.at(l.before).after = l.after
	}
	switch {
	case l.after != 0:
		t.lives.at(l.after).before = l.before
	case l.before != 0:
		t.byPID.set(l.pid, l.before)
	default:
		t.byPID.remove(l.pid)
	}
	l.before, l.after = 0, 0
}

// forget gives back all that a life holds but the states in the queue of the ended, which find their owner gone.
func (t *table) forget(i int32, l *life) {
	for p := l.older; p != 0; p = t.pasts.at(p).older {
		t.pasts.at(p).owner = ref{}
	}
	t.cgroups.drop(l.cgroup)
	t.cgroups.drop(l.cgroup1)
	*l = life{gen: l.gen + 1}
	t.lives.put(i)
}

// change begins a new state of a life: what was the last one becomes its past.
func (t *table) change(i int32, l *life, s state) {
	p := t.pasts.get()
	*t.pasts.at(p) = past{state: l.state, end: s.at, owner: t.ref(i)}
	if t.pastLast == 0 {
		t.pastFirst = p
	} else {
		t.pasts.at(t.pastLast).next = p
	}
	t.pastLast = p
	t.past++
	s.older = p
	l.state = s
	at := p
	for range maxPast - 1 {
		if at = t.pasts.at(at).older; at == 0 {
			return
		}
	}
	if oldest := t.pasts.at(at).older; oldest != 0 {
		t.pasts.at(at).older = 0
		l.since = t.pasts.at(oldest).end
		t.pasts.at(oldest).owner = ref{}
	}
}

// expirePast forgets the state that ended first of all.
func (t *table) expirePast() {
	i := t.pastFirst
	p := t.pasts.at(i)
	if t.pastFirst = p.next; t.pastFirst == 0 {
		t.pastLast = 0
	}
	t.past--
	if l := t.resolve(p.owner); l != nil {
		link := &l.older
		for *link != i && *link != 0 {
			link = &t.pasts.at(*link).older
		}
		*link = 0 // a life's oldest state is the first of it to expire
		l.since = p.end
	}
	t.cgroups.drop(p.cgroup)
	t.cgroups.drop(p.cgroup1)
	*p = past{}
	t.pasts.put(i)
}

// lost notes that records were dropped between from and to.
func (t *table) lost(from, to int64) {
	from -= lateTick // an event after the loss may bear a stamp from before it
	if n := len(t.losses); n > 0 && from <= t.losses[n-1].to {
		t.losses[n-1].to = to
		return
	}
	if len(t.losses) == maxLosses {
		t.losses[1].from = t.losses[0].from
		t.losses = t.losses[:copy(t.losses, t.losses[1:])]
	}
	t.losses = append(t.losses, loss{from, to})
}

// damaged reports whether a scan is due.
func (t *table) damaged() bool {
	return len(t.losses) > 0 && t.losses[len(t.losses)-1].to >= t.repaired
}
