package words

import "testing"

func TestFind(t *testing.T) {
	for _, test := range []struct {
		table  Table
		n      uint64
		v3, v4 string
	}{
		{Ptrace, 0x10, "PTRACE_ATTACH", "PTRACE_ATTACH"},
		{Ptrace, 0x4210, "", "PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG"},
		{Seccomp, 0, "kill", "kill-thread"},
		{Signal, 30, "IGPWR", "IGPWR"}, // as libauparse spells it
		{Capability, 40, "checkpoint_restore", "checkpoint_restore"},
		{Capability, 41, "", ""},
		{Family, 1 << 32, "", ""},
		{ErrorText, 2, "No such file or directory", "No such file or directory"},
	} {
		for v, want := range []string{test.v3, test.v4} {
			if got, ok := test.table.Find(test.n, Version(v)); got != want || ok != (want != "") {
				t.Errorf("version %d, %#x: got %q, %v, want %q", 3+v, test.n, got, ok, want)
			}
		}
	}
}

func TestAppendFlags(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "x", 1: "xMS_RDONLY", 0x1021: "xMS_RDONLY|MS_REMOUNT|MS_BIND", 0x300: "x", 1 << 40: "x",
	} {
		if got := string(Mount.AppendFlags([]byte("x"), 1, n, V3)); got != want {
			t.Errorf("%#x: got %q, want %q", n, got, want)
		}
	}
	if got, want := string(OpenFlag.AppendFlags([]byte("O_RDONLY"), 0, 0x40, V3)), "O_RDONLY|O_CREAT"; got != want {
		t.Errorf("behind another flag: got %q, want %q", got, want)
	}
}

func TestFindKey(t *testing.T) {
	for sent, want := range map[string]string{
		"\x1b[A": "up", "\x1b[1;2A": "scroll-backward", "\x1b": "esc", "\r": "ret", "\x7f": "backspace", "a": "", "": "", "\x00": "",
	} {
		got, n := FindKey([]byte(sent + "zz"))
		if got != want || (n == len(sent)) != (want != "" || sent == "") {
			t.Errorf("%q: got %q of %d bytes, want %q", sent, got, n, want)
		}
	}
}
