package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// Socket is the name of the daemon's socket in its run directory. The daemon's umask
// keeps everybody but root out from its first moment.
const Socket = "control.sock"

// maxSocketPath is the room in struct sockaddr_un, less the final NUL (unix(7)).
const maxSocketPath = 107

// Server answers on the socket.
type Server struct {
	listener net.Listener
	mux      *http.ServeMux
	server   http.Server
}

// Listen opens the socket in runDir. A socket that an instance left behind is
// replaced; one on which an instance answers is an error.
func Listen(runDir string) (*Server, error) {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, fmt.Errorf("make the run directory: %w: name another with --run-dir", err)
	}
	path := filepath.Join(runDir, Socket)
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
	return &Server{
		listener: listener, mux: mux,
		server: http.Server{Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: patience},
	}, nil
}

// patience bounds what the daemon takes to answer.
const patience = 10 * time.Second

// Answer has requests for a pattern of [http.ServeMux], such as "GET /status",
// answered: with what answer returns as JSON, or with its error.
func (s *Server) Answer(pattern string, answer func(context.Context, *http.Request) (any, error)) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience-time.Second)
		defer cancel()
		value, err := answer(ctx, r)
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusConflict)
			value = refusal{err.Error()}
		}
		// An error here is the asker's going away.
		_ = json.NewEncoder(w).Encode(value)
	})
}

// refusal is what is answered instead of a value.
type refusal struct {
	Error string `json:"error"`
}

// Serve answers until Close.
func (s *Server) Serve() error {
	if err := s.server.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve control socket: %w", err)
	}
	return nil
}

// Close ends Serve and removes the socket.
func (s *Server) Close() {
	s.server.Close()   //nolint:errcheck // nothing to do about it at the end
	s.listener.Close() //nolint:errcheck // the server knows it only once it serves
}
