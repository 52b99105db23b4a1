package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Address is where a far end listens: udp://host:port, tcp://host:port,
// tls://host:port, unix:///path or unixgram:///path.
type Address struct {
	Scheme string // one of those
	Target string // host:port, or the path
}

// ParseAddress reads an address. port is taken for those that name none; the schemes
// are those that are right here.
func ParseAddress(text string, ports map[string]string) (Address, error) {
	var schemes []string
	for s := range ports {
		schemes = append(schemes, s+"://")
	}
	slices.Sort(schemes)
	u, err := url.Parse(text)
	port, ok := "", false
	if err == nil {
		port, ok = ports[u.Scheme]
	}
	if err != nil || !ok {
		return Address{}, fmt.Errorf("%q is no address: it begins with one of %s", text, strings.Join(schemes, ", "))
	}
	a := Address{Scheme: u.Scheme, Target: u.Host}
	switch u.Scheme {
	case "unix", "unixgram":
		if a.Target = u.Path; u.Host != "" || !strings.HasPrefix(u.Path, "/") {
			return Address{}, fmt.Errorf("%q is no address: a socket is written %s:///path/to/it", text, u.Scheme)
		}
		return a, nil
	}
	if u.Hostname() == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return Address{}, fmt.Errorf("%q is no address: write it like %s://siem.example:%s", text, u.Scheme, port)
	}
	if u.Port() == "" {
		a.Target = net.JoinHostPort(u.Hostname(), port)
	}
	return a, nil
}

// String returns the address as it is written.
func (a Address) String() string { return a.Scheme + "://" + a.Target }

// Dialer connects to one of several addresses, to that which answered last if it can.
type Dialer struct {
	Addresses []Address
	TLS       TLS
	Timeout   time.Duration // for one address; 0: 10 s

	next int
}

// Dial connects to the first address that answers, beginning with the one that did
// so last time. It is not safe for concurrent use.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, Address, error) {
	var errs []error
	for range d.Addresses {
		a := d.Addresses[d.next]
		conn, err := d.dial(ctx, a)
		if err == nil {
			return conn, a, nil
		}
		errs = append(errs, fmt.Errorf("connect to %s: %w", a, err))
		d.next = (d.next + 1) % len(d.Addresses)
	}
	return nil, Address{}, errors.Join(errs...)
}

func (d *Dialer) dial(ctx context.Context, a Address) (net.Conn, error) {
	timeout := d.Timeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// Keep-alive probes find a far end that is gone while there is nothing to send.
	plain := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	if a.Scheme != "tls" {
		network := a.Scheme
		return plain.DialContext(ctx, network, a.Target)
	}
	host, _, err := net.SplitHostPort(a.Target)
	if err != nil {
		return nil, err
	}
	config, err := d.TLS.Config(host)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: &plain, Config: config}).DialContext(ctx, "tcp", a.Target)
}
