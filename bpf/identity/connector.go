package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// <linux/connector.h>, <linux/cn_proc.h>
const (
	cnIdxProc   = 1
	cnValProc   = 1
	cnListen    = 1
	cnHeader    = unix.SizeofNlMsghdr + 20 // struct cn_msg
	procFork    = 0x1
	procExec    = 0x2
	procExit    = 0x80000000
	eventHeader = 16 // what, cpu, timestamp_ns
)

// connector is the backend of the proc connector: the kernel's news of fork, exec and exit come with a pid and nothing
// else, so that the rest must be read from /proc, if the process is still there.
type connector struct {
	*procfs
	fd    int
	buf   []byte
	clean int64
}

func openConnector(cfg Config) (*connector, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("open proc connector: %w", err)
	}
	c := &connector{procfs: newProcfs(cfg), fd: fd, buf: make([]byte, 64<<10)}
	if err := c.listen(); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("listen to proc connector: %w", err)
	}
	return c, nil
}

func (c *connector) listen() error {
	if err := unix.Bind(c.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: cnIdxProc}); err != nil {
		return err
	}
	_ = unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20) // a small one only loses more
	n := binary.NativeEndian
	var b []byte
	b = n.AppendUint32(b, cnHeader+4)
	b = n.AppendUint16(b, unix.NLMSG_DONE)
	b = append(b, make([]byte, 10)...)
	b = n.AppendUint32(b, cnIdxProc)
	b = n.AppendUint32(b, cnValProc)
	b = append(b, make([]byte, 8)...)
	b = n.AppendUint16(b, 4)
	b = n.AppendUint16(b, 0)
	b = n.AppendUint32(b, cnListen)
	return unix.Sendto(c.fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// drain reads what has been sent until now, at most some thousand messages: the rest is for the next call.
func (c *connector) drain(t *table) bool {
	before := t.clock.now()
	for range 4096 {
		n, from, err := unix.Recvfrom(c.fd, c.buf, 0)
		switch {
		case errors.Is(err, unix.EAGAIN):
			c.clean = before
			return true
		case errors.Is(err, unix.ENOBUFS):
			t.lost(max(c.clean, before-int64(scanEvery)), t.clock.now())
			continue
		case err != nil:
			return true
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
			continue // not from the kernel
		}
		c.message(t, c.buf[:n])
	}
	return true
}

func (c *connector) message(t *table, b []byte) {
	if len(b) < cnHeader+eventHeader+8 {
		return
	}
	n := binary.NativeEndian
	b = b[cnHeader:]
	what, at := n.Uint32(b), int64(n.Uint64(b[8:]))
	pid, tgid := n.Uint32(b[eventHeader:]), n.Uint32(b[eventHeader+4:])
	switch what {
	case procFork:
		if len(b) < eventHeader+16 {
			return
		}
		parent := tgid
		pid, tgid = n.Uint32(b[eventHeader+8:]), n.Uint32(b[eventHeader+12:])
		if pid == tgid {
			c.changed(t, kindFork, pid, parent, at)
		}
	case procExec:
		c.changed(t, kindExec, tgid, 0, at)
	case procExit:
		if i := t.byPID.get(tgid); pid == tgid && i != 0 && t.lives.at(i).hi == 0 && t.lives.at(i).born <= at {
			t.counts.Exits++
			t.end(i, t.lives.at(i), at)
		}
	}
}

// changed follows a fork or an exec with what /proc says by now.
func (c *connector) changed(t *table, k kind, pid, parent uint32, at int64) {
	r, paths, err := c.read(pid)
	if err != nil { // gone: its time and parent are all there is to know
		if k == kindExec {
			return
		}
		r, paths = record{pid: pid, ppid: parent, auid: Unset, session: Unset}, [2]string{}
		r.start = uint64(at+bootAhead()) / startGrain * startGrain
	}
	r.kind, r.clock, r.stamp = k, at, 0
	if k == kindFork {
		r.creator = parent
	}
	c.tell(t, &r, paths)
}

// ask has nothing to do for processes that are known.
func (c *connector) ask(t *table, pid uint32) bool {
	if i := t.byPID.get(pid); i != 0 {
		return t.lives.at(i).hi == 0
	}
	return c.procfs.ask(t, pid)
}

func (c *connector) scan(t *table, lock sync.Locker) (bool, error) { return c.procfs.scan(t, lock) }

func (c *connector) wait(d time.Duration) {
	fds := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}}
	_, _ = unix.Poll(fds, int(d.Milliseconds()))
}

func (c *connector) close() error { return unix.Close(c.fd) }
