package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

const target = "../../../audit/tables"

// TestUpToDate: the committed tables are what the generator writes.
func TestUpToDate(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(target, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not up to date: run go generate ./audit/tables", name)
		}
	}
	generated, err := filepath.Glob(filepath.Join(target, "z*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range generated {
		if _, ok := files[filepath.Base(path)]; !ok {
			t.Errorf("%s is left over: the generator does not write it", path)
		}
	}
}

func TestGoName(t *testing.T) {
	for name, want := range map[string]string{
		"SYSCALL":         "TypeSyscall",
		"EOE":             "TypeEOE",
		"USER_LOGIN":      "TypeUserLogin",
		"MAC_IPSEC_ADDSA": "TypeMACIPsecAddSA",
		"OBJ_PID":         "TypeObjPID",
	} {
		if got := goName(name); got != want {
			t.Errorf("goName(%q) = %q, want %q", name, got, want)
		}
	}
}
