package daemon

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vigil/audit/tables"
	"vigil/daemon/config"
	"vigil/forward"
)

// listener is a syslog server that takes lines.
type listener struct {
	net.Listener
	lines chan string
}

func listenSyslog(t *testing.T, address string) *listener {
	t.Helper()
	server, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	l := &listener{Listener: server, lines: make(chan string, 1000)}
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				for scanner := bufio.NewScanner(conn); scanner.Scan(); {
					l.lines <- scanner.Text()
				}
			}()
		}
	}()
	return l
}

// next returns the next line that has a text in it.
func (l *listener) next(t *testing.T, text string) string {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line := <-l.lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-timeout:
			t.Fatalf("no line with %q came", text)
		}
	}
}

// withSink has the daemon forward to a syslog server.
func (b *bed) withSink(address string) {
	b.t.Helper()
	c := config.Default(b.dir)
	file := filepath.Join(b.dir, "sinks.yaml")
	text := "sinks: [{ name: siem, type: syslog, address: 'tcp://" + address + "', framing: newline, confirm: 10ms, retry: { max: 100ms } }]"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := c.ApplyYAML(file); err != nil {
		b.t.Fatal(err)
	}
	b.settings.Sinks = c.Sinks
}

const login = `pid=1 uid=0 auid=0 ses=1 msg='op=login acct="root" res=success'`

func TestSink(t *testing.T) {
	server := listenSyslog(t, "127.0.0.1:0")
	b := newBed(t)
	b.withSink(server.Addr().String())
	b.start()
	b.record(tables.TypeUserLogin, login)
	if line := server.next(t, "USER_LOGIN"); !strings.HasPrefix(line, "<86>1 ") || !strings.HasSuffix(line, login) {
		t.Errorf("got %q", line)
	}
	status, err := AskStatus(t.Context(), b.opts.RunDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Sinks) != 1 || status.Sinks[0].Name != "siem" || status.Sinks[0].Type != "syslog" || status.Sinks[0].State == forward.Retrying {
		t.Errorf("status %+v", status.Sinks)
	}
	b.end()
	server.next(t, "op=end ") // the last record, too
}

// TestSinkDown: a server that comes only later has everything, and in between the
// daemon was stopped.
func TestSinkDown(t *testing.T) {
	server := listenSyslog(t, "127.0.0.1:0")
	address := server.Addr().String()
	server.Close()
	b := newBed(t)
	b.withSink(address)
	b.start()
	b.record(tables.TypeUserLogin, login)
	b.end()
	b.start()
	b.record(tables.TypeUserLogout, login)
	server = listenSyslog(t, address)
	server.next(t, "USER_LOGIN")
	server.next(t, "USER_LOGOUT")
	b.end()
}
