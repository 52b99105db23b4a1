package audit

import (
	"bytes"
	"time"

	"vigil/audit/tables"
)

// AssemblerConfig holds the limits of an Assembler. The zero value is valid.
type AssemblerConfig struct {
	// Timeout ends an event to which no record has been added for so long.
	// 0 means 2 s, auditd's end_of_event_timeout.
	Timeout time.Duration
	// Linger is how long an event waits for EOE, or for a late record, after its
	// PROCTITLE. On the kernel's socket EOE comes at once; in a log there is none.
	// 0 means 20 ms.
	Linger time.Duration
	// MaxEvents bounds the events that are open at a time. 0 means 8192.
	MaxEvents int
	// MaxBytes bounds the memory for their records. 0 means 16 MiB, at least
	// 64 KiB. One event gets at most a quarter of it.
	MaxBytes int
}

const (
	maxLingering = 64   // events that wait after PROCTITLE
	maxDone      = 1024 // events remembered after they were handed out
	maxRecords   = 8192 // in one event
)

// AssemblerStats says what an Assembler has done so far.
type AssemblerStats struct {
	Records uint64 // pushed, without EOE
	Bytes   uint64 // of their Body and Enrichment
	Events  uint64 // handed out; the sum of the following

	EOE, Proctitle, Single, Timeout, Evicted, Flush, Late uint64 // by End

	StrayEOE uint64 // EOE of events of which no other record was seen

	Open      int // events that wait for more
	OpenBytes int // memory that the Assembler holds for records
}

// Assembler puts records together that share node, time and serial. It reads no
// clock: Push and Expire are told the time, which may be that of the records when
// a log is read. Calls must not overlap.
//
// An event is handed out at its EOE; after its PROCTITLE, when Linger has passed
// or 64 later events have come that far; at once if its only record is of a type
// that stands alone; or when Timeout has passed since its last record. So events
// come out in the order in which they are completed.
//
// Records that come after their event was handed out are not lost and are not
// taken for an event of their own: they come out with EndLate.
type Assembler struct {
	cfg  AssemblerConfig
	emit func(*Event)

	base time.Time // the first time told
	now  int64     // nanoseconds since base

	slots     slots
	open      list // by last record, the longest waiting first
	lingering list // by PROCTITLE, the longest waiting first
	done      list // handed out, the first first
	pool      pool

	event Event // for emit
	stats AssemblerStats
}

// NewAssembler returns an Assembler that hands each event to emit. The Event and
// all that it refers to are valid during the call only, in which no method of the
// Assembler may be called.
func NewAssembler(cfg AssemblerConfig, emit func(*Event)) *Assembler {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Second
	}
	if cfg.Linger <= 0 {
		cfg.Linger = 20 * time.Millisecond
	}
	if cfg.MaxEvents <= 0 {
		cfg.MaxEvents = 8192
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 16 << 20
	}
	cfg.MaxBytes = max(cfg.MaxBytes, 64<<10)
	return &Assembler{
		cfg:       cfg,
		emit:      emit,
		slots:     newSlots(cfg.MaxEvents + maxDone + 1),
		open:      newList(),
		lingering: newList(),
		done:      newList(),
		pool:      pool{limit: cfg.MaxBytes},
	}
}

// Push adds a record, at the time now, and hands out the events that are complete
// by it. It copies what it keeps of r. It costs no memory in the steady state,
// and time in proportion to the length of r.
func (a *Assembler) Push(r Record, now time.Time) {
	a.advance(now)
	single := false
	if r.Type != tables.TypeEOE {
		a.stats.Records++
		a.stats.Bytes += uint64(len(r.Body) + len(r.Enrichment))
		alone, sure := standsAlone(r)
		if alone && sure {
			a.pushSingle(r)
			return
		}
		single = alone
	}
	k := a.slots.key(r.ID, r.Node)
	i := a.slots.find(k)
	if r.Type == tables.TypeEOE {
		switch {
		case i == none:
			a.stats.StrayEOE++
		case a.slots.at[i].state != slotDone:
			a.finish(i, EndEOE)
		}
		return
	}
	switch {
	case i == none:
		i = a.begin(k)
	case a.slots.at[i].state == slotDone:
		a.reopen(i)
	}
	if !a.add(i, r) {
		return
	}
	s := &a.slots.at[i]
	switch {
	case s.state == slotLingering:
		if s.end == EndSingle && r.Type == tables.TypeMACTaskContexts {
			a.finish(i, EndSingle)
		}
	case r.Type == tables.TypeProctitle:
		a.linger(i, EndProctitle)
	case single:
		a.linger(i, EndSingle)
	default:
		s.deadline = a.now + int64(a.cfg.Timeout)
		a.open.remove(&a.slots, i)
		a.open.append(&a.slots, i)
	}
}

