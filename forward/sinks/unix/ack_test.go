package unix

import (
	"fmt"
	"strings"
	"testing"
)

// FuzzAck: what is taken for an acknowledgement is one as it would be written.
func FuzzAck(f *testing.F) {
	for _, s := range []string{
		"000000006553f100:0000007b:00000000000001c8\n", "0000000000000000:00000000:0000000000000000\n",
		"7fffffffffffffff:000003e7:00000000ffffffff\n", "000000006553F100:0000007B:00000000000001C8\n",
		"8000000000000000:00000000:0000000000000000\n", "000000006553f100:000003e8:0000000000000000\n", "", "\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		id, ok := parseAck(line)
		if !ok {
			return
		}
		if got, want := fmt.Sprintf("%016x:%08x:%016x\n", id.Sec, id.Milli, id.Serial), strings.ToLower(string(line)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
