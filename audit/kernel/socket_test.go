package kernel_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vigil/audit/audittest"
	"vigil/audit/kernel"
)

// pair is a socket of the kernel's kind between two user processes
// (NETLINK_USERSOCK), which needs no privilege, and a sender to it.
type pair struct {
	kernel.Socket
	fd     int // the receiver
	sender int
	to     *unix.SockaddrNetlink
}

func newPair(t testing.TB) *pair {
	t.Helper()
	netlink := func() int {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_USERSOCK)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
			t.Fatal(err)
		}
		return fd
	}
	p := &pair{fd: netlink(), sender: netlink()}
	name, err := unix.Getsockname(p.fd)
	if err != nil {
		t.Fatal(err)
	}
	p.to = name.(*unix.SockaddrNetlink)
	if p.Socket, err = kernel.NewSocket(p.fd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p.sender) })
	return p
}

// send sends a record of a type as the kernel does it: with a short nlmsg_len.
func (p *pair) send(text string) error {
	m := binary.NativeEndian.AppendUint32(nil, uint32(len(text)))
	m = binary.NativeEndian.AppendUint16(m, 1300)
	m = append(m, make([]byte, 10)...)
	return unix.Sendto(p.sender, append(m, text...), unix.MSG_DONTWAIT, p.to)
}

// Receive makes the sender look like the kernel.
func (p *pair) Receive() ([]kernel.Datagram, bool, error) {
	batch, more, err := p.Socket.Receive()
	for i := range batch {
		batch[i].Port = 0
	}
	return batch, more, err
}

// source returns a Source that reads the pair, as a daemon of a fake kernel.
func (p *pair) source(t testing.TB, cfg kernel.Config) *kernel.Source {
	t.Helper()
	k := audittest.NewKernel()
	control := true
	cfg.Dial = func(ctx context.Context) (kernel.Socket, error) {
		if control {
			control = false
			return k.Dial(ctx)
		}
		return &fakeRegistration{p, k}, nil
	}
	s, err := kernel.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// fakeRegistration receives from a pair and sends to the fake kernel.
type fakeRegistration struct {
	*pair
	k *audittest.Kernel
}

func (f *fakeRegistration) Send(p []byte) error {
	s, err := f.k.Dial(context.Background())
	if err != nil {
		return err
	}
	return s.Send(p) // registers that socket, which nobody reads
}

const sample = `audit(1700000000.123:4567): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=55d1c1e0f0c0 a2=0 a3=0 items=1 ppid=1 pid=2 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=(none) ses=4294967295 comm="x" exe="/usr/bin/x" key=(null)`

func TestSocketReceive(t *testing.T) {
	p := newPair(t)
	defer p.Close()
	if batch, more, err := p.Socket.Receive(); len(batch) != 0 || more || err != nil {
		t.Fatalf("empty: got %d, %v, %v", len(batch), more, err)
	}
	texts := []string{"", "a", sample, string(make([]byte, 8970)), string(make([]byte, 20000))}
	for _, text := range texts {
		if err := p.send(text); err != nil {
			t.Fatal(err)
		}
	}
	batch, more, err := p.Socket.Receive()
	if len(batch) != len(texts) || more || err != nil {
		t.Fatalf("got %d, %v, %v", len(batch), more, err)
	}
	name, err := unix.Getsockname(p.sender)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range batch {
		want := texts[i]
		if d.Truncated != (len(want) > 16000) {
			t.Errorf("datagram of %d: truncated %v", len(want), d.Truncated)
		}
		if got := string(d.Data[16:]); got != want[:min(len(want), len(got))] || !d.Truncated && len(got) != len(want) {
			t.Errorf("datagram of %d bytes: got %d", len(want), len(got))
		}
		if d.Port != name.(*unix.SockaddrNetlink).Pid || d.Group != 0 {
			t.Errorf("sender: got port %d, group %d", d.Port, d.Group)
		}
	}
}

func TestSocketWait(t *testing.T) {
	p := newPair(t)
	defer p.Close()
	f := func(name string, d time.Duration, read, want bool) {
		t.Helper()
		if got, err := p.Wait(d, read); got != want || err != nil {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
		}
	}
	f("nothing there", time.Millisecond, true, false)
	p.Wake()
	f("woken before", -1, true, false)
	f("the wake-up is used up", time.Millisecond, true, false)
	if err := p.send("x"); err != nil {
		t.Fatal(err)
	}
	f("not looking", time.Millisecond, false, false)
	f("something there", -1, true, true)
	p.Wake()
	f("woken and something there", -1, true, true)
	go p.Wake()
	f("woken meanwhile", -1, false, false)
}

// refused reports whether a multicast was sent: the kernel also tries port 0,
// where nobody is in this protocol.
func refused(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOBUFS)
}

