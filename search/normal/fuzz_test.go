package normal

import (
	"bytes"
	"os"
	"testing"

	"vigil/audit"
	"vigil/search/auparse"
)

// FuzzAppend feeds events of any records: there is one line for each, without control bytes, in every format.
func FuzzAppend(f *testing.F) {
	for _, path := range []string{"testdata/events.log", "testdata/attributed.log"} {
		log, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		lines := bytes.SplitAfter(log, []byte("\n"))
		for i := 0; i+6 < len(lines); i += 3 {
			f.Add(bytes.Join(lines[i:i+6], nil))
		}
	}
	v3, v4 := goldenNormalizer(auparse.V3), goldenNormalizer(auparse.V4)
	v4.cfg.Quote = true
	f.Fuzz(func(t *testing.T, log []byte) {
		e := &audit.Event{}
		for _, line := range bytes.Split(log, []byte("\n")) {
			if r, err := audit.ParseLine(line); err == nil {
				e.ID, e.Node = r.ID, r.Node
				e.Records = append(e.Records, r)
			}
		}
		for _, n := range []*Normalizer{v3, v4} {
			var parts Fields
			n.Normalize(&parts, e)
			for _, got := range [][]byte{n.AppendCSV(nil, e), n.AppendText(nil, e), n.AppendPlain(nil, e)} {
				if i := bytes.IndexFunc(got, func(c rune) bool { return c < ' ' || c == 0x7f }); i != len(got)-1 || got[i] != '\n' {
					t.Errorf("control byte at %d of %d in %q", i, len(got), got)
				}
				if len(got) > 64*len(log)+20000 {
					t.Errorf("%d bytes of %d", len(got), len(log))
				}
			}
		}
	})
}
