package identity

import (
	"fmt"
	"math"
	"testing"
	"time"
)

const ms = milli

// testOffset is what the realtime clock of testClock is ahead.
const testOffset = int64(1_700_000_000_000) * ms

func testClock() *clock { return newClock(func() (int64, int64) { return 1 << 50, testOffset }) }

// bed is a table and what happens to it; times are in ms.
type bed struct {
	*testing.T
	*table
}

func newBed(t *testing.T) *bed {
	return &bed{t, newTable(limits{ancestors: 3, tailAge: 1 << 60, tail: 1000, maxTail: 1000}, testClock())}
}

// at is a record at a precise time; stamp is when its system call began, 0 if not known.
func (b *bed) at(k kind, pid uint32, start, clock, stamp float64, exec uint32, cgroup uint64) {
	r := record{kind: k, pid: pid, start: uint64(start * 1e6), clock: int64(clock * 1e6), exec: exec, cgroup: cgroup, ppid: 1,
		auid: Unset, session: Unset}
	if stamp != 0 {
		r.stamp = int64(stamp*1e6) + testOffset
		if k == kindSeen {
			r.stamp -= testOffset
		}
	}
	copy(r.comm[:], fmt.Sprintf("exec%d", exec))
	b.apply(raw(r))
}

func (b *bed) query(pid uint32, stamp int64, exec bool) Query {
	at := stamp + testOffset/ms
	return Query{PID: pid, Sec: at / 1000, Milli: uint16(at % 1000), Exec: exec}
}

// want checks who has pid at stamp.
func (b *bed) want(pid uint32, stamp int64, exec bool, match Match, cgroup string, execID uint32) {
	b.Helper()
	q := b.query(pid, stamp, exec)
	p, m := b.lookup(&q)
	if m != match || p.Cgroup != cgroup || p.ExecID != execID {
		b.Errorf("at %d: got %s %q exec %d, want %s %q exec %d", stamp, m, p.Cgroup, p.ExecID, match, cgroup, execID)
	}
}

func TestLife(t *testing.T) {
	b := newBed(t)
	b.apply(rawPath(7, false, "host"))
	b.apply(rawPath(8, false, "docker", "c1"))
	b.at(kindFork, 100, 1000, 1003.5, 1000, 4, 7) // clone at 1000, tick of 4 ms
	b.at(kindMove, 100, 1000, 1021, 1020, 4, 8)   // moved by a write at 1020
	b.at(kindExec, 100, 1000, 1042.5, 1040, 5, 8) // execve at 1040
	b.at(kindExec, 100, 1000, 1043.5, 1040, 6, 8) // and again in the same tick
	b.at(kindExit, 100, 1000, 1061.2, 0, 6, 8)
	b.want(100, 999, false, NoProcess, "", 0)
	b.want(100, 1000, false, Exact, "/host", 4)
	b.want(100, 1016, false, Exact, "/host", 4)
	b.want(100, 1020, false, Partial, "", 4)
	b.want(100, 1024, false, Exact, "/docker/c1", 4)
	b.want(100, 1040, false, Partial, "/docker/c1", 0)
	b.want(100, 1040, true, Partial, "/docker/c1", 0)
	b.want(100, 1044, false, Exact, "/docker/c1", 6)
	b.want(100, 1061, false, Exact, "/docker/c1", 6)
	b.want(100, 1062, false, NoProcess, "", 0)
	b.want(100, 1048, true, Partial, "/docker/c1", 0) // no exec then: who, but not what it became
	b.want(101, 1040, false, NoProcess, "", 0)
	q := b.query(100, 1040, true)
	q.Comm = []byte("exec5")
	if p, m := b.lookup(&q); m != Exact || p.ExecID != 5 {
		t.Errorf("by name: got %s exec %d, want exact exec 5", m, p.ExecID)
	}
}

