package unix

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"vigil/audit"
	"vigil/forward"
	"vigil/forward/form"
	"vigil/forward/format"
	"vigil/forward/transport"
	"vigil/internal/setting"
)

// Options are the settings of a unix socket sink.
type Options struct {
	Path       string           `yaml:"path" help:"The socket, a stream, that a program listens on."`
	Acks       Acks             `yaml:"acks" help:"none | oms: whether the program answers for each event, and how."`
	Window     int              `yaml:"window" help:"With acks: how many events may wait for their answers at a time."`
	AckTimeout setting.Duration `yaml:"ack_timeout" help:"With acks: after how long without any answer the events that wait for one are sent again, on a new connection."`
	Confirm    setting.Duration `yaml:"confirm" help:"Without acks: how long the connection must stand after the program has read a batch for it to count as taken. When it breaks before, the batch is sent again."`
}

// Acks are how a far end acknowledges events.
type Acks string

// Words returns the words that Acks may be.
func (Acks) Words() []string { return []string{"none", "oms"} }

// Form is the form that the acknowledgements go with; empty: the kind's own.
func (o *Options) Form() form.Name {
	if o.Acks == "oms" {
		return form.OMS
	}
	return ""
}

// Kind returns the kind of sink.
func Kind() forward.Kind {
	k := forward.Settings(Options{
		Acks: "none", Window: 1000, AckTimeout: setting.Duration(30 * time.Second), Confirm: setting.Duration(time.Second),
	}, check, open)
	k.Name = "unix"
	k.Summary = "a unix socket that a program listens on, with or without acknowledgements"
	k.Formats = form.From(form.ECS)
	return k
}

// Bounds of settings.
const (
	maxPath    = 107 // bytes: sun_path without its end (unix(7))
	maxWindow  = 100_000
	minTimeout = setting.Duration(100 * time.Millisecond)
)

func check(o *Options) error {
	switch {
	case o.Path == "":
		return errors.New("path is missing: name the socket that a program listens on, like /run/collector/audit.socket")
	case !filepath.IsAbs(o.Path):
		return fmt.Errorf("path %q is not an absolute path", o.Path)
	case len(o.Path) > maxPath:
		return fmt.Errorf("path has %d bytes: a socket's has at most %d", len(o.Path), maxPath)
	case o.Window < 1 || o.Window > maxWindow:
		return fmt.Errorf("window is %d: at least 1, at most %d", o.Window, maxWindow)
	case o.AckTimeout < minTimeout:
		return fmt.Errorf("ack_timeout is %s: at least %s", o.AckTimeout, minTimeout)
	}
	return nil
}

func open(_ context.Context, o *Options, s forward.Setup) (forward.Sink, forward.Encoder, error) {
	dialer := transport.Dialer{Addresses: []transport.Address{{Scheme: "unix", Target: o.Path}}}
	if o.Acks == "oms" {
		return &acked{dialer: dialer, path: o.Path, window: o.Window, timeout: time.Duration(o.AckTimeout), waiting: make(map[audit.ID]int)}, lines{s.Format}, nil
	}
	return &stream{dialer: dialer, path: o.Path, confirm: time.Duration(o.Confirm)}, lines{s.Format}, nil
}

// lines encodes events as their format does.
type lines struct{ format format.Encoder }

// Append is for [forward.Encoder].
func (l lines) Append(dst []byte, e forward.Event) []byte { return forward.Lines(dst, l.format, e) }

// write writes a batch whole.
func write(conn net.Conn, b *forward.Batch) error {
	parts := make(net.Buffers, len(b.Items))
	for i := range b.Items {
		parts[i] = b.Items[i].Data
	}
	_, err := parts.WriteTo(conn)
	return err
}
