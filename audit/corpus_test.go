package audit_test

import (
	"bytes"
	"os"
	"testing"

	"vigil/audit"
)

// corpusLines returns the lines of a log in testdata.
func corpusLines(t testing.TB, name string) [][]byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
}

// corpus returns the records of a log in testdata.
func corpus(t testing.TB, name string) []audit.Record {
	t.Helper()
	var records []audit.Record
	for _, line := range corpusLines(t, name) {
		records = append(records, mustLine(t, string(line)))
	}
	return records
}

// Every line comes out as it went in.
func TestCorpusRoundTrip(t *testing.T) {
	for _, name := range []string{"real.log", "long.log", "other.log"} {
		for _, line := range corpusLines(t, name) {
			r := mustLine(t, string(line))
			got := r.AppendLine(nil, r.Node)
			if r.Enrichment != nil {
				got = append(append(got, audit.Separator), r.Enrichment...)
			}
			// The log has UNKNOWN[1423] for types that the auditd which wrote it
			// did not know.
			if bytes.HasPrefix(line, []byte("type=UNKNOWN[")) {
				_, line, _ = bytes.Cut(line, []byte(" "))
				_, got, _ = bytes.Cut(got, []byte(" "))
			}
			if !bytes.Equal(got, line) {
				t.Errorf("%s:\n got %q\nwant %q", name, got, line)
			}
		}
	}
}
