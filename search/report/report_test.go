package report_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/search"
	"vigil/search/report"
	"vigil/search/report/document"
	"vigil/search/report/page"
	"vigil/search/report/tally"
)

var update = flag.Bool("update", false, "write the golden files")

// targets are what the reports that take something are asked for.
var targets = map[string]map[string]string{
	"session": {"session.log": "94", "pods.log": "7", "real.log": "6", "hostile.log": "7"},
	"person":  {"session.log": "uucp", "pods.log": "alice", "real.log": "alice", "hostile.log": "alice"},
}

// open returns the log of a test file as it stands in testdata or audit/testdata.
func open(t testing.TB, name string) []byte {
	t.Helper()
	for _, dir := range []string{"testdata", "../../audit/testdata"} {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return text
		}
	}
	t.Fatalf("no log %s", name)
	return nil
}

func run(t testing.TB, text []byte, options search.Options, cfg report.Config) *document.Document {
	t.Helper()
	d, _, err := report.Run(t.Context(), []search.Log{search.FromStream("test", bytes.NewReader(text))}, nil, options, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// asked is the configuration of a report on a log.
func asked(kind report.Kind, log string) report.Config {
	return report.Config{Kind: kind.Name, Target: targets[kind.Name][log]}
}

// golden compares got with a file, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata/golden", name)
	if *update {
		if err := os.MkdirAll("testdata/golden", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(got), string(want)); diff != "" {
		t.Errorf("%s (-got +want):\n%s", name, diff)
	}
}

// What every report prints of real logs.
func TestGolden(t *testing.T) {
	for _, log := range []string{"real.log", "session.log", "pods.log"} {
		var text []byte
		for _, kind := range report.Kinds() {
			d := run(t, open(t, log), search.Options{}, asked(kind, log))
			text = append(text, "# vigil report "+strings.TrimSpace(kind.Name+" "+targets[kind.Name][log])+"\n"...)
			text = document.AppendText(text, d, document.TextOptions{Location: time.UTC, Width: 120})
			text = append(text, '\n')
		}
		golden(t, strings.TrimSuffix(log, ".log")+".txt", text)
	}
	for _, kind := range []string{"summary", "containers", "losses", "person"} {
		k, err := report.Find(kind)
		if err != nil {
			t.Fatal(err)
		}
		d := run(t, open(t, "pods.log"), search.Options{}, asked(k, "pods.log"))
		var asJSON, asCSV bytes.Buffer
		if err := document.WriteJSON(&asJSON, d); err != nil {
			t.Fatal(err)
		}
		if err := document.WriteCSV(&asCSV, d); err != nil {
			t.Fatal(err)
		}
		golden(t, kind+".json", asJSON.Bytes())
		golden(t, kind+".csv", asCSV.Bytes())
	}
}

func TestGoldenPage(t *testing.T) {
	for _, cfg := range []report.Config{{Overview: true}, {Kind: "session", Target: "94"}} {
		name := "pods.log"
		if cfg.Target != "" {
			name = "session.log"
		}
		var b bytes.Buffer
		d := run(t, open(t, name), search.Options{}, cfg)
		err := page.Write(&b, d, page.Options{Source: name, Made: time.Unix(1795280500, 0), Location: time.UTC, Program: "vigil"})
		if err != nil {
			t.Fatal(err)
		}
		golden(t, strings.TrimSuffix(name, ".log")+".html", b.Bytes())
	}
}

// A log without events makes reports that say so.
func TestEmpty(t *testing.T) {
	for _, kind := range report.Kinds() {
		target := ""
		if kind.Takes != "" {
			target = "1"
		}
		for _, overview := range []bool{false, true} {
			d := run(t, nil, search.Options{}, report.Config{Kind: kind.Name, Target: target, Overview: overview && kind.Name == "summary"})
			if d.Events != 0 || !d.From.IsZero() || len(d.Tables) == 0 {
				t.Errorf("%s: %d events from %s, %d tables", kind.Name, d.Events, d.From, len(d.Tables))
			}
			text := string(document.AppendText(nil, d, document.TextOptions{Location: time.UTC}))
			if kind.Name != "summary" && !strings.Contains(text, d.Tables[0].Empty) {
				t.Errorf("%s does not say %q:\n%s", kind.Name, d.Tables[0].Empty, text)
			}
			if err := page.Write(new(bytes.Buffer), d, page.Options{Location: time.UTC}); err != nil {
				t.Error(err)
			}
		}
	}
}

// mixed is the lines of all logs, woven into one another as several processors
// would write them, three times over with other serials.
func mixed(t testing.TB) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	var heaps [][]string
	for _, name := range []string{"real.log", "other.log", "session.log", "pods.log", "hostile.log"} {
		heaps = append(heaps, strings.SplitAfter(string(open(t, name)), "\n"))
	}
	var out []byte
	for len(heaps) > 0 {
		i := random.IntN(len(heaps))
		n := min(1+random.IntN(4), len(heaps[i]))
		for _, line := range heaps[i][:n] {
			out = append(out, line...)
		}
		if heaps[i] = heaps[i][n:]; len(heaps[i]) == 0 {
			heaps = append(heaps[:i], heaps[i+1:]...)
		}
	}
	return out
}

// Events that the edges of blocks cut count once, whatever the size of blocks and
// the number of workers: every report is the same.
func TestBlocks(t *testing.T) {
	log := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(log, mixed(t), 0o600); err != nil {
		t.Fatal(err)
	}
	report1 := func(kind report.Kind, options search.Options) *document.Document {
		t.Helper()
		target := targets[kind.Name]["pods.log"]
		d, _, err := report.Run(t.Context(), []search.Log{search.FromFile(log)}, nil, options,
			report.Config{Kind: kind.Name, Target: target, Overview: kind.Name == "summary"})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, kind := range report.Kinds() {
		want := report1(kind, search.Options{Workers: 1})
		sizes := []int{4096}
		if kind.Name == "summary" { // its overview holds nearly all of them
			sizes = []int{97, 1000, 4096, 33333}
		}
		for _, size := range sizes {
			for _, workers := range []int{1, 3} {
				got := report1(kind, search.Options{BlockSize: size, Workers: workers})
				if diff := cmp.Diff(got, want); diff != "" {
					t.Fatalf("%s with blocks of %d and %d workers (-got +want):\n%s", kind.Name, size, workers, diff)
				}
			}
		}
	}
}

// Where there is more than memory is kept for, counts are bounds and say so.
func TestBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var text []byte
	want := map[string]uint64{}
	for i := range 20000 {
		exe := fmt.Sprintf("/usr/bin/rare%d", random.IntN(5000))
		if i%3 == 0 {
			exe = fmt.Sprintf("/usr/bin/often%d", random.IntN(10))
		}
		want[exe]++
		text = fmt.Appendf(text, "type=SYSCALL msg=audit(1795280400.%03d:%d): arch=c000003e syscall=59 success=yes exit=0 pid=1 auid=1000 uid=0 ses=1 comm=\"x\" exe=%q key=(null)\n"+
			"type=PROCTITLE msg=audit(1795280400.%03d:%d): proctitle=\"x\"\n", i%1000, i+1, exe, i%1000, i+1)
	}
	d := run(t, text, search.Options{BlockSize: 8192, Workers: 3}, report.Config{Kind: "executables", Bound: tally.Limit{Entries: 64}})
	rows := d.Tables[0].Rows
	if len(rows) > 64 {
		t.Errorf("%d rows are kept, want at most 64", len(rows))
	}
	for i, row := range rows {
		exe, events := row[0].Text, row[1].Amount
		if n := want[exe]; n < events.N || n > events.N+events.Missing {
			t.Errorf("%s: %d to %d events, there were %d", exe, events.N, events.N+events.Missing, n)
		}
		if i < 10 != strings.Contains(exe, "often") {
			t.Errorf("row %d is %s", i, exe)
		}
	}
	total := d.Tables[0].Total
	if n := float64(len(want)); !total.About || float64(total.N) < 0.95*n || float64(total.N) > 1.05*n {
		t.Errorf("total is %v, want about %d", total, len(want))
	}
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0], "lower bound") {
		t.Errorf("notes are %q", d.Notes)
	}
	var asJSON bytes.Buffer
	if err := document.WriteJSON(&asJSON, d); err != nil || !strings.Contains(asJSON.String(), `"events_at_most"`) {
		t.Errorf("JSON does not say that counts are bounds: %v", err)
	}
}

