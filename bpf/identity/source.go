package identity

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Mode says where a Source learns of processes from.
type Mode string

const (
	// Auto is the best of the others that can be had.
	Auto Mode = ""
	// BPF is programs in the kernel: every process, however short.
	BPF Mode = "bpf"
	// Connector is the kernel's proc connector with /proc: every process, but its cgroup only if it lives long enough.
	Connector Mode = "connector"
	// Proc is /proc alone, read at each look-up.
	Proc Mode = "proc"
)

// Config says how a Source works; its zero value is valid.
type Config struct {
	Mode Mode
	// Proc is where procfs is; "" is /proc.
	Proc string
	// Ancestors is how many generations of parents are kept for each process though they have exited; 0 is 5.
	Ancestors int
	// TailAge and Tail bound for how long and how many of the dead are remembered; 0 is a minute and 4096. While
	// look-ups lag behind, which shows in the stamps that they ask for, those that may still be asked for are
	// remembered too, up to MaxTail; 0 is 65536. One is about 300 bytes.
	TailAge       time.Duration
	Tail, MaxTail int
	// DrainWait bounds how long a look-up waits for a record that the kernel has begun and not finished; 0 is 50 ms.
	// Only a processor that is taken away in the middle of a record makes a look-up wait.
	DrainWait time.Duration
	// RingSize is the ring's, in bytes; a power of two of at least a page. 0 is 4 MiB of kernel memory: a second of the
	// fastest storm that two processors can make, should this process get no processor for so long.
	RingSize int
}

func (c *Config) complete() error {
	if c.Proc == "" {
		c.Proc = "/proc"
	}
	if c.Ancestors == 0 {
		c.Ancestors = 5
	}
	if c.TailAge == 0 {
		c.TailAge = time.Minute
	}
	if c.Tail == 0 {
		c.Tail = 4096
	}
	if c.MaxTail == 0 {
		c.MaxTail = 65536
	}
	if c.DrainWait == 0 {
		c.DrainWait = 50 * time.Millisecond
	}
	if c.RingSize == 0 {
		c.RingSize = 4 << 20
	}
	if c.RingSize&(c.RingSize-1) != 0 || c.RingSize < 4096 || c.Ancestors < 0 || c.Tail < 0 || c.TailAge < 0 {
		return errors.New("configure identity: a bound is negative, or the ring's size no power of two")
	}
	return nil
}

// backend is how a Source learns of processes. Source calls drain under its lock, the others without.
type backend interface {
	// drain brings the table up to date; false when that would have taken longer than the bound.
	drain(t *table) bool
	// scan reports every process that runs to the table, under lock; true if it surely found all.
	scan(t *table, lock sync.Locker) (complete bool, err error)
	// wait returns when there is much to drain, and after d at the latest.
	wait(d time.Duration)
	close() error
}

const (
	tick       = 100 * time.Millisecond // between looks at the ring and the clocks when nobody asks
	checkEvery = time.Second
	niceness   = -10         // well above others
	scanEvery  = time.Second // at most, when records are lost
)

// Source knows the processes of this machine. Its methods are safe for concurrent use.
type Source struct {
	mode    Mode
	why     error
	backend backend
	kernel  *kernelPrograms // the backend, if it is that
	ask     func(t *table, pid uint32) bool

	mu      sync.Mutex
	table   *table
	scans   uint64
	closed  bool
	scanErr error

	lostRecords, lostPaths uint64 // when it was closed
}

// Open begins to watch and learns of every process that runs already. Run must be called to keep it up to date.
// It fails with an *Unavailable if the programs were demanded and cannot be had.
func Open(ctx context.Context, cfg Config) (*Source, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	s := &Source{table: newTable(limits{cfg.Ancestors, int64(cfg.TailAge), cfg.Tail, cfg.MaxTail}, newClock(readClocks))}
	if err := s.choose(cfg); err != nil {
		return nil, err
	}
	if err := s.scan(); err != nil {
		return nil, errors.Join(err, s.backend.close())
	}
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(err, s.backend.close())
	}
	return s, nil
}

func (s *Source) choose(cfg Config) error {
	if cfg.Mode == Auto || cfg.Mode == BPF {
		k, err := loadPrograms(cfg)
		if err == nil {
			k.clean = s.table.clock.now()
			k.checked = k.clean
			s.mode, s.backend, s.kernel = BPF, k, k
			return nil
		}
		if cfg.Mode == BPF {
			return err
		}
		s.why = err
	}
	if cfg.Mode == Auto || cfg.Mode == Connector {
		c, err := openConnector(cfg)
		if err == nil {
			s.mode, s.backend, s.ask = Connector, c, c.ask
			return nil
		}
		if cfg.Mode == Connector {
			return err
		}
		s.why = errors.Join(s.why, err)
	}
	if cfg.Mode != Auto && cfg.Mode != Proc {
		return fmt.Errorf("configure identity: no mode %q", cfg.Mode)
	}
	p := newProcfs(cfg)
	s.mode, s.backend, s.ask = Proc, p, p.ask
	return nil
}