// TestPIDReuse has two processes with one pid, the second begun in the tick in which the first ended.
func TestPIDReuse(t *testing.T) {
	b := newBed(t)
	b.apply(rawPath(7, false, "c1"))
	b.apply(rawPath(8, false, "c2"))
	b.at(kindFork, 100, 1000, 1001, 1000, 1, 7)
	b.at(kindExec, 100, 1000, 1009, 1008, 2, 7)
	b.at(kindExit, 100, 1000, 1010, 0, 2, 7)
	b.at(kindFork, 100, 1010.5, 1010.6, 1008, 1, 8)
	b.at(kindExec, 100, 1010.5, 1013, 1012, 2, 8)
	b.at(kindExit, 100, 1010.5, 1013.5, 0, 2, 8)
	b.want(100, 1004, false, Exact, "/c1", 1)
	b.want(100, 1008, false, Ambiguous, "", 0)
	b.want(100, 1008, true, Exact, "/c1", 2)
	b.want(100, 1012, true, Exact, "/c2", 2)
	b.want(100, 1012, false, Partial, "/c2", 0)
	b.want(100, 1016, false, NoProcess, "", 0)
}

// TestParentTells tells two processes with one pid by the parent that the record names.
func TestParentTells(t *testing.T) {
	b := newBed(t)
	b.apply(rawPath(7, false, "c1"))
	b.apply(rawPath(8, false, "c2"))
	b.at(kindSeen, 1, 0.5, 900, 0.5, 1, 7)
	b.at(kindSeen, 2, 0.5, 900, 0.5, 1, 7)
	fork := func(ppid uint32, start, clock, stamp float64, cgroup uint64) {
		b.apply(raw(record{kind: kindFork, pid: 100, start: uint64(start * 1e6), clock: int64(clock * 1e6),
			stamp: int64(stamp*1e6) + testOffset, ppid: ppid, cgroup: cgroup}))
	}
	fork(1, 1000, 1000.1, 1000, 7)
	b.at(kindExit, 100, 1000, 1001, 0, 0, 7)
	fork(2, 1001.5, 1001.6, 1000, 8)
	for ppid, cgroup := range map[uint32]string{1: "/c1", 2: "/c2"} {
		q := b.query(100, 1000, false)
		q.PPID = ppid
		if p, m := b.lookup(&q); m != Exact || p.Cgroup != cgroup {
			t.Errorf("child of %d: got %s %q, want exact %q", ppid, m, p.Cgroup, cgroup)
		}
	}
	b.want(100, 1000, false, Ambiguous, "", 0)
}

// TestRestart finds a process that ran before the watch began: it is known, but not what it was then.
func TestRestart(t *testing.T) {
	b := newBed(t)
	b.apply(rawPath(7, false, "c1"))
	b.at(kindSeen, 100, 500, 1000, 500, 3, 7)
	b.want(100, 400, false, NoProcess, "", 0)
	b.want(100, 700, false, Partial, "", 0)
	b.want(100, 1001, false, Exact, "/c1", 3)
}

func TestLoss(t *testing.T) {
	b := newBed(t)
	b.apply(rawPath(7, false, "c1"))
	b.apply(rawPath(8, false, "c2"))
	for _, pid := range []uint32{100, 101, 102, 103} {
		b.at(kindFork, pid, 1000, 1001, 1000, 1, 7)
	}
	b.lost(5000*ms, 5100*ms)
	b.want(100, 3000, false, Exact, "/c1", 1)
	b.want(100, 5050, false, Lost, "", 0)
	b.want(100, 6000, false, Lost, "", 0)
	b.at(kindFork, 104, 5200, 5200, 5199, 1, 8) // after it: nothing can have been missed
	b.want(104, 5300, false, Exact, "/c2", 1)
	if !b.damaged() {
		t.Error("no scan is due after a loss")
	}
	b.round++
	b.at(kindSeen, 100, 1000, 6000, 900, 1, 7) // unchanged
	b.at(kindSeen, 101, 1000, 6000, 900, 2, 8) // changed, nobody knows when
	b.at(kindSeen, 104, 5200, 6000, 5200, 1, 8)
	b.at(kindExit, 103, 1000, 6001, 0, 1, 7)
	b.scanned(5999*ms, true)
	if b.damaged() {
		t.Error("a scan is due after the scan")
	}
	b.want(100, 5050, false, Exact, "/c1", 1)
	b.want(100, 7000, false, Exact, "/c1", 1)
	b.want(101, 3000, false, Partial, "", 0)
	b.want(101, 7000, false, Exact, "/c2", 2)
	b.want(102, 5050, false, Lost, "", 0) // gone; its pid may be another's
	b.want(103, 5050, false, Exact, "/c1", 1)
}

