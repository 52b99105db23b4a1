package kernel

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sys/unix"
)

// Mode says how a Source gets at the records.
type Mode uint8

const (
	// Auto is Daemon if nobody has the registration, else Observer.
	Auto Mode = iota
	// Daemon registers as the audit daemon: the kernel delivers every record
	// and slows the system down rather than lose one.
	Daemon
	// Observer listens to the READLOG multicast group beside another daemon.
	// The kernel drops what does not fit.
	Observer
)

// String returns "auto", "daemon" or "observer".
func (m Mode) String() string {
	switch m {
	case Daemon:
		return "daemon"
	case Observer:
		return "observer"
	}
	return "auto"
}

// Taken says what a Source does when another process has taken its
// registration.
type Taken uint8

const (
	// TakenObserve goes on as an observer.
	TakenObserve Taken = iota
	// TakenRetake observes until the other lets go, for the kernel takes the
	// registration from no living process (EEXIST), and registers again. A
	// Source that Auto made an observer becomes the daemon in the same way.
	TakenRetake
)

const (
	// DefaultReceiveBuffer holds the records of a second of the worst storm
	// that two processors can make; the kernel doubles it for its overhead. A
	// reader stopped for a second then costs nothing, where with 8 MiB it
	// stopped the workload and lost records. It is an upper bound, not memory
	// in use.
	DefaultReceiveBuffer = 256 << 20

	// DefaultBacklogLimit makes a storm's throughput half as much again as with
	// 8192, measured, for 65536 records of up to 1 KiB in the worst case.
	DefaultBacklogLimit = 65536

	// DefaultGather is short beside the 20 ms in which a record shall be on
	// disk, and long beside the 3 us between the records of a storm.
	DefaultGather = 5 * time.Millisecond

	// defaultWatchEvery is how often the engine is asked who is registered,
	// while no records come that would answer it.
	defaultWatchEvery = time.Second
)

// Config says what a Source reads and how. The zero value is valid.
type Config struct {
	Mode Mode

	// ReceiveBuffer is the size of the socket's buffer in bytes. 0 is
	// DefaultReceiveBuffer, or a sixteenth of the machine's memory if that is
	// less. Beyond net.core.rmem_max it needs CAP_NET_ADMIN.
	ReceiveBuffer int

	// BacklogLimit is what a daemon raises the kernel's backlog_limit to if it
	// is lower. 0 is DefaultBacklogLimit.
	BacklogLimit uint32

	// LiftRateLimit makes a daemon set a rate limit to 0 that it finds; without
	// it, it warns only. Records over the limit are lost.
	LiftRateLimit bool

	// KeepEnabled keeps a daemon from turning auditing on.
	KeepEnabled bool

	// OnTaken says what to do when another process takes the registration.
	OnTaken Taken

	// Gather is how long the reader lets records gather after it was woken, so
	// that one wake-up serves many: 0 is DefaultGather, negative is not at all.
	Gather time.Duration

	// WatchEvery is how often to ask, in silence, who is registered; 0 is 1 s.
	WatchEvery time.Duration

	// ProcRoot is where the host's proc file system is; "" is /proc.
	ProcRoot string

	// Logger gets what the Source does of itself; nil is nowhere. Errors that
	// are returned are not logged.
	Logger *slog.Logger

	// Dial opens a socket, for records and for control; nil opens the kernel's.
	Dial func(ctx context.Context) (Socket, error)
}

// withDefaults fills in what is not set.
func (c Config) withDefaults() Config {
	if c.ReceiveBuffer == 0 {
		c.ReceiveBuffer = min(DefaultReceiveBuffer, memoryShare(16))
	}
	if c.BacklogLimit == 0 {
		c.BacklogLimit = DefaultBacklogLimit
	}
	if c.Gather == 0 {
		c.Gather = DefaultGather
	}
	c.Gather = max(c.Gather, 0)
	if c.WatchEvery <= 0 {
		c.WatchEvery = defaultWatchEvery
	}
	c.ProcRoot = procRoot(c.ProcRoot)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// memoryShare returns the n-th part of the machine's memory in bytes, at least
// 4 MiB.
func memoryShare(n uint64) int {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return DefaultReceiveBuffer
	}
	return int(min(max(uint64(info.Totalram)*uint64(info.Unit)/n, 4<<20), DefaultReceiveBuffer))
}
