package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"vigil/forward"
	"vigil/forward/transport"
	"vigil/internal/setting"
)

// Options are the settings of whatever speaks HTTP.
type Options struct {
	URL      string           `yaml:"url" help:"Where to send to, https:// or http://. More than one, separated by spaces: the next is taken when one does not answer."`
	Compress Compression      `yaml:"compress" help:"none | gzip | zstd."`
	Timeout  setting.Duration `yaml:"timeout" help:"How long an answer may take."`
	Proxy    string           `yaml:"proxy" help:"http://HOST:PORT of a proxy; empty: what the environment says (HTTPS_PROXY, NO_PROXY); none: none."`
	TLS      transport.TLS    `yaml:"tls" help:"For https:// addresses."`
}

// Compression is how bodies are packed.
type Compression string

// Words returns the words that a Compression may be.
func (Compression) Words() []string { return []string{"none", "gzip", "zstd"} }

// Defaults are Options for which only the URL is said.
func Defaults() Options {
	return Options{Compress: "gzip", Timeout: setting.Duration(30 * time.Second), TLS: transport.TLS{MinVersion: "1.2"}}
}

// Check says what cannot be meant.
func (o *Options) Check() error {
	list := strings.Fields(o.URL)
	if len(list) == 0 {
		return errors.New("url is missing: write one like https://siem.example/ingest")
	}
	for _, text := range list {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("url %q: write one like https://siem.example/ingest", redacted(text))
		}
		if u.User != nil {
			return fmt.Errorf("url %q: a password does not stand in an address: use password", redacted(text))
		}
	}
	if o.Proxy != "" && o.Proxy != "none" {
		if u, err := url.Parse(o.Proxy); err != nil || u.Host == "" {
			return errors.New("proxy: write it like http://proxy.example:3128, or none")
		}
	}
	return o.TLS.Check()
}

// redacted is an address without what may be a secret in it.
func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(not an address)"
	}
	return u.Redacted()
}

// Client sends requests to one of several addresses. It is safe for concurrent use.
type Client struct {
	urls    []string
	client  *http.Client
	pack    Compression
	encoder *zstd.Encoder
	agent   string
}

// New returns a Client. version is Vigil's.
func New(o *Options, version string) (*Client, error) {
	c := &Client{urls: strings.Fields(o.URL), pack: o.Compress, agent: "vigil/" + version}
	config, err := o.TLS.Config("")
	if err != nil {
		return nil, err
	}
	way := &http.Transport{
		TLSClientConfig: config, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: time.Duration(o.Timeout),
		Proxy: http.ProxyFromEnvironment, DisableCompression: true,
	}
	switch o.Proxy {
	case "":
	case "none":
		way.Proxy = nil
	default:
		u, err := url.Parse(o.Proxy)
		if err != nil {
			return nil, fmt.Errorf("read proxy: %w", err)
		}
		way.Proxy = http.ProxyURL(u)
	}
	c.client = &http.Client{
		Transport: way, Timeout: time.Duration(o.Timeout),
		// A far end that has moved is for a person to look at: events and credentials
		// do not follow it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.Compress == "zstd" {
		if c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1)); err != nil {
			return nil, fmt.Errorf("prepare zstd: %w", err)
		}
	}
	return c, nil
}

// maxAnswer bounds what of an answer is read.
const maxAnswer = 1 << 20

// Answer is what a far end has said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // its first MiB
}

// Post sends body, packed, to the first address that answers. decorate, which may be
// nil, adds to the request what says who we are; it is given the body as it is sent.
func (c *Client) Post(ctx context.Context, path, contentType string, body []byte, decorate func(*http.Request, []byte) error) (*Answer, error) {
	sent, encoding, err := c.packed(body)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, base := range c.urls {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(sent))
		if err != nil {
			return nil, fmt.Errorf("make request: %w", err)
		}
		request.Header.Set("Content-Type", contentType)
		request.Header.Set("User-Agent", c.agent)
		if encoding != "" {
			request.Header.Set("Content-Encoding", encoding)
		}
		if decorate != nil {
			if err := decorate(request, sent); err != nil {
				return nil, err
			}
		}
		answer, err := c.do(request)
		if err == nil {
			return answer, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (c *Client) do(request *http.Request) (*Answer, error) {
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err // it names the address
	}
	defer response.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	// What is left is read so that the connection can be used again.
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// packed returns body as it is to be sent.
func (c *Client) packed(body []byte) (sent []byte, encoding string, err error) {
	switch c.pack {
	case "gzip":
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err == nil {
			_, err = w.Write(body)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			return nil, "", fmt.Errorf("pack request: %w", err)
		}
		return b.Bytes(), "gzip", nil
	case "zstd":
		return c.encoder.EncodeAll(body, nil), "zstd", nil
	}
	return body, "", nil
}

// Close gives back the connections.
func (c *Client) Close() { c.client.CloseIdleConnections() }

// Verdict is what an answer means for the batch, in the errors of [forward.Sink]; nil
// if it was taken.
func (a *Answer) Verdict(now time.Time) error {
	said := fmt.Errorf("the far end says %d %s%s", a.Status, http.StatusText(a.Status), a.text())
	switch {
	case a.Status >= 200 && a.Status < 300:
		return nil
	case a.Status == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", forward.ErrTooLarge, said)
	case a.Status == http.StatusBadRequest || a.Status == http.StatusUnprocessableEntity:
		return &forward.Refused{Reason: said.Error()}
	}
	// Also for what is wrong on our side, as 401, 403 and 404: it will be mended, and
	// the events wait.
	return &forward.Later{After: a.retryAfter(now), Err: said}
}

// maxText is how much of an answer is shown.
const maxText = 200

// text is the beginning of the answer's body, in one line.
func (a *Answer) text() string {
	text := strings.Join(strings.Fields(string(a.Body[:min(len(a.Body), maxText)])), " ")
	if text == "" || !utf8.ValidString(text) {
		return ""
	}
	return ": " + text
}

// maxWait bounds how long a far end can tell us to wait.
const maxWait = 15 * time.Minute

// retryAfter reads the header of that name (RFC 9110, 10.2.3).
func (a *Answer) retryAfter(now time.Time) time.Duration {
	value := a.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, maxWait)
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return min(at.Sub(now), maxWait)
	}
	return 0
}