// TestClockStep sets the clock back by ten seconds: stamps from before and after it find their process.
func TestClockStep(t *testing.T) {
	mono, offset := int64(900*ms), testOffset
	c := newClock(func() (int64, int64) { return mono, offset })
	b := &bed{t, newTable(limits{3, 1 << 60, 1000, 1000}, c)}
	b.apply(rawPath(7, false, "c1"))
	b.apply(rawPath(8, false, "c2"))
	b.at(kindFork, 100, 1000, 1001, 1000, 1, 7)
	b.at(kindExit, 100, 1000, 1100, 0, 1, 7)
	mono = 2000 * ms
	c.sample()
	offset -= 10_000 * ms
	mono = 2010 * ms
	c.sample()
	mono = 3000 * ms
	c.sample()
	b.apply(raw(record{kind: kindFork, pid: 100, start: uint64(2500 * ms), clock: 2501 * ms, stamp: 2500*ms + offset, cgroup: 8}))
	b.want(100, 1050, false, Exact, "/c1", 1)
	b.want(100, 2600-10_000, false, Exact, "/c2", 0)
}

func TestAncestors(t *testing.T) {
	b := newBed(t)
	b.tail = 2
	for pid := uint32(1); pid <= 7; pid++ { // each the child of the one before, which then exits
		at := int64(pid) * 100 * ms
		b.apply(raw(record{kind: kindFork, pid: pid, start: uint64(at), clock: at, stamp: at + testOffset, ppid: pid - 1}))
		if pid > 1 {
			b.apply(raw(record{kind: kindExit, pid: pid - 1, start: uint64(at - 100*ms), clock: at + ms}))
		}
		b.expire(at)
	}
	q := b.query(7, 701, false)
	p, m := b.lookup(&q)
	var got []uint32
	for _, a := range b.ancestors(&p, nil, 5) {
		got = append(got, a.PID)
	}
	if m != Exact || fmt.Sprint(got) != "[6 5 4]" {
		t.Errorf("got %s, ancestors %v, want exact, [6 5 4]", m, got)
	}
	// Remembered: 7 alive, 6 and 5 in the tail, and as ancestors of them 4, 3 and 2.
	if b.lives.live() != 6 || b.counts.Ancestors != 3 {
		t.Errorf("got %d lives, %d ancestors, want 6 and 3", b.lives.live(), b.counts.Ancestors)
	}
	b.apply(raw(record{kind: kindExit, pid: 7, start: uint64(700 * ms), clock: 1000 * ms}))
	b.tail, b.progress = 0, math.MaxInt64
	b.expire(2000 * ms)
	if b.lives.live() != 0 || b.counts.Ancestors != 0 || b.byPID.n != 0 {
		t.Errorf("left: %d lives, %d ancestors, %d pids", b.lives.live(), b.counts.Ancestors, b.byPID.n)
	}
}

func TestCgroupsAreForgotten(t *testing.T) {
	b := newBed(t)
	b.apply(rawPath(7, false, "c1"))
	b.at(kindFork, 100, 1000, 1001, 1000, 1, 7)
	b.apply(rawGone(7))
	b.want(100, 1050, false, Exact, "/c1", 1)
	b.at(kindExec, 100, 1000, 1100, 1099, 2, 7)
	b.at(kindExit, 100, 1000, 1200, 0, 2, 7)
	b.want(100, 1150, false, Exact, "/c1", 2)
	b.tail, b.progress = 0, math.MaxInt64
	b.expire(2000 * ms)
	if n := len(b.cgroups.byKey); n != 0 {
		t.Errorf("%d cgroups are remembered, want none", n)
	}
}