// Expire hands out the events whose time has come. Call it also, and above all,
// when there is nothing to push.
func (a *Assembler) Expire(now time.Time) {
	a.advance(now)
	if a.open.n+a.lingering.n == 0 {
		a.pool.trim()
	}
}

// Flush hands out every event that is open, because no record will follow, and
// forgets those that were handed out.
func (a *Assembler) Flush() {
	a.finishLingering()
	for a.open.n > 0 {
		a.finish(a.open.head, EndFlush)
	}
	for a.done.n > 0 {
		a.forget(a.done.head)
	}
	a.pool.trim()
}

// Stats returns what has been done so far.
func (a *Assembler) Stats() AssemblerStats {
	s := a.stats
	s.Open = a.open.n + a.lingering.n
	s.OpenBytes = a.pool.owned
	return s
}

// standsAlone reports whether r is the whole of its event, and whether that is
// sure at once. The types are those that have no system call around them when the
// kernel logs them: messages of programs (kernel/audit.c logs them without
// context), the daemon's own, KERNEL, packets (net/netfilter/xt_AUDIT.c), and the
// unloading of a BPF program (kernel/bpf/syscall.c, bpf_audit_prog). Others that
// often come alone, such as LOGIN, CONFIG_CHANGE, SECCOMP, ANOM_ABEND, AVC or
// MAC_UNLBL_STCADD, are part of the system call whenever any rule is loaded.
//
// With more than one security module that has labels, subj=? says that a
// MAC_TASK_CONTEXTS record with the labels follows.
func standsAlone(r Record) (alone, sure bool) {
	switch t := r.Type; {
	case t == tables.TypeSyscall || t == tables.TypePath:
		return false, false
	case t == tables.TypeUser || t > tables.TypeLogin && t < tables.TypeSyscall ||
		t == tables.TypeKernel || t >= firstUserType2:
		return true, !bytes.Contains(r.Body, []byte(" subj=?"))
	case t == tables.TypeNetfilterPkt:
		return true, true
	case t == tables.TypeBPF:
		return bytes.HasSuffix(bytes.TrimRight(r.Body, " "), []byte(" op=UNLOAD")), true
	}
	return false, false
}

// firstUserType2 begins the second range of user messages (AUDIT_FIRST_USER_MSG2
// in <linux/audit.h>).
const firstUserType2 tables.Type = 2100

// pushSingle hands out an event of one record, behind the events that linger.
func (a *Assembler) pushSingle(r Record) {
	if recordSize(r)+len(r.Node) > a.cfg.MaxBytes/4 {
		a.finishLingering() // there is no room to keep r
	}
	if a.lingering.n == 0 {
		a.event.Records = append(a.event.Records[:0], r)
		a.deliver(r.ID, r.Node, EndSingle)
		return
	}
	a.makeRoom()
	i := a.slots.insertHidden(key{id: r.ID})
	a.start(i)
	a.add(i, r)
	a.linger(i, EndSingle)
	a.slots.at[i].ready = true
	if a.lingering.head == i {
		a.finish(i, EndSingle)
	}
}

func (a *Assembler) finishLingering() {
	for a.lingering.n > 0 {
		a.finish(a.lingering.head, a.slots.at[a.lingering.head].end)
	}
}

// begin opens an event.
func (a *Assembler) begin(k key) int32 {
	a.makeRoom()
	i := a.slots.insert(k)
	a.start(i)
	return i
}

// reopen opens an event again that was handed out.
func (a *Assembler) reopen(i int32) {
	a.done.remove(&a.slots, i)
	a.makeRoom()
	a.slots.at[i].late = true
	a.start(i)
}

// makeRoom makes room for one event more.
func (a *Assembler) makeRoom() {
	if a.open.n+a.lingering.n >= a.cfg.MaxEvents {
		a.evict(none)
	}
}

func (a *Assembler) start(i int32) {
	s := &a.slots.at[i]
	s.state, s.ready = slotOpen, false
	s.deadline = a.now + int64(a.cfg.Timeout)
	a.open.append(&a.slots, i)
}

// linger moves an open event to those that are complete as far as one can tell.
func (a *Assembler) linger(i int32, end End) {
	s := &a.slots.at[i]
	s.state, s.end = slotLingering, end
	s.deadline = a.now + int64(a.cfg.Linger)
	a.open.remove(&a.slots, i)
	a.lingering.append(&a.slots, i)
	if a.lingering.n > maxLingering {
		a.finish(a.lingering.head, a.slots.at[a.lingering.head].end)
	}
}

