package enrich

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"vigil/audit"
	"vigil/audit/tables"
)

// goldenNames knows the users and groups of the logs in testdata, and the
// network interface that they name.
func goldenNames() *Names {
	names := NewNames(Config{Etc: "testdata/etc"})
	names.devices.Store(&map[uint32]string{1: "lo"})
	return names
}

// newer returns what auditd 3.0.9 wrote as we mean to write it: with the names
// that it does not know yet (see the package's documentation).
func newer(r audit.Record, enrichment string) string {
	if r.Type == tables.TypeUringOp {
		return strings.Replace(enrichment, "\x1d", "\x1dURING_OP=openat ", 1)
	}
	return strings.Replace(enrichment, "unknown-syscall(461)", "lsm_list_modules", 1)
}

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
		r, err := audit.ParseLine(line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		want := ""
		if r.Enrichment != nil {
			want = newer(r, "\x1d"+string(r.Enrichment))
			enriched++
		}
		if got := string(AppendSuffix(nil, r, names)); got != want {
			t.Errorf("%s\n got %q\nwant %q", line, got, want)
		}
	}
	return enriched
}

func TestGoldenKernel(t *testing.T) {
	if got := checkLog(t, "testdata/kernel.log", goldenNames()); got != 180 {
		t.Errorf("%d lines were enriched, want 180", got)
	}
}

func TestGoldenRecords(t *testing.T) {
	if got := checkLog(t, "testdata/records.log", goldenNames()); got < 500 {
		t.Errorf("%d lines were enriched", got)
	}
}
