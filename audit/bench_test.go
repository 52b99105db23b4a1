package audit_test

import (
	"testing"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
)

// Each benchmark counts one record as one operation.

func benchRecords(b *testing.B) (records []audit.Record, lines [][]byte, bytes int64) {
	for _, name := range []string{"real.log", "other.log"} {
		lines = append(lines, corpusLines(b, name)...)
	}
	for _, l := range lines {
		records = append(records, mustLine(b, string(l)))
		bytes += int64(len(l))
	}
	b.SetBytes(bytes / int64(len(lines)))
	b.ReportAllocs()
	b.ResetTimer()
	return records, lines, bytes
}

func BenchmarkParseLine(b *testing.B) {
	_, lines, _ := benchRecords(b)
	for i := range b.N {
		if _, err := audit.ParseLine(lines[i%len(lines)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseMessage(b *testing.B) {
	records, lines, _ := benchRecords(b)
	payloads := make([][]byte, len(lines))
	for i, r := range records {
		payloads[i] = append(r.ID.AppendTo([]byte("audit(")), "): "...)
		payloads[i] = append(payloads[i], r.Body...)
	}
	b.ResetTimer()
	for i := range b.N {
		if _, err := audit.ParseMessage(tables.TypeSyscall, payloads[i%len(payloads)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendLine(b *testing.B) {
	records, _, _ := benchRecords(b)
	var buf []byte
	for i := range b.N {
		buf = records[i%len(records)].AppendLine(buf[:0], nil)
	}
}

func BenchmarkFields(b *testing.B) {
	records, _, _ := benchRecords(b)
	n := 0
	for i := range b.N {
		fs := records[i%len(records)].Fields()
		for _, ok := fs.Next(); ok; _, ok = fs.Next() {
			n++
		}
	}
	b.ReportMetric(float64(n)/float64(b.N), "fields/op")
}

func BenchmarkFieldsText(b *testing.B) {
	records, _, _ := benchRecords(b)
	var buf []byte
	for i := range b.N {
		fs := records[i%len(records)].Fields()
		for f, ok := fs.Next(); ok; f, ok = fs.Next() {
			buf = f.Text(buf[:0])
		}
	}
}

// benchAssembler pushes the records again and again, with serials that go on.
func benchAssembler(b *testing.B, eoe bool) {
	records, _, _ := benchRecords(b)
	n := 0
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(e *audit.Event) { n += len(e.Records) })
	span := records[len(records)-1].ID.Serial + 1_000_000
	now := time.Unix(1, 0)
	for i := range b.N {
		r := records[i%len(records)]
		r.ID.Serial += uint32(i/len(records)) * span
		now = now.Add(10 * time.Microsecond)
		a.Push(r, now)
		if eoe && r.Type == tables.TypeProctitle {
			r.Type = tables.TypeEOE
			a.Push(r, now)
		}
	}
	a.Flush()
	if n != b.N {
		b.Fatalf("%d records of %d came out", n, b.N)
	}
}

func BenchmarkAssembler(b *testing.B) {
	b.Run("socket", func(b *testing.B) { benchAssembler(b, true) })
	b.Run("log", func(b *testing.B) { benchAssembler(b, false) })
}

// BenchmarkAssemblerInFlight has 8,192 events open all the time: a record costs no
// more than with a few.
func BenchmarkAssemblerInFlight(b *testing.B) {
	r := mustLine(b, `type=AVC msg=audit(1.000:1): avc:  denied  { read } for  pid=1 comm="x" permissive=0`)
	a := audit.NewAssembler(audit.AssemblerConfig{}, func(*audit.Event) {})
	b.ReportAllocs()
	for i := range b.N {
		r.ID.Serial = uint32(i)
		a.Push(r, time.Unix(1, 0))
	}
	if s := a.Stats(); b.N > 8192 && s.Open != 8192 {
		b.Fatalf("%d events are open", s.Open)
	}
}

func BenchmarkArgs(b *testing.B) {
	for _, e := range assemble(b, corpus(b, "long.log")...) {
		b.Run(map[int]string{6: "one-long", 4: "one-longer", 2048: "many"}[len(e.Argv())], func(b *testing.B) {
			b.ReportAllocs()
			var a audit.Args
			for range b.N {
				e.Args(&a)
			}
		})
	}
}
