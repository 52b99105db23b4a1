package audittest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"

	"vigil/audit/kernel"
	"vigil/audit/tables"
)

var order = binary.NativeEndian

const (
	headerSize  = 16
	groupMask   = 1    // the READLOG group in a receiver's address
	flagAck     = 0x4  // NLM_F_ACK
	typeError   = 2    // NLMSG_ERROR
	typeDone    = 3    // NLMSG_DONE
	ruleSize    = 1040 // struct audit_rule_data without its strings
	stampSecond = 1700000000
)

// Kernel is a fake audit engine. It answers as kernel/audit.c does, as far as
// audit/kernel can tell: who may register, what is acknowledged and with which
// code, answers beside acknowledgements, unicast records whose nlmsg_len is
// short by a header, a retry queue that only a new record flushes.
//
// It is safe for concurrent use, and makes no goroutines: everything happens in
// the calls.
type Kernel struct {
	mu       sync.Mutex
	status   kernel.Status
	rules    [][]byte
	features kernel.Features
	lost     uint32
	serial   uint32
	ports    uint32
	sockets  []*socket
	daemon   *socket // where unicast records go; nil also when an outsider is registered
	retry    [][]byte
	deny     map[tables.Type]syscall.Errno
	holding  chan struct{} // senders wait for it
	capacity int           // datagrams that fit into a socket, 0 for any number
	sent     []Sent
}

// Sent is a request that reached the engine.
type Sent struct {
	Type    tables.Type
	Payload []byte
}

// NewKernel returns an engine as it is after boot: off, no rules, nobody
// registered.
func NewKernel() *Kernel {
	return &Kernel{
		status: kernel.Status{Failure: 1, BacklogLimit: 64, Features: 0x7f, BacklogWaitTime: 15000, BacklogWaitTimeActual: new(uint32(0))},
		deny:   map[tables.Type]syscall.Errno{},
	}
}

// Dial opens a socket of this process; it is kernel.Config's and
// kernel.ControlConfig's Dial.
func (k *Kernel) Dial(context.Context) (kernel.Socket, error) {
	return k.dial(uint32(os.Getpid())), nil
}

// Control dials a control connection that is closed when the test ends.
func (k *Kernel) Control(t testing.TB) *kernel.Control {
	t.Helper()
	ctl, err := kernel.DialControl(t.Context(), kernel.ControlConfig{Dial: k.Dial})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ctl.Close() })
	return ctl
}

// Status returns the engine's state.
func (k *Kernel) Status() kernel.Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.snapshot()
}

func (k *Kernel) snapshot() kernel.Status {
	s := k.status
	s.Lost = k.lost
	s.BacklogWaitTimeActual = new(*s.BacklogWaitTimeActual)
	return s
}

// Change lets a test set the engine's state directly: enabled, limits, counts.
// Setting PID to that of another process makes it the registered one, to 0
// frees the registration.
func (k *Kernel) Change(change func(*kernel.Status)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.snapshot()
	change(&s)
	if s.PID != k.status.PID {
		k.daemon = nil
	}
	k.status, k.lost = s, s.Lost
}

// Rules returns the loaded rules.
func (k *Kernel) Rules() [][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.rules)
}

// Sent returns the requests that have arrived, oldest first.
func (k *Kernel) Sent() []Sent {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.sent)
}

// Deny makes requests of a type fail with errno; 0 ends it.
func (k *Kernel) Deny(t tables.Type, errno syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.deny[t] = errno
}

// Hold keeps every sender in the kernel, as a full backlog does, until the
// returned function is called.
func (k *Kernel) Hold() (release func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.holding = make(chan struct{})
	return sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		close(k.holding)
		k.holding = nil
	})
}

// Limit makes sockets overrun when n datagrams wait in them; 0 ends it.
func (k *Kernel) Limit(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.capacity = n
}

// Emit makes a record, "audit(1700000000.000:SERIAL): " and the text, and
// delivers it; it returns the serial. Nothing is made while auditing is off.
func (k *Kernel) Emit(t tables.Type, text string) uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.emit(t, text)
}

// EmitEvent makes records that share a serial, which it returns.
func (k *Kernel) EmitEvent(records ...Sent) uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.status.Enabled == 0 {
		return 0
	}
	k.serial++
	for _, r := range records {
		k.deliver(r.Type, string(r.Payload))
	}
	return k.serial
}

func (k *Kernel) emit(t tables.Type, text string) uint32 {
	if k.status.Enabled == 0 {
		return 0
	}
	k.serial++
	k.deliver(t, text)
	return k.serial
}

// Inject puts a datagram into every socket of this process, as from port: 0 is
// the kernel.
func (k *Kernel) Inject(port uint32, data []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.sockets {
		s.push(kernel.Datagram{Data: bytes.Clone(data), Port: port})
	}
}

// Retrying returns how many records wait in the retry queue.
func (k *Kernel) Retrying() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.retry)
}

// deliver does what one round of kauditd does: first the retry queue, then the
// record, by multicast and by unicast.
func (k *Kernel) deliver(t tables.Type, text string) {
	text = fmt.Sprintf("audit(%d.%03d:%d): %s", stampSecond, 0, k.serial, text)
	record := message(t, 0, []byte(text))
	retry := k.retry
	k.retry = nil
	for _, r := range retry {
		k.unicast(r)
	}
	for _, s := range k.sockets {
		if s.member && !k.full(s) {
			s.push(kernel.Datagram{Data: record, Group: groupMask})
		} else if s.member {
			s.overruns++
		}
	}
	// The kernel's own quirk: the length of the payload alone.
	short := bytes.Clone(record)
	order.PutUint32(short, uint32(len(text)))
	k.unicast(short)
}

// unicast sends a record to the daemon, or keeps it to try again.
func (k *Kernel) unicast(record []byte) {
	switch {
	case k.daemon == nil:
	case k.full(k.daemon):
		k.daemon.overruns++
		k.retry = append(k.retry, record)
	default:
		k.daemon.push(kernel.Datagram{Data: record})
	}
}

func (k *Kernel) full(s *socket) bool { return k.capacity > 0 && len(s.queue) >= k.capacity }

// message lays out a netlink message.
func message(t tables.Type, seq uint32, payload []byte) []byte {
	m := order.AppendUint32(nil, uint32(headerSize+len(payload)))
	m = order.AppendUint16(m, uint16(t))
	m = order.AppendUint16(m, 0)
	m = order.AppendUint32(m, seq)
	m = order.AppendUint32(m, 0)
	return append(m, payload...)
}

// words lays out 32-bit words.
func words(w ...uint32) []byte {
	var p []byte
	for _, v := range w {
		p = order.AppendUint32(p, v)
	}
	return p
}
