package kernel

import "time"

// Datagram is one netlink message as it arrived.
type Datagram struct {
	// Data is the message with its header; its length is the datagram's,
	// whatever nlmsg_len says. A view, valid until the next Receive.
	Data      []byte
	Port      uint32 // the sender's port: 0 is the kernel, everything else is not
	Group     uint32 // 0 for a message to us alone, 1 for a READLOG copy
	Truncated bool   // the datagram was longer than the buffer
}

// Transport carries datagrams to and from the engine. Receive and Wait are
// called by one goroutine at a time, Send by any.
type Transport interface {
	// Send hands one message over. The kernel acts on it before Send returns,
	// and may hold the caller while its backlog is full.
	Send(p []byte) error
	// Receive returns what is queued and never waits: no datagrams and no
	// error mean that nothing was there. more says that the batch ended at the
	// transport's own limit, so that it is worth asking again. syscall.ENOBUFS
	// says that the kernel had something and no room for it.
	Receive() (batch []Datagram, more bool, err error)
	// Wait returns when d has passed, after Wake, or, if read is set, when
	// there is something to receive; ready says whether there is. d < 0 is
	// forever.
	Wait(d time.Duration, read bool) (ready bool, err error)
	// Close ends the transport; the caller sees to it that nobody uses it.
	Close() error
}

// Tuner is the rest of a socket: what is asked and told beside datagrams. Safe
// for concurrent use.
type Tuner interface {
	// Wake makes a Wait that runs, or else the next one, return.
	Wake()
	// Member joins or leaves the READLOG multicast group.
	Member(join bool) error
	// Buffer asks for a receive buffer of n bytes and returns how many it got.
	Buffer(n int) (int, error)
	// Meter reads the socket's own counters.
	Meter() (Meter, error)
}

// Socket is one audit netlink socket, or what stands in for one.
type Socket interface {
	Transport
	Tuner
}

// Meter is what a socket counts by itself.
type Meter struct {
	Overruns uint32 // messages for which there was no room, since the socket was opened; wraps
	Queued   int    // bytes waiting to be received, with the kernel's overhead
	Capacity int    // bytes that may wait, with the kernel's overhead
}
