// Package need says what a test lacks on a machine. Where CI=true promises that
// tests/setup has brought everything, the test fails; elsewhere it is skipped.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Missing ends the test for want of what is named, such as "root, to start containers".
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("missing, and must be here: "+format, args...)
	}
	t.Skipf("missing: "+format, args...)
}

// Root ends the test unless it is run by root; why says what root is wanted for.
func Root(t testing.TB, why string) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "root, %s", why)
	}
}

// Programs ends the test unless all programs are in PATH, and returns where.
func Programs(t testing.TB, names ...string) []string {
	t.Helper()
	var paths []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			Missing(t, "%s, which tests/setup installs", name)
		}
		paths = append(paths, path)
	}
	return paths
}
