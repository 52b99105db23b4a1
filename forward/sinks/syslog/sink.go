package syslog

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	gsyslog "github.com/hashicorp/go-syslog"

	"vigil/forward"
	"vigil/forward/form"
	"vigil/forward/transport"
)

// Kind returns the kind of sink.
func Kind() forward.Kind {
	k := forward.Settings(defaults(), check, open)
	k.Name = "syslog"
	k.Summary = "a syslog server, or the host's own: UDP, TCP, TLS, local socket"
	k.Formats = form.From(form.Enriched)
	return k
}

func open(_ context.Context, o *Options, s forward.Setup) (forward.Sink, forward.Encoder, error) {
	addresses, err := o.addresses()
	if err != nil {
		return nil, nil, err
	}
	if addresses[0].Scheme == "unixgram" { // nothing else is understood there
		there := *o
		there.Protocol = "rfc3164"
		o = &there
	}
	e, err := newEncoder(o, addresses[0], s)
	if err != nil {
		return nil, nil, err
	}
	switch addresses[0].Scheme {
	case "unixgram":
		return &socket{path: addresses[0].Target, app: e.app}, e, nil
	case "udp":
		return &datagrams{dialer: transport.Dialer{Addresses: addresses}}, e, nil
	}
	return &stream{
		dialer:  transport.Dialer{Addresses: addresses, TLS: o.TLS},
		newline: o.Framing == "newline", confirm: time.Duration(o.Confirm),
	}, e, nil
}

// stream sends over TCP or TLS.
type stream struct {
	dialer  transport.Dialer
	newline bool
	confirm time.Duration
	conn    net.Conn
	address transport.Address
	buf     []byte
}

// batchBytes is what is sent before it is waited for the acknowledgement.
const batchBytes = 1 << 20

// Limits is for [forward.Sink].
func (s *stream) Limits() forward.Limits {
	return forward.Limits{MaxBytes: batchBytes, MaxEvents: 20_000, Linger: 50 * time.Millisecond, Hold: s.confirm}
}

// Send is for [forward.Sink].
func (s *stream) Send(ctx context.Context, b *forward.Batch) error {
	if s.conn != nil {
		if err := transport.Alive(s.conn); err != nil {
			return s.broken(err)
		}
	}
	if s.conn == nil {
		var err error
		if s.conn, s.address, err = s.dialer.Dial(ctx); err != nil {
			return err
		}
	}
	if err := s.write(ctx, b); err != nil {
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
	return &forward.Broken{Err: fmt.Errorf("send to %s: %w", s.address, err)}
}

func (s *stream) write(ctx context.Context, b *forward.Batch) error {
	if err := s.conn.SetWriteDeadline(time.Now().Add(transport.Stalled)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { s.conn.SetDeadline(time.Unix(1, 0)) }) //nolint:errcheck // wakes the writing
	defer stop()
	s.buf = s.buf[:0]
	for i := range b.Items {
		if !s.newline || s.address.Scheme == "tls" {
			s.buf = append(s.buf, b.Items[i].Data...)
			continue
		}
		for message, rest := unframe(b.Items[i].Data); message != nil; message, rest = unframe(rest) {
			s.buf = append(append(s.buf, message...), '\n')
		}
	}
	if _, err := s.conn.Write(s.buf); err != nil {
		return err
	}
	return transport.Acked(ctx, s.conn)
}

// Close is for [forward.Sink].
func (s *stream) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

// datagrams sends over UDP.
type datagrams struct {
	dialer transport.Dialer
	conn   net.Conn
}

// Limits is for [forward.Sink].
func (d *datagrams) Limits() forward.Limits {
	// 65,507 bytes are the most that an IPv4 datagram holds.
	return forward.Limits{MaxBytes: 256 << 10, Linger: 50 * time.Millisecond}
}

// Send is for [forward.Sink]. A server that is not there is noticed by the ICMP message
// that its host sends back, which comes with a later datagram's write (udp(7)): the
// batch is sent again then.
func (d *datagrams) Send(ctx context.Context, b *forward.Batch) error {
	if d.conn == nil {
		conn, _, err := d.dialer.Dial(ctx)
		if err != nil {
			return err
		}
		d.conn = conn
	}
	for i := range b.Items {
		for message, rest := unframe(b.Items[i].Data); message != nil; message, rest = unframe(rest) {
			if _, err := d.conn.Write(message); err != nil {
				d.conn.Close() //nolint:errcheck // a new one is opened
				d.conn = nil
				return fmt.Errorf("send datagram: %w", err)
			}
		}
	}
	return nil
}

// Close is for [forward.Sink].
func (d *datagrams) Close() error {
	if d.conn == nil {
		return nil
	}
	return d.conn.Close()
}

// socket sends to the host's own syslog, which gives messages time and process id
// itself.
type socket struct {
	path    string
	app     string
	loggers map[string]gsyslog.Syslogger // by facility
}

// Limits is for [forward.Sink].
func (s *socket) Limits() forward.Limits {
	return forward.Limits{MaxBytes: 256 << 10, Linger: 20 * time.Millisecond}
}

// Send is for [forward.Sink].
func (s *socket) Send(_ context.Context, b *forward.Batch) error {
	for i := range b.Items {
		for message, rest := unframe(b.Items[i].Data); message != nil; message, rest = unframe(rest) {
			priority, text := body(message)
			names := Facility("").Words()
			facility := names[slices.IndexFunc(names, func(n string) bool { return Facility(n).number() == priority>>3 })]
			logger, err := s.logger(facility)
			if err == nil {
				err = logger.WriteLevel(gsyslog.Priority(priority&7), text)
			}
			if err != nil {
				return fmt.Errorf("send to %s: %w", s.path, err)
			}
		}
	}
	return nil
}

func (s *socket) logger(facility string) (gsyslog.Syslogger, error) {
	if l := s.loggers[facility]; l != nil {
		return l, nil
	}
	l, err := gsyslog.DialLogger("unixgram", s.path, gsyslog.LOG_INFO, facility, s.app)
	if err != nil {
		return nil, err
	}
	if s.loggers == nil {
		s.loggers = make(map[string]gsyslog.Syslogger)
	}
	s.loggers[facility] = l
	return l, nil
}

// Close is for [forward.Sink].
func (s *socket) Close() error {
	var first error
	for _, l := range s.loggers {
		if err := l.Close(); first == nil {
			first = err
		}
	}
	return first
}

// body takes priority and text out of a message of RFC 3164.
func body(message []byte) (priority int, text []byte) {
	end := slices.Index(message, '>')
	priority, _ = strconv.Atoi(string(message[1:end]))
	text = message[end+1+len(time.Stamp)+1:]
	text = text[slices.Index(text, ' ')+1:]           // the host
	return priority, text[slices.Index(text, ' ')+1:] // the tag
}
