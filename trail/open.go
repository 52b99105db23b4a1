package trail

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"vigil/trail/index"
)

// Names beside the segments.
const (
	brokenSuffix = ".broken" // what repairs set aside
	nextSuffix   = ".next"   // a segment that is being begun
)

// modes are the permissions that auditd gives (audit-userspace
// src/auditd-event.c, open_audit_log and fix_disk_permissions).
type modes struct{ dir, live, old fs.FileMode }

func (c Config) modes() modes {
	if c.Group != 0 {
		return modes{dir: 0o750, live: 0o640, old: 0o440}
	}
	return modes{dir: 0o700, live: 0o600, old: 0o400}
}

// openFlags are those of a segment that is written. The writer reads it too, to
// mend it. O_NONBLOCK keeps a FIFO in its place from blocking the open; it means
// nothing for a regular file.
func (c Config) openFlags() int {
	flags := os.O_RDWR | os.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK
	switch c.Flush {
	case Data:
		flags |= unix.O_DSYNC
	case Sync:
		flags |= unix.O_SYNC
	}
	return flags
}

// prepareDirectory makes the log directory if it is missing. Of one that exists
// the mode is changed only to let a log group in, and never of one that others
// may write to, like /tmp.
func prepareDirectory(c Config) error {
	dir := filepath.Dir(c.Path)
	err := os.Mkdir(dir, c.modes().dir)
	made := err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make log directory: %w", err)
	}
	if !made && c.Group == 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at log directory: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 || !ownedBySelf(info) {
		return nil
	}
	return errors.Join(os.Chown(dir, -1, groupOf(c)), os.Chmod(dir, c.modes().dir))
}

// groupOf is the group that files get: -1, as it is, for an ordinary user
// without a log group, who cannot give files to root's.
func groupOf(c Config) int {
	if c.Group == 0 && os.Geteuid() != 0 {
		return -1
	}
	return c.Group
}

func ownedBySelf(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

// openLive opens the live segment, locked and with auditd's owner and mode, and
// makes it if it is missing.
func openLive(c Config) (f *os.File, created bool, err error) {
	for {
		f, created, err = openOrCreate(c.Path, c.openFlags())
		if err != nil {
			return nil, false, refuse(c.Path, err)
		}
		if err = secure(f, c); err == nil {
			err = lock(f, c.Path)
		}
		if err != nil {
			f.Close()
			return nil, false, err
		}
		// The one who held the lock a moment ago may have rotated the file away.
		if isLive(f, c.Path) {
			return f, created, nil
		}
		f.Close()
	}
}

func openOrCreate(path string, flags int) (f *os.File, created bool, err error) {
	f, err = os.OpenFile(path, flags, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, false, err
	}
	f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // somebody was faster, or a dangling link
		f, err = os.OpenFile(path, flags, 0)
		return f, false, err
	}
	return f, err == nil, err
}

// refuse turns the errors of opening what is not a plain file into words.
func refuse(path string, err error) error {
	switch {
	case errors.Is(err, unix.ELOOP): // open(2): O_NOFOLLOW and a symbolic link
		return &UnsafeError{Path: path, Why: "is a symbolic link"}
	case errors.Is(err, unix.EISDIR):
		return &UnsafeError{Path: path, Why: "is a directory"}
	case errors.Is(err, unix.ENXIO): // a socket
		return &UnsafeError{Path: path, Why: "is not a regular file"}
	}
	return fmt.Errorf("open trail: %w", err)
}

// secure checks that an opened live segment is a plain file of ours and gives it
// auditd's group and mode.
func secure(f *os.File, c Config) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("open trail: %w", err)
	}
	if !info.Mode().IsRegular() {
		return &UnsafeError{Path: c.Path, Why: "is not a regular file"}
	}
	if !ownedBySelf(info) {
		return &UnsafeError{Path: c.Path, Why: "belongs to another user"}
	}
	if err := restrict(f, c, c.modes().live); err != nil {
		return fmt.Errorf("open trail: %w", err)
	}
	return nil
}

// restrict gives a file the log's group and a mode, if it has others. The group
// comes first: chown(2) takes mode bits away.
func restrict(f *os.File, c Config, mode fs.FileMode) error {
	if err := f.Chown(-1, groupOf(c)); err != nil {
		return err
	}
	return f.Chmod(mode)
}

// isLive reports whether f is the file under path.
func isLive(f *os.File, path string) bool {
	info, err := os.Lstat(path)
	if err != nil {
		return false
	}
	own, err := f.Stat()
	return err == nil && os.SameFile(info, own)
}

// lock takes the advisory lock that keeps two writers from one trail. auditd's
// tools and logrotate take none on this file. It goes with the process.
func lock(f *os.File, path string) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		holder := &LockedError{Path: path}
		if _, inode, err := fileIdentity(f); err == nil {
			holder.PID = lockHolder(inode)
			holder.Command = commandOf(holder.PID)
		}
		return holder
	}
	if err != nil {
		return fmt.Errorf("lock trail %s: %w", path, err)
	}
	return nil
}

// lockHolder returns the process that holds a flock on an inode, 0 if it is not
// to be seen. A line of proc_locks(5) is "1: FLOCK ADVISORY WRITE 4711
// 08:01:1234 0 EOF"; the device in it is not always that of stat(2) (btrfs,
// overlayfs), so the inode decides.
func lockHolder(inode uint64) int {
	text, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0
	}
	suffix := ":" + strconv.FormatUint(inode, 10)
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) < 6 || string(f[1]) != "FLOCK" || !bytes.HasSuffix(f[5], []byte(suffix)) {
			continue
		}
		if pid, err := strconv.Atoi(string(f[4])); err == nil && pid > 0 {
			return pid
		}
	}
	return 0
}

func commandOf(pid int) string {
	if pid == 0 {
		return ""
	}
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(name))
}

// repairOld puts owner, group and mode of the numbered segments right, as
// auditd does at start. What cannot be put right is left: it is readable.
func repairOld(c Config, entries []entry) {
	for _, e := range entries {
		if e.number == 0 {
			continue
		}
		f, err := openPlain(e.name)
		if err != nil {
			continue
		}
		if info, err := f.Stat(); err == nil && ownedBySelf(info) {
			_ = restrict(f, c, c.modes().old)
		}
		f.Close()
	}
}

// removeExcess deletes the segments beyond the limit, as auditd does at start,
// and returns their names.
func removeExcess(c Config, entries []entry) (removed []string) {
	if c.Full != Rotate || c.Files < 2 {
		return nil
	}
	keep := c.keep(entries, 0)
	for _, e := range entries {
		if e.number > keep && os.Remove(e.name) == nil {
			removed = append(removed, e.name)
		}
	}
	return removed
}

// openIndex opens the index of a trail with these segments. If there can be none, the
// one returned does nothing: searching takes longer then.
func openIndex(c Config, entries []entry) *index.Writer {
	var old []index.Segment
	for _, e := range entries {
		if e.number == 0 {
			continue
		}
		f, err := openPlain(e.name)
		if err != nil {
			continue
		}
		if sum, err := sumOf(f); err == nil {
			old = append(old, index.Segment{Path: e.name, Sum: sum})
		}
		f.Close()
	}
	cfg := index.Config{Path: c.Path, Mode: c.modes().live, Gid: groupOf(c)}
	if c.Full == Rotate && c.Files >= 2 {
		cfg.Keep = c.Files
	}
	w, _ := index.Open(cfg, old)
	return w
}

// syncDirectory makes renames in the trail's directory durable.
func syncDirectory(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
