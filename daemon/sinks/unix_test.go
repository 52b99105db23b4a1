package sinks

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"vigil/daemon/config"
)

// collector is a program that listens on a unix socket and answers for events, until
// it loses its connection.
type collector struct {
	mu      sync.Mutex
	serials []int // in the order of reading
	deaths  int
}

func (c *collector) read(serial int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serials = append(c.serials, serial)
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := make(map[int]bool)
	for _, s := range c.serials {
		seen[s] = true
	}
	return len(seen)
}

// serve reads events and answers, not in their order, until it dies.
func (c *collector) serve(conn net.Conn, random *rand.Rand) {
	defer conn.Close() //nolint:errcheck // it may be closed
	lives := 100 + random.IntN(700)
	if c.deaths == 10 {
		lives = 1 << 30
	}
	c.deaths = min(c.deaths+1, 10)
	in := bufio.NewReader(conn)
	var late []string
	for range lives {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var event [2]json.RawMessage
		if err := json.Unmarshal(line, &event); err != nil {
			return
		}
		var body struct {
			Timestamp    string
			SerialNumber int
		}
		if err := json.Unmarshal(event[1], &body); err != nil {
			return
		}
		var sec, milli int
		if _, err := fmt.Sscanf(body.Timestamp, "%d.%d", &sec, &milli); err != nil {
			return
		}
		c.read(body.SerialNumber)
		if late = append(late, fmt.Sprintf("%016x:%08x:%016x\n", sec, milli, body.SerialNumber)); len(late) < 10 && in.Buffered() > 0 {
			continue
		}
		random.Shuffle(len(late), func(i, j int) { late[i], late[j] = late[j], late[i] })
		for _, ack := range late {
			if _, err := io.WriteString(conn, ack); err != nil {
				return
			}
		}
		late = late[:0]
	}
}

// TestUnixSocket: a collector that dies ten times with events unacknowledged gets each
// event, in order but for what comes twice, and no more twice than a window a death.
func TestUnixSocket(t *testing.T) {
	const window = 100
	if twice := collect(t, fmt.Sprintf("acks: oms, window: %d", window)); twice > 10*window {
		t.Errorf("%d events came twice", twice)
	}
}

// TestUnixSocketWithoutAcks: so does one whose answers nobody asked for, but that more
// may come twice.
func TestUnixSocketWithoutAcks(t *testing.T) { collect(t, "acks: none, format: oms, confirm: 1s") }

// collect has a collector that dies ten times get ten thousand events, and returns how
// many came twice.
func collect(t *testing.T, options string) (twice int) {
	t.Helper()
	const n = 10_000
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	if err := os.WriteFile(path, execs(n), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		random := rand.New(rand.NewPCG(1, 2))
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			c.serve(conn, random)
		}
	}()
	settings := config.Default("/etc/audit")
	file := filepath.Join(dir, "vigil.yaml")
	text := fmt.Sprintf("sinks: [{ name: oms, type: unix, path: %s/s, %s, retry: { first: 1ms, max: 10ms } }]", dir, options)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := settings.ApplyYAML(file); err != nil {
		t.Fatal(err)
	}
	if settings.Sinks[0].Format != "oms" {
		t.Errorf("the format is %q", settings.Sinks[0].Format)
	}
	set := New(Config{
		Trail:    Trail{Path: path, Changed: func() <-chan struct{} { return nil }},
		StateDir: filepath.Join(dir, "state"), Machine: "m", Host: "web1", Log: slog.New(slog.DiscardHandler),
	})
	set.Apply(context.Background(), settings.Sinks)
	await(t, "all events", func() bool { return c.count() == n && set.Status()[0].Open == 0 }, func() string {
		return fmt.Sprintf("%d of %d came: %+v", c.count(), n, set.Status())
	})
	set.Close(0)
	listener.Close() //nolint:errcheck // at the end
	<-ended
	next := 1
	for i, s := range c.serials {
		switch {
		case s == next:
			next++
		case s < next && slices.Contains(c.serials[:i], s):
			twice++
		default:
			t.Fatalf("serial %d came when it was for %d", s, next)
		}
	}
	if c.deaths != 10 {
		t.Errorf("%d deaths", c.deaths)
	}
	t.Logf("%d events, %d deaths, %d came twice", next-1, c.deaths, twice)
	return twice
}
