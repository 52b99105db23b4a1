package search

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

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

func join(dir, base string) string { return filepath.Join(dir, base) }

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
