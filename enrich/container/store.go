package container

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"vigil/enrich/attribution"
)

// Config says how a Store works. Its zero value is good for the host itself.
type Config struct {
	// Host is where the host's root directory is; "/" if empty.
	Host string
	// Node is the name of the Kubernetes node, put into every pod.
	Node string
	// Labels are the names of the labels to keep; one that ends in * stands for all that begin so.
	Labels []string
	// Ask says that the runtimes are asked, on their sockets, for what they do not leave on disk.
	Ask bool
	// Timeout is how long a runtime may take to tell of a container; 0 is 2 seconds.
	Timeout time.Duration
	// Tail is for how long a container that is gone from disk is remembered after its last event; 0 is 5 minutes.
	Tail time.Duration
	// AbsentFor is for how long a container that was not found is not looked for again; 0 is 5 seconds. The first times
	// it is shorter: a runtime may write its files while the container's first process starts.
	AbsentFor time.Duration
	// Max is how many containers are remembered, those not found included; 0 is 4096. The one that was asked for longest
	// ago gives way.
	Max int
	// Found is called by Run with each container that was found, and again if what is known of it has changed. nil: nobody is told.
	Found func(*attribution.Container)
	// Logger gets what is wrong with a runtime's files, once for each container; nothing is logged if nil.
	Logger *slog.Logger
}

// Store knows containers by their ids. Get and All may be called at once from several goroutines, beside Run.
type Store struct {
	cfg    Config
	find   func(Key) (*attribution.Container, error)
	bundle func(*Creation) (*attribution.Container, string, error)                            // of one that is being made, with its cgroup
	ask    func(context.Context, Key, *attribution.Container) (*attribution.Container, error) // nil: nobody is asked
	known  atomic.Pointer[map[Key]*entry]                                                     // replaced as a whole, by Run alone
	wanted chan Key
	begun  chan Creation
	asked  chan question // to be asked of the runtimes
	told   chan question // and answered

	found, absent, failed, refused, answers, silent atomic.Uint64
}

// entry is one container.
type entry struct {
	container *attribution.Container // nil: it was not found
	used      atomic.Int64           // time of the last Get, nanoseconds since the epoch
	until     int64                  // when one that was not found may be looked for again
	misses    int                    // how often it was not found
}

// NewStore returns a Store that knows nothing yet.
func NewStore(cfg Config) *Store {
	if cfg.Host == "" {
		cfg.Host = "/"
	}
	if cfg.Tail <= 0 {
		cfg.Tail = 5 * time.Minute
	}
	if cfg.AbsentFor <= 0 {
		cfg.AbsentFor = 5 * time.Second
	}
	if cfg.Max <= 0 {
		cfg.Max = 4096
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Second
	}
	f := &finder{host: host{cfg.Host}, labels: cfg.Labels, node: cfg.Node}
	s := &Store{cfg: cfg, find: f.find, bundle: f.created, wanted: make(chan Key, 256), begun: make(chan Creation, 64), asked: make(chan question, 256),
		told: make(chan question)}
	if cfg.Ask {
		s.ask = newAsker(f).ask
	}
	s.known.Store(&map[Key]*entry{})
	return s
}

// Get returns the container, nil if it is not known: Run then looks for it. now is the time in nanoseconds since the
// epoch. Get takes no lock, waits for nothing and does not allocate.
func (s *Store) Get(k Key, now int64) *attribution.Container {
	known := *s.known.Load()
	e := known[k]
	if e == nil {
		s.want(k)
		return begun(known, k, now)
	}
	// Not at each call: the line is shared with other processors.
	if last := e.used.Load(); now-last > int64(time.Second) || now < last {
		e.used.Store(now)
	}
	if e.container == nil {
		if now > e.until {
			s.want(k)
		}
		return begun(known, k, now)
	}
	return e.container
}

// want asks Run for a container, unless too many are waiting: it is asked for again with its next event.
func (s *Store) want(k Key) {
	select {
	case s.wanted <- k:
	default:
		s.refused.Add(1)
	}
}

