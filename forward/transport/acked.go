package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Stalled is how long a far end may take nothing before it counts as broken.
const Stalled = 30 * time.Second

// Acked waits until the far end's TCP has acknowledged all that was written to conn,
// which is more than that it was written, and less than that a program has read it.
// It fails when the connection breaks, or when nothing more has been acknowledged for
// Stalled.
func Acked(ctx context.Context, conn net.Conn) error {
	raw, err := rawOf(conn)
	if err != nil {
		return err
	}
	pause, queued, since := 50*time.Microsecond, -1, time.Now()
	for {
		left, err := unacked(raw)
		switch {
		case err != nil:
			return err
		case left == 0:
			return nil
		case left != queued:
			queued, since = left, time.Now()
		case time.Since(since) > Stalled:
			return fmt.Errorf("the far end has taken nothing for %s: %d bytes wait", Stalled, left)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, 20*time.Millisecond)
		}
	}
}

// Alive says what has become of a connection on which the far end says nothing: nil
// while it stands.
func Alive(conn net.Conn) error {
	raw, err := rawOf(conn)
	if err != nil {
		return err
	}
	var fault error
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR), n > 0:
		case err != nil:
			fault = err
		default:
			fault = errors.New("the far end has closed the connection")
		}
	})
	return errors.Join(err, fault)
}

// unacked returns how many bytes the far end has not acknowledged (SIOCOUTQ, tcp(7)),
// and fails if the connection is broken.
func unacked(raw syscall.RawConn) (n int, err error) {
	var fault error
	err = raw.Control(func(fd uintptr) {
		if code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil {
			fault = err
			return
		} else if code != 0 {
			fault = syscall.Errno(code)
			return
		}
		n, fault = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	})
	return n, errors.Join(err, fault)
}

func rawOf(conn net.Conn) (syscall.RawConn, error) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	s, ok := conn.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("look at connection: %T has no socket", conn)
	}
	return s.SyscallConn()
}
