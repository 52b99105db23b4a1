package aulog

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// events returns what a Reader makes of a log: one string for each event, its
// records' texts after the stamp, joined.
func events(t *testing.T, log string) []string {
	t.Helper()
	r := NewReader(Config{Stream: strings.NewReader(log)})
	var got []string
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, rec := range e.Records {
			_, text, _ := strings.Cut(string(rec.Text), "): ")
			texts = append(texts, text)
		}
		got = append(got, strings.Join(texts, " "))
	}
}

// TestAssembly holds what ausearch 3.0.9 and 4.2 print with --raw for these logs.
func TestAssembly(t *testing.T) {
	for _, c := range []struct {
		name string
		log  string
		want []string
	}{
		{"interleaved", `type=CWD msg=audit(1700000000.000:1): a
type=CWD msg=audit(1700000000.000:2): b
type=PATH msg=audit(1700000000.000:1): c
type=PATH msg=audit(1700000000.000:2): d`, []string{"a c", "b d"}},
		{"EOE does not end an event", `type=CWD msg=audit(1700000000.000:1): a
type=EOE msg=audit(1700000000.000:1): b
type=CWD msg=audit(1700000000.000:1): c
type=CWD msg=audit(1600000000.000:1): d`, []string{"d", "a b c"}},
		{"PROCTITLE does not end an event", `type=CWD msg=audit(1700000000.000:1): a
type=PROCTITLE msg=audit(1700000000.000:1): b
type=CWD msg=audit(1700000000.000:1): c`, []string{"a b c"}},
		{"PROCTITLE first is alone", `type=PROCTITLE msg=audit(1700000000.000:1): a
type=CWD msg=audit(1700000000.000:1): b`, []string{"a", "b"}},
		{"EOE alone is nothing", "type=EOE msg=audit(1700000000.000:1): a", nil},
		{"time passes", `type=CWD msg=audit(1700000000.000:1): a
type=CWD msg=audit(1700000002.000:2): b
type=CWD msg=audit(1700000000.000:1): c`, []string{"a", "c", "b"}},
		{"time passes with new events only", `type=CWD msg=audit(1700000005.000:2): a
type=CWD msg=audit(1700000000.000:1): b
type=CWD msg=audit(1700000005.000:2): c
type=CWD msg=audit(1700000000.000:1): d`, []string{"b d", "a c"}},
		{"a complete event waits for those before", `type=CWD msg=audit(1700000000.000:1): a
type=KERNEL msg=audit(1700000000.000:2): b
type=CWD msg=audit(1700000000.000:1): c`, []string{"a c", "b"}},
		{"nodes", `node=x type=CWD msg=audit(1700000000.000:1): a
node=y type=CWD msg=audit(1700000000.000:1): b
type=CWD msg=audit(1700000000.000:1): c
node=x type=CWD msg=audit(1700000000.000:1): d`, []string{"a d", "b", "c"}},
		{"LOGIN halves its event", `type=LOGIN msg=audit(1700000000.000:1): a
type=CWD msg=audit(1700000000.000:1): b`, []string{"a", "b"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, events(t, c.log)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A log whose clock does not tick is not held in memory whole.
func TestBound(t *testing.T) {
	const line = "type=CWD msg=audit(1700000000.000:%d): cwd=\"/x\"\n"
	pipe, w := io.Pipe()
	const lines = 20000
	go func() {
		for i := range lines {
			fmt.Fprintf(w, line, i)
		}
		for range lines { // one event without an end
			fmt.Fprintf(w, line, lines)
		}
		w.Close()
	}()
	r := NewReader(Config{Stream: pipe, MaxBytes: 64 << 10})
	records := 0
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		records += len(e.Records)
		if r.pending.bytes > 64<<10+100 || len(e.Records) > 64<<10/40 {
			t.Fatalf("%d bytes are held, %d records in an event", r.pending.bytes, len(e.Records))
		}
	}
	if records != 2*lines || r.pending.bytes != 0 {
		t.Errorf("%d records, %d bytes left, want %d, 0", records, r.pending.bytes, 2*lines)
	}
}
