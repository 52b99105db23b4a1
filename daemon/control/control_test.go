package control

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whoever may not open the socket is told so, and what to do.
func TestAskForbidden(t *testing.T) {
	err := askError("status", "/run/vigil/control.sock", &net.OpError{Op: "dial", Err: syscall.EACCES})
	if want := "ask for status: open /run/vigil/control.sock: permission denied: ask as root"; err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// The socket speaks HTTP, and knows nothing but what it was told.
func TestControlHTTP(t *testing.T) {
	dir, err := os.MkdirTemp("", "vigil")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Answer("GET /status", func(context.Context, *http.Request) (any, error) { return map[string]int{"pid": 7}, nil })
	c.Answer("POST /sinks", func(context.Context, *http.Request) (any, error) { return nil, errors.New("no sink is called so") })
	served := make(chan error, 1)
	go func() { served <- c.Serve() }()
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(dir, Socket))
	}}}
	defer client.CloseIdleConnections()
	f := func(method, path string, want int) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://vigil"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Error(err)
		}
		if response.StatusCode != want {
			t.Errorf("%s %s: %d, want %d", method, path, response.StatusCode, want)
		}
	}
	f("GET", "/status", 200)
	f("POST", "/status", 405)
	f("GET", "/", 404)
	f("POST", "/sinks", 409)
	var got struct{ PID int }
	if err := Ask(t.Context(), dir, http.MethodGet, "/status", &got); err != nil || got.PID != 7 {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := Ask(t.Context(), dir, http.MethodPost, "/sinks", nil); err == nil || err.Error() != "no sink is called so" {
		t.Errorf("got %v", err)
	}
	c.Close()
	c.Close() // again does nothing
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// An answer that is none is an error, not a status of zeros.
func TestAskSomethingElse(t *testing.T) {
	dir, err := os.MkdirTemp("", "vigil")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, Socket))
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.NotFoundHandler(), ReadTimeout: time.Minute}
	go server.Serve(l) //nolint:errcheck // ends with the test
	t.Cleanup(func() { server.Close() })
	if err := Ask(t.Context(), dir, http.MethodGet, "/status", nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want an error with the answer", err)
	}
}
