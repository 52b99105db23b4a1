package e2e

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"vigil/tests/rig"
)

// receiver is a syslog server that counts the storm's execs, or one that reads a line a second.
type receiver struct {
	net.Listener
	slow bool

	mu    sync.Mutex
	execs map[string]bool // their stamps
}

func receive(t *testing.T, slow bool) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	r := &receiver{Listener: l, slow: slow, execs: map[string]bool{}}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go r.read(t, conn)
		}
	}()
	return r
}

func (r *receiver) read(t *testing.T, conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if r.slow {
			_ = rig.Pause(t.Context(), time.Second)
		}
		if line := lines.Text(); strings.Contains(line, "type=SYSCALL ") && strings.Contains(line, `key="storm-exec"`) {
			_, stamp, _ := strings.Cut(line, " msg=audit(")
			stamp, _, _ = strings.Cut(stamp, ")")
			r.mu.Lock()
			r.execs[stamp] = true
			r.mu.Unlock()
		}
	}
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.execs)
}

// TestSlowAndDeadSinks: beside a sink that takes everything, one that takes a line a second and one that is not there
// cost no record, neither the kernel's nor the first sink's; of what a killed daemon had not sent, nothing is missing
// after its next start.
func TestSlowAndDeadSinks(t *testing.T) {
	engine(t)
	n := events(t, 20000)
	programs(t)
	execs := storm("exec", n)
	fast, slow := receive(t, false), receive(t, true)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	dir := folder(t)
	config := filepath.Join(dir, "vigil.yaml")
	text := fmt.Sprintf(`trail: { max_file: 4MiB, files: 3 }
sinks:
  - { name: fast, type: syslog, framing: newline, address: "tcp://%s" }
  - { name: slow, type: syslog, framing: newline, address: "tcp://%s" }
  - { name: dead, type: syslog, framing: newline, address: "tcp://%s" }
`, fast.Addr(), slow.Addr(), dead.Addr())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o := rig.Options{Dir: filepath.Join(dir, "vigil"), Rules: []string{execs.Rule()}, Output: "none", Args: []string{"--config", config}}
	d := startVigil(t, o)
	brew(t, execs)
	quiet(t, d)
	lostInKernel(t)
	if err := d.End(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d = startVigil(t, o)
	for end := time.Now().Add(time.Minute); fast.count() < n && time.Now().Before(end); {
		if err := rig.Pause(t.Context(), 20*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if got := fast.count(); got != n {
		t.Errorf("the fast sink has %d execs, want %d", got, n)
	}
	began := time.Now()
	stop(t, d)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("leaving took %v", took)
	}
	if got := accounts(t, d.Log()).keys["storm-exec"]; got != n {
		t.Errorf("the trail has %d execs, want %d: what sinks have not sent outlives trail.files", got, n)
	}
}
