package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// controlSocket is the name of the daemon's socket in its run directory. Only
// root may open it: [Run] sets a umask that keeps everybody else out from its
// first moment.
const controlSocket = "control.sock"

// maxSocketPath is the room in struct sockaddr_un, less the final NUL (unix(7)).
const maxSocketPath = 107

// control answers `vigil status` and the like: HTTP over a Unix socket, so that
// curl --unix-socket can ask too.
type control struct {
	listener net.Listener
	server   http.Server
}

// listenControl opens the socket in runDir. A socket that an instance left
// behind is replaced; one on which an instance answers is an error.
func listenControl(runDir string, status func() Status) (*control, error) {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, fmt.Errorf("make the run directory: %w: name another with --run-dir", err)
	}
	path := filepath.Join(runDir, controlSocket)
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("open control socket: %s has %d bytes, and the name of a socket at most %d: name a shorter --run-dir", path, len(path), maxSocketPath)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close() //nolint:errcheck // only asked whether it opens
		return nil, fmt.Errorf("open control socket %s: another vigil answers on it: stop it, or give this one its own --run-dir", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove old control socket: %w: name another place with --run-dir", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w: name another place with --run-dir", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open control socket: %w", err), listener.Close())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		// An error here is the asker's going away.
		_ = json.NewEncoder(w).Encode(status())
	})
	return &control{
		listener: listener,
		server:   http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second},
	}, nil
}

// serve answers until close.
func (c *control) serve() error {
	if err := c.server.Serve(c.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control socket: %w", err)
	}
	return nil
}

// close ends serve and removes the socket.
func (c *control) close() {
	c.server.Close()   //nolint:errcheck // nothing to do about it at the end
	c.listener.Close() //nolint:errcheck // the server knows it only once it serves
}

// ErrNotRunning is returned by [AskStatus] when no daemon answers.
var ErrNotRunning = errors.New("no vigil is running here")

// AskStatus asks the daemon that has runDir how it is. It returns
// [ErrNotRunning] if there is none, and an error of os for a socket that may
// not be opened.
func AskStatus(ctx context.Context, runDir string) (Status, error) {
	path := filepath.Join(runDir, controlSocket)
	client := http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}},
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://vigil/status", nil)
	if err != nil {
		return Status{}, fmt.Errorf("ask for status: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return Status{}, askError(path, err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	if response.StatusCode != http.StatusOK {
		return Status{}, fmt.Errorf("ask for status: %s: who answers there is no vigil of this version: %s", path, response.Status)
	}
	var s Status
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&s); err != nil {
		return Status{}, fmt.Errorf("read status: %w", err)
	}
	return s, nil
}

// askError says why nobody answered on the socket at path, and what to do.
func askError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("ask for status: %s: %w: start it with `vigil run`, or name its --run-dir", path, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("ask for status: open %s: %w: ask as root", path, fs.ErrPermission)
	}
	return fmt.Errorf("ask for status: %w", err)
}
