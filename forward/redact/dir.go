package redact

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"vigil/internal/auomsconf"
)

// Suffixes of the files in a directory of rules.
const (
	ruleSuffix     = ".conf"
	requiresSuffix = ".requires"
)

// LoadDir reads a directory of rules as auoms has them, in the order of the files'
// names. Each *.conf is a rule: regex, name (else the file's) and replacement_char. Each
// line of a *.requires names a file that must be there. All of it must be writable by
// root, or the user that runs, alone. Other files are passed over.
func LoadDir(dir string) ([]Rule, error) {
	rules, _, err := loadDir(dir)
	return rules, err
}

// loadDir also returns what changes when the directory does.
func loadDir(dir string) (rules []Rule, state string, err error) {
	state = dirState(dir) // before it is read: what changes meanwhile is seen the next time
	info, err := os.Stat(dir)
	if err != nil {
		return nil, "", fmt.Errorf("read redaction rules: %w", err)
	}
	if !info.IsDir() {
		return nil, "", fmt.Errorf("read redaction rules: %s is no directory", dir)
	}
	if err := safe(dir, info); err != nil {
		return nil, "", err
	}
	entries, err := os.ReadDir(dir) // sorted
	if err != nil {
		return nil, "", fmt.Errorf("read redaction rules: %w", err)
	}
	have, names := map[string]bool{}, map[string]int{}
	var required []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		isRule := strings.HasSuffix(e.Name(), ruleSuffix)
		if !isRule && !strings.HasSuffix(e.Name(), requiresSuffix) {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, "", fmt.Errorf("read redaction rules: %w", err)
		}
		if err := safe(path, info); err != nil {
			return nil, "", err
		}
		if !isRule {
			if required, err = appendRequired(required, path); err != nil {
				return nil, "", err
			}
			continue
		}
		r, err := loadRule(path, strings.TrimSuffix(e.Name(), ruleSuffix))
		if err != nil {
			return nil, "", err
		}
		have[e.Name()] = true
		// Of rules that are called the same, later ones have a number behind.
		if names[r.Name]++; names[r.Name] > 1 {
			r.Name += strconv.Itoa(names[r.Name] - 1)
		}
		rules = append(rules, r)
	}
	for _, name := range required {
		if !have[name] {
			return nil, "", fmt.Errorf("read redaction rules: %s is required and not there", filepath.Join(dir, name))
		}
	}
	if len(rules) == 0 {
		return nil, "", fmt.Errorf("read redaction rules: %s: %w", dir, errEmpty)
	}
	return rules, state, nil
}

// loadRule reads a rule. Its error names the file.
func loadRule(path, name string) (Rule, error) {
	f, err := auomsconf.Read(path)
	if err != nil {
		return Rule{}, fmt.Errorf("read redaction rules: %w", err)
	}
	r := Rule{Name: name}
	if v, ok := f.Get("name"); ok {
		r.Name = v.Text
	}
	r.Name = strings.NewReplacer(" ", "_", "\t", "_", "=", "_").Replace(r.Name) // auoms allows them
	if v, ok := f.Get("replacement_char"); ok && v.Text != "" {
		r.Replacement = v.Text[:1] // auoms takes the first
	}
	v, ok := f.Get("regex")
	if !ok {
		return Rule{}, fmt.Errorf("read redaction rules: %s has no regex", path)
	}
	r.Regex = v.Text
	if _, err := compile(r); err != nil {
		return Rule{}, fmt.Errorf("read redaction rules: %s: %w", path, err)
	}
	return r, nil
}

// appendRequired appends the names of files that must be there.
func appendRequired(list []string, path string) ([]string, error) {
	const most = 1 << 20
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > most) {
		return nil, fmt.Errorf("read redaction rules: %s is no list of files", path)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read redaction rules: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		name := strings.TrimSpace(line)
		if name == "" || name[0] == '#' {
			continue
		}
		if !strings.HasSuffix(name, ruleSuffix) {
			name += ruleSuffix
		}
		list = append(list, name)
	}
	return list, nil
}

// safe says whether others than root, or the user that runs, may write a file.
func safe(path string, info os.FileInfo) error {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("read redaction rules: find the owner of %s", path)
	}
	mode := info.Mode().Perm()
	switch {
	case s.Uid != 0 && int(s.Uid) != os.Geteuid():
		return fmt.Errorf("read redaction rules: %s belongs to user %d: make it root's", path, s.Uid)
	case mode&0o002 != 0, mode&0o020 != 0 && s.Gid != 0:
		return fmt.Errorf("read redaction rules: %s may be written by others than root: chmod go-w", path)
	}
	return nil
}

// dirState changes when a file of the directory does.
func dirState(dir string) string {
	var b strings.Builder
	add := func(name string, info os.FileInfo) {
		fmt.Fprintf(&b, "%s %d %d %v\n", name, info.Size(), info.ModTime().UnixNano(), info.Mode())
		if s, ok := info.Sys().(*syscall.Stat_t); ok {
			fmt.Fprintf(&b, "%d %d %d %d\n", s.Ino, s.Uid, s.Gid, s.Ctim.Nano())
		}
	}
	if info, err := os.Stat(dir); err == nil {
		add(".", info)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err.Error()
	}
	for _, e := range entries {
		if info, err := os.Stat(filepath.Join(dir, e.Name())); err == nil {
			add(e.Name(), info)
		}
	}
	return b.String()
}
