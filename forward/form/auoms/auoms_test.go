package auoms_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/forward/form/auoms"
)

var update = flag.Bool("update", false, "write the golden files anew")

// names are those of a host.
type names struct{}

func (names) User(uid uint32) (string, bool) {
	n, ok := map[uint32]string{0: "root", 1000: "alice", 123: "_chrony"}[uid]
	return n, ok
}

func (names) Group(gid uint32) (string, bool) {
	n, ok := map[uint32]string{0: "root", 132: "_chrony"}[gid]
	return n, ok
}

// events reads a log. A blank line ends an event.
func events(t testing.TB, text []byte) (all []*audit.Event) {
	t.Helper()
	for block := range bytes.SplitSeq(bytes.TrimSpace(text), []byte("\n\n")) {
		e := &audit.Event{}
		for line := range bytes.SplitSeq(block, []byte("\n")) {
			r, err := audit.ParseLine(line)
			if err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			e.ID, e.Node, e.Records = r.ID, r.Node, append(e.Records, r)
		}
		all = append(all, e)
	}
	return all
}

func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/events.log")
	if err != nil {
		t.Fatal(err)
	}
	for file, enc := range map[string]*auoms.Encoder{"testdata/events.auoms": auoms.NewLine(names{}), "testdata/events.oms": auoms.NewOMS(names{})} {
		var got []byte
		for _, e := range events(t, text) {
			got = enc.Append(got, e)
		}
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(got), "\n"), strings.Split(string(want), "\n")); diff != "" {
			t.Errorf("%s (-got +want):\n%s", file, diff)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	text, err := os.ReadFile("testdata/events.log")
	if err != nil {
		b.Fatal(err)
	}
	e := events(b, text)[0]
	enc := auoms.NewLine(names{})
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = enc.Append(dst[:0], e)
	}
}

// FuzzAppend: whatever records hold, lines are lines of printable ASCII that begin with
// a type, and JSON is JSON.
func FuzzAppend(f *testing.F) {
	text, err := os.ReadFile("testdata/events.log")
	if err != nil {
		f.Fatal(err)
	}
	for block := range bytes.SplitSeq(bytes.TrimSpace(text), []byte("\n\n")) {
		f.Add(block)
	}
	line, oms := auoms.NewLine(names{}), auoms.NewOMS(nil)
	f.Fuzz(func(t *testing.T, text []byte) {
		e := &audit.Event{}
		for l := range bytes.SplitSeq(text, []byte("\n")) {
			if r, err := audit.ParseLine(l); err == nil {
				e.ID, e.Records = r.ID, append(e.Records, r)
			}
		}
		for l := range bytes.Lines(line.Append(nil, e)) {
			if !bytes.HasPrefix(l, []byte("type=")) || bytes.ContainsFunc(bytes.TrimSuffix(l, []byte("\n")), func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("line %q", l)
			}
		}
		if j := oms.Append(nil, e); len(e.Records) > 0 && (!json.Valid(j) || bytes.Count(j, []byte("\n")) != 1) {
			t.Errorf("JSON %q", j)
		}
	})
}
