package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrNotRunning is returned by [Ask] when no daemon answers.
var ErrNotRunning = errors.New("no vigil is running here")

// maxAnswer bounds an answer.
const maxAnswer = 4 << 20

// Ask asks the daemon that has runDir, with a method and a path, and decodes its answer
// into value; nil: it is not wanted. It returns [ErrNotRunning] if there is none, an
// error of os for a socket that may not be opened, and the daemon's own words when it
// refuses.
func Ask(ctx context.Context, runDir, method, path string, value any) error {
	what := strings.TrimPrefix(path, "/")
	socket := filepath.Join(runDir, Socket)
	client := http.Client{
		Timeout: patience,
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}},
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, method, "http://vigil"+path, nil)
	if err != nil {
		return fmt.Errorf("ask for %s: %w", what, err)
	}
	response, err := client.Do(request)
	if err != nil {
		return askError(what, socket, err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	body := json.NewDecoder(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode == http.StatusConflict {
		var r refusal
		if err := body.Decode(&r); err == nil && r.Error != "" {
			return errors.New(r.Error)
		}
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for %s: %s: who answers there is no vigil of this version: %s", what, socket, response.Status)
	}
	if value == nil {
		return nil
	}
	if err := body.Decode(value); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// askError says why nobody answered on a socket, and what to do.
func askError(what, socket string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("ask for %s: %s: %w: start it with `vigil run`, or name its --run-dir", what, socket, ErrNotRunning)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("ask for %s: open %s: %w: ask as root", what, socket, fs.ErrPermission)
	}
	return fmt.Errorf("ask for %s: %w", what, err)
}
