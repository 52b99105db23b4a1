package identity

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestGenerated compiles the programs anew and compares them with what is committed. Debian 12's clang and libbpf
// headers make the same bytes everywhere; other versions need not.
func TestGenerated(t *testing.T) {
	out, err := exec.Command("clang", "--version").Output()
	if err != nil || !bytes.Contains(out, []byte("clang version 14.")) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("this test must run here, but needs clang 14: %v\n%s", err, out)
		}
		t.Skipf("needs clang 14: %v", err)
	}
	source, err := os.ReadFile("load.go")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^//go:generate go tool bpf2go (.*)$`).FindSubmatch(source)
	if line == nil {
		t.Fatal("no go:generate line")
	}
	dir := t.TempDir()
	args := []string{"tool", "bpf2go", "-output-dir", dir}
	for i, quoted := range strings.Split(string(line[1]), `"`) {
		if i%2 == 1 {
			args = append(args, quoted)
		} else {
			args = append(args, strings.Fields(quoted)...)
		}
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOPACKAGE=identity")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	for _, name := range []string{"identity_bpfel.go", "identity_bpfel.o", "identity_bpfeb.go", "identity_bpfeb.o"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what clang makes of identity.bpf.c: go generate ./bpf/identity", name)
		}
	}
}
