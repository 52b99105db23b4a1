package ledger

import (
	"sync"
	"sync/atomic"
	"time"

	"vigil/audit"
)

// Config says whose books a [Ledger] keeps. The zero value is valid.
type Config struct {
	Node string // as in node= of the trail's lines; empty: none
	Boot string // /proc/sys/kernel/random/boot_id
	Mode string // "daemon" or "observer", as at first; see SetMode
	Gaps GapConfig
}

// How losses are put together.
const (
	// quiet is how long a loss must not have gone on before it is reported, and
	// longest how long it may go on unreported.
	quiet   = time.Second
	longest = 10 * time.Second
	// maxPending is how many losses wait at most. Beyond that, those of one
	// reason become one.
	maxPending = 64
	// maxRecent is how many reported losses a Snapshot shows.
	maxRecent = 16
)

// Ledger counts what the daemon does and gathers what was lost. Observe, Settle
// and Flush belong to the goroutine that reads the kernel's records; every other
// method may be called from any.
type Ledger struct {
	cfg  Config
	mode atomic.Pointer[string] // as cfg.Mode was at first
	gaps *Gaps
	// resumed is the last serial in the trail when we started; what is missing
	// right after it was lost while we were down.
	resumed   audit.ID
	isResumed bool

	received, assembled, written, dropped atomic.Uint64
	lost, enobufs                         atomic.Uint64
	missing, ranges, late, high           atomic.Uint64 // published by Settle

	mu      sync.Mutex
	kernel  KernelCounter
	pending []Loss
	writing Loss // handed out by Next and not done yet
	recent  []Loss
	total   uint64 // losses reported
}

// New returns the books of one run of the daemon, all counts 0.
func New(cfg Config) *Ledger {
	l := &Ledger{cfg: cfg}
	l.SetMode(cfg.Mode)
	l.gaps = NewGaps(cfg.Gaps, l.miss)
	return l
}

// SetMode says how records are read from now on, "daemon" or "observer": it
// changes when another process takes the registration, or gives it back.
func (l *Ledger) SetMode(mode string) { l.mode.Store(&mode) }

// Received counts records that came from the kernel.
func (l *Ledger) Received(n int) { l.received.Add(uint64(n)) }

// Assembled counts events.
func (l *Ledger) Assembled(n int) { l.assembled.Add(uint64(n)) }

// Written counts records that are in the trail.
func (l *Ledger) Written(n int) { l.written.Add(uint64(n)) }

// Observe takes the serial of a record from the kernel that is for the trail, user
// messages included, which draw from the same counter. Not that of an EOE, which is
// not written and so does not vouch for its event, and not those of records that
// Vigil makes.
func (l *Ledger) Observe(serial uint32) { l.gaps.Observe(serial) }

// Settle finds serials that are overdue. It is to be called several times a
// second, after what there was to read has been observed.
func (l *Ledger) Settle(now time.Time) {
	l.gaps.Settle(now)
	l.publish()
}

// Flush settles all serials at the end.
func (l *Ledger) Flush(now time.Time) {
	l.gaps.Flush(now)
	l.publish()
}

func (l *Ledger) publish() {
	s := l.gaps.Stats()
	l.missing.Store(s.Missing - s.Late)
	l.ranges.Store(s.Ranges)
	l.late.Store(s.Late)
	if high, ok := l.gaps.High(); ok {
		l.high.Store(uint64(high))
	}
}

// miss takes what Gaps found.
func (l *Ledger) miss(m Missing) {
	loss := Loss{Reason: Gap, First: m.First, Last: m.Last, Count: m.Count(), Since: m.Since, Until: m.Until}
	switch {
	case !l.isResumed || before(m.Last, l.resumed.Serial):
		// Our own run's, or one in the middle of the trail's end.
	case m.First == l.resumed.Serial+1:
		loss.Reason, loss.Since = Down, l.resumed.Time()
		l.resumed.Serial = m.Last // the window may have cut the range in two
	default:
		l.isResumed = false
	}
	l.Lose(loss)
}

// Dropped counts n records that could not be written; first and last bound their
// serials, both 0 if none has one.
func (l *Ledger) Dropped(n int, first, last uint32, now time.Time) {
	l.dropped.Add(uint64(n))
	l.Lose(Loss{Reason: WriteError, First: first, Last: last, Count: uint64(n), Since: now, Until: now})
}

// Overflowed counts overflows of the socket's buffer (ENOBUFS). In daemon mode
// the kernel has kept the records and sends them again; in observer mode they
// are lost.
func (l *Ledger) Overflowed(n int, now time.Time) {
	l.enobufs.Add(uint64(n))
	if *l.mode.Load() == "observer" {
		l.Lose(Loss{Reason: Overflow, Count: uint64(n), Since: now, Until: now})
	}
}

// KernelLost takes a reading of the kernel's counter of lost records.
func (l *Ledger) KernelLost(lost uint32, now time.Time) {
	l.mu.Lock()
	rise := l.kernel.Update(lost)
	l.mu.Unlock()
	l.kernelLost(rise, now)
}

