package tables

import (
	"strings"
	"testing"
)

func TestTypeString(t *testing.T) {
	f := func(n Type, want string) {
		t.Helper()
		if got := n.String(); got != want {
			t.Errorf("Type(%d).String() = %q, want %q", uint16(n), got, want)
		}
		if got := string(n.AppendTo([]byte("type="))); got != "type="+want {
			t.Errorf("Type(%d).AppendTo = %q, want %q", uint16(n), got, "type="+want)
		}
		if got, ok := TypeByName([]byte(want)); !ok || got != n {
			t.Errorf("TypeByName(%q) = %d, %v, want %d", want, got, ok, n)
		}
	}
	f(1300, "SYSCALL")
	f(1302, "PATH")
	f(1320, "EOE")
	f(1327, "PROCTITLE")
	f(1006, "LOGIN")
	f(1336, "URINGOP")
	f(1423, "LANDLOCK_ACCESS")
	f(1424, "LANDLOCK_DOMAIN")
	f(1425, "MAC_TASK_CONTEXTS")
	f(1426, "MAC_OBJ_CONTEXTS")
	f(1500, "APPARMOR")
	f(2201, "RESP_ALERT")
	f(2900, "LEDGER")
	f(2901, "CONTAINER")
	// The bounds of the ranges are no types.
	f(1199, "UNKNOWN[1199]")
	f(1600, "UNKNOWN[1600]")
	f(2999, "UNKNOWN[2999]")
	f(0, "UNKNOWN[0]")
	f(999, "UNKNOWN[999]")
	f(3000, "UNKNOWN[3000]")
	f(65535, "UNKNOWN[65535]")
}

func TestTypeByNameUnknown(t *testing.T) {
	for _, name := range []string{
		"", "X", "syscall", "SYSCAL", "SYSCALLS", "UNKNOWN", "UNKNOWN[", "UNKNOWN[]", "UNKNOWN[1",
		"UNKNOWN[65536]", "UNKNOWN[99999]", "UNKNOWN[000000]", "UNKNOWN[-1]", "UNKNOWN[1x]", "UNKNOWN[1]]",
		strings.Repeat("A", 1000),
	} {
		if got, ok := TypeByName([]byte(name)); ok {
			t.Errorf("TypeByName(%q) = %d, want none", name, got)
		}
	}
}

// TestTypes: every name leads back to its number, and each number has one.
func TestTypes(t *testing.T) {
	all := Types()
	if len(all) < 190 || len(all) != len(typeNumbers) {
		t.Errorf("%d types, want all %d", len(all), len(typeNumbers))
	}
	for i, n := range all {
		if i > 0 && all[i-1] >= n {
			t.Errorf("type %d after %d", n, all[i-1])
		}
		if got, ok := TypeByName([]byte(n.String())); !ok || got != n || !n.Known() {
			t.Errorf("TypeByName(%q) = %d, %v, want %d", n, got, ok, n)
		}
	}
}

