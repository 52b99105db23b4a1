package tables

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// These tests hold the tables against what is installed: the audit tools and
// the kernel's headers (Debian: auditd, linux-libc-dev). Newer ones may know
// more than the tables' inputs; what both know must agree.

// missing skips the test for want of a tool, or fails it where CI=true promises
// that all tools are there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", what)
	}
	t.Skipf("%s is missing: install auditd and linux-libc-dev to run this test", what)
}

// output runs a tool and returns what it printed. The audit tools print their
// tables with an exit code of their own.
func output(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if len(out) == 0 {
		t.Fatalf("run %s: no output: %v", name, err)
	}
	return out
}

func TestOracleAusearchTypes(t *testing.T) {
	out := output(t, "ausearch", "-m")
	_, list, ok := strings.Cut(string(out), "Valid message types are: ")
	if !ok {
		t.Fatalf("ausearch -m printed %q", out)
	}
	names := strings.Fields(list)
	if len(names) < 180 {
		t.Errorf("ausearch knows %d types", len(names))
	}
	for _, name := range names {
		if name == "ALL" {
			continue
		}
		if n, ok := TypeByName([]byte(name)); !ok || n.String() != name {
			t.Errorf("ausearch's type %s = %d, %v", name, n, ok)
		}
	}
}

// TestOracleAusearchLog: ausearch knows all names that kernel and audit tools'
// records have in a log, or sees UNKNOWN[n]. The requests of the control
// protocol are in no log; Vigil's own records stand alone.
func TestOracleAusearchLog(t *testing.T) {
	_, list, _ := strings.Cut(string(output(t, "ausearch", "-m")), "Valid message types are: ")
	known := make(map[string]bool)
	for _, name := range strings.Fields(list) {
		known[name] = true
	}
	for _, n := range Types() {
		if n < 1100 && n != TypeUser && n != TypeLogin || n == TypeDaemonReconfig || n == TypeReplace || n >= TypeLedger {
			continue
		}
		name := string(n.AppendLog(nil))
		if again, ok := TypeByName([]byte(name)); !ok || again != n {
			t.Errorf("TypeByName(%q) = %d, %v, want %d", name, again, ok, n)
		}
		if !known[name] && !strings.HasPrefix(name, "UNKNOWN[") {
			t.Errorf("a log has %s, which ausearch does not know", name)
		}
	}
}

func TestOracleAusyscall(t *testing.T) {
	tests := map[string]Arch{
		"x86_64": ArchX86_64, "i386": ArchI386, "aarch64": ArchAArch64, "arm": ArchARM, "ppc": ArchPPC,
		"ppc64": ArchPPC64, "ppc64le": ArchPPC64LE, "s390": ArchS390, "s390x": ArchS390X,
	}
	for name, arch := range tests {
		dump := output(t, "ausyscall", name, "--dump")
		count := 0
		for line := range strings.Lines(string(dump)) {
			number, call, ok := strings.Cut(strings.TrimSpace(line), "\t")
			nr, err := strconv.Atoi(number)
			if !ok || err != nil {
				continue // the heading
			}
			count++
			if got, _ := SyscallName(arch, nr); got != call {
				t.Errorf("SyscallName(%s, %d) = %q, ausyscall prints %q", name, nr, got, call)
			}
		}
		if count < 300 {
			t.Errorf("ausyscall %s lists %d calls", name, count)
		}
	}
}

// defines reads "#define PREFIX_NAME number" lines of a header.
func defines(t *testing.T, path, prefix string) map[string]uint64 {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		missing(t, path)
	}
	line := regexp.MustCompile(`^\s*#\s*define\s+` + prefix + `(\w+)\s+(0x[0-9A-Fa-f]+|[0-9]+)\b`)
	found := make(map[string]uint64)
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if m := line.FindStringSubmatch(s.Text()); m != nil {
			n, err := strconv.ParseUint(m[2], 0, 64)
			if err != nil {
				t.Fatal(err)
			}
			found[m[1]] = n
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s defines no %s*", path, prefix)
	}
	return found
}

func TestOracleKernelTypes(t *testing.T) {
	count := 0
	for name, n := range defines(t, "/usr/include/linux/audit.h", "AUDIT_") {
		if n < 1000 || n > 2999 || strings.Contains(name, "FIRST_") || strings.Contains(name, "LAST_") {
			continue
		}
		count++
		if got := Type(n).String(); got != name {
			t.Errorf("Type(%d).String() = %q, <linux/audit.h> says %q", n, got, name)
		}
	}
	if count < 90 {
		t.Errorf("<linux/audit.h> has %d types", count)
	}
}

func TestOracleErrnos(t *testing.T) {
	for _, path := range []string{"/usr/include/asm-generic/errno-base.h", "/usr/include/asm-generic/errno.h"} {
		for name, n := range defines(t, path, "E") {
			if got, ok := ErrnoNumber("E" + name); !ok || got != int(n) {
				t.Errorf("ErrnoNumber(E%s) = %d, %v, %s says %d", name, got, ok, path, n)
			}
			if got, ok := ErrnoName(int(n)); !ok || got != "E"+name {
				t.Errorf("ErrnoName(%d) = %q, %v, %s says E%s", n, got, ok, path, name)
			}
		}
	}
}

// TestOracleArches: AUDIT_ARCH_* are expressions over EM_* in the header, so the
// compiler's preprocessor is not enough; the flags and machines are.
func TestOracleArches(t *testing.T) {
	machines := defines(t, "/usr/include/linux/elf-em.h", "EM_")
	flags := defines(t, "/usr/include/linux/audit.h", "__AUDIT_ARCH_")
	le, b64 := flags["LE"], flags["64BIT"]
	for arch, want := range map[Arch]uint64{
		ArchX86_64:  machines["X86_64"] | b64 | le,
		ArchI386:    machines["386"] | le,
		ArchAArch64: machines["AARCH64"] | b64 | le,
		ArchARM:     machines["ARM"] | le,
		ArchRISCV64: machines["RISCV"] | b64 | le,
		ArchRISCV32: machines["RISCV"] | le,
		ArchPPC64LE: machines["PPC64"] | b64 | le,
		ArchPPC64:   machines["PPC64"] | b64,
		ArchPPC:     machines["PPC"],
		ArchS390X:   machines["S390"] | b64,
		ArchS390:    machines["S390"],
		ArchLoong64: machines["LOONGARCH"] | b64 | le,
		ArchLoong32: machines["LOONGARCH"] | le,
		ArchMIPS:    machines["MIPS"],
		ArchMIPSEL:  machines["MIPS"] | le,
		ArchSPARC64: machines["SPARCV9"] | b64,
	} {
		if uint64(arch) != want {
			t.Errorf("%v = %#x, the headers say %#x", arch, uint32(arch), want)
		}
	}
}