// Whatever a log holds, nothing of it moves a cursor, begins a line or becomes HTML.
func TestHostile(t *testing.T) {
	for _, kind := range report.Kinds() {
		cfg := asked(kind, "hostile.log")
		cfg.Overview = kind.Name == "summary"
		wellFormed(t, run(t, open(t, "hostile.log"), search.Options{}, cfg))
	}
}

// wellFormed checks all forms of d.
func wellFormed(t *testing.T, d *document.Document) {
	t.Helper()
	text := document.AppendText(nil, d, document.TextOptions{Location: time.UTC, Width: 100})
	for _, c := range string(text) {
		if c < 0x20 && c != '\n' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x202e || c == 0x2028 || c == 0xfffd {
			t.Fatalf("%s: the table holds %q:\n%s", d.Name, c, text)
		}
	}
	var b bytes.Buffer
	if err := document.WriteJSON(&b, d); err != nil || !json.Valid(b.Bytes()) {
		t.Fatalf("%s: no JSON: %v", d.Name, err)
	}
	if len(d.Tables) == 1 {
		b.Reset()
		if err := document.WriteCSV(&b, d); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(b.String(), "\n")
		rows, err := csv.NewReader(&b).ReadAll()
		if err != nil || lines != len(rows) || len(rows) != len(d.Tables[0].Rows)+1 {
			t.Fatalf("%s: CSV has %d lines and %d rows, the table %d rows: %v", d.Name, lines, len(rows), len(d.Tables[0].Rows), err)
		}
	}
	b.Reset()
	if err := page.Write(&b, d, page.Options{Source: "<u>", Location: time.UTC}); err != nil {
		t.Fatal(err)
	}
	got := strings.ToLower(b.String())
	for _, bad := range []string{"<script", "<img", "<u>", "<a href=\"j", "onerror=alert(1)>", "\x1b"} {
		if strings.Contains(got, bad) {
			t.Fatalf("%s: the page holds %q", d.Name, bad)
		}
	}
	if strings.Count(got, "</style>") != 1 || strings.Count(got, "<title>") < 1 {
		t.Fatalf("%s: the page's head is broken", d.Name)
	}
}

func FuzzReport(f *testing.F) {
	for _, log := range []string{"pods.log", "hostile.log"} {
		text := open(f, log)
		f.Add(text[:min(len(text), 4000)], uint8(0))
		f.Add(text[max(0, len(text)-4000):], uint8(25))
	}
	kinds := report.Kinds()
	f.Fuzz(func(t *testing.T, text []byte, n uint8) {
		kind := kinds[int(n)%len(kinds)]
		cfg := report.Config{Kind: kind.Name, Overview: kind.Name == "summary", Bound: tally.Limit{Entries: 4, Bytes: 1000}}
		if kind.Takes != "" {
			cfg.Target = "7"
		}
		wellFormed(t, run(t, text, search.Options{BlockSize: 1000, Workers: 1}, cfg))
	})
}
