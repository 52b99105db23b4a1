package forward

import (
	"bytes"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/enrich/attribution"
)

// Event is an event on its way to a sink. It is valid until the call that it was
// passed to returns.
type Event struct {
	*audit.Event
	UID UID
}

// ref says which event something is about, and where in the log it lies.
type ref struct {
	id    audit.ID
	node  uint64 // a sum of the node's name
	first int64  // offset at which its first record begins
	last  int64  // offset at which its last record so far ends
}

// feed makes events of a log's lines, and knows where each lies.
type feed struct {
	log       Log
	assembler *audit.Assembler
	emit      func(Event, ref)
	known     *attribution.Completer // of records that bear a container's id alone
	uids      uids
	boots     []boot       // what has been read from, the boot at the start first
	open      map[ref]span // by id and node: the events of which records wait in the assembler
	skip      map[ref]int64
	skipEnd   int64    // no record is to be left out beyond it
	last      audit.ID // of the kernel's record read last
	begun     int      // files
	edge      audit.ID // of the kernel's last record before the file being read
	first     audit.ID // of the kernel's first one in it; zero if none has been read
	lose      func(Lost)
	lost      Lost  // what has been noticed so far
	pending   *Lost // what has not been told, because the record after it has not been read
	malformed uint64
}

// boot is what the records from an offset on are of.
type boot struct {
	from int64
	id   string
}

// bootAt returns the boot that the records at an offset are of, and forgets those
// before it.
func (f *feed) bootAt(offset int64) string {
	n := 0
	for n < len(f.boots)-1 && f.boots[n+1].from <= offset {
		n++
	}
	f.boots = f.boots[:copy(f.boots, f.boots[n:])]
	return f.boots[0].id
}

// span is where the records of an event lie.
type span struct{ first, last int64 }

// newFeed returns a feed that goes on after c. It calls emit for each event, and lose
// when a part of the log was gone before it could be read.
//
// known learns of the containers that the log tells of, and completes the events.
func newFeed(log Log, c *Cursor, host string, known *attribution.Completer, emit func(Event, ref), lose func(Lost)) *feed {
	f := &feed{
		log: log, emit: emit, known: known, lose: lose, last: c.Last.ID,
		boots: []boot{{id: c.Boot}}, open: make(map[ref]span), skip: make(map[ref]int64),
	}
	f.uids.set(Origin{Host: host, Boot: c.Boot})
	f.assembler = audit.NewAssembler(audit.AssemblerConfig{}, f.complete)
	for _, s := range c.Skip {
		f.skip[ref{id: s.Event.ID, node: s.Node}] = s.Until
		f.skipEnd = max(f.skipEnd, s.Until)
	}
	return f
}

// next reads a line and hands out the events that are complete by it. false: there
// is no more yet.
func (f *feed) next(now time.Time) bool {
	begin := f.log.Offset()
	if !f.log.Next() {
		return false
	}
	line := f.log.Bytes()
	r, err := audit.ParseLine(line)
	if err != nil {
		if len(bytes.TrimSpace(line)) > 0 {
			f.malformed++
		}
		return true
	}
	f.look(r, now)
	f.known.Observe(r)
	if r.Type == tables.TypeLedger {
		if id, ok := r.Get("boot"); ok && string(id.Value) != f.uids.origin.Boot {
			f.uids.boot(id.Value)
			f.boots = append(f.boots, boot{f.log.Offset(), f.uids.origin.Boot})
		}
	}
	key, end := ref{id: r.ID, node: nodeSum(r.Node)}, f.log.Offset()
	if begin < f.skipEnd {
		if end <= f.skip[key] {
			return true // sent before the cursor was written
		}
	} else if f.skipEnd > 0 {
		clear(f.skip)
		f.skipEnd = 0
	}
	s, ok := f.open[key]
	if !ok {
		s.first = begin
	}
	s.last = end
	f.open[key] = s
	if r.Type.FromKernel() {
		f.last = r.ID
	}
	f.assembler.Push(r, now)
	return true
}

// expire hands out what is complete because time has passed.
func (f *feed) expire(now time.Time) {
	f.assembler.Expire(now)
	if f.pending != nil && now.Sub(f.pending.Time) >= overdue {
		f.tell()
	}
}

// complete takes an event from the assembler.
func (f *feed) complete(e *audit.Event) {
	at := ref{id: e.ID, node: nodeSum(e.Node)}
	s := f.open[at]
	delete(f.open, at)
	at.first, at.last = s.first, s.last
	f.known.Complete(e)
	f.emit(Event{Event: e, UID: f.uids.of(e.Node, e.ID)}, at)
	f.known.Restore(e)
}

// oldest returns the offset of the first record that waits in the assembler, of what
// will be read next if there is none.
func (f *feed) oldest() int64 {
	oldest := f.log.Offset()
	for _, s := range f.open {
		oldest = min(oldest, s.first)
	}
	return oldest
}

// look notices what the log has lost before a record, and tells of it once the record
// after the loss is known: the kernel's, since only its serials are in one row.
func (f *feed) look(r audit.Record, now time.Time) {
	if n := f.log.Files(); n != f.begun {
		f.begun, f.edge, f.first = n, f.last, audit.ID{}
	}
	if f.first == (audit.ID{}) && r.Type.FromKernel() {
		f.first = r.ID
	}
	if bytes, files := f.log.Lost(); bytes != f.lost.Bytes || files != f.lost.Files {
		if f.pending == nil {
			f.pending = &Lost{After: f.edge, Time: now}
		}
		f.pending.Bytes += bytes - f.lost.Bytes
		f.pending.Files += files - f.lost.Files
		f.lost.Bytes, f.lost.Files = bytes, files
		// The offsets in the cursor were counted from a place that is gone.
		clear(f.skip)
		f.skipEnd = 0
	}
	if f.pending != nil && f.first != (audit.ID{}) {
		f.tell()
	}
}

// tell tells of a loss.
func (f *feed) tell() {
	loss := *f.pending
	f.pending = nil
	loss.Before = f.first
	f.lose(loss)
}

// overdue is how long the record after a loss is waited for.
const overdue = 5 * time.Second

func nodeSum(node []byte) uint64 {
	if len(node) == 0 {
		return 0
	}
	sum := fnvOffset
	for _, c := range node {
		sum = (sum ^ uint64(c)) * 1099511628211
	}
	return sum
}
