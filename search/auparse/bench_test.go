package auparse

import (
	"os"
	"testing"
)

// BenchmarkAppendLine prints each record of testdata/records.txt, parsed anew.
func BenchmarkAppendLine(b *testing.B) {
	x, lines, bytes := benchLines(b)
	var r Record
	var dst []byte
	b.SetBytes(int64(bytes / len(lines)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := x.Parse(&r, lines[i%len(lines)]); err != nil {
			b.Fatal(err)
		}
		dst = x.AppendLine(dst[:0], &r)
	}
}

// BenchmarkAppendValue puts every field of each record into words.
func BenchmarkAppendValue(b *testing.B) {
	x, lines, bytes := benchLines(b)
	var r Record
	var dst []byte
	b.SetBytes(int64(bytes / len(lines)))
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		if err := x.Parse(&r, lines[n%len(lines)]); err != nil {
			b.Fatal(err)
		}
		dst = dst[:0]
		for i := range r.Fields {
			dst = x.AppendValue(dst, &r, i)
		}
	}
}

// TestAllocations: with memory that is used again, neither parsing nor printing allocates.
func TestAllocations(t *testing.T) {
	x, lines, _ := benchLines(t)
	var r Record
	var dst []byte
	round := func() {
		for _, line := range lines {
			if err := x.Parse(&r, line); err != nil {
				t.Fatal(err)
			}
			dst = x.AppendLine(dst[:0], &r)
			for i := range r.Fields {
				dst = x.AppendValue(dst[:0], &r, i)
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(10, round); n > 0 {
		t.Errorf("%v allocations for %d records, want none", n, len(lines))
	}
}

func benchLines(t testing.TB) (x *Interpreter, lines [][]byte, size int) {
	t.Helper()
	records, err := os.ReadFile("testdata/records.txt")
	if err != nil {
		t.Fatal(err)
	}
	log := stampLog(records)
	return newTest(t, V3, TTY), splitLines(log), len(log)
}
