package output_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/daemon/output"
)

// login is a line of a log that is an event by itself.
func login(serial int, text string) string {
	return fmt.Sprintf("type=USER_LOGIN msg=audit(1700000000.000:%d): pid=1 uid=0 auid=0 ses=1 msg='op=login id=0 exe=\"%s\" res=success'", serial, text)
}

// replay prints a log, and returns what was printed and counted.
func replay(t *testing.T, kind output.Kind, r io.Reader) (string, output.Stats) {
	t.Helper()
	var out bytes.Buffer
	p := output.NewPrinter(&out, output.Options{Kind: kind})
	if err := errors.Join(output.Replay(t.Context(), r, p), p.Flush()); err != nil {
		t.Errorf("replay: %v", err)
	}
	return out.String(), p.Stats()
}

func TestReplayLines(t *testing.T) {
	a, b := login(1, "/bin/a"), login(2, "/bin/b")
	const most = 64 << 10
	padding := func(n int) string { return strings.Repeat("x", n) }
	f := func(name, log, want string, stats output.Stats) {
		t.Helper()
		got, s := replay(t, output.Raw, strings.NewReader(log))
		if got != want {
			t.Errorf("%s: got\n%.300q\nwant\n%.300q", name, got, want)
		}
		stats.Bytes = uint64(len(want))
		if diff := cmp.Diff(s, stats); diff != "" {
			t.Errorf("%s: stats (-got +want):\n%s", name, diff)
		}
	}
	f("nothing", "", "", output.Stats{})
	f("two lines", a+"\n"+b+"\n", a+"\n"+b+"\n", output.Stats{Lines: 2, Records: 2})
	f("a last line without its end", a+"\n"+b, a+"\n"+b+"\n", output.Stats{Lines: 2, Records: 2})
	f("a torn last line", a+"\n"+b[:20], a+"\n", output.Stats{Lines: 2, Records: 1, Skipped: 1})
	f("a torn first line", a[20:]+"\n"+b+"\n", b+"\n", output.Stats{Lines: 2, Records: 1, Skipped: 1})
	f("empty lines", "\n"+a+"\n\n", a+"\n", output.Stats{Lines: 3, Records: 1, Skipped: 2})
	f("something else between", a+"\n----\ntime->now\n"+b+"\n", a+"\n"+b+"\n", output.Stats{Lines: 4, Records: 2, Skipped: 2})
	f("a line as long as may be", a+padding(most-len(a))+"\n"+b+"\n", a+padding(most-len(a))+"\n"+b+"\n", output.Stats{Lines: 2, Records: 2})
	f("a line that is too long", a+padding(most-len(a)+1)+"\n"+b+"\n", b+"\n", output.Stats{Lines: 2, Records: 1, Skipped: 1})
	f("one of several blocks", a+padding(3<<20)+"\n"+b+"\n", b+"\n", output.Stats{Lines: 2, Records: 1, Skipped: 1})
	f("one that never ends", a+"\n"+padding(3<<20), a+"\n", output.Stats{Lines: 2, Records: 1, Skipped: 1})
	f("zeros, as after a crash", a+"\n"+strings.Repeat("\x00", 2<<20)+"\n"+b+"\n", a+"\n"+b+"\n", output.Stats{Lines: 3, Records: 2, Skipped: 1})
}

// The same log in the kinds: records of one serial are one event, those of
// others come between.
func TestReplayEvents(t *testing.T) {
	log := strings.Join([]string{
		`type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=4 items=0 ppid=7 pid=8 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=1 comm="true" exe="/usr/bin/true" key="exec"`,
		login(2, "/bin/login"),
		`type=EXECVE msg=audit(1700000000.000:1): argc=2 a0="true" a1="of both"`,
		`type=PROCTITLE msg=audit(1700000000.000:1): proctitle="true"`,
		``,
	}, "\n")
	f := func(kind output.Kind, lines int, events uint64, contains ...string) {
		t.Helper()
		got, s := replay(t, kind, strings.NewReader(log))
		if n := strings.Count(got, "\n"); n != lines || s.Events != events || s.Records != 4 {
			t.Errorf("%s: %d lines, %d events of %d records, want %d of %d of 4:\n%s", kind, n, s.Events, s.Records, lines, events, got)
		}
		for _, want := range contains {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", kind, want, got)
			}
		}
	}
	f(output.Text, 2, 2, "of both", "logged-in")
	f(output.JSON, 2, 2, `"args":["true","of both"]`, `"executable":"/bin/login"`)
	f(output.Raw, 4, 0, log)
	f(output.None, 0, 0)
	f("", 0, 0)
}

