package daemon

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"vigil/audit/audittest"
	"vigil/audit/tables"
	"vigil/daemon/config"
	"vigil/daemon/output"
)

// bed is a whole daemon over a fake audit engine, in a directory of its own.
// What is to be different is changed between newBed and start.
type bed struct {
	t        *testing.T
	kernel   *audittest.Kernel
	dir      string
	settings config.Config
	opts     Options
	out, log *transcript

	d     *daemon
	stop  context.CancelCauseFunc
	ended chan error
}

// newBed lays out a daemon without rules.
func newBed(t *testing.T) *bed {
	t.Helper()
	// Shorter than t.TempDir's, because the names of sockets may have 107 bytes.
	dir, err := os.MkdirTemp("", "vigil")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &bed{
		t: t, kernel: audittest.NewKernel(), dir: dir, settings: config.Default(dir),
		out: newTranscript(), log: newTranscript(), ended: make(chan error, 1),
	}
	b.settings.Trail.Path = filepath.Join(dir, "log", "audit.log")
	b.settings.Trail.Format = config.Raw
	b.settings.Rules.BuiltIn = false
	b.settings.Attribution.Enabled = false // watches the host's own processes
	b.settings.Source.Gather = 0
	b.opts = Options{
		Settings: func() (config.Config, error) { return b.settings, nil },
		StateDir: filepath.Join(dir, "state"),
		RunDir:   filepath.Join(dir, "run"),
		Output:   output.Options{Kind: output.None},
		Stdout:   b.out,
		Version:  "0.0.1",
		Log:      slog.New(slog.NewTextHandler(b.log, nil)),
		Dial:     b.kernel.Dial,
	}
	return b
}

// start runs the daemon and returns when it has told the service manager that it
// is ready. It ends with the test, or with end.
func (b *bed) start() {
	b.t.Helper()
	manager := listenManager(b.t, filepath.Join(b.dir, "notify.sock"))
	b.launch()
	said := make([]byte, 100)
	if err := manager.SetReadDeadline(time.Now().Add(patience)); err != nil {
		b.t.Fatal(err)
	}
	n, err := manager.Read(said)
	if err != nil {
		select {
		case err = <-b.ended:
			b.ended <- nil // for the cleanup
		default:
		}
		b.t.Fatalf("the daemon does not start: %v\n%s", err, b.log)
	}
	if got := string(said[:n]); got != "READY=1" {
		b.t.Errorf("the service manager was told %q, want READY=1", got)
	}
}

// listenManager is the service manager's end of sd_notify(3).
func listenManager(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

// launch runs the daemon without waiting for it.
func (b *bed) launch() {
	b.t.Helper()
	d, err := newDaemon(b.opts)
	if err != nil {
		b.t.Fatal(err)
	}
	b.d = d
	ctx, stop := context.WithCancelCause(context.Background())
	b.stop = stop
	ended := make(chan error, 1)
	b.ended = ended
	go func() { ended <- d.live(ctx) }()
	b.t.Cleanup(func() {
		stop(nil)
		<-ended
	})
}

// wait returns what the daemon ended with.
func (b *bed) wait() error {
	b.t.Helper()
	select {
	case err := <-b.ended:
		b.ended <- nil // for the cleanup
		return err
	case <-time.After(patience):
		b.t.Fatal("the daemon does not end")
		return nil
	}
}

// end ends the daemon as SIGTERM does; it must end well.
func (b *bed) end() {
	b.t.Helper()
	b.stop(errors.New("terminated signal received"))
	if err := b.wait(); err != nil {
		b.t.Errorf("the daemon ended with: %v", err)
	}
}

// trail returns the lines of the live segment.
func (b *bed) trail() []string { return fileLines(b.t, b.settings.Trail.Path) }

func fileLines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// record emits a record and waits until its line is in the trail.
func (b *bed) record(t tables.Type, text string) {
	b.t.Helper()
	b.kernel.Emit(t, text)
	eventually(b.t, "the record in the trail", func() bool {
		all, err := os.ReadFile(b.settings.Trail.Path)
		return err == nil && bytes.Contains(all, []byte(text+"\n"))
	})
}

// types are the record types of lines, and the op of those that have one first:
// "LEDGER/start".
func types(lines []string) []string {
	first := regexp.MustCompile(`^type=(\S+) msg=audit\([0-9.:]+\): (?:op=(\S+))?`)
	var got []string
	for _, line := range lines {
		m := first.FindStringSubmatch(line)
		switch {
		case m == nil:
			got = append(got, "no record: "+line)
		case m[2] != "":
			got = append(got, m[1]+"/"+m[2])
		default:
			got = append(got, m[1])
		}
	}
	return got
}

// message is a datagram of the kernel's with any text (struct nlmsghdr).
func message(t tables.Type, text string) []byte {
	m := binary.NativeEndian.AppendUint32(nil, uint32(16+len(text)))
	m = binary.NativeEndian.AppendUint16(m, uint16(t))
	m = append(m, make([]byte, 10)...)
	return append(m, text...)
}

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// eventually polls until is says yes.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !is(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("did not come: %s", what)
		}
	}
}

// transcript gathers what is written, and lets a reader wait for it.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func newTranscript() *transcript { return &transcript{written: make(chan struct{}, 1)} }

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.written <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await returns everything as soon as it contains what.
func (l *transcript) await(t *testing.T, what string) string {
	t.Helper()
	late := time.After(patience)
	for {
		if s := l.String(); strings.Contains(s, what) {
			return s
		}
		select {
		case <-l.written:
		case <-late:
			t.Fatalf("%q was not written, but:\n%s", what, l)
		}
	}
}
