package identity

import (
	"bytes"
	"math"
)

const milli = int64(1e6)

// answer gathers what is possible.
type answer struct {
	p         Process
	states    int   // how many were gathered
	life      int32 // whose; the last one's
	lives     int
	lost      bool
	unwatched bool // a time in which the state is not known
	late      bool
}

// lookup finds who had q's pid at q's stamp. Records come in the order in which they were made: that one with this stamp
// has come means that none will come that was made before it.
func (t *table) lookup(q *Query) (Process, Match) {
	if at := q.Sec*1e9 + int64(q.Milli)*milli - t.clock.spans[t.clock.n-1].offset; t.progress == math.MaxInt64 || at > t.progress {
		t.progress = at
	}
	p, m := t.find(q)
	t.counts.Lookups[m]++
	return p, m
}

func (t *table) find(q *Query) (Process, Match) {
	youngest := t.byPID.get(q.PID)
	if youngest == 0 {
		return Process{PID: q.PID}, NoProcess
	}
	stamp := q.Sec*1e9 + int64(q.Milli)*milli
	a := answer{p: Process{PID: q.PID}}
	if q.Exec && t.findExec(youngest, q, stamp, &a) {
		return a.result()
	}
	c := t.clock
	now := c.now()
	for i := range c.n {
		from := stamp - c.spans[i].offset
		to := from + milli - 1
		if from <= now && (c.possible(i, from) || c.possible(i, to)) {
			t.findAt(youngest, q, from, to, &a)
		}
	}
	p, m := a.result()
	if q.Exec && m.Known() { // by time alone it may be the state before as well as the one after
		p.ExecID, p.Comm = 0, Comm{}
		m = max(m, Partial)
	}
	return p, m
}

func (a *answer) result() (Process, Match) {
	switch {
	case a.lost:
		return Process{PID: a.p.PID}, Lost
	case a.states == 0 && !a.unwatched:
		return Process{PID: a.p.PID}, NoProcess
	case a.lives > 1:
		return a.p, Ambiguous
	case a.states > 1 || a.unwatched:
		return a.p, Partial
	case a.late:
		return a.p, Late
	}
	return a.p, Exact
}

// findExec gathers the states that an exec with this very stamp began.
func (t *table) findExec(youngest int32, q *Query, stamp int64, a *answer) bool {
	named := false // one of them has q's name: then only such are gathered
	for i := youngest; i != 0; i = t.lives.at(i).before {
		l := t.lives.at(i)
		for s, older := &l.state, l.older; ; {
			if s.stamp != 0 && s.stamp-s.stamp%milli == stamp {
				if match := nameIs(&s.comm, q.Comm); match && !named {
					*a = answer{p: Process{PID: q.PID}}
					named = true
					t.gather(i, l, s, a)
				} else if match == named {
					t.gather(i, l, s, a)
				}
			}
			if older == 0 {
				break
			}
			s, older = &t.pasts.at(older).state, t.pasts.at(older).older
		}
	}
	return a.states > 0
}

func nameIs(c *Comm, name []byte) bool {
	return len(name) > 0 && len(name) < len(c) && bytes.Equal(c[:len(name)], name) && c[len(name)] == 0
}

// findAt gathers the states that an event can have been in whose stamp is between from and to.
func (t *table) findAt(youngest int32, q *Query, from, to int64, a *answer) {
	for i := youngest; i != 0; i = t.lives.at(i).before {
		l := t.lives.at(i)
		if l.hi != 0 && from > l.hi {
			return // those before had gone even then
		}
		alone := i == youngest && l.before == 0
		if to >= l.born && (alone || !t.excluded(l, q, to)) {
			t.findState(i, l, from, to, a)
		}
		if from > l.begun {
			return // nobody before had the pid any more
		}
	}
}

