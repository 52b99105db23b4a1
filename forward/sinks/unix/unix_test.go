package unix_test

import (
	"bufio"
	"bytes"
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
	"vigil/forward/format"
	"vigil/forward/sinks/unix"
	"vigil/internal/setting"
)

// listen is a program that listens: serve has each connection, one after the other.
func listen(t *testing.T, serve func(conn net.Conn)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close() //nolint:errcheck // it may be closed
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended }) //nolint:errcheck // at the end
	return path
}

func open(t *testing.T, path string, change func(*unix.Options)) forward.Sink {
	t.Helper()
	k := unix.Kind()
	o := k.Options().(*unix.Options)
	o.Path = path
	if change != nil {
		change(o)
	}
	if err := k.Check(o); err != nil {
		t.Fatal(err)
	}
	s, _, err := k.Open(t.Context(), o, forward.Setup{Name: "here", Format: format.Raw{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() }) //nolint:errcheck // at the end
	return s
}

func oms(o *unix.Options) { o.Acks = "oms" }

// batch is n events with the serials from first on.
func batch(first, n int) *forward.Batch {
	b := &forward.Batch{}
	for i := first; i < first+n; i++ {
		b.Items = append(b.Items, forward.Item{ID: audit.ID{Sec: 1700000000, Milli: 123, Serial: uint32(i)}, Data: fmt.Appendf(nil, "%d\n", i)})
	}
	return b
}

// ack is the answer for the event in a line.
func ack(line string) string {
	var serial int
	fmt.Sscan(line, &serial) //nolint:errcheck // the tests write numbers
	return fmt.Sprintf("%016x:%08x:%016x\n", 1700000000, 123, serial)
}

// TestAck: an answer as it is, digit for digit.
func TestAck(t *testing.T) {
	if got, want := ack("456"), "000000006553f100:0000007b:00000000000001c8\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAnswers: all events are taken however their answers are ordered, cut into pieces
// and mixed with those of others.
func TestAnswers(t *testing.T) {
	const n = 500
	for name, answer := range map[string]func(conn net.Conn, lines []string){
		"in order": func(conn net.Conn, lines []string) {
			for _, l := range lines {
				io.WriteString(conn, ack(l)) //nolint:errcheck // the other side tells
			}
		},
		"the last first": func(conn net.Conn, lines []string) {
			for i := len(lines) - 1; i >= 0; i-- {
				io.WriteString(conn, ack(lines[i])) //nolint:errcheck // as above
			}
		},
		"in pieces": func(conn net.Conn, lines []string) {
			for _, l := range lines {
				for _, c := range ack(l) {
					io.WriteString(conn, string(c)) //nolint:errcheck // as above
				}
			}
		},
		"with twice as many, and others": func(conn net.Conn, lines []string) {
			for _, l := range lines {
				io.WriteString(conn, ack("99999")+ack(l)+strings.ToUpper(ack(l))) //nolint:errcheck // as above
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			path := listen(t, func(conn net.Conn) {
				in := bufio.NewScanner(conn)
				for round := 0; round < 2; round++ {
					var lines []string
					for len(lines) < n && in.Scan() {
						lines = append(lines, in.Text())
					}
					got = append(got, lines...)
					answer(conn, lines)
				}
				in.Scan() // until the other side closes
			})
			s := open(t, path, oms)
			var want []string
			for first := range 2 {
				b := batch(first*n, n)
				if err := s.Send(t.Context(), b); err != nil {
					t.Fatal(err)
				}
				for i := range b.Items {
					want = append(want, strings.TrimSpace(string(b.Items[i].Data)))
				}
			}
			if diff := cmp.Diff(got, want); diff != "" {
				t.Errorf("-got +want:\n%s", diff)
			}
		})
	}
}

// TestSameStamp: events with one stamp, as those of several nodes may have, are
// answered for one by one.
func TestSameStamp(t *testing.T) {
	path := listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for range 3 {
			in.ReadString('\n') //nolint:errcheck // the other side tells
		}
		io.WriteString(conn, ack("7")+ack("7")) //nolint:errcheck // as above
	})
	b := batch(7, 1)
	b.Items = append(b.Items, b.Items[0], b.Items[0])
	var verdicts *forward.Verdicts
	if err := open(t, path, oms).Send(t.Context(), b); !errors.As(err, &verdicts) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(verdicts.Again, []int{2}); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

// TestDeathWithUnanswered: of a program that dies, just those events are sent again
// for which it has not answered.
func TestDeathWithUnanswered(t *testing.T) {
	first := true
	path := listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for i := 0; ; i++ {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if first && i == 5 {
				first = false
				return
			}
			if first && i == 1 {
				continue
			}
			io.WriteString(conn, ack(line)) //nolint:errcheck // the other side tells
		}
	})
	s := open(t, path, oms)
	b := batch(0, 8)
	var verdicts *forward.Verdicts
	if err := s.Send(t.Context(), b); !errors.As(err, &verdicts) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(verdicts.Again, []int{1, 5, 6, 7}); diff != "" || !strings.Contains(verdicts.Err.Error(), path) {
		t.Errorf("%v; -got +want:\n%s", verdicts.Err, diff)
	}
	if err := s.Send(t.Context(), &forward.Batch{Items: []forward.Item{b.Items[1], b.Items[5], b.Items[6], b.Items[7]}}); err != nil {
		t.Errorf("to the one that is there after it: %v", err)
	}
}