// All returns the containers that are known, in the order of their ids.
func (s *Store) All() []*attribution.Container {
	var list []*attribution.Container
	known := *s.known.Load()
	found := map[string]bool{}
	for k, e := range known {
		if e.container != nil && k.Runtime != creating {
			found[e.container.ID] = true
			list = append(list, e.container)
		}
	}
	for k, e := range known {
		if k.Runtime == creating && !found[e.container.ID] {
			list = append(list, e.container)
		}
	}
	slices.SortFunc(list, func(a, b *attribution.Container) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Run looks containers up until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	if s.ask != nil {
		var asking sync.WaitGroup
		defer asking.Wait()
		asking.Go(func() { s.askRuntimes(ctx) })
	}
	tick := time.NewTicker(max(s.cfg.Tail/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case k := <-s.wanted:
			s.look(k, time.Now())
		case c := <-s.begun:
			s.create(&c, time.Now())
		case q := <-s.told:
			s.learn(&q, time.Now())
		case <-tick.C:
			s.sweep(time.Now())
		}
	}
}

// look looks one container up.
func (s *Store) look(k Key, now time.Time) {
	old := (*s.known.Load())[k]
	if old != nil && (old.container != nil || now.UnixNano() <= old.until) {
		return // several events have asked
	}
	e := &entry{misses: 1}
	if old != nil {
		e.misses += old.misses
	}
	e.until = now.Add(s.absentFor(e.misses)).UnixNano()
	e.used.Store(now.UnixNano())
	c, err := s.find(k)
	switch {
	case err == nil:
		e.container = c
		s.found.Add(1)
	case errors.Is(err, errNone):
		s.absent.Add(1)
	default:
		s.failed.Add(1)
		if old == nil {
			s.cfg.Logger.Warn("a container's data cannot be read", "container", k.ID+k.Path, "err", err)
		}
	}
	if c != nil {
		// It may have been told when it was made.
		if known := (*s.known.Load())[Key{Runtime: creating, ID: k.ID, Path: k.Path}]; known == nil || k.IsUser || !equal(known.container, c) {
			s.tell(c)
		}
	}
	s.put(k, e)
	s.wonder(k, c)
}

// absentFor is how long a container is not looked for again that was not found some times: 50 ms, then four times as long
// each time.
func (s *Store) absentFor(misses int) time.Duration {
	return min(50*time.Millisecond<<(2*min(misses-1, 10)), s.cfg.AbsentFor)
}

// put remembers a container in place of what was known of it.
func (s *Store) put(k Key, e *entry) {
	next := maps.Clone(*s.known.Load())
	for len(next) >= s.cfg.Max {
		evict(next)
	}
	next[k] = e
	s.known.Store(&next)
}

func (s *Store) tell(c *attribution.Container) {
	if s.cfg.Found != nil {
		s.cfg.Found(c)
	}
}

// evict removes the container that was asked for longest ago.
func evict(m map[Key]*entry) {
	var oldest Key
	least := int64(0)
	for k, e := range m {
		if used := e.used.Load(); least == 0 || used < least {
			oldest, least = k, used
		}
	}
	delete(m, oldest)
}

// sweep looks again at the containers that have been still for the tail: those that are gone are forgotten, the others are kept.
func (s *Store) sweep(now time.Time) {
	known := *s.known.Load()
	var next map[Key]*entry
	for k, e := range known {
		if now.UnixNano()-e.used.Load() < int64(s.cfg.Tail) {
			continue
		}
		var c *attribution.Container
		if e.container != nil && k.Runtime != creating {
			var err error
			if c, err = s.find(k); err == nil && s.ask != nil {
				c = complete(c, e.container) // what its runtime has told does not change
			}
			if err == nil && equal(c, e.container) {
				e.used.Store(now.UnixNano())
				continue
			}
		}
		if next == nil {
			next = maps.Clone(known)
		}
		delete(next, k)
		if c != nil {
			changed := &entry{container: c}
			changed.used.Store(now.UnixNano())
			next[k] = changed
			s.tell(c)
		}
	}
	if next != nil {
		s.known.Store(&next)
	}
}

func equal(a, b *attribution.Container) bool {
	if (a.Pod == nil) != (b.Pod == nil) || !slices.Equal(a.Labels, b.Labels) {
		return false
	}
	if a.Pod != nil {
		p, q := *a.Pod, *b.Pod
		if !slices.Equal(p.Labels, q.Labels) || p.Name != q.Name || p.Namespace != q.Namespace || p.UID != q.UID ||
			p.Account != q.Account || p.Sandbox != q.Sandbox || p.Node != q.Node {
			return false
		}
	}
	return a.ID == b.ID && a.Name == b.Name && a.Image == b.Image && a.Digest == b.Digest && a.Runtime == b.Runtime &&
		a.Privileged == b.Privileged
}

// Stats are a Store's counts since it was made.
type Stats struct {
	Known   int    // containers remembered, those not found included
	Found   uint64 // look-ups that found one
	Absent  uint64 // look-ups that did not
	Failed  uint64 // look-ups in which a file could not be read
	Refused uint64 // requests that did not wait because too many did
	Answers uint64 // of runtimes that were asked on their sockets
	Silent  uint64 // times one did not answer as it should, or in time
}

// Stats returns the counts as they are now.
func (s *Store) Stats() Stats {
	return Stats{Known: len(*s.known.Load()), Found: s.found.Load(), Absent: s.absent.Load(), Failed: s.failed.Load(),
		Refused: s.refused.Load(), Answers: s.answers.Load(), Silent: s.silent.Load()}
}