// KernelLostReset takes the answer to our own reset of that counter: what it was.
func (l *Ledger) KernelLostReset(old uint32, now time.Time) {
	l.mu.Lock()
	rise := l.kernel.Reset(old)
	l.mu.Unlock()
	l.kernelLost(rise, now)
}

func (l *Ledger) kernelLost(rise uint64, now time.Time) {
	if rise > 0 {
		l.lost.Add(rise)
		l.Lose(Loss{Reason: KernelLost, Count: rise, Since: now, Until: now})
	}
}

// Lose takes a loss to be reported. One that goes on where another of the same
// reason left off becomes one with it.
func (l *Ledger) Lose(loss Loss) {
	l.mu.Lock()
	defer l.mu.Unlock()
	same := -1
	for i := len(l.pending) - 1; i >= 0; i-- {
		if l.pending[i].Reason == loss.Reason && l.pending[i].Sink == loss.Sink {
			same = i
			break
		}
	}
	if same >= 0 && (len(l.pending) >= maxPending || continues(l.pending[same], loss)) {
		l.pending[same] = l.pending[same].merge(loss)
		return
	}
	l.pending = append(l.pending, loss)
}

// continues reports whether b is the same loss as a, going on. Ranges of serials
// stay apart unless they touch.
func continues(a, b Loss) bool {
	if a.Reason == Gap || a.Reason == Down {
		return a.Last+1 == b.First
	}
	return b.Since.Sub(a.Until) < quiet
}

// Next returns a loss that is to be put into the trail, if there is one that has
// come to an end or has gone on for ten seconds. Until Done it returns the same
// one, so that it is not lost when it cannot be written.
func (l *Ledger) Next(now time.Time) (Loss, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(func(p Loss) bool {
		settled := p.Reason == Gap || p.Reason == Down
		return settled || now.Sub(p.Until) >= quiet || now.Sub(p.Since) >= longest
	})
}

// NextAtEnd returns what Next would return if all losses had come to an end.
func (l *Ledger) NextAtEnd() (Loss, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.take(func(Loss) bool { return true })
}

func (l *Ledger) take(ready func(Loss) bool) (Loss, bool) {
	if l.writing.Reason != NoLoss {
		return l.writing, true
	}
	for i, p := range l.pending {
		if ready(p) {
			l.pending = append(l.pending[:i], l.pending[i+1:]...)
			l.writing = p
			return p, true
		}
	}
	return Loss{}, false
}

// Done says that the loss that Next returned is in the trail.
func (l *Ledger) Done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.writing.Reason == NoLoss {
		return
	}
	if len(l.recent) == maxRecent {
		l.recent = append(l.recent[:0], l.recent[1:]...)
	}
	l.recent = append(l.recent, l.writing)
	l.total++
	l.writing = Loss{}
}

// Line returns a LEDGER record with the counts as they are now. loss is the zero
// value but for op Lost.
func (l *Ledger) Line(id audit.ID, op Op, loss Loss) Line {
	return Line{ID: id, Node: l.cfg.Node, Op: op, Boot: l.cfg.Boot, Mode: *l.mode.Load(), Counts: l.Counts(), Loss: loss}
}

// Counts returns the counts as they are now. They are read one after the other,
// so while records flow they need not agree.
func (l *Ledger) Counts() Counts {
	return Counts{
		Received:  l.received.Load(),
		Assembled: l.assembled.Load(),
		Written:   l.written.Load(),
		Lost:      l.lost.Load(),
		Gaps:      l.missing.Load(),
		ENOBUFS:   l.enobufs.Load(),
		Dropped:   l.dropped.Load(),
	}
}

// Snapshot is the state of a ledger, as `vigil status --json` prints it.
type Snapshot struct {
	Boot string `json:"boot"`
	Mode string `json:"mode"`
	Counts
	GapRanges  uint64 `json:"gap_ranges"`  // ranges in which the gaps were found
	GapsLate   uint64 `json:"gaps_late"`   // serials reported missing that came after all
	LastSerial uint32 `json:"last_serial"` // the newest seen
	Losses     uint64 `json:"losses"`      // losses in the trail
	Pending    []Loss `json:"pending"`     // not in the trail yet
	Recent     []Loss `json:"recent"`      // the newest in the trail, at most 16, the oldest first
}

// Snapshot returns the state. The slices are the caller's.
func (l *Ledger) Snapshot() Snapshot {
	s := Snapshot{
		Boot: l.cfg.Boot, Mode: *l.mode.Load(), Counts: l.Counts(),
		GapRanges: l.ranges.Load(), GapsLate: l.late.Load(), LastSerial: uint32(l.high.Load()),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Losses = l.total
	s.Pending = []Loss{}
	if l.writing.Reason != NoLoss {
		s.Pending = append(s.Pending, l.writing)
	}
	s.Pending = append(s.Pending, l.pending...)
	s.Recent = append([]Loss{}, l.recent...)
	return s
}
