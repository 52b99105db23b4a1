package nearest_test

import (
	"strings"
	"testing"

	"vigil/internal/nearest"
)

func TestWord(t *testing.T) {
	keys := []string{"format", "files", "flush", "max_file", "path", "openat", "openat2"}
	f := func(word, want string) {
		t.Helper()
		got, ok := nearest.Word(word, keys)
		if got != want || ok != (want != "") {
			t.Errorf("Word(%q) = %q, %v; want %q", word, got, ok, want)
		}
	}
	f("fromat", "format")
	f("Format", "format")
	f("file", "files")
	f("maxfile", "max_file")
	f("opneat", "openat")
	f("paht", "path")
	f("zebra", "")
	f("", "")
	f(strings.Repeat("x", 10_000), "")
}
