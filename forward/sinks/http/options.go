package http

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"vigil/forward"
	"vigil/forward/form"
	"vigil/forward/transport/web"
	"vigil/internal/setting"
)

// Options are the settings of an HTTP sink.
type Options struct {
	Web           web.Options    `yaml:"http" help:"The connection."`
	Body          Body           `yaml:"body" help:"ndjson | array: a line for each event, or a JSON array of them. Lines of any format may be sent, arrays of ecs only."`
	ContentType   string         `yaml:"content_type" help:"Empty: application/x-ndjson or application/json; text/plain for lines that are not JSON."`
	Headers       []string       `yaml:"headers" help:"More headers, like [\"X-Source: vigil\"]. Not for secrets."`
	SecretHeaders []SecretHeader `yaml:"secret_headers" help:"Headers whose values are secrets."`
	User          string         `yaml:"user" help:"For basic authentication."`
	Password      setting.Secret `yaml:"password" help:"file:/PATH or env:NAME."`
	Token         setting.Secret `yaml:"token" help:"A bearer token: file:/PATH or env:NAME. It is read anew for each request."`
	HMAC          HMAC           `yaml:"hmac" help:"A signature of the body."`
	MaxBytes      setting.Bytes  `yaml:"max_bytes" help:"The largest body, before it is packed."`
	MaxEvents     int            `yaml:"max_events" help:"The most events in a body."`
	Window        int            `yaml:"window" help:"How many requests may be on their way at a time. With more than one, they may arrive in another order."`
}

// SecretHeader is a header whose value is a secret.
type SecretHeader struct {
	Name  string         `yaml:"name" help:"As X-Api-Key."`
	Value setting.Secret `yaml:"value" help:"file:/PATH or env:NAME."`
}

// HMAC is a signature of the body as it is sent: the hexadecimal HMAC-SHA-256.
type HMAC struct {
	Secret setting.Secret `yaml:"secret" help:"The key, file:/PATH or env:NAME; empty: no signature."`
	Header string         `yaml:"header" help:"The header that bears it."`
	Prefix string         `yaml:"prefix" help:"What stands before the digits."`
}

// Body is how events stand in a request.
type Body string

// Words returns the words that a Body may be.
func (Body) Words() []string { return []string{"ndjson", "array"} }

// Kind returns the kind of sink.
func Kind() forward.Kind {
	k := forward.Settings(Options{
		Web: web.Defaults(), Body: "ndjson", Headers: []string{}, SecretHeaders: []SecretHeader{},
		HMAC: HMAC{Header: "X-Signature-256", Prefix: "sha256="}, MaxBytes: 1 << 20, MaxEvents: 5000, Window: 2,
	}, check, open)
	k.Name = "http"
	k.Summary = "an HTTP endpoint: lines or a JSON array, any header, HMAC signature"
	k.Formats = form.From(form.ECS)
	return k
}

func check(o *Options) error {
	if err := o.Web.Check(); err != nil {
		return fmt.Errorf("http: %w", err)
	}
	for _, h := range o.Headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(strings.TrimSpace(value)) {
			return fmt.Errorf("headers: %q: write them like \"X-Source: vigil\"", h)
		}
		switch http.CanonicalHeaderKey(name) {
		case "Authorization", "Cookie", "Proxy-Authorization":
			return fmt.Errorf("headers: %s is a secret: use token, password or secret_headers", name)
		}
	}
	for _, h := range o.SecretHeaders {
		if !httpguts.ValidHeaderFieldName(h.Name) || h.Value == "" {
			return errors.New("secret_headers: each wants a name and a value, like { name: X-Api-Key, value: \"file:/etc/vigil/key\" }")
		}
	}
	switch {
	case (o.User == "") != (o.Password == ""):
		return errors.New("user and password belong together: name both or none")
	case o.User != "" && o.Token != "":
		return errors.New("user and token exclude each other")
	case o.HMAC.Secret != "" && !httpguts.ValidHeaderFieldName(o.HMAC.Header):
		return fmt.Errorf("hmac.header %q is no name of a header", o.HMAC.Header)
	case o.MaxBytes < 16<<10 || o.MaxBytes > 64<<20:
		return fmt.Errorf("max_bytes is %s: at least 16KiB, at most 64MiB", o.MaxBytes)
	case o.MaxEvents < 1 || o.MaxEvents > 100_000:
		return fmt.Errorf("max_events is %d: at least 1, at most 100000", o.MaxEvents)
	case o.Window < 1 || o.Window > 64:
		return fmt.Errorf("window is %d: at least 1, at most 64", o.Window)
	}
	return nil
}
