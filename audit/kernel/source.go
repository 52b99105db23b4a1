package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"vigil/audit/tables"
)

const (
	typeSet = tables.TypeSet

	// batchLimit and arenaSize bound what one Read returns.
	batchLimit = 2048
	arenaSize  = 512 << 10

	// readSlice is how long Read waits when nothing happens.
	readSlice = 100 * time.Millisecond

	// gatherBuffer is the least receive buffer in which records may gather: a
	// storm of 300,000 records a second, a KiB each with the kernel's overhead,
	// fills 1.5 MiB in DefaultGather.
	gatherBuffer = 4 << 20

	// atOnce is how long a wait takes at most that found something waiting.
	atOnce = 100 * time.Microsecond

	// late is the delay of the reader that counts as a stall.
	late = time.Second

	// settleTime is how long the socket must be silent, after we have
	// unregistered, before it counts as empty: kauditd finishes the round that
	// it is in with the port it began with.
	settleTime = 20 * time.Millisecond
)

// Message is one record as the kernel sent it.
type Message struct {
	Type tables.Type
	// Payload is the text, "audit(1626611363.720:348501): ...". A view, valid
	// until the next Read.
	Payload []byte
}

// Source is the stream of the kernel's records. Read is for one goroutine;
// everything else may be called beside it.
type Source struct {
	cfg   Config
	env   environment
	pid   uint32
	sock  Socket
	place placement
	ctl   *Control // nil for an observer without CAP_AUDIT_CONTROL

	mode     atomic.Uint32 // Daemon or Observer
	why      atomic.Pointer[string]
	n        counters
	notices  chan error
	kicked   chan string        // why the watcher should look at once
	stop     context.CancelFunc // of the watcher
	watching chan struct{}      // closed when the watcher has ended
	changed  changed
	holder   HeldError // who had the registration when last looked at; the watcher's

	limit  uint32 // backlog_limit when we registered
	waited uint32 // backlog_wait_time_actual at the last look; the watcher's
	pokes  uint32 // sent; the watcher's, and Drain's after it

	woken       atomic.Uint32 // the last poke that came back
	stalled     atomic.Bool   // overrun since a poke last came back
	twinning    atomic.Bool   // multicast records may come again by unicast
	leaving     atomic.Bool   // registered again: leave the group at the first unicast record
	left        atomic.Int64  // when the group was left, Unix nanoseconds
	unregisterd atomic.Bool   // nothing more is sent: Read ends when the socket is empty
	draining    sync.Once
	closing     sync.Once
	drainErr    error
	closed      atomic.Bool

	reading sync.Mutex // held by Read; guards what follows
	gather  time.Duration
	batch   []Message
	arena   []byte
	carry   []Datagram // received, and not yet returned
	more    bool       // the last look at the socket left something behind
	drained time.Time  // when the socket was last seen empty
	alive   time.Time  // when Read last returned
	meter   Meter
	twins   *twins
	ctx     context.Context
	unwatch func() bool
}

// Mode returns what the Source is now, Daemon or Observer.
func (s *Source) Mode() Mode { return Mode(s.mode.Load()) }

// Why says in a few words why it is that, and who has the registration if not
// we.
func (s *Source) Why() string { return *s.why.Load() }

// Read returns the next records, at least one as a rule, and none if there were
// none for a tenth of a second, so that the caller can tend its timers. They are
// in the order in which the kernel sent them, and valid until the next Read.
//
// Errors: a *TakenError or *RetakenError is a notice (see IsNotice), and io.EOF
// the end after Drain. The context's error is returned when it ends; Read can
// be called again with another one, and nothing is lost in between. ErrClosed
// follows Close. Anything else is the socket's, and final.
//
// While it waits, Read occupies a thread, and it does not allocate.
func (s *Source) Read(ctx context.Context) ([]Message, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	if s.closed.Load() {
		return nil, ErrClosed
	}
	s.follow(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case notice := <-s.notices:
		return nil, notice
	default:
	}
	s.batch, s.arena = s.batch[:0], s.arena[:0]
	s.pulse(s.alive, 0)
	ready := len(s.carry) > 0 || s.more
	if !ready {
		var err error
		if ready, err = s.await(); err != nil {
			return nil, err
		}
	}
	if ready {
		if err := s.drain(); err != nil {
			return nil, err
		}
	}
	s.measure()
	s.alive = time.Now()
	if len(s.batch) == 0 && !ready && s.unregisterd.Load() {
		return nil, io.EOF
	}
	return s.batch, nil
}

// follow makes the end of ctx wake the reader.
func (s *Source) follow(ctx context.Context) {
	if ctx == s.ctx {
		return
	}
	if s.unwatch != nil {
		s.unwatch()
	}
	s.ctx, s.unwatch = ctx, nil
	if ctx.Done() != nil {
		s.unwatch = context.AfterFunc(ctx, s.sock.Wake)
	}
}

