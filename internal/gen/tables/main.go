// Command tables writes the generated files of audit/tables: names and numbers
// of record types, system calls and errnos.
//
// It downloads nothing. Its inputs are modules pinned in go.mod, so anybody
// gets the same bytes:
//
//   - golang.org/x/sys/unix (BSD-3-Clause): the system call numbers of each
//     architecture, the errnos and the kernel's AUDIT_* constants, as the
//     headers of the newest kernel define them;
//   - github.com/elastic/go-libaudit/v2/auparse (Apache-2.0): the names that the
//     audit tools print. They differ from the kernel's for a few system
//     calls ("pread" for pread64), and the user-space record types are in no
//     kernel header.
//
// Where the two name a system call differently, the audit tools' name is the one
// printed and the kernel's is accepted as well.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", ".", "directory to write the generated files to")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "tables:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}

// generate returns the text of every generated file by its name.
func generate() (map[string][]byte, error) {
	in, err := readInputs()
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for name, build := range map[string]func(*inputs) ([]byte, error){
		"ztypes.go":    buildTypes,
		"zsyscalls.go": buildSyscalls,
		"zerrnos.go":   buildErrnos,
	} {
		text, err := build(in)
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", name, err)
		}
		files[name] = text
	}
	return files, nil
}
