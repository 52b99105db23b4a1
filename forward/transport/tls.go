package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS is how a connection is secured. The zero value verifies the far end by the
// host's own certificate authorities.
type TLS struct {
	CA         string     `yaml:"ca" help:"File of the certificate authorities, PEM, that the far end's certificate must come from; empty: the host's."`
	Cert       string     `yaml:"cert" help:"File of our certificate, PEM, if the far end wants one."`
	Key        string     `yaml:"key" help:"File of its key, PEM."`
	ServerName string     `yaml:"server_name" help:"The name that the far end's certificate must bear; empty: the one in the address."`
	MinVersion TLSVersion `yaml:"min_version" help:"1.2 | 1.3: what must be spoken at least."`
	SkipVerify bool       `yaml:"insecure_skip_verify" help:"true: anybody may pass for the far end. For a trial."`
}

// TLSVersion is a version of TLS.
type TLSVersion string

// Words returns the words that a TLSVersion may be.
func (TLSVersion) Words() []string { return []string{"1.2", "1.3"} }

// Check says what cannot be meant.
func (t TLS) Check() error {
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("tls.cert and tls.key belong together: name both or none")
	}
	return nil
}

// Config reads the files and returns the configuration for connections to a host.
func (t TLS) Config(host string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, InsecureSkipVerify: t.SkipVerify}
	if t.MinVersion == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	if t.ServerName != "" {
		c.ServerName = t.ServerName
	}
	if t.CA != "" {
		text, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("read certificate authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read certificate authorities: %s has no certificate in PEM", t.CA)
		}
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("read certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
