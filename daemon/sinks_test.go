package daemon

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"vigil/audit/tables"
	"vigil/daemon/config"
	"vigil/daemon/control"
	"vigil/forward"
	"vigil/ledger"
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

// TestSinkPastRetention: what was deleted before a sink came back is named, and it has
// all the rest.
func TestSinkPastRetention(t *testing.T) {
	server := listenSyslog(t, "127.0.0.1:0")
	b := newBed(t)
	b.withSink(server.Addr().String())
	b.settings.Trail.MaxFile, b.settings.Trail.Files, b.settings.Trail.Keep = 8<<10, 2, 16<<10
	b.start()
	ask := func(op string) {
		t.Helper()
		if err := control.Ask(t.Context(), b.opts.RunDir, http.MethodPost, "/sinks/siem/"+op, nil); err != nil {
			t.Fatal(err)
		}
	}
	server.next(t, "op=start")
	ask("pause")
	const n = 500
	for i := range n {
		b.kernel.Emit(tables.TypeUserLogin, login)
		if i%20 == 19 { // no more than a few go into one file at once
			eventually(t, "the records in the trail", func() bool {
				status, err := AskStatus(t.Context(), b.opts.RunDir)
				return err == nil && status.Ledger.Received > uint64(i)
			})
		}
	}
	var status Status
	for deadline := time.Now().Add(patience); status.Ledger.Written < n && time.Now().Before(deadline); {
		var err error
		if status, err = AskStatus(t.Context(), b.opts.RunDir); err != nil {
			t.Fatal(err)
		}
	}
	b.record(tables.TypeUserLogout, login)
	ask("resume")
	got := map[uint32]bool{}
	for last := false; !last; {
		line := server.next(t, "type=USER_LOG")
		got[serialOf(t, line)] = true
		last = strings.Contains(line, "USER_LOGOUT")
	}
	var loss ledger.Loss
	for deadline := time.Now().Add(patience); loss.Reason != ledger.Unsent && time.Now().Before(deadline); {
		if status, err := AskStatus(t.Context(), b.opts.RunDir); err != nil {
			t.Fatal(err)
		} else {
			for _, l := range append(status.Ledger.Pending, status.Ledger.Recent...) {
				if l.Reason == ledger.Unsent {
					loss = l
				}
			}
		}
	}
	if loss.Reason != ledger.Unsent || loss.Sink != "siem" || loss.Count == 0 {
		t.Fatalf("the loss is %+v of %d that came\n%s", loss, len(got), b.log)
	}
	if lost, want := int(loss.Last-loss.First)+1, n-(len(got)-1); lost != want {
		t.Errorf("%d serials are said to be lost, %d to %d, and %d did not come", lost, loss.First, loss.Last, want)
	}
	b.end()
	for _, line := range b.trail() { // everything that is still there has been sent
		if strings.HasPrefix(line, "type=USER_LOGIN ") && !got[serialOf(t, line)] {
			t.Errorf("not sent: %s", line)
		}
	}
	for serial := range got {
		if loss.First <= serial && serial <= loss.Last {
			t.Errorf("serial %d came, and is said to be lost (%d to %d)", serial, loss.First, loss.Last)
		}
	}
}

// serialOf is the serial of a record of the fake kernel's.
func serialOf(t *testing.T, line string) uint32 {
	t.Helper()
	_, stamp, _ := strings.Cut(line, "audit(1700000000.000:")
	stamp, _, _ = strings.Cut(stamp, ")")
	serial, err := strconv.ParseUint(stamp, 10, 32)
	if err != nil {
		t.Fatalf("no serial in %q", line)
	}
	return uint32(serial)
}
