package search

import (
	"strings"
	"testing"
)

// The names and numbers that stock knows are the same in ours, which knows newer ones, too.
func TestAusyscall(t *testing.T) {
	p, dir := pairOf(t, "ausyscall"), t.TempDir()
	for _, line := range []string{
		"", "foo", "--exact open", "open --exact", "x86_64 --exact open", "2", "i386 2", "b32 5", "9999", "0x10", "2abc", "-1", "x86_64", "--exact",
		"a b c", "a b c d", "x86_64 i386", "2 3", "open close", "99999999999999", "99999999999999999999999999", "--exact OPEN", "--exact ope",
		"x86_64 foo", "alpha", "alpha open", "armv8l 5", "arm 5", "ppc64le 5", "s390x 5", "007", "--dum", "X86_64 2", "b64", "b32 b64",
	} {
		p.same(t, dir, nil, strings.Fields(line)...)
	}
	for _, arch := range []string{"x86_64", "i386", "b32", "b64", "aarch64", "arm", "armeb", "ppc", "ppc64", "ppc64le", "s390", "s390x"} {
		for _, line := range []string{"--dump", "open", "READ"} {
			want := runIn(t, dir, nil, p.stock, arch, line)
			got := runIn(t, dir, nil, p.ours, arch, line)
			have := "\n" + got.Out
			for one := range strings.Lines(want.Out) {
				if !strings.Contains(have, "\n"+one) {
					t.Errorf("ausyscall %s %s: ours lacks %q", arch, line, one)
				}
			}
			if got.Status != want.Status {
				t.Errorf("ausyscall %s %s: got exit status %d, want %d", arch, line, got.Status, want.Status)
			}
		}
	}
}

// What audit 4 added is there, too.
func TestAusyscallUring(t *testing.T) {
	p, dir := pairOf(t, "ausyscall"), t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"uring 18", "openat\n"}, {"uring --exact openat", "18\n"}, {"uring 9", "sendmsg\n"}, {"URING sendmsg", "sendmsg            9\nsendmsg_zc         48\n"},
		{"riscv64 --exact openat", "56\n"},
	} {
		if got := runIn(t, dir, nil, p.ours, strings.Fields(c.args)...); got.Out != c.want || got.Status != 0 {
			t.Errorf("ausyscall %s: got %q, status %d, want %q", c.args, got.Out, got.Status, c.want)
		}
	}
}