// excluded reports that q names another parent than l had, while that was alive: a child is only given another parent
// when its own has exited.
func (t *table) excluded(l *life, q *Query, to int64) bool {
	if q.PPID == 0 || q.PPID == l.ppid {
		return false
	}
	parent := t.resolve(l.parent)
	return parent != nil && parent.pid == l.ppid && (parent.hi == 0 || parent.hi > to+lateTick)
}

func (t *table) findState(i int32, l *life, from, to int64, a *answer) {
	end := l.hi
	for s, older := &l.state, l.older; ; {
		if to >= s.lo && (end == 0 || from <= end) {
			if t.doubtful(s, to) {
				a.lost = true
			}
			t.gather(i, l, s, a)
		}
		if older == 0 || from > s.at {
			break
		}
		p := t.pasts.at(older)
		s, older, end = &p.state, p.older, p.end
	}
	if from < l.since && l.since > l.born {
		a.unwatched = true
		t.gather(i, l, &state{auid: Unset, session: Unset}, a)
	}
}

// doubtful reports whether records were dropped between what is known of s and to, and s was not found unchanged since.
func (t *table) doubtful(s *state, to int64) bool {
	for _, w := range t.losses {
		if w.to >= s.at && w.from <= to && s.confirmed < w.to {
			return true
		}
	}
	return false
}

// gather adds a possible state: what is known is what all of them have in common.
func (t *table) gather(i int32, l *life, s *state, a *answer) {
	if a.states == 0 {
		a.states, a.life, a.lives = 1, i, 1
		t.fill(&a.p, i, l, s)
		a.late = s.late
		return
	}
	a.states++
	if i != a.life {
		a.life = i
		a.lives++
	}
	a.late = a.late || s.late
	var p Process
	t.fill(&p, i, l, s)
	a.p.meet(&p)
}

func (t *table) fill(p *Process, i int32, l *life, s *state) {
	p.PID, p.Start, p.PPID, p.Creator, p.NSPID = l.pid, l.start, l.ppid, l.creator, l.nspid
	p.ExecID, p.Comm, p.AUID, p.Session = s.exec, s.comm, s.auid, s.session
	p.PIDNS, p.MntNS, p.NetNS = s.pidns, s.mntns, s.netns
	p.Cgroup, p.Cgroup1 = t.cgroups.path(s.cgroup), t.cgroups.path(s.cgroup1)
	p.ref = ref{i, l.gen}
}

// meet leaves in p what it has in common with o.
func (p *Process) meet(o *Process) {
	common := func(a *uint32, b, none uint32) {
		if *a != b {
			*a = none
		}
	}
	if p.Start != o.Start {
		p.Start = 0
	}
	if p.ref != o.ref {
		p.ref = ref{}
	}
	if p.Comm != o.Comm {
		p.Comm = Comm{}
	}
	if p.Cgroup != o.Cgroup {
		p.Cgroup = ""
	}
	if p.Cgroup1 != o.Cgroup1 {
		p.Cgroup1 = ""
	}
	common(&p.PPID, o.PPID, 0)
	common(&p.Creator, o.Creator, 0)
	common(&p.ExecID, o.ExecID, 0)
	common(&p.AUID, o.AUID, Unset)
	common(&p.Session, o.Session, Unset)
	common(&p.NSPID, o.NSPID, 0)
	common(&p.PIDNS, o.PIDNS, 0)
	common(&p.MntNS, o.MntNS, 0)
	common(&p.NetNS, o.NetNS, 0)
}

// ancestors appends the forebears of p, its parent first, each as it was last.
func (t *table) ancestors(p *Process, dst []Ancestor, most int) []Ancestor {
	l := t.resolve(p.ref)
	if l == nil {
		return dst
	}
	at := l.parent
	for range min(t.limits.ancestors, most) {
		a := t.resolve(at)
		if a == nil {
			break
		}
		dst = append(dst, Ancestor{PID: a.pid, ExecID: a.exec, Start: a.start, Comm: a.comm})
		at = a.parent
	}
	return dst
}
