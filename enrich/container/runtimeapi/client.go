package runtimeapi

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 4 << 20

// ErrNotFound: the runtime answers, and knows no such container.
var ErrNotFound = errors.New("ask runtime: no such container")

// Answer is what a runtime says of a container. What it does not say is empty.
type Answer struct {
	Name   string
	Image  string // as it was asked for
	Digest string // of the image: sha256:…
	Labels map[string]string
	Pod    *Pod // nil outside of Kubernetes

	// Privileged is nil if the runtime does not say whether the container is.
	Privileged *bool
}

// Pod is the pod that a container is of.
type Pod struct {
	Name, Namespace, UID string
	Sandbox              string // id
	Labels               map[string]string
}

// Client asks one runtime, until Close.
type Client struct {
	transport *http.Transport
	http      *http.Client
}

// New returns a client that connects with dial.
func New(dial func(context.Context) (net.Conn, error), rpc bool) *Client {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(rpc)
	protocols.SetHTTP1(!rpc)
	t := &http.Transport{
		Protocols:              &protocols,
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &Client{transport: t, http: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// Close gives the connection up.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// status codes of gRPC (https://grpc.io/docs/guides/status-codes).
const (
	rpcOK       = "0"
	rpcNotFound = "5"
)

// call makes a gRPC call with one message in each direction, as gRPC over HTTP/2 has it.
func (c *Client) call(ctx context.Context, method string, header http.Header, message []byte) ([]byte, error) {
	body := make([]byte, 5, 5+len(message)) // not compressed, and the length
	binary.BigEndian.PutUint32(body[1:], uint32(len(message)))
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+method, bytes.NewReader(append(body, message...)))
	if err != nil {
		return nil, fmt.Errorf("ask runtime: %w", err)
	}
	if header != nil {
		r.Header = header.Clone()
	}
	r.Header.Set("Content-Type", "application/grpc")
	r.Header.Set("Te", "trailers")
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask runtime: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("ask runtime: %w", err)
	}
	status := answer.Trailer.Get("Grpc-Status")
	if status == "" {
		status = answer.Header.Get("Grpc-Status")
	}
	switch {
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("ask runtime: %s: HTTP status %d", method, answer.StatusCode)
	case len(text) > maxAnswer:
		return nil, fmt.Errorf("ask runtime: %s: the answer is longer than %d bytes", method, maxAnswer)
	case status == rpcNotFound:
		return nil, ErrNotFound
	case status != rpcOK:
		said := answer.Trailer.Get("Grpc-Message") + answer.Header.Get("Grpc-Message")
		return nil, fmt.Errorf("ask runtime: %s: gRPC status %.8q: %.200q", method, status, said)
	case len(text) < 5 || text[0] != 0 || int64(binary.BigEndian.Uint32(text[1:])) != int64(len(text)-5):
		return nil, fmt.Errorf("ask runtime: %s: the answer is no gRPC message", method)
	}
	return text[5:], nil
}

// get asks an HTTP interface for a JSON object.
func (c *Client) get(ctx context.Context, path string, v any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return fmt.Errorf("ask runtime: %w", err)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return fmt.Errorf("ask runtime: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("ask runtime: %w", err)
	case answer.StatusCode == http.StatusNotFound:
		return ErrNotFound
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("ask runtime: %s: HTTP status %d: %.200q", path, answer.StatusCode, text)
	case len(text) > maxAnswer:
		return fmt.Errorf("ask runtime: %s: the answer is longer than %d bytes", path, maxAnswer)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("ask runtime: %s: %w", path, err)
	}
	return nil
}

// digestOf returns the digest behind a repository's name, "" if there is none.
func digestOf(reference string) string {
	if _, digest, ok := strings.Cut(reference, "@"); ok {
		return digest
	}
	return ""
}
