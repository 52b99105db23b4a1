package identity

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestParseStat(t *testing.T) {
	const rest = " S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1234 170000000 900 18446744073709551615\n"
	f := func(text string, pid, ppid uint32, comm string) {
		t.Helper()
		var r record
		err := r.parseStat([]byte(text))
		if err != nil || r.pid != pid || r.ppid != ppid || r.comm.String() != comm || r.start != 12_340_000_000 {
			t.Errorf("%q: got %+v, %v", text, r, err)
		}
	}
	f("42 (sh)"+rest, 42, 7, "sh")
	f("42 (a) S 1 (b c)"+rest, 42, 7, "a) S 1 (b c")
	f("42 (\xff\n)"+rest, 42, 7, "\xff\n")
	for _, text := range []string{"", "42", "42 (sh)", ")(", "x (sh)" + rest, "42 (sh) S"} {
		var r record
		if err := r.parseStat([]byte(text)); !errors.Is(err, errRecord) {
			t.Errorf("%q: got %v, want %v", text, err, errRecord)
		}
	}
}

func FuzzParseProc(f *testing.F) {
	f.Add([]byte("42 (sh) S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 1234 1 1\n"))
	f.Add([]byte("4:memory:/docker/x\n0::/a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var r record
		_ = r.parseStat(text)
		parseCgroup(string(text))
	})
}

func TestParseCgroup(t *testing.T) {
	f := func(text, v2, v1 string) {
		t.Helper()
		if got := parseCgroup(text); got != [2]string{v2, v1} {
			t.Errorf("%q: got %q, want %q and %q", text, got, v2, v1)
		}
	}
	f("", "", "")
	f("0::/system.slice/a.service\n", "/system.slice/a.service", "")
	f("5:cpu,cpuacct:/c\n4:memory:/m\n1:name=systemd:/s\n0::/\n", "/", "/m")
	f("5:cpu,cpuacct:/c:d\n4:memory:/\n", "", "/c:d")
	f("junk\n:\n1:2\n", "", "")
}

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	status := filepath.Join(dir, "status")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want := func(release string, reason Reason) {
		t.Helper()
		err := probe(release, status, dir)
		var u *Unavailable
		if reason == "" && err != nil || reason != "" && (!errors.As(err, &u) || u.Reason != reason || u.Advice() == "") {
			t.Errorf("got %v, want %q", err, reason)
		}
	}
	write("status", "Name:\tx\nCapEff:\t0000000000200000\n") // CAP_SYS_ADMIN
	want("5.7.19-generic", OldKernel)
	want("4.19.0", OldKernel)
	want("6.1.0-56-cloud-amd64", NoBTF)
	write("kernel/btf/vmlinux", "")
	want("6.1.0-56-cloud-amd64", "")
	want("5.8.0", "")
	write("kernel/security/lockdown", "none [integrity] confidentiality\n")
	want("6.18.44-fc", "")
	write("kernel/security/lockdown", "none integrity [confidentiality]\n")
	want("6.18.44-fc", Lockdown)
	write("kernel/security/lockdown", "[none] integrity confidentiality\n")
	write("status", "CapEff:\t000000c000000000\n") // CAP_BPF and CAP_PERFMON
	want("6.18.44-fc", "")
	write("status", "CapEff:\t0000008000000000\n") // CAP_BPF alone
	want("6.18.44-fc", NoCapability)
}