// TestManyChanges keeps a process that moves for ever from filling the memory.
func TestManyChanges(t *testing.T) {
	b := newBed(t)
	b.tail = 50
	for i := range 10_000 {
		b.at(kindMove, 100, 1000, 2000+float64(i), 2000+float64(i), 1, uint64(7+i%2))
		b.expire(0)
	}
	if b.past > 50 || b.pasts.live() > 50 {
		t.Errorf("%d states, %d of the pool", b.past, b.pasts.live())
	}
	b.want(100, 3000, false, Partial, "", 0)
}

// TestTailGrowsWithLag remembers more of the dead while those who ask are behind.
func TestTailGrowsWithLag(t *testing.T) {
	b := newBed(t)
	b.tail, b.maxTail = 10, 100
	at := 1000.0
	run := func(n int) {
		for range n {
			at++
			b.at(kindFork, uint32(at), at, at, at, 1, 7)
			b.at(kindExit, uint32(at), at, at+0.5, 0, 1, 7)
			b.expire(0)
		}
	}
	run(50)
	if b.dead != 10 {
		t.Errorf("nobody asks: %d dead, want 10", b.dead)
	}
	b.want(99, 1060, false, NoProcess, "", 0)
	run(50)
	if b.dead != 41 { // those that ended from 1060 on
		t.Errorf("asked for 1060: %d dead, want 41", b.dead)
	}
	run(500)
	if b.dead != 100 {
		t.Errorf("far behind: %d dead, want 100", b.dead)
	}
	b.progress = 5000 * ms
	b.expire(0)
	if b.dead != 10 {
		t.Errorf("caught up: %d dead, want 10", b.dead)
	}
}

// BenchmarkLookup is the hot path: a process that has executed a program, among 20,000.
func BenchmarkLookup(b *testing.B) {
	tab := newTable(limits{5, 1 << 60, 8192, 8192}, newClock(readClocks))
	now := tab.clock.now()
	_, offset := readClocks()
	tab.apply(rawPath(7, false, "kubepods", "pod", "c1"))
	for pid := uint32(1); pid <= 20_000; pid++ {
		r := record{kind: kindFork, pid: pid, start: uint64(pid), clock: now - 100*ms, stamp: now - 100*ms + offset, ppid: pid / 2, cgroup: 7}
		tab.apply(raw(r))
		r.kind, r.exec, r.stamp, r.clock = kindExec, 1, r.stamp+50*ms, r.clock+50*ms
		tab.apply(raw(r))
	}
	at := now + offset
	for name, stamp := range map[string]int64{"event": at - 5*ms, "exec": at - 50*ms} {
		b.Run(name, func(b *testing.B) {
			q := Query{Sec: stamp / 1e9, Milli: uint16(stamp / ms % 1000), Exec: name == "exec"}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q.PID = uint32(i)%20_000 + 1
				if _, m := tab.lookup(&q); m != Exact {
					b.Fatal(m)
				}
			}
		})
	}
}

// BenchmarkApply is a process's whole life: fork, exec, exit.
func BenchmarkApply(b *testing.B) {
	tab := newTable(limits{5, 1 << 60, 8192, 8192}, newClock(readClocks))
	tab.apply(rawPath(7, false, "kubepods", "pod", "c1"))
	r := record{pid: 1, start: 1, cgroup: 7}
	fork, exec, exit := raw(r), raw(r), raw(r)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		for k, record := range [][]byte{fork, exec, exit} {
			record[0] = byte(kindFork) + byte(k)
			record[4], record[5] = byte(i), byte(i>>8)
			record[8], record[9], record[10], record[11] = byte(i), byte(i>>8), byte(i>>16), byte(i>>24)
			tab.apply(record)
		}
		if i%64 == 0 {
			tab.expire(tab.clock.now())
		}
	}
}

// TestClockTakenOff has the thread lose its processor right after it has read the clocks: what happens now must not lie
// ahead of now.
func TestClockTakenOff(t *testing.T) {
	c := newClock(func() (mono, offset int64) {
		mono, offset = readClocks()
		for began := time.Now(); time.Since(began) < 5*time.Millisecond; {
		}
		return mono, offset
	})
	for range 10 {
		mono, _ := readClocks()
		if now := c.now(); now < mono {
			t.Fatalf("now is %v behind", time.Duration(mono-now))
		}
	}
}
