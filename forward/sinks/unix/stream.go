package unix

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"vigil/forward"
	"vigil/forward/transport"
)

// stream writes to a program that says nothing.
type stream struct {
	dialer  transport.Dialer
	path    string
	confirm time.Duration
	conn    net.Conn
}

// Limits is for [forward.Sink].
func (s *stream) Limits() forward.Limits {
	return forward.Limits{MaxBytes: 256 << 10, MaxEvents: 20_000, MaxEvent: 256 << 10, Linger: 50 * time.Millisecond, Hold: s.confirm}
}

// Send is for [forward.Sink]. It returns when the program has read the batch: what a
// unix socket has not acknowledged is what lies in it unread (SIOCOUTQ).
func (s *stream) Send(ctx context.Context, b *forward.Batch) error {
	if err := s.Standing(); err != nil {
		return err
	}
	if s.conn == nil {
		conn, _, err := s.dialer.Dial(ctx)
		if err != nil {
			return err
		}
		s.conn = conn
		// What it says all the same must not fill the socket until it waits for us to
		// read. This ends with the connection.
		go io.Copy(io.Discard, conn) //nolint:errcheck // Standing tells of it
	}
	err := s.conn.SetWriteDeadline(time.Now().Add(transport.Stalled))
	if err == nil {
		conn := s.conn
		stop := context.AfterFunc(ctx, func() { conn.SetWriteDeadline(time.Unix(1, 0)) }) //nolint:errcheck // wakes the writing
		defer stop()
		err = write(conn, b)
	}
	if err == nil {
		err = transport.Acked(ctx, s.conn)
	}
	if err == nil { // what lay in the socket is gone when the program is, too
		err = transport.Alive(s.conn)
	}
	if err != nil {
		return s.broken(err)
	}
	return nil
}

// Standing is for [forward.Standing].
func (s *stream) Standing() error {
	if s.conn == nil {
		return nil // it was given up, which Send has said
	}
	if err := transport.Alive(s.conn); err != nil {
		return s.broken(err)
	}
	return nil
}

// broken gives up the connection: what it was sent last may be lost with it.
func (s *stream) broken(err error) error {
	s.conn.Close() //nolint:errcheck // it is broken
	s.conn = nil
	return &forward.Broken{Err: fmt.Errorf("write to %s: %w", s.path, err)}
}

// Close is for [forward.Sink].
func (s *stream) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}
