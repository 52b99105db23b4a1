package syslog_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/forward"
	"vigil/forward/form"
	"vigil/forward/sinks/syslog"
)

// event makes an event of lines of a trail.
func event(t *testing.T, lines ...string) forward.Event {
	t.Helper()
	e := &audit.Event{}
	for _, l := range lines {
		r, err := audit.ParseLine([]byte(l))
		if err != nil {
			t.Fatal(err)
		}
		e.ID, e.Node = r.ID, r.Node
		e.Records = append(e.Records, r)
	}
	return forward.Event{Event: e, UID: forward.UID{19: 7}}
}

const (
	sysCall = "type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 success=yes exit=0 key=\"exec\"\x1dSYSCALL=execve"
	title   = "type=PROCTITLE msg=audit(1700000000.123:456): proctitle=\"ls\""
)

// open makes a sink with settings changed from the defaults.
func open(t *testing.T, f form.Name, change func(*syslog.Options)) (forward.Sink, forward.Encoder) {
	t.Helper()
	k := syslog.Kind()
	o := k.Options().(*syslog.Options)
	change(o)
	if err := k.Check(o); err != nil {
		t.Fatal(err)
	}
	lines, err := form.New(f, form.Config{})
	if err != nil {
		t.Fatal(err)
	}
	sink, encoder, err := k.Open(t.Context(), o, forward.Setup{Name: "siem", Format: lines, Form: f, Host: "web 1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sink.Close() }) //nolint:errcheck // at the end
	return sink, encoder
}

func batch(enc forward.Encoder, events ...forward.Event) *forward.Batch {
	b := &forward.Batch{}
	for _, e := range events {
		b.Items = append(b.Items, forward.Item{UID: e.UID, ID: e.ID, Data: enc.Append(nil, e)})
	}
	return b
}

func TestMessages(t *testing.T) {
	uid := strings.Repeat("0", 39) + "7"
	for _, c := range []struct {
		name   string
		form   form.Name
		change func(*syslog.Options)
		want   []string
	}{
		{"rfc5424", form.Enriched, func(o *syslog.Options) {}, []string{
			`<86>1 2023-11-14T22:13:20.123Z web_1 vigil - SYSCALL [vigil@32473 uid="` + uid + `" serial="456"] type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 success=yes exit=0 key="exec" SYSCALL=execve`,
			`<86>1 2023-11-14T22:13:20.123Z web_1 vigil - PROCTITLE [vigil@32473 uid="` + uid + `" serial="456"] type=PROCTITLE msg=audit(1700000000.123:456): proctitle="ls"`,
		}},
		{"raw, without structured data", form.Raw, func(o *syslog.Options) { o.Data = ""; o.Facility = "local6"; o.Severity = "notice" }, []string{
			`<181>1 2023-11-14T22:13:20.123Z web_1 vigil - SYSCALL - type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 success=yes exit=0 key="exec"`,
			`<181>1 2023-11-14T22:13:20.123Z web_1 vigil - PROCTITLE - type=PROCTITLE msg=audit(1700000000.123:456): proctitle="ls"`,
		}},
		{"levels", form.Joined, func(o *syslog.Options) {
			o.Data = ""
			o.Levels = []syslog.Level{{Filter: "audit.key = other", Severity: "err"}, {Filter: "audit.key = exec", Facility: "user", Severity: "warning"}}
		}, []string{
			`<12>1 2023-11-14T22:13:20.123Z web_1 vigil - SYSCALL - type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 success=yes exit=0 key="exec" SYSCALL=execve type=PROCTITLE msg=audit(1700000000.123:456): proctitle="ls"`,
		}},
		{"audispd", form.Enriched, func(o *syslog.Options) { o.Profile = "audispd"; o.Protocol = "rfc3164" }, []string{
			`<86>` + time.Unix(1700000000, 0).Format(time.Stamp) + ` web_1 audispd: type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e syscall=59 success=yes exit=0 key="exec" SYSCALL=execve`,
			`<86>` + time.Unix(1700000000, 0).Format(time.Stamp) + ` web_1 audispd: type=PROCTITLE msg=audit(1700000000.123:456): proctitle="ls"`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, enc := open(t, c.form, func(o *syslog.Options) { o.Address = "tcp://127.0.0.1:1"; c.change(o) })
			got := counted(t, string(enc.Append(nil, event(t, sysCall, title))))
			if diff := cmp.Diff(got, c.want); diff != "" {
				t.Errorf("messages (-got +want):\n%s", diff)
			}
		})
	}
}

// counted takes octet-counted messages apart.
func counted(t *testing.T, text string) (messages []string) {
	t.Helper()
	for text != "" {
		var n int
		if _, err := fmt.Sscanf(text, "%d ", &n); err != nil {
			t.Fatalf("no count at %.40q", text)
		}
		_, text, _ = strings.Cut(text, " ")
		messages = append(messages, text[:n])
		text = text[n:]
	}
	return messages
}

func TestLongMessages(t *testing.T) {
	long := "type=EXECVE msg=audit(1700000000.123:456): argc=400"
	for i := range 400 {
		long += fmt.Sprintf(` a%d="argument"`, i)
	}
	t.Run("split", func(t *testing.T) {
		_, enc := open(t, form.Raw, func(o *syslog.Options) { o.Address = "udp://127.0.0.1"; o.Data = "" })
		messages := counted(t, string(enc.Append(nil, event(t, long))))
		var whole string
		for i, m := range messages {
			if len(m) > 2000 {
				t.Errorf("message %d has %d bytes", i, len(m))
			}
			_, body, _ := strings.Cut(m, " - EXECVE - ")
			body, part, _ := strings.Cut(body, " vigil_part=")
			if want := fmt.Sprintf("%d/%d", i+1, len(messages)); part != want {
				t.Errorf("part %q, want %q", part, want)
			}
			rest, ok := strings.CutPrefix(body, "type=EXECVE msg=audit(1700000000.123:456): ")
			if !ok {
				t.Errorf("message %d begins %.60q", i, body)
			}
			whole += " " + rest
		}
		if want := strings.TrimPrefix(long, "type=EXECVE msg=audit(1700000000.123:456):"); whole != want {
			t.Errorf("the parts are %q, want %q", whole, want)
		}
	})
	t.Run("counted", func(t *testing.T) {
		_, enc := open(t, form.Raw, func(o *syslog.Options) { o.Address = "udp://127.0.0.1" })
		enc.Append(nil, event(t, long, title))
		if got := enc.(forward.Shortener).Shortened(); got != 1 {
			t.Errorf("%d messages are said to be shortened, want 1", got)
		}
	})
	t.Run("cut", func(t *testing.T) {
		_, enc := open(t, form.Raw, func(o *syslog.Options) { o.Address = "udp://127.0.0.1"; o.Data = ""; o.Long = "cut" })
		messages := counted(t, string(enc.Append(nil, event(t, long))))
		if len(messages) != 1 || len(messages[0]) > 2000 {
			t.Fatalf("got %d messages", len(messages))
		}
		_, body, _ := strings.Cut(messages[0], " - EXECVE - ")
		body, missing, _ := strings.Cut(body, " vigil_cut=")
		if !strings.HasPrefix(long, body) || missing != fmt.Sprint(len(long)-len(body)) {
			t.Errorf("cut %q, and %s bytes are said to be missing of %d", body, missing, len(long))
		}
	})
}

func TestStream(t *testing.T) {
	for _, framing := range []syslog.Framing{"octet_counted", "newline"} {
		t.Run(string(framing), func(t *testing.T) {
			server, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close() //nolint:errcheck // at the end
			got := make(chan string, 1)
			go func() {
				conn, err := server.Accept()
				if err != nil {
					got <- err.Error()
					return
				}
				text, _ := io.ReadAll(conn)
				got <- string(text)
			}()
			sink, enc := open(t, form.Raw, func(o *syslog.Options) {
				o.Address, o.Framing, o.Data = "tcp://"+server.Addr().String(), framing, ""
			})
			if err := sink.Send(t.Context(), batch(enc, event(t, sysCall), event(t, title))); err != nil {
				t.Fatal(err)
			}
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
			text := <-got
			messages := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
			if framing == "octet_counted" {
				messages = counted(t, text)
			}
			if len(messages) != 2 || !strings.HasSuffix(messages[0], `key="exec"`) || !strings.HasSuffix(messages[1], `proctitle="ls"`) {
				t.Errorf("got %q", messages)
			}
		})
	}
}

// TestServerGoes: what a server was sent that goes away is sent again, to the next.
func TestServerGoes(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	second, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close() //nolint:errcheck // at the end
	sink, enc := open(t, form.Raw, func(o *syslog.Options) {
		o.Address = "tcp://" + first.Addr().String() + " tcp://" + second.Addr().String()
	})
	b := batch(enc, event(t, sysCall))
	if err := sink.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	conn, err := first.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()  //nolint:errcheck // the server dies
	first.Close() //nolint:errcheck // and does not come back
	var broken *forward.Broken
	deadline := time.Now().Add(5 * time.Second)
	for err = nil; err == nil && time.Now().Before(deadline); {
		err = sink.(forward.Standing).Standing()
	}
	if !errors.As(err, &broken) {
		t.Fatalf("got %v, want that the connection broke", err)
	}
	if err := sink.Send(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if conn, err = second.Accept(); err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // at the end
	if line, err := bufio.NewReader(conn).ReadString('>'); err != nil || !strings.Contains(line, "<86") {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestDatagrams(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // at the end
	sink, enc := open(t, form.Raw, func(o *syslog.Options) { o.Address = "udp://" + server.LocalAddr().String() })
	if err := sink.Send(t.Context(), batch(enc, event(t, sysCall, title))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`key="exec"`, `proctitle="ls"`} {
		buf := make([]byte, 4096)
		n, _, err := server.ReadFrom(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), "<86>1 ") || !strings.HasSuffix(string(buf[:n]), want) {
			t.Errorf("got %q, %v", buf[:n], err)
		}
	}
}

func TestLocalSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	server, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // at the end
	sink, enc := open(t, form.Enriched, func(o *syslog.Options) { o.Address, o.Profile = "unixgram://"+path, "audispd" })
	if err := sink.Send(t.Context(), batch(enc, event(t, sysCall))); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, err := server.Read(buf)
	text := string(buf[:n])
	if err != nil || !strings.HasPrefix(text, "<86>") || !strings.Contains(text, " audispd[") ||
		!strings.Contains(text, `: type=SYSCALL msg=audit(1700000000.123:456): arch=c000003e`) || !strings.HasSuffix(text, "SYSCALL=execve\n") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		change func(*syslog.Options)
		want   string
	}{
		{func(o *syslog.Options) {}, "address is missing"},
		{func(o *syslog.Options) { o.Address = "siem.example" }, "it begins with one of tcp://, tls://, udp://, unixgram://"},
		{func(o *syslog.Options) { o.Address = "tcp://u:p@siem.example" }, "write it like tcp://siem.example:601"},
		{func(o *syslog.Options) { o.Address = "tcp://a udp://b" }, "all of streams"},
		{func(o *syslog.Options) { o.Address = "udp://a"; o.MaxLength = 100 }, "at least 480 bytes"},
		{func(o *syslog.Options) { o.Address = "udp://a"; o.AppName = "my app" }, "app_name"},
		{func(o *syslog.Options) { o.Address = "udp://a"; o.Levels = []syslog.Level{{Filter: "audit.kee = x"}} }, "audit.key"},
		{func(o *syslog.Options) { o.Address = "tls://a"; o.TLS.Cert = "x.pem" }, "tls.cert and tls.key belong together"},
	} {
		k := syslog.Kind()
		o := k.Options().(*syslog.Options)
		c.change(o)
		if err := k.Check(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", o, err, c.want)
		}
	}
}

// BenchmarkAppend encodes an event of six records.
func BenchmarkAppend(b *testing.B) {
	lines, err := form.New(form.Raw, form.Config{})
	if err != nil {
		b.Fatal(err)
	}
	k := syslog.Kind()
	o := k.Options().(*syslog.Options)
	o.Address = "tcp://127.0.0.1:1"
	_, enc, err := k.Open(context.Background(), o, forward.Setup{Format: lines, Form: form.Raw, Host: "web1"})
	if err != nil {
		b.Fatal(err)
	}
	e := &audit.Event{}
	for _, l := range []string{
		sysCall, `type=EXECVE msg=audit(1700000000.123:456): argc=2 a0="ls" a1="-l"`, `type=CWD msg=audit(1700000000.123:456): cwd="/root"`,
		`type=PATH msg=audit(1700000000.123:456): item=0 name="/usr/bin/ls" inode=1 dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`,
		`type=PATH msg=audit(1700000000.123:456): item=1 name="/lib64/ld-linux-x86-64.so.2" inode=2 dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL`, title,
	} {
		r, err := audit.ParseLine([]byte(l))
		if err != nil {
			b.Fatal(err)
		}
		e.ID, e.Records = r.ID, append(e.Records, r)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = enc.Append(dst[:0], forward.Event{Event: e})
	}
}
