package audittest

import (
	"bytes"
	"sync"
	"time"

	"vigil/audit/kernel"
)

// receiveBatch is how many datagrams one Receive returns at most.
const receiveBatch = 64

// socket is one end of a fake netlink socket. Its state is guarded by the
// kernel's lock.
type socket struct {
	k    *Kernel
	pid  uint32 // the process it belongs to
	port uint32

	queue    []kernel.Datagram
	member   bool
	overruns uint32

	arrived chan struct{} // holds a token while there may be something in queue
	woken   chan struct{} // holds a token after Wake
	closing sync.Once
	closed  chan struct{}
}

var _ kernel.Socket = (*socket)(nil)

func (k *Kernel) dial(pid uint32) *socket {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ports++
	s := &socket{
		k: k, pid: pid, port: k.ports,
		arrived: make(chan struct{}, 1), woken: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	k.sockets = append(k.sockets, s)
	return s
}

// push queues a datagram.
func (s *socket) push(d kernel.Datagram) {
	s.queue = append(s.queue, d)
	signal(s.arrived)
}

// signal leaves a token.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Send implements kernel.Transport.
func (s *socket) Send(p []byte) error {
	s.k.mu.Lock()
	holding := s.k.holding
	s.k.receive(s, bytes.Clone(p))
	s.k.mu.Unlock()
	if holding != nil {
		<-holding // the kernel acts first, and holds the sender afterwards
	}
	return nil
}

// Receive implements kernel.Transport.
func (s *socket) Receive() ([]kernel.Datagram, bool, error) {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	n := min(len(s.queue), receiveBatch)
	batch := s.queue[:n:n]
	s.queue = s.queue[n:]
	return batch, n == receiveBatch, nil
}

// Wait implements kernel.Transport.
func (s *socket) Wait(d time.Duration, read bool) (bool, error) {
	var limit <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		limit = t.C
	}
	arrived := s.arrived
	if !read {
		arrived = nil
	}
	for {
		if read && s.waiting() {
			return true, nil
		}
		select {
		case <-arrived: // perhaps an old token: look again
		case <-s.woken:
			return false, nil
		case <-limit:
			return false, nil
		case <-s.closed:
			return false, kernel.ErrClosed
		}
	}
}

func (s *socket) waiting() bool {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	return len(s.queue) > 0
}

// Wake implements kernel.Tuner.
func (s *socket) Wake() { signal(s.woken) }

// Member implements kernel.Tuner.
func (s *socket) Member(join bool) error {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	s.member = join
	return nil
}

// Buffer implements kernel.Tuner: it grants everything.
func (s *socket) Buffer(n int) (int, error) { return n, nil }

// Meter implements kernel.Tuner.
func (s *socket) Meter() (kernel.Meter, error) {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	queued := 0
	for _, d := range s.queue {
		queued += len(d.Data)
	}
	return kernel.Meter{Overruns: s.overruns, Queued: queued, Capacity: 1 << 30}, nil
}

// Close implements kernel.Transport. A daemon that closes its socket loses the
// registration at the next delivery; here, at once.
func (s *socket) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.k.mu.Lock()
		defer s.k.mu.Unlock()
		s.k.forget(s)
	})
	return nil
}
