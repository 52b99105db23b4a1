package search

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The files of a log are found by their names and put in the order of their ages,
// whoever rotated them.
func TestLocate(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"audit.log", "audit.log.1", "audit.log.2.gz", "audit.log.10.zst", "audit.log-20261101", "audit.log-20261120.gz",
		"audit.log-20261120-1795219201", "audit.log.broken", "audit.log.index", "audit.log.next", "other.log", "other.log.1", "audit.log.x", "audit.logs"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "audit.log.3"), 0o700); err != nil {
		t.Fatal(err)
	}
	f := func(paths []string, want ...[]string) {
		t.Helper()
		for i := range paths {
			paths[i] = filepath.Join(dir, paths[i])
		}
		logs, err := Locate(paths)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]string
		for _, l := range logs {
			var names []string
			for _, file := range l.Files {
				names = append(names, filepath.Base(file))
			}
			got = append(got, names)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", paths, diff)
		}
	}
	whole := []string{"audit.log-20261101", "audit.log-20261120.gz", "audit.log-20261120-1795219201", "audit.log.10.zst", "audit.log.2.gz", "audit.log.1", "audit.log"}
	f([]string{""}, whole)
	f([]string{"audit.log"}, []string{"audit.log"})
	f([]string{"audit.log", "audit.log.2.gz", "audit.log.1"}, []string{"audit.log.2.gz", "audit.log.1", "audit.log"})
	f([]string{"audit.log.1", "other.log", "other.log.1"}, []string{"audit.log.1"}, []string{"other.log.1", "other.log"})
	for _, paths := range [][]string{nil, {filepath.Join(dir, "none")}, {t.TempDir()}} {
		if logs, err := Locate(paths); err == nil {
			t.Errorf("%q: got %v, want an error", paths, logs)
		}
	}
}

// A log that is rotated while it is read is read once, whole.
func TestScanRotatedMeanwhile(t *testing.T) {
	lines := corpus(t)
	path := filepath.Join(t.TempDir(), "audit.log")
	text := func(from, to int) []byte {
		var b []byte
		for _, line := range lines[from:to] {
			b = append(append(b, line...), '\n')
		}
		return b
	}
	for name, part := range map[string][]byte{".2": text(0, 100), ".1": text(100, 200), "": text(200, len(lines))} {
		if err := os.WriteFile(path+name, part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := FromTrail(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	_, err = Scan(t.Context(), []Log{l}, Options{Workers: 1, BlockSize: 4000}, func(e *Event) error {
		if len(got) == 0 {
			for _, names := range [][2]string{{".2", ".3"}, {".1", ".2"}, {"", ".1"}} {
				if err := os.Rename(path+names[0], path+names[1]); err != nil {
					return err
				}
			}
			if err := os.WriteFile(path, []byte("type=CWD msg=audit(1.1:1): new\n"), 0o600); err != nil {
				return err
			}
		}
		got = append(got, textOf(e))
		return nil
	})
	if diff := cmp.Diff(grouped(lines), got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func textOf(e *Event) string {
	var s string
	for i, line := range e.Lines {
		if i > 0 {
			s += "\n"
		}
		s += string(line)
	}
	return s
}
