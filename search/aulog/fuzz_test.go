package aulog

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
)

// FuzzReader reads any bytes: it must end, hand out each line once at most, in events whose records share a stamp, and
// find facts without a crash.
func FuzzReader(f *testing.F) {
	for _, name := range []string{"../../audit/testdata/real.log", "../../audit/testdata/other.log"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text[:min(len(text), 6000)], uint32(WantEverything), false)
	}
	f.Add([]byte("type=SOCKADDR msg=audit(1700000000.000:1): saddr=01\nnode= type=CWD msg=audit(1700000000.:1): cwd=\"\n"), uint32(WantFile), true)
	f.Add([]byte("type=USER_LOGIN msg=audit(1700000000.000:1): uid=\x1dUID=\"\ntype=EOE msg=audit(1700000000.000:1): "), uint32(WantNames|WantUID), true)
	f.Fuzz(func(t *testing.T, text []byte, want uint32, four bool) {
		dialect := Audit3
		if four {
			dialect = Audit4
		}
		r := NewReader(Config{Stream: bytes.NewReader(text), Dialect: dialect})
		var facts Facts
		lines, limit := 0, bytes.Count(text, []byte("\n"))+1
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(e.Records) == 0 {
				t.Fatal("an event without records")
			}
			for i := range e.Records {
				h, _, v := parseHeader(e.Records[i].AppendLine(nil, e.Records[i].Interp != nil))
				if v != isRecord || h.id != e.ID || !bytes.Equal(h.node, e.Node) {
					t.Fatalf("record %q is in event %v of node %q", e.Records[i].Text, e.ID, e.Node)
				}
			}
			lines += len(e.Records)
			facts.Extract(e, Want(want), dialect, nil)
		}
		if lines > limit {
			t.Fatalf("%d records of %d lines", lines, limit)
		}
	})
}
