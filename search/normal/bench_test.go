package normal

import (
	"strconv"
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

// BenchmarkHostile measures an event of ten thousand records: the cost of each stays the same.
func BenchmarkHostile(b *testing.B) {
	for _, records := range []int{100, 10000} {
		b.Run(strconv.Itoa(records), func(b *testing.B) {
			e := event(b, `type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=82 success=yes exit=0 comm="a" exe="/bin/a"`)
			for range records {
				e.Records = append(e.Records, event(b, `type=PATH msg=audit(1.000:1): item=0 name="/a" nametype=PARENT`).Records...)
			}
			n := goldenNormalizer(auparse.V3)
			var dst []byte
			for b.Loop() {
				dst = n.AppendPlain(n.AppendText(n.AppendCSV(dst[:0], e), e), e)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(records), "ns/record")
		})
	}
}