// TestAnswersThatAreNone: a program that says something else is not believed, and what
// it has answered before counts.
func TestAnswersThatAreNone(t *testing.T) {
	whole := ack("0")
	for name, c := range map[string]struct{ said, want string }{
		"words":            {"OK\n", `it answered "OK\n", which is no acknowledgement`},
		"a long line":      {strings.Repeat("0", 10_000) + "\n", "which is no acknowledgement"},
		"no end":           {strings.Repeat("0", 10_000), "which is no acknowledgement"},
		"blanks":           {strings.ReplaceAll(whole, "0", " "), "which is no acknowledgement"},
		"signs":            {"-" + whole[1:], "which is no acknowledgement"},
		"a second too far": {"f" + whole[1:], "which is no acknowledgement"},
		"a long second":    {whole[:17] + "000003e8" + whole[25:], "which is no acknowledgement"},
		"a large serial":   {whole[:26] + "0000000100000000\n", "which is no acknowledgement"},
		"other colons":     {strings.ReplaceAll(whole, ":", "-"), "which is no acknowledgement"},
		"a carriage":       {whole[:42] + "\r\n", "which is no acknowledgement"},
		"nothing":          {"", "no answer within 100ms: 1 events wait for one"},
		"half of one":      {whole[:20], "no answer within 100ms"},
		"for another":      {ack("9") + ack("10"), "1 events wait for one, and 2 came that are for none of them"},
	} {
		t.Run(name, func(t *testing.T) {
			path := listen(t, func(conn net.Conn) {
				io.WriteString(conn, ack("1")+c.said) //nolint:errcheck // the other side tells
				io.Copy(io.Discard, conn)             //nolint:errcheck // until it is closed, which it must be
			})
			s := open(t, path, func(o *unix.Options) { o.Acks, o.AckTimeout = "oms", setting.Duration(100*time.Millisecond) })
			err := s.Send(t.Context(), batch(0, 2))
			var verdicts *forward.Verdicts
			if !errors.As(err, &verdicts) || !cmp.Equal(verdicts.Again, []int{0}) || !strings.Contains(verdicts.Err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestSlowReader: without acknowledgements a batch counts once the program has read it.
func TestSlowReader(t *testing.T) {
	reads, got := make(chan struct{}), make(chan string, 1)
	path := listen(t, func(conn net.Conn) {
		<-reads
		text, _ := io.ReadAll(conn)
		got <- string(text)
	})
	s := open(t, path, nil)
	b := batch(0, 3)
	sent := make(chan error, 1)
	go func() { sent <- s.Send(t.Context(), b) }()
	select {
	case err := <-sent:
		t.Errorf("it returned before anything was read: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(reads)
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if err := s.(forward.Standing).Standing(); err != nil {
		t.Errorf("it does not stand: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "0\n1\n2\n" {
		t.Errorf("got %q", text)
	}
}

// TestChatter: a program that answers unasked does not block itself and us.
func TestChatter(t *testing.T) {
	path := listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if _, err := conn.Write(bytes.Repeat([]byte(ack(line)), 100)); err != nil {
				return
			}
		}
	})
	s := open(t, path, nil)
	for first := range 10 {
		if err := s.Send(t.Context(), batch(1000*first, 1000)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDeath: the death of a program that acknowledges nothing has what it was sent
// last sent again.
func TestDeath(t *testing.T) {
	path := listen(t, func(conn net.Conn) { bufio.NewReader(conn).ReadString('\n') }) //nolint:errcheck // the other side tells
	s := open(t, path, nil)
	var broken *forward.Broken
	err := s.Send(t.Context(), batch(0, 1))
	for deadline := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(deadline); {
		err = s.(forward.Standing).Standing()
	}
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v", err)
	}
	// The one after it is connected to anew; whether that one reads is its own affair.
	if err := s.Send(t.Context(), batch(1, 1)); err != nil && !errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nobody")
	for _, change := range []func(*unix.Options){nil, oms} {
		if err := open(t, path, change).Send(t.Context(), batch(0, 1)); err == nil || !strings.Contains(err.Error(), "connect to unix://"+path) {
			t.Errorf("got %v", err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	k := unix.Kind()
	for _, c := range []struct {
		change func(*unix.Options)
		want   string
	}{
		{func(o *unix.Options) { o.Path = "" }, "path is missing"},
		{func(o *unix.Options) { o.Path = "audit.socket" }, `"audit.socket" is not an absolute path`},
		{func(o *unix.Options) { o.Path = "/" + strings.Repeat("x", 107) }, "108 bytes: a socket's has at most 107"},
		{func(o *unix.Options) { o.Window = 0 }, "window is 0: at least 1"},
		{func(o *unix.Options) { o.AckTimeout = 1 }, "at least 100ms"},
	} {
		o := k.Options().(*unix.Options)
		o.Path = "/run/s"
		if err := k.Check(o); err != nil {
			t.Fatal(err)
		}
		c.change(o)
		if err := k.Check(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if got := (&unix.Options{Acks: "oms"}).Form(); got != form.OMS {
		t.Errorf("with oms acks the form is %q", got)
	}
}
