package search

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	return FromTrail(filepath.Join(dir, "audit.log"))
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

// member is a file of a log by its name: NAME, NAME.3, NAME.3.gz, NAME-20261121,
// NAME-20261121.zst or NAME-20261121-1234567890 (logrotate's dateext), NAME.1.xz is
// none.
type member struct {
	path string
	live string // path of NAME
	age  age
}

// age orders the files of a family, the oldest first: dated ones by their date,
// then numbered ones from the highest number down, the live one last.
type age struct {
	kind   int // 0 dated, 1 numbered, 2 live
	date   string
	number int
}

func (a age) compare(b age) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), strings.Compare(a.date, b.date), cmp.Compare(b.number, a.number))
}

// family lists the files of the log whose live file is path, the oldest first.
func family(path string) ([]string, error) {
	dir, base := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		if m := memberOf(dir + e.Name()); filepath.Base(m.live) != base {
			continue
		}
		if info, err := os.Stat(dir + e.Name()); err == nil && info.Mode().IsRegular() {
			files = append(files, dir+e.Name())
		}
	}
	sortFamily(files)
	return files, nil
}

// sortFamily puts files of one family in order.
func sortFamily(files []string) {
	slices.SortStableFunc(files, func(a, b string) int { return memberOf(a).age.compare(memberOf(b).age) })
}

// liveName is the name of the live file of the family that path belongs to.
func liveName(path string) string { return memberOf(path).live }

// memberOf takes a name apart.
func memberOf(path string) member {
	m := member{path: path, live: path, age: age{kind: 2}}
	name := strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst")
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && isDigits(name[dot+1:]) && len(name)-dot < 10 {
		if n, err := strconv.Atoi(name[dot+1:]); err == nil {
			m.live, m.age = name[:dot], age{kind: 1, number: n}
			return m
		}
	}
	base := filepath.Base(name)
	if dash := strings.IndexByte(base, '-'); dash > 0 {
		if date := base[dash+1:]; len(date) >= 8 && isDigits(strings.ReplaceAll(date, "-", "")) {
			m.live, m.age = name[:len(name)-len(date)-1], age{kind: 0, date: date}
			return m
		}
	}
	if name != path {
		m.live, m.age = name, age{kind: 1} // NAME.gz, made of NAME
	}
	return m
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
