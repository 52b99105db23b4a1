package identity

// apply follows one record of the ring. Records come in the order in which the kernel began to write them, which for one
// process is the order of what they report.
func (t *table) apply(raw []byte) {
	switch kindOf(raw) {
	case kindPath:
		p, err := decodePath(raw)
		if err != nil {
			t.counts.Malformed++
			return
		}
		t.cgroups.tell(p)
	case kindGone:
		key, err := decodeGone(raw)
		if err != nil {
			t.counts.Malformed++
			return
		}
		t.cgroups.remove(key)
	case kindFork, kindExec, kindExit, kindMove, kindSeen:
		var r record
		if err := decodeProcess(raw, &r); err != nil {
			t.counts.Malformed++
			return
		}
		t.follow(&r)
	default:
		t.counts.Malformed++
	}
}

// follow brings the table up to date with what r reports.
func (t *table) follow(r *record) {
	i := t.byPID.get(r.pid)
	var l *life
	if i != 0 {
		l = t.lives.at(i)
		if l.start != r.start {
			if r.start < l.start {
				return // of a process whose successor is known: nothing to learn
			}
			if l.hi == 0 { // its exit was lost
				t.end(i, l, r.clock)
			}
			i, l = 0, nil
		}
	}
	switch r.kind {
	case kindFork:
		t.counts.Forks++
		t.fork(i, l, r)
	case kindExec:
		t.counts.Execs++
		t.transit(i, l, r)
	case kindMove:
		t.counts.Moves++
		t.transit(i, l, r)
	case kindSeen:
		t.counts.Seen++
		t.seen(i, l, r)
	case kindExit:
		t.counts.Exits++
		if l == nil || l.hi != 0 {
			return
		}
		if t.same(l, r) {
			l.confirmed = r.clock
		}
		t.end(i, l, r.clock)
	}
}

// bound is the oldest stamp that an event after r's change can bear.
func (t *table) bound(r *record) int64 {
	if r.stamp == 0 {
		return r.clock - lateTick
	}
	return t.clock.earliest(r.stamp, r.clock)
}

func (t *table) fork(i int32, l *life, r *record) {
	lo := t.bound(r)
	if l != nil { // a scan was faster
		l.creator = r.creator
		l.born = min(l.born, lo)
		return
	}
	l = t.add(r, lo)
	l.state = t.begin(r, lo)
	l.stamp = 0
}

// transit follows an exec or a move.
func (t *table) transit(i int32, l *life, r *record) {
	lo := t.bound(r)
	if l == nil { // its fork was before our time, or lost
		l = t.add(r, lo)
		l.state = t.begin(r, lo)
		l.since = l.lo
		t.onlyExecStamps(l, r)
		return
	}
	if l.hi != 0 {
		return
	}
	if r.kind == kindMove && t.same(l, r) { // in a hierarchy that is not looked at
		l.confirmed = r.clock
		return
	}
	if t.follows(l, r) {
		l.confirmed = r.clock
	}
	t.change(i, l, t.begin(r, lo))
	t.onlyExecStamps(l, r)
}

func (t *table) onlyExecStamps(l *life, r *record) {
	if r.kind != kindExec {
		l.stamp = 0
	}
}

// seen follows a scan's record: of a process that was known, or not.
func (t *table) seen(i int32, l *life, r *record) {
	if l == nil {
		// Events in the first tick may have been those of the pid's last owner, whom nobody watched.
		l = t.add(r, r.stamp+milli)
		l.state = t.begin(r, r.clock)
		l.since, l.stamp = r.clock, 0
		l.round = t.round
		return
	}
	if l.hi != 0 {
		return
	}
	l.round = t.round
	if t.same(l, r) {
		l.confirmed = r.clock
		return
	}
	s := t.begin(r, l.confirmed) // somewhere since then
	s.stamp = 0
	t.change(i, l, s)
}

// begin is the state that r tells; no event in it bears an older stamp than lo. It holds its cgroups.
func (t *table) begin(r *record, lo int64) state {
	return state{
		lo: lo, at: r.clock, confirmed: r.clock, stamp: r.stamp,
		exec: r.exec, auid: r.auid, session: r.session, pidns: r.pidns, mntns: r.mntns, netns: r.netns,
		cgroup: t.cgroups.hold(r.cgroup), cgroup1: t.cgroups.hold(r.cgroup1), comm: r.comm,
	}
}

// same reports whether r finds l as it was last known: neither an exec nor a move has been missed.
func (t *table) same(l *life, r *record) bool {
	return l.exec == r.exec && t.cgroups.key(l.cgroup) == r.cgroup && t.cgroups.key(l.cgroup1) == r.cgroup1
}

// follows reports whether r is the change right after l's last known state.
func (t *table) follows(l *life, r *record) bool {
	if r.kind == kindMove {
		return l.exec == r.exec
	}
	return l.exec+1 == r.exec && t.cgroups.key(l.cgroup) == r.cgroup && t.cgroups.key(l.cgroup1) == r.cgroup1
}

// scanned ends a scan of all processes, which began at from: what it has not found has gone unseen, and what it found
// before its parent is given one. complete: the scan saw every process of the machine, and nothing was lost meanwhile.
func (t *table) scanned(from int64, complete bool) {
	for _, s := range t.byPID.slots {
		i := s.life
		if i == 0 || t.lives.at(i).hi != 0 {
			continue
		}
		l := t.lives.at(i)
		if complete && l.round != t.round && l.confirmed < from {
			t.end(i, l, t.clock.now())
		} else if l.parent.index == 0 {
			l.parent = t.parentOf(l, l.confirmed)
		}
	}
	t.recount()
	if complete {
		t.repaired = from
	}
}

// recount counts anew who needs whom: parents have been found.
func (t *table) recount() {
	for i := int32(1); i < t.lives.used; i++ {
		t.lives.at(i).need = 0
	}
	for _, s := range t.byPID.slots {
		for i := s.life; i != 0; i = t.lives.at(i).before {
			t.keepAncestors(t.lives.at(i), +1)
		}
	}
	for i := int32(1); i < t.lives.used; i++ {
		if l := t.lives.at(i); l.kept && l.need == 0 {
			t.counts.Ancestors--
			t.forget(i, l)
		}
	}
}
