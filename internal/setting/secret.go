package setting

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// Secret says where a password, a key or a token is to be had: `file:/path` for the
// first line of a file, `env:NAME` for a variable of the environment. In a
// configuration file itself it cannot stand, so printing a Secret tells nothing.
type Secret string

// maxSecret bounds the file of a secret.
const maxSecret = 64 << 10

// Check says what is wrong with how a secret is named, without repeating it: it may be
// the secret itself.
func (s Secret) Check() error {
	switch {
	case s == "", strings.HasPrefix(string(s), "file:/"), strings.HasPrefix(string(s), "env:") && len(s) > len("env:"):
		return nil
	}
	return errors.New("a secret is not written into the configuration: write file:/path/to/it or env:NAME")
}

// Read gets the secret; empty if there is none. It is read anew each time, as tokens
// change. The error does not show it.
func (s Secret) Read() (string, error) {
	if err := s.Check(); err != nil || s == "" {
		return "", err
	}
	if name, ok := strings.CutPrefix(string(s), "env:"); ok {
		v := os.Getenv(name)
		if v == "" {
			return "", fmt.Errorf("read secret: the variable %s is not set", name)
		}
		return v, nil
	}
	file, err := os.Open(strings.TrimPrefix(string(s), "file:"))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if len(text) > maxSecret {
		return "", fmt.Errorf("read secret: %s is larger than 64 KiB", file.Name())
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("read secret: the first line of %s is empty", file.Name())
	}
	return line, nil
}

// String names the place, never the secret.
func (s Secret) String() string {
	if s.Check() != nil {
		return "(hidden)"
	}
	return string(s)
}

// GoString is String, for %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalJSON writes what String returns.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// LogValue is what slog prints.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
