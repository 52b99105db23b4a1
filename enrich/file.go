package enrich

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// maxFile is how much of a passwd or group file is read, in bytes: the names of
// some 500,000 users.
const maxFile = 32 << 20

// settled is how long a file must have been left alone before its time says
// that it is unchanged: two writes within a tick of the kernel's clock leave the
// same time.
const settled = 2 * time.Second

// file remembers the state in which a file was read.
type file struct {
	path  string
	state fs.FileInfo // nil if there was no file
	fresh bool        // it had been written just before
	read  bool        // it was looked at at least once
}

// changed reports whether the file is not what it was at the last call, and
// remembers what it is. It fails if the file cannot be looked at; that it does
// not exist is no failure.
func (f *file) changed(now time.Time) (bool, error) {
	state, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		state, err = nil, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at names: %w", err)
	}
	same := f.read && !f.fresh && sameState(f.state, state)
	f.state, f.read = state, true
	f.fresh = state != nil && now.Sub(state.ModTime()).Abs() < settled
	return !same, nil
}

func sameState(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// load returns the file's text, nil if there is no file.
func (f *file) load() ([]byte, error) {
	in, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxFile))
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	return text, nil
}

// parseNames reads /etc/passwd or /etc/group as the C library's nss_files does
// (passwd(5), group(5)): name, password, id. The first line of an id counts.
// groupAfter says that a group id must follow, as it does in passwd.
func parseNames(text []byte, groupAfter bool) map[uint32]name {
	found := make(map[uint32]name)
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		line = bytes.TrimLeft(line, " \t\v\f\r")
		// A sign in front is for NIS (nsswitch.conf(5), compat).
		if len(line) == 0 || line[0] == '#' || line[0] == '+' || line[0] == '-' {
			continue
		}
		label, rest, _ := bytes.Cut(line, []byte{':'})
		_, rest, _ = bytes.Cut(rest, []byte{':'})
		field, rest, _ := bytes.Cut(rest, []byte{':'})
		id, ok := parseID(field)
		if ok && groupAfter {
			field, _, _ = bytes.Cut(rest, []byte{':'})
			_, ok = parseID(field)
		}
		if _, taken := found[id]; ok && !taken {
			found[id] = newName(string(label))
		}
	}
	return found
}

// parseID reads a user's or group's id. (uid_t)-1 is none.
func parseID(s []byte) (uint32, bool) {
	s = bytes.TrimLeft(s, " \t\v\f\r")
	if len(s) > 0 && s[0] == '+' {
		s = s[1:]
	}
	if len(s) == 0 {
		return 0, false
	}
	var n uint64
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + uint64(c-'0'); n >= unset {
			return 0, false
		}
	}
	return uint32(n), true
}

// sources reads which sources nsswitch.conf(5) names for a database.
func sources(text []byte, database string) []string {
	for line := range bytes.Lines(text) {
		line, _, _ = bytes.Cut(line, []byte{'#'})
		key, value, ok := bytes.Cut(line, []byte{':'})
		if !ok || string(bytes.TrimSpace(key)) != database {
			continue
		}
		var found []string
		for _, word := range bytes.Fields(value) {
			// [NOTFOUND=return] is what to do, not where to look.
			if word[0] != '[' && word[len(word)-1] != ']' {
				found = append(found, string(word))
			}
		}
		return found
	}
	return nil
}
