// Package atomicfile replaces files whole: a reader sees the old content or the
// new, also after a crash.
package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces the file at path, or makes it, with the permissions perm whatever
// the umask. A symbolic link at path is replaced, not followed.
func Write(path string, data []byte, perm fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("replace %s: %w", path, err), os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, syncErr := os.Open(dir)
	if syncErr != nil {
		return nil // the file is in place; a directory that cannot be read cannot be synced
	}
	_ = d.Sync()
	return d.Close()
}
