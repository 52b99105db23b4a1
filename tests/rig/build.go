package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Tools names the programs that a run needs, built from this checkout.
type Tools struct {
	Vigil string // the static binary under test; empty when it was not asked for
	Storm string // tests/bench/storm/storm.c
	Tiny  string // tests/bench/storm/tiny.c: what the exec storm executes
}

// Root returns the repository's folder: the nearest one upwards of the working directory that holds tests/rig.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "tests", "rig", "build.go")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find repository: no folder upwards holds tests/rig")
		}
	}
}

// Build compiles the storm generator into dir and, if vigil is set, the binary under test. The programs can be
// executed by any user if dir can be entered by any.
func Build(ctx context.Context, dir string, vigil bool) (Tools, error) {
	root, err := Root()
	if err != nil {
		return Tools{}, err
	}
	source := filepath.Join(root, "tests", "bench", "storm")
	tools := Tools{Storm: filepath.Join(dir, "storm"), Tiny: filepath.Join(dir, "tiny")}
	builds := [][]string{
		{"gcc", "-O2", "-Wall", "-static", "-o", tools.Storm, filepath.Join(source, "storm.c")},
		{"gcc", "-Os", "-Wall", "-static", "-nostartfiles", "-o", tools.Tiny, filepath.Join(source, "tiny.c")},
	}
	if vigil {
		tools.Vigil = filepath.Join(dir, "vigil")
		builds = append(builds, []string{"go", "build", "-trimpath", "-o", tools.Vigil, "./cmd/vigil"})
	}
	for _, argv := range builds {
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return Tools{}, fmt.Errorf("build %s: %w\n%s", argv[len(argv)-1], err, out)
		}
	}
	return tools, nil
}

// TempDir makes a folder that every user may enter and returns it with the function that removes it.
// (testing.T.TempDir's parent is closed to others, so a storm under another uid could not reach its binary.)
func TempDir() (string, func(), error) {
	dir, err := os.MkdirTemp("", "vigil-rig-")
	if err != nil {
		return "", nil, fmt.Errorf("make folder: %w", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", nil, fmt.Errorf("open folder to all: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
