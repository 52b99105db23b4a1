package trail

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// entry is one segment as a listing of the directory shows it.
type entry struct {
	name   string // full path
	number int    // the n of audit.log.n, 0 for the live segment
	dev    uint64
	inode  uint64
	size   int64
	// sum is that of Segment, 0 if it was not asked for or there is no line yet.
	// It tells a file from a later one that got the same inode.
	sum uint64
}

// same reports whether two entries are one file.
func (e entry) same(dev, inode uint64) bool { return e.dev == dev && e.inode == inode }

// list returns the segments of the trail whose live one is path, the oldest
// first. What is not a regular file is left out.
func list(path string) ([]entry, error) {
	dir, base := filepath.Split(path)
	names, err := readNames(filepath.Clean(dir + "."))
	if err != nil {
		return nil, err
	}
	var found []entry
	for _, name := range names {
		number, ok := segmentNumber(name, base)
		if !ok {
			continue
		}
		info, err := os.Lstat(dir + name)
		if err != nil || !info.Mode().IsRegular() {
			continue // renamed meanwhile, or none of ours
		}
		e := entry{name: dir + name, number: number, size: info.Size()}
		e.dev, e.inode = identity(info)
		found = append(found, e)
	}
	slices.SortFunc(found, func(a, b entry) int { return cmp.Compare(b.number, a.number) })
	return found, nil
}

// readNames returns the names in a directory, unsorted.
func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := f.Readdirnames(-1)
	return names, errors.Join(err, f.Close())
}

// segmentNumber returns the n of base.n, and 0 for base itself.
func segmentNumber(name, base string) (int, bool) {
	if name == base {
		return 0, true
	}
	digits, ok := strings.CutPrefix(name, base+".")
	if !ok || digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	return int(n), err == nil
}

// listStable lists until two listings in a row agree, so that a rotation in
// between cannot hide a segment or show one twice.
func listStable(path string) ([]entry, error) {
	const attempts = 20
	before, err := list(path)
	if err != nil {
		return nil, err
	}
	for range attempts {
		now, err := list(path)
		if err != nil {
			return nil, err
		}
		if slices.EqualFunc(before, now, func(a, b entry) bool { return a.name == b.name && a.same(b.dev, b.inode) }) {
			return now, nil
		}
		before = now
	}
	return nil, fmt.Errorf("list segments of %s: they are renamed faster than they can be listed", path)
}

// snapshot lists the segments with their sums, so that they can be told apart
// from later ones when they are opened after a while.
func snapshot(path string) ([]entry, error) {
	const attempts = 20
	for range attempts {
		entries, err := listStable(path)
		if err != nil {
			return nil, err
		}
		if err = readSums(entries); err == nil {
			return entries, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("list segments of %s: they are renamed faster than they can be read", path)
}

// readSums fills in the sums. The error is os.ErrNotExist if a segment is no
// longer where it was.
func readSums(entries []entry) error {
	for i := range entries {
		e := &entries[i]
		f, err := openPlain(e.name)
		if err != nil {
			return err
		}
		dev, inode, err := fileIdentity(f)
		if err == nil && !e.same(dev, inode) {
			err = fs.ErrNotExist
		}
		if err == nil {
			e.sum, err = sumOf(f)
		}
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// isEntry reports whether an opened file is the listed one.
func isEntry(f *os.File, e entry) bool {
	dev, inode, err := fileIdentity(f)
	if err != nil || !e.same(dev, inode) {
		return false
	}
	if e.sum == 0 {
		return true
	}
	sum, err := sumOf(f)
	return err == nil && sum == e.sum
}

// openEntry opens a listed segment wherever it has been renamed to since. The
// error is os.ErrNotExist if it is gone.
func openEntry(path string, e entry) (*os.File, error) {
	const attempts = 20
	for n := range attempts {
		f, err := openPlain(e.name)
		if err == nil {
			if isEntry(f, e) {
				return f, nil
			}
			f.Close()
		} else if !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		now, err := listStable(path)
		if err != nil {
			return nil, err
		}
		i := indexOf(now, e.dev, e.inode)
		if i < 0 || n > 0 && now[i].name == e.name { // gone, or another got its inode
			return nil, fmt.Errorf("open segment %s: %w", e.name, os.ErrNotExist)
		}
		e.name = now[i].name
	}
	return nil, fmt.Errorf("open segment %s: it is renamed faster than it can be opened", e.name)
}

// openPlain opens a file for reading. A FIFO in its place does not block.
func openPlain(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// indexOf finds a file in a listing, -1 if it is not there.
func indexOf(list []entry, dev, inode uint64) int {
	return slices.IndexFunc(list, func(e entry) bool { return e.same(dev, inode) })
}

func identity(info os.FileInfo) (dev, inode uint64) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return uint64(stat.Dev), stat.Ino
}

func fileIdentity(f *os.File) (dev, inode uint64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	dev, inode = identity(info)
	return dev, inode, nil
}

// File is one segment of a trail as it lies on the disk.
type File struct {
	Path string
	Size int64 // bytes
	Live bool  // it is the one that is written
}

// Files lists the segments of the trail whose live one is path, the oldest first.
// The error is one of reading the directory; a trail that is not there has no
// files.
func Files(path string) ([]File, error) {
	entries, err := listStable(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	files := make([]File, len(entries))
	for i, e := range entries {
		files[i] = File{Path: e.name, Size: e.size, Live: e.number == 0}
	}
	return files, nil
}
