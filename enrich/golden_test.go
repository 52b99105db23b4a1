package enrich

import (
	"bytes"
	"os"
	"testing"

	"vigil/audit"
)

// checkLog compares, for each line of a log that auditd wrote with
// log_format = ENRICHED, what it added with what AppendSuffix adds. It returns
// the number of lines that have an addition.
func checkLog(t *testing.T, path string, names *Names) (enriched int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if len(line) == 0 {
			continue
		}
		r, err := audit.ParseLine(line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		want := ""
		if r.Enrichment != nil {
			want = "\x1d" + string(r.Enrichment)
			enriched++
		}
		if got := string(AppendSuffix(nil, r, names)); got != want {
			t.Errorf("%s\n got %q\nwant %q", line, got, want)
		}
	}
	return enriched
}

func TestAgainstLog(t *testing.T) {
	path := os.Getenv("ENRICH_LOG")
	if path == "" {
		t.Skip("ENRICH_LOG names no log")
	}
	t.Log(checkLog(t, path, NewNames(Config{Etc: os.Getenv("ENRICH_ETC")})))
}
