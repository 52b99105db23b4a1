package kernel

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batchSize is the number of datagrams one recvmmsg(2) takes. Beyond 64
	// there is nothing to gain: the cost left is that of the records.
	batchSize = 64

	// slotSize is the room for one datagram. MAX_AUDIT_MESSAGE_LENGTH is 8970
	// (<linux/audit.h>), but that is what the tools agreed on: the kernel's own
	// buffer grows without it (audit.c, audit_expand), and a SYSCALL record
	// with a long exe and keys passes it. Pages nobody writes to cost nothing.
	slotSize = 16 << 10

	// sk_getsockopt(SO_MEMINFO) returns these (<linux/sock_diag.h>).
	meminfoRmemAlloc = 0
	meminfoRcvbuf    = 1
	meminfoDrops     = 8
	meminfoWords     = 9

	groupReadlog = 1 // AUDIT_NLGRP_READLOG
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [unsafe.Sizeof(uintptr(0)) - 4]byte
}

// netlinkSocket is a Socket on a file descriptor.
//
// The descriptor is kept from the Go runtime's poller. The runtime registers
// descriptors edge-triggered for good (runtime/netpoll_epoll.go), and an edge is
// every datagram that arrives: each one would wake a thread, whether or not
// anybody wants to read yet. With poll(2) nobody is on the socket's wait queue
// while the reader works or naps, and a datagram that arrives then wakes nobody.
type netlinkSocket struct {
	fd   int
	wake int // eventfd

	buf   []byte
	msgs  []mmsghdr
	iovs  []unix.Iovec
	names []unix.RawSockaddrNetlink
	out   []Datagram

	poll [2]unix.PollFd
}

// openSocket opens an audit socket in the network namespace of the calling
// thread.
func openSocket() (*netlinkSocket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_AUDIT)
	if err != nil {
		return nil, err
	}
	s, err := newSocket(fd)
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// newSocket takes a datagram socket over.
func newSocket(fd int) (*netlinkSocket, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	// Without this option an overrun marks the socket congested, and the kernel
	// delivers nothing more until it has been read empty
	// (net/netlink/af_netlink.c, netlink_overrun): multicast copies are lost
	// that would have had room. With it, nothing is hidden: sk_drops still
	// counts, and exactly, where ENOBUFS only says "some".
	if err := unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_NO_ENOBUFS, 1); err != nil && !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOPROTOOPT) {
		unix.Close(wake)
		return nil, err
	}
	s := &netlinkSocket{fd: fd, wake: wake}
	s.poll = [2]unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}, {Fd: int32(fd), Events: unix.POLLIN}}
	return s, nil
}

// makeBuffers gives the socket room for a batch, at the first Receive.
func (s *netlinkSocket) makeBuffers() {
	s.buf = make([]byte, batchSize*slotSize)
	s.msgs = make([]mmsghdr, batchSize)
	s.iovs = make([]unix.Iovec, batchSize)
	s.names = make([]unix.RawSockaddrNetlink, batchSize)
	s.out = make([]Datagram, batchSize)
	for i := range s.msgs {
		s.iovs[i].Base = &s.buf[i*slotSize]
		s.iovs[i].SetLen(slotSize)
		h := &s.msgs[i].hdr
		h.Iov = &s.iovs[i]
		h.SetIovlen(1)
		h.Name = (*byte)(unsafe.Pointer(&s.names[i]))
	}
}

