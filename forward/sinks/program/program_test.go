package program_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vigil/forward"
	"vigil/forward/format"
	"vigil/forward/sinks/program"
	"vigil/internal/setting"
)

// transcript is a log that may be read while it is written.
type transcript struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

func open(t *testing.T, log *transcript, command ...string) forward.Sink {
	t.Helper()
	k := program.Kind()
	o := k.Options().(*program.Options)
	o.Command, o.Grace = command, setting.Duration(200*time.Millisecond)
	if err := k.Check(o); err != nil {
		t.Fatal(err)
	}
	s, _, err := k.Open(t.Context(), o, forward.Setup{Name: "prog", Format: format.Raw{}, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // at the end
	return s
}

func batch(lines ...string) *forward.Batch {
	b := &forward.Batch{}
	for _, l := range lines {
		b.Items = append(b.Items, forward.Item{Data: []byte(l + "\n")})
	}
	return b
}

func TestInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	log := &transcript{}
	s := open(t, log, "/bin/sh", "-c", "echo ready >&2; cat > "+path)
	for _, l := range []string{"one", "two"} {
		if err := s.Send(t.Context(), batch(l)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if !strings.Contains(log.String(), "line=ready") {
		t.Errorf("the log has no line of the program's:\n%s", log)
	}
}

// TestItEnds: a program that ends is broken, and the next one gets what comes.
func TestItEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	s := open(t, &transcript{}, "/bin/sh", "-c", "read line; echo $line >> "+path+"; exit 3")
	if err := s.Send(t.Context(), batch("one")); err != nil {
		t.Fatal(err)
	}
	var broken *forward.Broken
	for deadline := time.Now().Add(10 * time.Second); broken == nil && time.Now().Before(deadline); {
		errors.As(s.(forward.Standing).Standing(), &broken)
	}
	if broken == nil || !strings.Contains(broken.Error(), "exit status 3") {
		t.Fatalf("got %v", broken)
	}
	if err := s.Send(t.Context(), batch("two")); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "one\ntwo\n" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestItDoesNotEnd: one that goes on without input is killed, with its children.
func TestItDoesNotEnd(t *testing.T) {
	s := open(t, &transcript{}, "/bin/sh", "-c", "sleep 1000 & wait")
	if err := s.Send(t.Context(), batch("one")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestItCannotBeStarted(t *testing.T) {
	s := open(t, &transcript{}, "/nonexistent/collect")
	if err := s.Send(t.Context(), batch("one")); err == nil || !strings.Contains(err.Error(), "/nonexistent/collect") {
		t.Errorf("got %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, command := range [][]string{nil, {"collect"}} {
		if err := program.Kind().Check(&program.Options{Command: command}); err == nil {
			t.Errorf("%q was taken", command)
		}
	}
}
