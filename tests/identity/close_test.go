package identity

import (
	"os"
	"testing"

	"vigil/bpf/identity"
)

// A status may be asked for while everything is taken down.
func TestAfterClose(t *testing.T) {
	require(t)
	s, err := identity.Open(t.Context(), identity.Config{})
	if err != nil {
		t.Fatal(err)
	}
	before := s.Stats()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.Stats(); got.DroppedRecords < before.DroppedRecords || got.Scans != before.Scans {
		t.Errorf("after Close %+v, before %+v", got, before)
	}
	if _, match := s.Lookup(&identity.Query{PID: uint32(os.Getpid())}); match == identity.Exact {
		t.Errorf("a stamp of 1970 is %v", match)
	}
}