// advance sets the time and hands out what has waited long enough. A time before
// the last one counts as the last one.
func (a *Assembler) advance(now time.Time) {
	if a.base.IsZero() {
		a.base = now
	}
	a.now = max(a.now, int64(now.Sub(a.base)))
	for i := a.lingering.head; i != none && a.slots.at[i].deadline <= a.now; i = a.lingering.head {
		a.finish(i, a.slots.at[i].end)
	}
	for i := a.open.head; i != none && a.slots.at[i].deadline <= a.now; i = a.open.head {
		a.finish(i, EndTimeout)
	}
}

// evict makes room by handing out the event that has waited longest, but not
// keep; one that is complete as far as one can tell goes first.
func (a *Assembler) evict(keep int32) bool {
	if i := a.lingering.first(&a.slots, keep); i != none {
		a.finish(i, a.slots.at[i].end)
		return true
	}
	if i := a.open.first(&a.slots, keep); i != none {
		a.finish(i, EndEvicted)
		return true
	}
	return false
}

// finish hands out an event, and those of one record that came behind it and
// waited for nothing else.
func (a *Assembler) finish(i int32, end End) {
	a.complete(i, end)
	for i := a.lingering.head; i != none && a.slots.at[i].ready; i = a.lingering.head {
		a.complete(i, EndSingle)
	}
}

func (a *Assembler) complete(i int32, end End) {
	s := &a.slots.at[i]
	if s.state == slotLingering {
		a.lingering.remove(&a.slots, i)
	} else {
		a.open.remove(&a.slots, i)
	}
	if s.late {
		end = EndLate
	}
	if s.records > 0 {
		var node []byte
		a.event.Records, node = s.appendRecords(a.event.Records[:0])
		a.deliver(s.id, node, end)
	}
	a.pool.put(s.buf)
	s.buf, s.records, s.state, s.ready = nil, 0, slotDone, false
	if !s.hashed {
		a.slots.delete(i)
		return
	}
	a.done.append(&a.slots, i)
	if a.done.n > maxDone {
		a.forget(a.done.head)
	}
}

func (a *Assembler) forget(i int32) {
	a.done.remove(&a.slots, i)
	a.slots.delete(i)
}

// deliver calls emit with the records in a.event.
func (a *Assembler) deliver(id ID, node []byte, end End) {
	a.event.ID, a.event.Node, a.event.End = id, node, end
	a.stats.Events++
	*a.stats.count(end)++
	a.emit(&a.event)
	// The views must not keep memory alive that is given back.
	clear(a.event.Records)
}

func (s *AssemblerStats) count(e End) *uint64 {
	switch e {
	case EndEOE:
		return &s.EOE
	case EndProctitle:
		return &s.Proctitle
	case EndSingle:
		return &s.Single
	case EndTimeout:
		return &s.Timeout
	case EndEvicted:
		return &s.Evicted
	case EndFlush:
		return &s.Flush
	}
	return &s.Late
}

// add copies r into the event and reports whether the event is still open: it is
// not if r was too large to be kept and so has been handed out by itself.
func (a *Assembler) add(i int32, r Record) bool {
	limit := a.cfg.MaxBytes / 4
	s := &a.slots.at[i]
	s.ready = false
	need := recordSize(r)
	if s.records == 0 {
		need += len(r.Node)
	}
	if s.records == maxRecords || len(s.buf)+need > limit && s.records > 0 {
		a.complete(i, EndEvicted)
		a.reopen(i)
		s = &a.slots.at[i]
		need = recordSize(r) + len(r.Node)
	}
	if need > limit {
		end := EndEvicted
		if s.late {
			end = EndLate
		}
		a.complete(i, end) // holds nothing, so hands out nothing
		a.event.Records = append(a.event.Records[:0], r)
		a.deliver(r.ID, r.Node, end)
		return false
	}
	if need += len(s.buf); need > cap(s.buf) {
		buf := a.pool.get(need)
		for buf == nil && a.evict(i) {
			buf = a.pool.get(need)
		}
		if buf == nil { // cannot be: an event has a quarter of the memory
			buf = make([]byte, 0, need)
			a.pool.owned += cap(buf)
		}
		s = &a.slots.at[i]
		buf = append(buf, s.buf...)
		a.pool.put(s.buf)
		s.buf = buf
	}
	s.append(r)
	return true
}
