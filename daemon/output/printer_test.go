package output_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"vigil/audit"
	"vigil/daemon/output"
)

// locked is a buffer for a writer and a reader at once.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestParseKind(t *testing.T) {
	f := func(text string, want output.Kind, message string) {
		t.Helper()
		got, err := output.ParseKind(text)
		if got != want || (err == nil) != (message == "") || err != nil && err.Error() != message {
			t.Errorf("%q: got %q, %v, want %q, %s", text, got, err, want, message)
		}
	}
	f("text", output.Text, "")
	f("json", output.JSON, "")
	f("raw", output.Raw, "")
	f("none", output.None, "")
	f("jsn", "", `unknown form "jsn": did you mean "json"?`)
	f("", "", `unknown form "": right are text, json, raw, none`)
	f("xml", "", `unknown form "xml": right are text, json, raw, none`)
}

// Lines that come over time are printed when Expire says that it is time.
func TestPrinterOverTime(t *testing.T) {
	var out bytes.Buffer
	p := output.NewPrinter(&out, output.Options{Kind: output.JSON})
	now := time.Unix(1_700_000_000, 0)
	if err := p.Line([]byte("type=SYSCALL msg=audit(1.000:10): arch=c000003e syscall=59 success=yes exit=0 pid=8"), now); err != nil {
		t.Fatal(err)
	}
	if err := p.Expire(now.Add(time.Second)); err != nil || out.Len() != 0 {
		t.Errorf("after 1 s: %v %s", err, &out)
	}
	if err := p.Expire(now.Add(3 * time.Second)); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("after 3 s: %v %s", err, &out)
	}
}

// What is hidden is not printed, and not counted.
func TestPrinterHide(t *testing.T) {
	var out bytes.Buffer
	p := output.NewPrinter(&out, output.Options{Kind: output.Text, Hide: func(e *audit.Event) bool { return e.ID.Serial == 1 }})
	for serial := range 3 {
		if err := p.Line([]byte(login(serial, fmt.Sprintf("/bin/n%d", serial))), time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "/bin/n1") || strings.Count(got, "\n") != 2 || p.Stats().Events != 2 {
		t.Errorf("printed %d events:\n%s", p.Stats().Events, got)
	}
}

// Output gathers into writes of some size, and an error of writing stays.
func TestPrinterWrites(t *testing.T) {
	w := &writes{fail: 3}
	p := output.NewPrinter(w, output.Options{Kind: output.Raw})
	line := []byte(login(1, strings.Repeat("x", 1000)))
	var err error
	for range 1000 {
		if err = p.Line(line, time.Time{}); err != nil {
			break
		}
	}
	if !errors.Is(err, errWrites) {
		t.Fatalf("the error of the third write: %v", err)
	}
	for i, size := range w.sizes {
		if size < 64<<10 || size > 66<<10 {
			t.Errorf("write %d is of %d bytes", i, size)
		}
	}
	if again := p.Flush(); again != err || len(w.sizes) != 3 {
		t.Errorf("after the error: %v, in %d writes", again, len(w.sizes))
	}
}

var errWrites = errors.New("no more")

type writes struct {
	sizes []int
	fail  int
}

func (w *writes) Write(p []byte) (int, error) {
	w.sizes = append(w.sizes, len(p))
	if len(w.sizes) == w.fail {
		return 0, errWrites
	}
	return len(p), nil
}

// Whatever is in a record, an event makes one line, in every form.
func TestPrinterHostile(t *testing.T) {
	hostile := []string{
		`type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=59 success=yes exit=0 pid=8 uid=0 comm=610A747970653D58 exe=2F0A62 key=6B0D0A6B`,
		`type=USER_CMD msg=audit(1.000:2): pid=1 uid=0 auid=0 ses=1 msg='cwd=0A2F cmd=0A747970653D462020 terminal=` + "\x1b[2J\r\x07\x1d\x00" + ` res=success'`,
		`type=USER_TTY msg=audit(1.000:3): pid=1 uid=0 data=0A0D1B5B324A0A`,
		`type=LOGIN msg=audit(1.000:4): pid=1 uid=0 old-auid=1 auid=0 msg='`,
	}
	selections := map[string]*output.Selection{"": nil}
	for _, line := range []string{"%proc.name %proc.exepath %evt.args", "*%user.name %proc.cmdline"} {
		if s, err := output.Select("", line); err == nil {
			selections[line] = s
		} else {
			t.Error(err)
		}
	}
	for _, kind := range []output.Kind{output.Text, output.JSON} {
		for form, selection := range selections {
			for _, line := range hostile {
				var out bytes.Buffer
				p := output.NewPrinter(&out, output.Options{Kind: kind, Selection: selection})
				if err := errors.Join(p.Line([]byte(line), time.Time{}), p.Flush()); err != nil {
					t.Fatal(err)
				}
				got := out.String()
				if n := strings.Count(got, "\n"); n > 1 || n == 1 && !strings.HasSuffix(got, "\n") || n == 0 && form == "" {
					t.Errorf("%s %q: %d lines of %s: %q", kind, form, n, line, got)
				}
				if strings.ContainsAny(strings.TrimSuffix(got, "\n"), "\x00\x07\x1b\x1d\r\n") {
					t.Errorf("%s %q: control characters: %q", kind, form, got)
				}
				if kind == output.JSON && form == "" && !json.Valid(out.Bytes()) {
					t.Errorf("not JSON: %s", got)
				}
			}
		}
	}
}

// One operation is one record, through everything that replay does.
func BenchmarkReplay(b *testing.B) {
	text, err := os.ReadFile("../../audit/testdata/real.log")
	if err != nil {
		b.Fatal(err)
	}
	for _, kind := range []output.Kind{output.Text, output.JSON, output.Raw, output.None} {
		b.Run(string(kind), func(b *testing.B) {
			b.SetBytes(int64(len(text) / bytes.Count(text, []byte{'\n'})))
			b.ReportAllocs()
			b.ResetTimer()
			p := output.NewPrinter(&discard{}, output.Options{Kind: kind, Host: "example"})
			if err := errors.Join(output.Replay(b.Context(), &repeated{text: text, lines: b.N}, p), p.Flush()); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// discard is no io.Discard, which has a ReadFrom.
type discard struct{ n int }

func (d *discard) Write(p []byte) (int, error) {
	d.n += len(p)
	return len(p), nil
}

// repeated reads some number of lines, those of a text over and over.
type repeated struct {
	text, rest []byte
	lines      int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.lines > 0 {
		if len(r.rest) == 0 {
			r.rest = r.text
		}
		line := r.rest[:bytes.IndexByte(r.rest, '\n')+1]
		took := copy(p[n:], line)
		if took == len(line) {
			r.lines--
		}
		r.rest = r.rest[took:]
		n += took
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
