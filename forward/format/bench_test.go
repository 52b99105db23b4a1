package format_test

import (
	"path/filepath"
	"testing"

	"vigil/audit"
	"vigil/forward/format"
)

// Each benchmark counts one record as one operation.
func benchEncoder(b *testing.B, enc format.Encoder, logs ...string) {
	var list []*audit.Event
	for _, log := range logs {
		list = append(list, events(b, log)...)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var buf []byte
	written := 0
	for n := 0; n < b.N; {
		for _, e := range list {
			buf = enc.Append(buf[:0], e)
			written += len(buf)
			if n += len(e.Records); n >= b.N {
				break
			}
		}
	}
	b.SetBytes(int64(written / b.N))
}

func BenchmarkJSON(b *testing.B) {
	for _, log := range []string{"real.log", "long.log", attributed} {
		b.Run(filepath.Base(log), func(b *testing.B) {
			benchEncoder(b, format.NewJSON(format.JSONConfig{Host: "example", Names: names{}}), log)
		})
	}
}

func BenchmarkText(b *testing.B) {
	for _, log := range []string{"real.log", "long.log", attributed} {
		b.Run(filepath.Base(log), func(b *testing.B) {
			benchEncoder(b, format.NewText(format.TextConfig{Names: names{}}), log)
		})
	}
}

func BenchmarkRaw(b *testing.B) {
	benchEncoder(b, format.Raw{Enrichment: true}, "real.log")
}

func TestEncodersAllocateNothing(t *testing.T) {
	list := events(t, "real.log")
	list = append(list, events(t, "other.log")...)
	list = append(list, events(t, attributed)...)
	for name, enc := range map[string]format.Encoder{
		"json": format.NewJSON(format.JSONConfig{Host: "example"}),
		"text": format.NewText(format.TextConfig{}),
		"raw":  format.Raw{Enrichment: true},
	} {
		var buf []byte
		run := func() {
			for _, e := range list {
				buf = enc.Append(buf[:0], e)
			}
		}
		run()
		if got := testing.AllocsPerRun(10, run); got != 0 {
			t.Errorf("%s: %v allocations for %d events, want 0", name, got, len(list))
		}
	}
}
