package search

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigil/audit"
	"vigil/audit/tables"
)

// FuzzScan reads anything as a log, in blocks of any size, forwards and backwards: the
// events are those that its whole lines make, and every line is counted.
func FuzzScan(f *testing.F) {
	lines := corpus(f)
	f.Add([]byte(strings.Join(lines[:40], "\n")+"\n"), uint16(100))
	f.Add([]byte(strings.Join(lines[40:60], "\n")), uint16(7))
	f.Add([]byte("\n\n\x00\nnode= type=CWD msg=audit(1.1:1): \n\x1f\x8b"), uint16(1))
	f.Add([]byte(gzipped(f, strings.Join(lines[:9], "\n"))), uint16(50))
	f.Add([]byte(zstandard(f, strings.Join(lines[:9], "\n"))), uint16(50))
	f.Add([]byte(strings.Repeat("x", 70_000)+"\n"+lines[3]+"\ntype=EOE msg=audit(1.1:1): \n"), uint16(3000))
	f.Fuzz(func(t *testing.T, log []byte, block uint16) {
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path, log, 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{BlockSize: int(block)%5000 + 30, Workers: 2}
		got, stats := scanned(t, []Log{FromFile(path)}, o)
		o.Newest = true
		back, backStats := scanned(t, []Log{FromFile(path)}, o)
		slices.Reverse(back)
		if diff := cmp.Diff(got, back); diff != "" {
			t.Errorf("backwards: (-forwards +backwards)\n%s", diff)
		}
		if stats != backStats && stats.Skipped.Damaged == 0 {
			t.Errorf("backwards: %+v, forwards: %+v", backStats, stats)
		}
		if plain, err := unpack(bytes.NewReader(log)); err != nil || plain.unpacks {
			return
		}
		whole := log[:bytes.LastIndexByte(log, '\n')+1]
		var records []string
		for line := range bytes.Lines(whole) {
			if len(line) > 64<<10 {
				continue
			}
			if r, err := audit.ParseLine(bytes.TrimSuffix(line, []byte{'\n'})); err == nil && r.Type != tables.TypeEOE {
				records = append(records, string(bytes.TrimSuffix(line, []byte{'\n'})))
			}
		}
		if diff := cmp.Diff(grouped(records), got); diff != "" && len(records)+len(got) > 0 {
			t.Errorf("(-want +got)\n%s", diff)
		}
		want := uint64(bytes.Count(log, []byte{'\n'}))
		if len(whole) < len(log) {
			want++
		}
		if stats.Lines != want {
			t.Errorf("%d lines counted, want %d: %+v", stats.Lines, want, stats)
		}
	})
}
