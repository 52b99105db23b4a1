package transport_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vigil/forward/transport"
)

func TestParseAddress(t *testing.T) {
	ports := map[string]string{"tcp": "601", "tls": "6514", "unix": ""}
	for _, c := range []struct{ text, want, fault string }{
		{"tcp://siem.example", "tcp://siem.example:601", ""},
		{"tcp://siem.example:5", "tcp://siem.example:5", ""},
		{"tls://[2001:db8::1]", "tls://[2001:db8::1]:6514", ""},
		{"unix:///run/x.sock", "unix:///run/x.sock", ""},
		{"udp://siem.example", "", "begins with one of tcp://, tls://, unix://"},
		{"siem.example:514", "", "begins with one of"},
		{"tcp://", "", "write it like tcp://siem.example:601"},
		{"tcp://a/b", "", "write it like"},
		{"unix://run/x.sock", "", "unix:///path/to/it"},
		{"", "", "begins with one of"},
	} {
		a, err := transport.ParseAddress(c.text, ports)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%q: got %v, want %q", c.text, err, c.fault)
			}
			continue
		}
		if err != nil || a.String() != c.want {
			t.Errorf("%q: got %s, %v, want %s", c.text, a, err, c.want)
		}
	}
}

// TestDialGoesOn: the next address is taken when one does not answer, and kept.
func TestDialGoesOn(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // at the end
	d := transport.Dialer{Addresses: []transport.Address{{Scheme: "tcp", Target: "127.0.0.1:1"}, {Scheme: "tcp", Target: server.Addr().String()}}}
	for range 2 {
		conn, a, err := d.Dial(t.Context())
		if err != nil || a != d.Addresses[1] {
			t.Fatalf("got %s, %v", a, err)
		}
		conn.Close() //nolint:errcheck // done with
	}
	d = transport.Dialer{Addresses: d.Addresses[:1]}
	if _, _, err := d.Dial(t.Context()); err == nil || !strings.Contains(err.Error(), "tcp://127.0.0.1:1") {
		t.Errorf("got %v", err)
	}
}

func TestTLSFiles(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tls  transport.TLS
		want string
	}{
		{transport.TLS{CA: "/nonexistent/ca.pem"}, "/nonexistent/ca.pem"},
		{transport.TLS{CA: empty}, "no certificate in PEM"},
		{transport.TLS{Cert: empty, Key: empty}, "read certificate"},
	} {
		if _, err := c.tls.Config("siem.example"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.tls, err, c.want)
		}
	}
	if c, err := (transport.TLS{}).Config("siem.example"); err != nil || c.InsecureSkipVerify || c.ServerName != "siem.example" || c.MinVersion != 0x0303 {
		t.Errorf("the zero value does not verify: %+v, %v", c, err)
	}
}
