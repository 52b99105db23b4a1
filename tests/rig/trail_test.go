package rig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScan(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "audit.log")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(log+".1", "type=USER msg=audit(1.002:3): pid=1 key=\"a\"\x1dUID=\"root\"\n")
	write(log, "node=n type=EOE msg=audit(1.002:4):\ntype=LEDGER msg=audit(1.003:9): op=end key=b\n")
	var got []string
	err := Scan(log, func(line Line) error {
		key, _ := line.Field("key")
		uid, _ := line.ExtraField("UID")
		got = append(got, strings.Join([]string{string(line.Node), string(line.Type), string(line.Stamp), string(line.Body), string(key), string(uid)}, "|"))
		return nil
	})
	want := []string{
		`|USER|1.002:3|pid=1 key="a"|"a"|"root"`,
		`n|EOE|1.002:4|||`,
		`|LEDGER|1.003:9|op=end key=b|b|`,
	}
	if diff := cmp.Diff(got, want); diff != "" || err != nil {
		t.Errorf("%v; got -, want +:\n%s", err, diff)
	}
	for _, broken := range []string{"\n", "type=USER\n", "type=USER msg=audit(1.002): x\n", "type=USER msg=audit(1.002:3): torn"} {
		if err := ScanReader(strings.NewReader(broken), func(Line) error { return nil }); err == nil {
			t.Errorf("%q is taken for a record", broken)
		} else if strings.HasSuffix(broken, "\n") && !errors.Is(err, ErrLine) {
			t.Errorf("%q: %v, want ErrLine", broken, err)
		}
	}
}

func TestChanged(t *testing.T) {
	before := State{Enabled: 1, Failure: 1, Rules: "-w /a -p wa"}
	if got := before.Changed(State{Enabled: 1, Failure: 1, Rules: "-w /a -p wa", BacklogLimit: 64, Lost: 3}); got != "" {
		t.Errorf("nothing that a daemon puts back has changed, got %q", got)
	}
	got := before.Changed(State{Enabled: 0, Failure: 1, PID: 7})
	if want := `enabled 1 -> 0, pid 0 -> 7, rules "-w /a -p wa" -> ""`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
