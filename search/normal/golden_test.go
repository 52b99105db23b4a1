package normal

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/search/auparse"
)

// goldenNames are the users of the host on which the golden files were made.
type goldenNames struct{}

func (goldenNames) User(uid uint32) (string, bool)  { return "root", uid == 0 }
func (goldenNames) Group(gid uint32) (string, bool) { return "root", gid == 0 }

func goldenNormalizer(v auparse.Version) *Normalizer {
	return New(Config{
		Interpreter: auparse.New(auparse.Config{Version: v, Names: goldenNames{}}), Version: v,
		UserID:    func(name []byte) (uint32, bool) { return 0, string(name) == "root" },
		ExtraKeys: true, ExtraLabels: true, ExtraObj2: true, ExtraTime: true,
	})
}

// read returns the events of a log whose events stand one after the other, and the places of their serials.
func read(tb testing.TB, path string) ([]*audit.Event, map[string]int) {
	tb.Helper()
	log, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var all []*audit.Event
	places := map[string]int{}
	for _, line := range bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n")) {
		r, err := audit.ParseLine(line)
		if err != nil {
			tb.Fatalf("parse %q: %v", line, err)
		}
		if len(all) == 0 || all[len(all)-1].ID != r.ID {
			_, serial, _ := strings.Cut(r.ID.String(), ":")
			places[serial] = len(all)
			all = append(all, &audit.Event{ID: r.ID, Node: r.Node})
		}
		e := all[len(all)-1]
		e.Records = append(e.Records, r)
	}
	return all, places
}

// TestGolden compares with what ausearch of both versions printed for testdata/events.log: a record of each type and
// system calls of each kind, raw and enriched. -update prints it anew, with -ausearch4 for 4.2.
func TestGolden(t *testing.T) {
	all, places := read(t, "testdata/events.log")
	for _, c := range []struct {
		name, stock string
		version     auparse.Version
	}{{"3", "ausearch", auparse.V3}, {"4", *stock4, auparse.V4}} {
		t.Run(c.name, func(t *testing.T) {
			base := filepath.Join("testdata", "events."+c.name)
			if *update && c.stock != "" {
				stockGolden(t, c.stock, base)
			}
			n := goldenNormalizer(c.version)
			header, rows := golden(t, base+".csv")
			if got := string(n.AppendCSVHeader(nil)); got != header+"\n" {
				t.Errorf("header %q, want %q", got, header)
			}
			_, sentences := golden(t, base+".text")
			if len(sentences) != len(rows) || len(rows) < len(all)-1 {
				t.Fatalf("%d rows and %d sentences for %d events", len(rows), len(sentences), len(all))
			}
			for i, row := range rows {
				e := all[places[strings.Split(row, ",")[11]]]
				if diff := cmp.Diff(string(n.AppendCSV(nil, e)), row+"\n"); diff != "" {
					t.Errorf("csv (-got +want):\n%s\n%s", diff, e.Records[0].Body)
				}
				if diff := cmp.Diff(string(n.AppendText(nil, e)), sentences[i]+"\n"); diff != "" {
					t.Errorf("text (-got +want):\n%s\n%s", diff, e.Records[0].Body)
				}
			}
		})
	}
}

// golden returns the lines of a file; those of csv without the header, which comes first.
func golden(t *testing.T, path string) (header string, lines []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines = strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if strings.HasSuffix(path, ".csv") {
		return lines[0], lines[1:]
	}
	return "", lines
}

func stockGolden(t *testing.T, stock, base string) {
	t.Helper()
	for ext, args := range map[string][]string{
		".csv":  {"--format", "csv", "--extra-keys", "--extra-labels", "--extra-obj2", "--extra-time"},
		".text": {"--format", "text"},
	} {
		if _, err := exec.LookPath(stock); err != nil {
			t.Fatal(err)
		}
		out := ausearch(t, stock, "testdata/events.log", args...)
		if err := os.WriteFile(base+ext, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPlain compares our own sentences with those that somebody has read.
func TestPlain(t *testing.T) {
	all, _ := read(t, "testdata/events.log")
	more, _ := read(t, "testdata/attributed.log")
	n := goldenNormalizer(auparse.V3)
	var got []byte
	for _, e := range append(all, more...) {
		got = n.AppendPlain(got, e)
	}
	const path = "testdata/plain.txt"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), string(want)); diff != "" {
		t.Errorf("sentences (-got +want):\n%s", diff)
	}
}