// However it is cut, a log gives the same lines.
func FuzzReplayChunks(f *testing.F) {
	a, b := login(1, "/bin/a"), login(2, "/bin/b")
	f.Add([]byte(a+"\n"+b+"\n"), uint16(1))
	f.Add([]byte(a+"\n"+b), uint16(7))
	f.Add([]byte(a+strings.Repeat("x", 70<<10)+"\n"+b+"\n"), uint16(4096))
	f.Add([]byte(strings.Repeat("y", 64<<10)+"\n\n\n"), uint16(64<<10-1))
	f.Add([]byte(a+"\r\n\x00\n"+b[:40]), uint16(3))
	f.Fuzz(func(t *testing.T, log []byte, size uint16) {
		got, stats := replay(t, output.Raw, chunks(log, int(size)+1))
		var want []byte
		wanted := output.Stats{}
		lines := bytes.Split(log, []byte{'\n'})
		if len(lines[len(lines)-1]) == 0 {
			lines = lines[:len(lines)-1]
		}
		for _, line := range lines {
			wanted.Lines++
			if _, err := audit.ParseLine(line); err != nil || len(line) > 64<<10 {
				wanted.Skipped++
				continue
			}
			wanted.Records++
			want = append(append(want, line...), '\n')
		}
		wanted.Bytes = uint64(len(want))
		if got != string(want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
		if diff := cmp.Diff(stats, wanted); diff != "" {
			t.Errorf("stats (-got +want):\n%s", diff)
		}
	})
}

// chunks reads n bytes at a time, and sometimes none.
func chunks(log []byte, n int) io.Reader {
	rest, idle := log, false
	return readerFunc(func(p []byte) (int, error) {
		if idle = !idle; idle {
			return 0, nil
		}
		if len(rest) == 0 {
			return 0, io.EOF
		}
		took := copy(p, rest[:min(n, len(rest))])
		rest = rest[took:]
		return took, nil
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// An event is printed as soon as it is complete, although the pipe goes on; one
// of which the end does not come, when the pipe has been quiet for two seconds.
func TestReplayPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		out := &locked{}
		ended := make(chan error, 1)
		go func() {
			ended <- output.Replay(t.Context(), r, output.NewPrinter(out, output.Options{Kind: output.JSON}))
		}()
		say := func(text string) {
			if _, err := io.WriteString(w, text); err != nil {
				t.Error(err)
			}
			synctest.Wait()
		}
		lines := func(after string, want int) {
			t.Helper()
			if got := strings.Count(out.String(), "\n"); got != want {
				t.Errorf("%s: %d lines, want %d", after, got, want)
			}
		}
		for i := range 5 { // never quiet for long
			say(login(i+1, "/bin/a") + "\n")
			lines("a login", i+1)
			time.Sleep(time.Second)
		}
		say("type=SYSCALL msg=audit(1700000001.000:10): arch=c000003e syscall=59 success=yes exit=0 pid=8\n")
		time.Sleep(time.Second)
		lines("the beginning of an event", 5)
		time.Sleep(2 * time.Second)
		lines("two seconds later", 6)
		say(login(11, "/bin/a"))
		time.Sleep(time.Minute)
		lines("half a line", 6)
		say("\n")
		time.Sleep(3 * time.Second)
		lines("its end", 7)
		w.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// An event whose records stand in two logs, because the rotation came between, is
// one.
func TestReplayRotated(t *testing.T) {
	var out bytes.Buffer
	p := output.NewPrinter(&out, output.Options{Kind: output.JSON})
	for _, log := range []string{
		"type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=59 success=yes exit=0 pid=8\n",
		"type=EXECVE msg=audit(1700000000.000:1): argc=1 a0=\"in the newer log\"\n",
	} {
		if err := output.Replay(t.Context(), strings.NewReader(log), p); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "in the newer log") {
		t.Errorf("got %s", got)
	}
}

// Ctrl-C ends a replay that waits, with all that was said so far.
func TestReplayCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		out := &locked{}
		ended := make(chan error, 1)
		p := output.NewPrinter(out, output.Options{Kind: output.JSON})
		go func() { ended <- output.Replay(ctx, r, p) }()
		if _, err := io.WriteString(w, "type=SYSCALL msg=audit(1700000001.000:10): arch=c000003e syscall=59 success=yes exit=0 pid=8\n"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		if err := p.Flush(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(out.String(), "\n"); got != 1 {
			t.Errorf("%d lines, want 1", got)
		}
		w.Close() // lets the reader go
	})
}

func TestReplayErrors(t *testing.T) {
	broken := errors.New("the disk is broken")
	var out bytes.Buffer
	p := output.NewPrinter(&out, output.Options{Kind: output.Raw})
	err := output.Replay(t.Context(), io.MultiReader(strings.NewReader(login(1, "a")+"\n"+login(2, "b")), iotest.ErrReader(broken)), p)
	if err := p.Flush(); err != nil {
		t.Error(err)
	}
	if !errors.Is(err, broken) || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("reading fails: %v, printed %q", err, out.String())
	}

	full := errors.New("no room")
	p = output.NewPrinter(failing{full}, output.Options{Kind: output.JSON})
	log := strings.Repeat(login(1, "a")+"\n", 100_000)
	read := &counting{r: strings.NewReader(log)}
	if err := output.Replay(t.Context(), read, p); !errors.Is(err, full) {
		t.Errorf("printing fails: %v", err)
	}
	if read.n.Load() >= int64(len(log)) {
		t.Error("printing fails: the log was read to its end nevertheless")
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

type counting struct {
	r io.Reader
	n atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
