package redact

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestReload: a directory that comes, changes and breaks is seen without a restart.
func TestReload(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "redact.d")
	r := New(Config{Dir: dir}, nil)
	now := time.Now()
	r.now = func() time.Time { return now }
	look := func(want string) {
		t.Helper()
		now = now.Add(lookEvery + time.Second)
		if got, _ := r.Text("x -p secret"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "p.conf"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	look(MissingText)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(`regex = "-p (\S+)"`)
	look("x -p ******")
	write(`regex = "-p (\S+)" # changed` + "\nreplacement_char = \"#\"")
	look("x -p ######")
	write("regex = (")
	look(MissingText)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	look(MissingText)
	if s := r.Stats(); s.Fault == "" {
		t.Error("nobody is told")
	}
	// A clock that is set back does not stop it.
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(`regex = "-p (\S+)"`)
	now = now.Add(-time.Hour)
	look("x -p ******")
}