// Mode is where the Source learns of processes from: BPF, Connector or Proc.
func (s *Source) Mode() Mode { return s.mode }

// Why says why nothing better could be had, joined errors of which one is an *Unavailable; nil when there is no better.
func (s *Source) Why() error { return s.why }

// Run keeps the Source up to date until ctx ends: it drains the ring when nobody looks anything up, follows the clocks,
// forgets, and scans all processes anew when records were lost.
//
// It takes a thread and raises its priority, if it may: what wakes it is that many processes run, which would be in its
// way.
func (s *Source) Run(ctx context.Context) error {
	runtime.LockOSThread() // and never unlocked: the thread ends with its priority
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness)
	var checked, scanned time.Time
	for ctx.Err() == nil {
		s.backend.wait(tick)
		now := time.Now()
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil
		}
		s.backend.drain(s.table)
		s.table.clock.sample()
		s.table.expire(s.table.clock.now())
		if s.kernel != nil && now.Sub(checked) >= checkEvery {
			checked = now
			s.kernel.check(s.table)
		}
		repair := s.table.damaged() && now.Sub(scanned) >= scanEvery
		s.mu.Unlock()
		if repair {
			scanned = now
			s.scanErr = s.scan()
		}
	}
	return nil
}

func (s *Source) scan() error {
	s.mu.Lock()
	s.table.round++
	s.scans++
	if s.scans > 1 {
		s.table.cgroups.doubt()
		if s.kernel != nil {
			s.kernel.forgetPaths()
		}
	}
	from := s.table.clock.now()
	s.mu.Unlock()
	complete, err := s.backend.scan(s.table, &s.mu)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("scan processes: %w", err)
	}
	s.table.scanned(from, complete)
	if complete && s.scans > 1 {
		s.table.cgroups.believe()
	}
	return nil
}

// Lookup finds the process that q's record is about. It first reads everything that the kernel had reported by then,
// and waits for nothing longer than Config.DrainWait. It does not allocate.
func (s *Source) Lookup(q *Query) (Process, Match) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.backend.drain(s.table) {
		s.table.counts.Lookups[Busy]++
		return Process{PID: q.PID}, Busy
	}
	if s.ask != nil {
		s.ask(s.table, q.PID)
	}
	return s.table.lookup(q)
}

// CaughtUp tells that no record is waiting that was made before the call: whoever died since need not be remembered for
// one. A caller says so when its source of records was empty; without it the tail grows to MaxTail.
func (s *Source) CaughtUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table.progress = s.table.clock.now()
}

// Ancestors appends p's forebears to dst, its parent first, at most most and Config.Ancestors of them. p came from
// Lookup; there are none if it was ambiguous or has been forgotten. Each is as it was last, its parent as it was made.
func (s *Source) Ancestors(p *Process, dst []Ancestor, most int) []Ancestor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.ancestors(p, dst, most)
}

// Stats are a Source's counts.
type Stats struct {
	Counts
	DroppedRecords uint64 // that the kernel could not hand over; what they told has been found again by a scan, or is unknown
	DroppedPaths   uint64 // of cgroups; they are sent again
	Scans          uint64 // of all processes: one at the start, the others after losses
}

// Stats returns the counts as they are now.
func (s *Source) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.backend.drain(s.table)
	st := Stats{Counts: s.table.counts, Scans: s.scans}
	st.Dead, st.States, st.Cgroups = s.table.dead, s.table.past, len(s.table.cgroups.byKey)
	st.DroppedRecords, st.DroppedPaths = s.lost()
	return st
}

// Program is what the kernel says of one of the programs.
type Program struct {
	Name string
	Runs uint64
	Time time.Duration // of all runs
}

// Programs says what the programs have cost. The kernel counts while sysctl kernel.bpf_stats_enabled is 1. There are
// none in the other modes.
func (s *Source) Programs() []Program {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kernel == nil {
		return nil
	}
	return s.kernel.cost()
}

// lost returns how many reports the kernel could not hand over. After Close, which
// unmaps the counters, it is what they said then.
func (s *Source) lost() (records, paths uint64) {
	if s.kernel != nil {
		return s.kernel.lost()
	}
	return s.lostRecords, s.lostPaths
}

// Close stops watching. Look-ups after it are answered from what was known.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.lostRecords, s.lostPaths = s.lost()
	s.kernel = nil
	err := s.backend.close()
	s.backend, s.ask = closed{}, nil
	return err
}

// closed is the backend of a Source that is closed.
type closed struct{}

func (closed) drain(*table) bool                      { return true }
func (closed) scan(*table, sync.Locker) (bool, error) { return false, nil }
func (closed) wait(time.Duration)                     {}
func (closed) close() error                           { return nil }