func TestArch(t *testing.T) {
	f := func(a Arch, want string) {
		t.Helper()
		if got := a.String(); got != want {
			t.Errorf("Arch(%#x).String() = %q, want %q", uint32(a), got, want)
		}
		if a.Known() {
			if got, ok := ArchByName(want); !ok || got != a {
				t.Errorf("ArchByName(%q) = %#x, %v, want %#x", want, uint32(got), ok, uint32(a))
			}
		}
	}
	f(0xc000003e, "x86_64")
	f(0x40000003, "i386")
	f(0xc00000b7, "aarch64")
	f(0x40000028, "arm")
	f(0xc00000f3, "riscv64")
	f(0x400000f3, "riscv32")
	f(0xc0000015, "ppc64le")
	f(0x80000015, "ppc64")
	f(0x14, "ppc")
	f(0x80000016, "s390x")
	f(0x16, "s390")
	f(0xc0000102, "loongarch64")
	f(0x40000102, "loongarch32")
	f(0x8, "mips")
	f(0x40000008, "mipsel")
	f(0x80000008, "mips64")
	f(0xc0000008, "mipsel64")
	f(0xa0000008, "mips64n32")
	f(0xe0000008, "mipsel64n32")
	f(0x8000002b, "sparc64")
	f(0x2, "sparc")
	f(0xc0009026, "alpha")
	f(0xc0000032, "ia64")
	f(0x8000000f, "parisc64")
	f(0xf, "parisc")
	f(0x4, "m68k")
	f(0x2a, "sh")
	f(0x4000002a, "shel")
	f(0xc00000bf, "0xc00000bf")

	for name, want := range map[string]Arch{"i686": ArchI386, "amd64": ArchX86_64, "arm64": ArchAArch64, "armeb": ArchARM} {
		if got, ok := ArchByName(name); !ok || got != want {
			t.Errorf("ArchByName(%q) = %v, %v, want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "b64", "x86-64", "0xc000003e"} {
		if got, ok := ArchByName(name); ok {
			t.Errorf("ArchByName(%q) = %v, want none", name, got)
		}
	}
	if got, ok := ArchX86_64.Compat(); !ok || got != ArchI386 {
		t.Errorf("x86_64's 32-bit architecture = %v, %v", got, ok)
	}
	if got, ok := ArchI386.Compat(); ok {
		t.Errorf("i386's 32-bit architecture = %v, want none", got)
	}
	if !ArchX86_64.Is64Bit() || ArchI386.Is64Bit() || !ArchS390X.Is64Bit() {
		t.Error("Is64Bit does not follow the 64-bit flag")
	}
	if Native() == 0 {
		t.Error("no native architecture")
	}
}

func TestSyscalls(t *testing.T) {
	f := func(a Arch, nr int, want string) {
		t.Helper()
		if got, ok := SyscallName(a, nr); !ok || got != want {
			t.Errorf("SyscallName(%v, %d) = %q, %v, want %q", a, nr, got, ok, want)
		}
		if got, ok := SyscallNumber(a, want); !ok || got != nr {
			t.Errorf("SyscallNumber(%v, %q) = %d, %v, want %d", a, want, got, ok, nr)
		}
	}
	f(ArchX86_64, 0, "read")
	f(ArchX86_64, 59, "execve")
	f(ArchX86_64, 257, "openat")
	f(ArchX86_64, 322, "execveat")
	f(ArchX86_64, 462, "mseal")
	f(ArchX86_64, 463, "setxattrat")
	f(ArchX86_64, 467, "open_tree_attr")
	f(ArchX86_64, 469, "file_setattr")
	f(ArchI386, 11, "execve")
	f(ArchI386, 102, "socketcall")
	f(ArchI386, 219, "madvise")
	f(ArchI386, 469, "file_setattr")
	f(ArchAArch64, 56, "openat")
	f(ArchAArch64, 221, "execve")
	f(ArchARM, 5, "open")
	f(ArchRISCV64, 221, "execve")
	f(ArchRISCV64, 258, "riscv_hwprobe")
	f(ArchLoong64, 221, "execve")
	f(ArchPPC64LE, 11, "execve")
	f(ArchPPC64, 386, "pkey_mprotect")
	f(ArchPPC, 192, "mmap2")
	f(ArchS390X, 354, "execveat")
	f(ArchS390, 11, "execve")
	f(ArchMIPS, 4011, "execve")
	f(ArchMIPSEL64, 5057, "execve")
	f(ArchSPARC64, 59, "execve")

	// The kernel's spelling is accepted beside the audit tools'.
	for _, name := range []string{"pread", "pread64"} {
		if got, ok := SyscallNumber(ArchX86_64, name); !ok || got != 17 {
			t.Errorf("SyscallNumber(x86_64, %q) = %d, %v, want 17", name, got, ok)
		}
	}
	for _, nr := range []int{-1, 335 + 1000, 1 << 30, 5000} {
		if got, ok := SyscallName(ArchX86_64, nr); ok {
			t.Errorf("SyscallName(x86_64, %d) = %q, want none", nr, got)
		}
	}
	if got, ok := SyscallNumber(ArchX86_64, "socketcall"); ok {
		t.Errorf("SyscallNumber(x86_64, socketcall) = %d, want none", got)
	}
	if got, ok := SyscallName(ArchAlpha, 1); ok {
		t.Errorf("SyscallName(alpha, 1) = %q, want none", got)
	}
}

// TestSyscallsRoundTrip: every name that is printed means its number, or that
// of a lower one with the same name.
func TestSyscallsRoundTrip(t *testing.T) {
	for _, a := range []Arch{
		ArchX86_64, ArchI386, ArchAArch64, ArchARM, ArchRISCV64, ArchLoong64, ArchPPC64LE, ArchPPC64,
		ArchPPC, ArchS390X, ArchS390, ArchMIPS, ArchMIPSEL, ArchMIPS64, ArchMIPSEL64, ArchSPARC64,
	} {
		list := Syscalls(a)
		if len(list) < 300 {
			t.Errorf("%v has %d system calls", a, len(list))
		}
		first := make(map[string]int)
		for i, c := range list {
			if i > 0 && list[i-1].Number >= c.Number {
				t.Errorf("%v: %d after %d", a, c.Number, list[i-1].Number)
			}
			if _, ok := first[c.Name]; !ok {
				first[c.Name] = c.Number
			}
			if got, ok := SyscallNumber(a, c.Name); !ok || got != first[c.Name] {
				t.Errorf("SyscallNumber(%v, %q) = %d, %v, want %d", a, c.Name, got, ok, first[c.Name])
			}
		}
	}
	if Syscalls(ArchAlpha) != nil {
		t.Error("alpha has system calls")
	}
}

func TestErrno(t *testing.T) {
	f := func(n int, want string) {
		t.Helper()
		if got, ok := ErrnoName(n); !ok || got != want {
			t.Errorf("ErrnoName(%d) = %q, %v, want %q", n, got, ok, want)
		}
		if got, ok := ErrnoNumber(want); !ok || got != n {
			t.Errorf("ErrnoNumber(%q) = %d, %v, want %d", want, got, ok, n)
		}
	}
	f(1, "EPERM")
	f(2, "ENOENT")
	f(11, "EAGAIN")
	f(13, "EACCES")
	f(35, "EDEADLK")
	f(95, "EOPNOTSUPP")
	f(133, "EHWPOISON")
	for name, want := range map[string]int{"EWOULDBLOCK": 11, "EDEADLOCK": 35, "ENOTSUP": 95} {
		if got, ok := ErrnoNumber(name); !ok || got != want {
			t.Errorf("ErrnoNumber(%q) = %d, %v, want %d", name, got, ok, want)
		}
	}
	for _, n := range []int{-2, 0, 41, 58, 135, 4095} {
		if got, ok := ErrnoName(n); ok {
			t.Errorf("ErrnoName(%d) = %q, want none", n, got)
		}
	}
	if got, ok := ErrnoNumber("ENOSUCH"); ok {
		t.Errorf("ErrnoNumber(ENOSUCH) = %d, want none", got)
	}
}

func TestFamilyAndUring(t *testing.T) {
	if got, ok := FamilyName(2); !ok || got != "inet" {
		t.Errorf("FamilyName(2) = %q, %v", got, ok)
	}
	for _, n := range []int{-1, 0, 27, 45, 1000} {
		if got, ok := FamilyName(n); ok {
			t.Errorf("FamilyName(%d) = %q, want none", n, got)
		}
	}
	for n, want := range map[int]string{0: "nop", 9: "sendmsg", 18: "openat", 46: "uring_cmd", 48: "sendmsg_zc", 62: "pipe"} {
		if got, ok := UringOpName(n); !ok || got != want {
			t.Errorf("UringOpName(%d) = %q, %v, want %q", n, got, ok, want)
		}
		if got, ok := UringOpNumber(want); !ok || got != n {
			t.Errorf("UringOpNumber(%q) = %d, %v, want %d", want, got, ok, n)
		}
	}
	if got, ok := UringOpName(200); ok {
		t.Errorf("UringOpName(200) = %q, want none", got)
	}
	if got, ok := UringOpNumber("execve"); ok {
		t.Errorf("UringOpNumber(execve) = %d, want none", got)
	}
}

func TestLookupsDoNotAllocate(t *testing.T) {
	typeName, dst := []byte("USER_LOGIN"), make([]byte, 0, 64)
	f := func(name string, do func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	f("Type.String", func() { _ = TypeSyscall.String() })
	f("Type.AppendTo", func() { dst = Type(1499).AppendTo(dst[:0]) })
	f("TypeByName", func() { TypeByName(typeName) })
	f("SyscallName", func() { SyscallName(ArchX86_64, 257) })
	f("SyscallNumber", func() { SyscallNumber(ArchX86_64, "openat") })
	f("ErrnoName", func() { ErrnoName(2) })
	f("Arch.String", func() { _ = ArchX86_64.String() })
}

func BenchmarkTypeString(b *testing.B) {
	for b.Loop() {
		_ = TypeSyscall.String()
	}
}

func BenchmarkTypeByName(b *testing.B) {
	name := []byte("PROCTITLE")
	for b.Loop() {
		TypeByName(name)
	}
}

func BenchmarkSyscallName(b *testing.B) {
	for b.Loop() {
		SyscallName(ArchX86_64, 257)
	}
}

func BenchmarkSyscallNumber(b *testing.B) {
	for b.Loop() {
		SyscallNumber(ArchX86_64, "openat")
	}
}

func BenchmarkErrnoNumber(b *testing.B) {
	for b.Loop() {
		ErrnoNumber("ENOENT")
	}
}

func FuzzTypeByName(f *testing.F) {
	for _, s := range []string{"SYSCALL", "UNKNOWN[1423]", "UNKNOWN[65536]", "UNKNOWN[]", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, name []byte) {
		n, ok := TypeByName(name)
		if !ok {
			return
		}
		// A number may be written with zeros in front, or instead of its name.
		again, ok := TypeByName([]byte(n.String()))
		if !ok || again != n {
			t.Errorf("TypeByName(%q) = %d, but TypeByName(%q) = %d, %v", name, n, n, again, ok)
		}
	})
}

func TestFromKernel(t *testing.T) {
	f := func(name string, want bool) {
		t.Helper()
		number, ok := TypeByName([]byte(name))
		if !ok {
			t.Fatalf("no type %s", name)
		}
		if got := number.FromKernel(); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"SYSCALL", "EOE", "USER_LOGIN", "LOGIN", "CONFIG_CHANGE", "AVC", "ANOM_ABEND", "KERNEL", "UNKNOWN[1499]", "CRYPTO_SESSION"} {
		f(name, true)
	}
	for _, name := range []string{"DAEMON_START", "DAEMON_ROTATE", "DAEMON_ERR", "LEDGER", "CONTAINER", "RESP_ALERT"} {
		f(name, false)
	}
}
