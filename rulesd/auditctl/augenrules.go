package auditctl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"vigil/internal/atomicfile"
	"vigil/rulesd"
)

// Paths are where augenrules works. The zero value is the system's places.
type Paths struct {
	Dir  string // of the rule files; default /etc/audit/rules.d
	File string // what they are merged into; default /etc/audit/audit.rules
}

func (p Paths) withDefaults() Paths {
	if p.Dir == "" {
		p.Dir = "/etc/audit/rules.d"
	}
	if p.File == "" {
		p.File = "/etc/audit/audit.rules"
	}
	return p
}

// Augenrules is augenrules, called as name, with the arguments after its name. It
// returns the exit status.
func Augenrules(ctx context.Context, name string, args []string, stdout, stderr io.Writer, paths Paths, deps Deps) int {
	paths = paths.withDefaults()
	check, load := false, false
	for _, arg := range args {
		switch arg {
		case "--check":
			check = true
		case "--load":
			load = true
		default:
			fmt.Fprintf(stdout, "Usage: %s [--check|--load]\n", name)
			return exitFailed
		}
	}
	tryLoad := func() int {
		if !load {
			return exitDone
		}
		return Run(ctx, []string{"-R", paths.File}, stdout, stderr, deps)
	}
	text, err := rulesd.Merged(paths.Dir)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(stdout, "%s: No rules directory - %s\n", name, paths.Dir)
			tryLoad()
		} else {
			fmt.Fprintf(stderr, "%s: %v\n", name, err)
		}
		return exitFailed
	}
	old, oldErr := os.ReadFile(paths.File)
	switch {
	case oldErr == nil && bytes.Equal(old, text):
		fmt.Fprintf(stdout, "%s: No change\n", name)
		return tryLoad()
	case check:
		fmt.Fprintf(stdout, "%s: Rules have changed and should be updated\n", name)
		return exitDone
	}
	if locked(ctx, deps) {
		fmt.Fprintln(stdout, "Audit system is in immutable mode - exiting with no changes")
		return exitDone
	}
	if err := install(ctx, paths.File, old, oldErr, text); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return exitFailed
	}
	return tryLoad()
}

// locked reports whether the kernel's rules cannot be changed: then the file that
// the next boot loads is not to be written either without a word.
func locked(ctx context.Context, deps Deps) bool {
	if deps.Open == nil {
		return false
	}
	engine, err := deps.Open(ctx)
	if err != nil {
		return false
	}
	defer engine.Close()
	status, err := engine.Status(ctx)
	return err == nil && status.Enabled == rulesd.EnabledLocked
}

// install puts the merged rules into their file and keeps the old ones beside it.
func install(ctx context.Context, file string, old []byte, oldErr error, text []byte) error {
	const mode = 0o640
	if oldErr == nil {
		if err := atomicfile.Write(file+".prev", old, mode); err != nil {
			return fmt.Errorf("keep the old rules: %w", err)
		}
	}
	if err := atomicfile.Write(file, text, mode); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	// On hosts with labels the file needs its own.
	const restorecon = "/sbin/restorecon"
	if info, err := os.Stat(restorecon); err == nil && info.Mode()&0o111 != 0 {
		_ = exec.CommandContext(ctx, restorecon, "-F", filepath.Clean(file)).Run()
	}
	return nil
}
