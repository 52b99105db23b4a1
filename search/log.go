package search

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Log is the log of one host: files that follow one another in time, or a stream.
type Log struct {
	Name   string    // what messages and merged output call it
	Files  []string  // the oldest first; plain, gzip or zstd, which their first bytes tell
	Stream io.Reader // read once, in place of Files; may be compressed too

	live string // the live file of a log that may be rotated while it is read
}

// FromFile is a log of one file alone.
func FromFile(path string) Log { return Log{Name: path, Files: []string{path}} }

// FromStream is a log that is read from r, such as standard input.
func FromStream(name string, r io.Reader) Log { return Log{Name: name, Stream: r} }

// FromTrail is the log whose live file is path, with all that rotation has made of
// it: path.1, path.2.gz, path-20261121.zst. The error is fs.ErrNotExist if there is
// no file of that family.
func FromTrail(path string) (Log, error) {
	files, err := family(path)
	if err != nil {
		return Log{}, fmt.Errorf("list log %s: %w", path, err)
	}
	if len(files) == 0 {
		return Log{}, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	return Log{Name: path, Files: files, live: path}, nil
}

// FromDirectory is the log audit.log in a directory, with its rotated files.
func FromDirectory(dir string) (Log, error) {
	return FromTrail(join(dir, "audit.log"))
}

// Locate makes logs of what people name: a file is that file, several of one family
// are one log whatever their order, a directory is the audit.log in it with its
// rotated files, and what belongs to different families are logs of different hosts.
func Locate(paths []string) ([]Log, error) {
	var logs []Log
	byFamily := map[string]int{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("find log: %w", err)
		}
		if info.IsDir() {
			l, err := FromDirectory(path)
			if err != nil {
				return nil, err
			}
			logs = append(logs, l)
			continue
		}
		live := liveName(path)
		i, ok := byFamily[live]
		if !ok {
			byFamily[live] = len(logs)
			logs = append(logs, FromFile(path))
			continue
		}
		logs[i].Name = live
		logs[i].Files = append(logs[i].Files, path)
	}
	for i := range logs {
		sortFamily(logs[i].Files)
	}
	if len(logs) == 0 {
		return nil, errors.New("find log: no path is named")
	}
	return logs, nil
}
