package http

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"vigil/forward"
	"vigil/forward/format"
	"vigil/forward/transport/web"
)

func open(_ context.Context, o *Options, s forward.Setup) (forward.Sink, forward.Encoder, error) {
	if o.Body == "array" && !s.Form.JSON() {
		return nil, nil, fmt.Errorf("body is array, and %s is not JSON: use the format ecs or gelf, or the body ndjson", s.Form)
	}
	client, err := web.New(&o.Web, s.Version)
	if err != nil {
		return nil, nil, err
	}
	contentType := o.ContentType
	switch {
	case contentType != "":
	case o.Body == "array":
		contentType = "application/json"
	case s.Form.JSON():
		contentType = "application/x-ndjson"
	default:
		contentType = "text/plain; charset=utf-8"
	}
	return &endpoint{o: *o, client: client, contentType: contentType}, &encoder{s.Format, o.Body == "array"}, nil
}

// encoder encodes events as lines, or, for an array, without their newline.
type encoder struct {
	format format.Encoder
	array  bool
}

// Append is for [forward.Encoder].
func (e *encoder) Append(dst []byte, ev forward.Event) []byte {
	start := len(dst)
	dst = forward.Lines(dst, e.format, ev)
	if n := len(dst); e.array && n > start && dst[n-1] == '\n' {
		dst = dst[:n-1]
	}
	return dst
}

// endpoint is where events are posted to.
type endpoint struct {
	o           Options
	client      *web.Client
	contentType string
}

// Limits is for [forward.Sink].
func (e *endpoint) Limits() forward.Limits {
	l := forward.Limits{MaxBytes: int(e.o.MaxBytes), MaxEvents: e.o.MaxEvents, Window: e.o.Window, Linger: time.Second}
	if e.o.Body == "array" {
		l.PerEvent, l.PerBatch = 1, 1 // commas, and a bracket more than there are commas
	}
	return l
}

// Send is for [forward.Sink].
func (e *endpoint) Send(ctx context.Context, b *forward.Batch) error {
	body := make([]byte, 0, b.Bytes()+len(b.Items)+2)
	array := e.o.Body == "array"
	for i := range b.Items {
		switch {
		case array && i == 0:
			body = append(body, '[')
		case array:
			body = append(body, ',')
		}
		body = append(body, b.Items[i].Data...)
	}
	if array {
		body = append(body, ']')
	}
	answer, err := e.client.Post(ctx, "", e.contentType, body, e.sign)
	if err != nil {
		return err
	}
	return answer.Verdict(time.Now())
}

// sign adds to a request what says who we are.
func (e *endpoint) sign(r *http.Request, body []byte) error {
	for _, h := range e.o.Headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Set(name, strings.TrimSpace(value))
	}
	var errs []error
	secret := func(s interface{ Read() (string, error) }) string {
		text, err := s.Read()
		errs = append(errs, err)
		return text
	}
	for _, h := range e.o.SecretHeaders {
		r.Header.Set(h.Name, secret(h.Value))
	}
	switch {
	case e.o.Token != "":
		r.Header.Set("Authorization", "Bearer "+secret(e.o.Token))
	case e.o.User != "":
		r.SetBasicAuth(e.o.User, secret(e.o.Password))
	}
	if e.o.HMAC.Secret != "" {
		mac := hmac.New(sha256.New, []byte(secret(e.o.HMAC.Secret)))
		mac.Write(body)
		r.Header.Set(e.o.HMAC.Header, e.o.HMAC.Prefix+hex.EncodeToString(mac.Sum(nil)))
	}
	return errors.Join(errs...)
}

// Close is for [forward.Sink].
func (e *endpoint) Close() error {
	e.client.Close()
	return nil
}