// await waits until there is something to read, and then lets more gather: in a
// storm of execs, waking up for each record is what a reader's time goes to.
func (s *Source) await() (bool, error) {
	limit, gather := readSlice, s.gather
	if s.unregisterd.Load() {
		limit, gather = settleTime, 0
	}
	start := time.Now()
	ready, err := s.sock.Wait(limit, true)
	if err != nil || !ready {
		s.pulse(start, limit)
		return false, err
	}
	now := time.Now()
	if now.Sub(start) < atOnce {
		// It was there already, and has been gathering since the last look.
		gather = max(gather-now.Sub(s.drained), 0)
	}
	if gather > 0 {
		if _, err := s.sock.Wait(gather, false); err != nil {
			return false, err
		}
	}
	s.pulse(start, limit+gather)
	return true, nil
}

// pulse notices that the reader was stopped, or kept from reading, for long.
func (s *Source) pulse(since time.Time, planned time.Duration) {
	if since.IsZero() || time.Since(since) < planned+late {
		return
	}
	s.n.stalls.Add(1)
	s.kick(stopped)
}

// kick makes the watcher look at once.
func (s *Source) kick(reason string) {
	select {
	case s.kicked <- reason:
	default: // it has a reason already
	}
}

// drain takes what is queued, as far as there is room in the batch.
func (s *Source) drain() error {
	var count tally
	defer func() { s.n.add(count) }()
	for {
		for i := range s.carry {
			if !s.take(&s.carry[i], &count) {
				s.carry = s.carry[i:]
				return nil
			}
		}
		s.carry = nil
		if !s.more && len(s.batch) > 0 {
			s.drained = time.Now()
			return nil
		}
		var err error
		s.carry, s.more, err = s.sock.Receive()
		switch {
		case errors.Is(err, syscall.ENOBUFS):
			// Only where NETLINK_NO_ENOBUFS is not to be had.
			s.overrun(1)
			s.more = true
		case err != nil:
			return fmt.Errorf("receive audit records: %w", err)
		case len(s.carry) == 0:
			s.more = false
			s.drained = time.Now()
			return nil
		}
	}
}

// take puts one datagram into the batch; false if there is no room.
func (s *Source) take(d *Datagram, count *tally) bool {
	if len(s.batch) == cap(s.batch) || len(s.arena)+min(len(d.Data), slotSize) > cap(s.arena) {
		return false
	}
	count.datagrams++
	count.bytes += uint64(len(d.Data))
	if d.Port != 0 {
		// Any process can send to our port; the kernel's port is 0.
		count.foreign++
		return true
	}
	t, _, ok := header(d.Data)
	if !ok || len(d.Data) > slotSize {
		count.malformed++
		return true
	}
	if d.Truncated {
		count.truncated++
	}
	if !isRecord(t) {
		count.other++
		if t == tables.TypeReplace {
			s.probed(d.Data[headerSize:])
		}
		return true
	}
	if d.Group == 0 {
		count.unicast++
	}
	if s.twinning.Load() && s.twin(d) {
		count.duplicates++
		return true
	}
	payload := d.Data[headerSize:]
	if t == tables.TypeUser {
		s.recognise(payload)
	}
	at := len(s.arena)
	s.arena = append(s.arena, payload...)
	s.batch = append(s.batch, Message{Type: t, Payload: s.arena[at:len(s.arena):len(s.arena)]})
	count.records++
	return true
}

// isRecord tells records from the messages of the control protocol
// (<linux/audit.h>: 1000 to 1099 are commands, but for these two).
func isRecord(t tables.Type) bool {
	return t >= 1100 && t != tables.TypeReplace || t == tables.TypeUser || t == tables.TypeLogin
}

// twin reports whether a record came before by the other way.
func (s *Source) twin(d *Datagram) bool {
	if s.twins == nil {
		s.twins = newTwins()
	}
	if d.Group != 0 {
		s.twins.remember(d.Data)
		return false
	}
	if s.leaving.CompareAndSwap(true, false) {
		// kauditd delivers to us from now on, to the end of this round at
		// least, so that the copies are superfluous.
		if err := s.sock.Member(false); err != nil {
			s.cfg.Logger.Warn("leave audit multicast group", "error", err)
		}
		s.left.Store(time.Now().UnixNano())
	}
	known := s.twins.has(d.Data)
	if at := s.left.Load(); at != 0 && time.Since(time.Unix(0, at)) > 2*time.Second {
		s.left.Store(0)
		s.twinning.Store(false)
		s.twins = nil
	}
	return known
}

// measure reads the socket's counters.
func (s *Source) measure() {
	m, err := s.sock.Meter()
	if err != nil {
		return // the socket is as good as it was
	}
	s.n.queued.Store(int64(m.Queued))
	if int64(m.Queued) > s.n.queuedMost.Load() {
		s.n.queuedMost.Store(int64(m.Queued))
	}
	if n := m.Overruns - s.meter.Overruns; n != 0 {
		s.overrun(uint64(n))
	}
	s.meter = m
}

// overrun counts deliveries that found no room.
func (s *Source) overrun(n uint64) {
	s.n.overruns.Add(n)
	s.n.lastOverrun.Store(time.Now().UnixNano())
	if s.Mode() == Observer {
		s.n.observerLost.Add(n)
		return
	}
	s.stalled.Store(true)
	s.n.stalls.Add(1)
	s.kick(overrun)
}
