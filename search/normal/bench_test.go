package normal

import (
	"testing"

	"vigil/audit"
	"vigil/search/auparse"
)

// BenchmarkAppend measures an event of the golden log, of 1.7 records on average.
func BenchmarkAppend(b *testing.B) {
	all, _ := read(b, "testdata/events.log")
	n := goldenNormalizer(auparse.V3)
	for _, c := range []struct {
		name   string
		append func([]byte, *audit.Event) []byte
	}{{"csv", n.AppendCSV}, {"text", n.AppendText}, {"plain", n.AppendPlain}} {
		b.Run(c.name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				dst = c.append(dst[:0], all[i%len(all)])
			}
		})
	}
}

// TestNoAllocations holds that the steady state costs no memory.
func TestNoAllocations(t *testing.T) {
	all, _ := read(t, "testdata/events.log")
	n := goldenNormalizer(auparse.V3)
	dst := make([]byte, 0, 1<<16)
	for _, f := range []func([]byte, *audit.Event) []byte{n.AppendCSV, n.AppendText, n.AppendPlain} {
		round := func() {
			for _, e := range all {
				dst = f(dst[:0], e)
			}
		}
		round()
		if allocs := testing.AllocsPerRun(5, round); allocs > 0 {
			t.Errorf("%v allocations for %d events", allocs, len(all))
		}
	}
}