// Receive implements Transport with one recvmmsg(2). It does not allocate.
func (s *netlinkSocket) Receive() (batch []Datagram, more bool, err error) {
	if s.buf == nil {
		s.makeBuffers()
	}
	for i := range s.msgs {
		s.msgs[i].hdr.Namelen = unix.SizeofSockaddrNetlink
		s.msgs[i].hdr.Flags = 0
	}
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.msgs[0])),
		batchSize, unix.MSG_DONTWAIT, 0, 0)
	runtime.KeepAlive(s)
	switch errno {
	case 0:
	case unix.EAGAIN, unix.EINTR:
		return nil, false, nil
	default:
		return nil, false, errno
	}
	for i := range int(n) {
		m := &s.msgs[i]
		d := &s.out[i]
		size := min(int(m.len), slotSize)
		d.Data = s.buf[i*slotSize : i*slotSize+size]
		d.Truncated = m.hdr.Flags&unix.MSG_TRUNC != 0
		// A sender without a netlink address cannot be the kernel.
		d.Port, d.Group = ^uint32(0), 0
		if m.hdr.Namelen == unix.SizeofSockaddrNetlink && s.names[i].Family == unix.AF_NETLINK {
			d.Port, d.Group = s.names[i].Pid, s.names[i].Groups
		}
	}
	return s.out[:n], n == batchSize, nil
}

// Wait implements Transport with ppoll(2).
func (s *netlinkSocket) Wait(d time.Duration, read bool) (bool, error) {
	var limit *unix.Timespec
	if d >= 0 {
		ts := unix.NsecToTimespec(int64(d))
		limit = &ts
	}
	fds := s.poll[:1]
	if read {
		fds = s.poll[:2]
	}
	fds[0].Revents, s.poll[1].Revents = 0, 0
	n, err := unix.Ppoll(fds, limit, nil)
	if err != nil {
		if errors.Is(err, unix.EINTR) {
			return false, nil
		}
		return false, fmt.Errorf("poll audit socket: %w", err)
	}
	if n > 0 && fds[0].Revents != 0 {
		var count [8]byte
		// Nobody else reads this counter; an error leaves it set, and the next
		// Wait returns at once.
		_, _ = unix.Read(s.wake, count[:])
	}
	// Whatever poll reports, an error too, shows in Receive.
	return s.poll[1].Revents != 0, nil
}

// Send implements Transport.
func (s *netlinkSocket) Send(p []byte) error {
	for {
		err := unix.Sendto(s.fd, p, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// Wake implements Tuner.
func (s *netlinkSocket) Wake() {
	one := [8]byte{}
	order.PutUint64(one[:], 1)
	// EAGAIN would mean 2^64 wake-ups pending: awake enough.
	_, _ = unix.Write(s.wake, one[:])
}

// Member implements Tuner.
func (s *netlinkSocket) Member(join bool) error {
	option := unix.NETLINK_ADD_MEMBERSHIP
	if !join {
		option = unix.NETLINK_DROP_MEMBERSHIP
	}
	return unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, option, groupReadlog)
}

// Buffer implements Tuner. SO_RCVBUFFORCE needs CAP_NET_ADMIN; without it
// net.core.rmem_max bounds the buffer.
func (s *netlinkSocket) Buffer(n int) (int, error) {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, n); err != nil {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, n); err != nil {
			return 0, fmt.Errorf("set receive buffer: %w", err)
		}
	}
	got, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return 0, fmt.Errorf("get receive buffer: %w", err)
	}
	// The kernel doubles what it is asked, for its overhead (socket(7)).
	return got / 2, nil
}

// Meter implements Tuner with SO_MEMINFO, Linux 4.12; zeros before that.
func (s *netlinkSocket) Meter() (Meter, error) {
	var words [meminfoWords]uint32
	size := uint32(unsafe.Sizeof(words))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(s.fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
		uintptr(unsafe.Pointer(&words[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno == unix.ENOPROTOOPT {
		return Meter{}, nil
	}
	if errno != 0 {
		return Meter{}, fmt.Errorf("read socket counters: %w", syscall.Errno(errno))
	}
	return Meter{
		Overruns: words[meminfoDrops],
		Queued:   int(words[meminfoRmemAlloc]),
		Capacity: int(words[meminfoRcvbuf]),
	}, nil
}

// Close implements Transport.
func (s *netlinkSocket) Close() error {
	return errors.Join(unix.Close(s.fd), unix.Close(s.wake))
}
