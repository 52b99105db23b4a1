package whose

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"vigil/tests/rig"
)

// hierarchy is where control groups of version 2 are mounted.
func (b *bed) hierarchy() string {
	b.t.Helper()
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC {
			return dir
		}
	}
	b.t.Skip("missing: control groups of version 2, to name one as systemd does")
	return ""
}

// group makes a control group until the test ends, and those that it is in. systemd-nspawn makes the same ones in the
// hierarchy that systemd has for itself beside those of version 1; they go too.
func (b *bed) group(path string) string {
	b.t.Helper()
	at, beside := b.hierarchy(), "/sys/fs/cgroup/systemd"
	for name := range strings.SplitSeq(path, "/") {
		at, beside = filepath.Join(at, name), filepath.Join(beside, name)
		for _, dir := range []string{at, beside} {
			if _, err := os.Stat(dir); err != nil {
				b.t.Cleanup(func() { remove(dir) })
			}
		}
		if err := os.Mkdir(at, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			b.t.Fatal(err)
		}
	}
	return at
}

// below returns a control group and those below it, the deepest first.
func below(group string) []string {
	var list []string
	_ = filepath.WalkDir(group, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			list = append(list, path)
		}
		return nil
	})
	slices.Reverse(list)
	return list
}

// members returns the pids of the processes in a control group and below.
func members(group string) []string {
	var pids []string
	for _, dir := range below(group) {
		text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		pids = append(pids, strings.Fields(string(text))...)
	}
	return pids
}

// remove kills what is in a control group and removes it.
func remove(group string) {
	for range 500 {
		for _, dir := range below(group) {
			_ = unix.Rmdir(dir)
		}
		if _, err := os.Stat(group); err != nil {
			return
		}
		for _, pid := range members(group) {
			if n, err := strconv.Atoi(pid); err == nil && n > 1 {
				_ = unix.Kill(n, unix.SIGKILL)
			}
		}
		_ = rig.Pause(context.Background(), 10*time.Millisecond)
	}
}

// in is the command that runs another one in a control group.
func in(group string, argv ...string) []string {
	return append([]string{"/bin/sh", "-c", `echo $$ > "$0/cgroup.procs" && exec "$@"`, group}, argv...)
}

// startIn starts a program in a control group. The channel is closed when it ends.
func (b *bed) startIn(group string, argv ...string) <-chan struct{} {
	b.t.Helper()
	argv = in(group, argv...)
	cmd := exec.Command(argv[0], slices.Clone(argv[1:])...)
	log, err := os.Create(filepath.Join(b.t.TempDir(), "log"))
	if err != nil {
		b.t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, b.root
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	b.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
		_ = log.Close()
		if b.t.Failed() || b.t.Skipped() {
			text, _ := os.ReadFile(log.Name())
			b.t.Logf("%s said: %s", argv[4], text)
		}
	})
	return ended
}
