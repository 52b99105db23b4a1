package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"vigil/audit"
)

// The last part of the trail is read over its files, without what is older than the machine's start.
func TestEachRecent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	now := time.Now().Unix()
	line := func(at int64, serial int) string {
		return fmt.Sprintf("type=LOGIN msg=audit(%010d.000:%04d): pid=1 uid=0 old-auid=1 auid=0 ses=1 res=1\n", at, serial)
	}
	size := int64(len(line(now, 1)))
	for name, text := range map[string]string{
		".2": line(now, 1) + line(now, 2),
		".1": line(1, 3) + line(now, 4) + "no record\n",
		"":   line(now, 5) + line(now, 6) + line(now, 7),
	} {
		if err := os.WriteFile(path+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := func(last int64, want ...uint32) {
		t.Helper()
		var got []uint32
		if err := eachRecent(t.Context(), path, last, func(r audit.Record) { got = append(got, r.ID.Serial) }); err != nil {
			t.Error(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("the last %d bytes: got %d, want %d", last, got, want)
		}
	}
	f(1<<20, 1, 2, 4, 5, 6, 7)
	f(3*size, 5, 6, 7)
	f(2*size+size/2, 6, 7) // half a line is no record
	f(5*size+10, 4, 5, 6, 7)
	f(6*size+10, 2, 4, 5, 6, 7)
	if err := eachRecent(t.Context(), filepath.Join(t.TempDir(), "none", "audit.log"), 1<<20, nil); err != nil {
		t.Errorf("without a trail: %v", err)
	}
}
