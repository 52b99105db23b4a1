package search

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// One operation is a log of 32 MiB: the corpus over and over, under other serials.
func BenchmarkScan(b *testing.B) {
	var log bytes.Buffer
	lines := corpus(b)
	for round := 0; log.Len() < 32<<20; round++ {
		for _, line := range lines {
			head, rest, _ := bytes.Cut([]byte(line), []byte("):"))
			fmt.Fprintf(&log, "%s%d):%s\n", head, round%10, rest)
		}
	}
	path := filepath.Join(b.TempDir(), "audit.log")
	if err := os.WriteFile(path, log.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, condition := range []string{"", "audit.key = no-such-key", "audit.key = exec", "proc.cmdline contains no-such-argument"} {
		name := condition
		o := Options{}
		if condition != "" {
			o.Query = query(b, condition)
		} else {
			name = "everything"
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(log.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Scan(b.Context(), []Log{FromFile(path)}, o, func(*Event) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
