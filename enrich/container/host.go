package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	maxFile    = 4 << 20 // bytes of a file that is read
	maxEntries = 4096    // of a directory
)

// host is the root directory of the host. All paths are below it and begin without a slash.
type host struct{ root string }

// open opens a file or a directory; with O_PATH, a socket. What a container's user can write is never waited for, and links cannot lead
// out.
func (h host) open(path string, flags int) (*os.File, error) {
	root, err := os.Open(h.root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if flags&unix.O_PATH == 0 { // which openat2(2) takes no others beside
		flags |= unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY
	}
	fd, err := unix.Openat2(int(root.Fd()), path, &unix.OpenHow{
		Flags:   uint64(flags | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if errors.Is(err, unix.ENOSYS) { // before Linux 5.6, or a seccomp filter that does not know it
		return os.OpenFile(filepath.Join(h.root, path), flags, 0)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: filepath.Join(h.root, path), Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// read reads a file.
func (h host) read(path string) ([]byte, error) {
	f, err := h.open(path, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %s: not a regular file", path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("read %s: more than %d bytes", path, maxFile)
	}
	return text, nil
}

// decode reads a JSON file into v.
func (h host) decode(path string, v any) error {
	text, err := h.read(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// list returns the names in a directory, at most maxEntries, none if it cannot be read.
func (h host) list(path string) []string {
	f, err := h.open(path, unix.O_DIRECTORY)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries)
	if err != nil {
		return nil
	}
	return names
}