// TestSocketMulticast: group copies are told from others, and what finds no room
// is counted, one by one, and does not keep out what comes when there is room
// again.
func TestSocketMulticast(t *testing.T) {
	p := newPair(t)
	defer p.Close()
	if err := p.Member(true); errors.Is(err, unix.EPERM) {
		t.Skip("joining a group of this protocol needs CAP_NET_ADMIN")
	} else if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Buffer(4096); err != nil {
		t.Fatal(err)
	}
	p.to = &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}
	const sent = 100
	for range sent {
		if err := p.send(sample); err != nil && !refused(err) {
			t.Fatal(err)
		}
	}
	m, err := p.Meter()
	if err != nil {
		t.Fatal(err)
	}
	batch, _, err := p.Socket.Receive()
	if err != nil {
		t.Fatalf("after an overrun: %v", err)
	}
	if len(batch) == 0 || len(batch)+int(m.Overruns) != sent || m.Queued == 0 || m.Capacity == 0 {
		t.Errorf("got %d of %d, %+v", len(batch), sent, m)
	}
	if batch[0].Group != 1 {
		t.Errorf("group: got %d, want 1", batch[0].Group)
	}
	if err := p.send(sample); !refused(err) {
		t.Fatal(err)
	}
	if batch, _, err := p.Socket.Receive(); len(batch) != 1 || err != nil {
		t.Errorf("with room again: got %d, %v", len(batch), err)
	}
	if err := p.Member(false); err != nil {
		t.Fatal(err)
	}
	_ = p.send(sample) // to nobody
	if batch, _, err := p.Socket.Receive(); len(batch) != 0 || err != nil {
		t.Errorf("after leaving: got %d, %v", len(batch), err)
	}
}

func TestReadDoesNotAllocate(t *testing.T) {
	p := newPair(t)
	s := p.source(t, kernel.Config{Gather: -1})
	ctx := t.Context()
	n := testing.AllocsPerRun(200, func() {
		for range 20 {
			if err := unix.Sendto(p.sender, datagram, 0, p.to); err != nil {
				t.Fatal(err)
			}
		}
		for got := 0; got < 20; {
			batch, err := s.Read(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got += len(batch)
		}
	})
	// Sending takes one for its address.
	if n > 20 {
		t.Errorf("got %v allocations for 20 records", n-20)
	}
}

var datagram = append([]byte("\x00\x01\x00\x00\x14\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), sample...)

// BenchmarkRead takes records from the socket to the caller; an operation is a
// record.
func BenchmarkRead(b *testing.B) {
	p := newPair(b)
	s := p.source(b, kernel.Config{Gather: -1})
	ctx := b.Context()
	b.SetBytes(int64(len(datagram)))
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		b.StopTimer()
		queued := 0
		for queued < b.N-done {
			if err := unix.Sendto(p.sender, datagram, unix.MSG_DONTWAIT, p.to); err != nil {
				break // full
			}
			queued++
		}
		b.StartTimer()
		for queued > 0 {
			batch, err := s.Read(ctx)
			if err != nil {
				b.Fatal(err)
			}
			queued -= len(batch)
			done += len(batch)
		}
	}
}
