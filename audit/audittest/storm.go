package audittest

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"vigil/audit/tables"
)

// helperEnv makes a test binary whose TestMain calls Main do something else
// than test.
const helperEnv = "VIGIL_AUDITTEST_HELPER"

// Main runs the tests, or what Storm has started the binary for. A package that
// uses Storm calls it from TestMain: os.Exit(audittest.Main(m)).
func Main(m *testing.M) int {
	task := strings.Fields(os.Getenv(helperEnv))
	if len(task) == 0 {
		return m.Run()
	}
	n, err := strconv.Atoi(task[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	switch task[0] {
	case "opens":
		err = opens(n)
	case "execs":
		err = execs(n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func opens(n int) error {
	for range n {
		fd, err := syscall.Open("/etc/hostname", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		syscall.Close(fd)
	}
	return nil
}

func execs(n int) error {
	for i := range n {
		if err := exec.Command("/bin/true", strconv.Itoa(i)).Run(); err != nil {
			return err
		}
	}
	return nil
}

// Storm runs n system calls of a kind, "opens" (openat of a file that exists)
// or "execs" (of /bin/true), in a process of its own under uid, and returns when
// it has ended. The test's package must call Main from TestMain. The process
// makes a few more such calls of its own when it starts.
func Storm(t testing.TB, kind string, n int, uid uint32) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", helperEnv, kind, n))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("storm of %d %s: %v", n, kind, err)
	}
}

// SyscallRule returns the struct audit_rule_data that auditctl makes of
// -a always,exit -F arch=ARCH -S NAME... -F uid=UID, for the native ABI.
func SyscallRule(t testing.TB, uid uint32, names ...string) []byte {
	t.Helper()
	const (
		listExit, actionAlways = 4, 2
		fieldUID, fieldArch    = 1, 11
		opEqual                = 0x40000000
		maskAt, fieldsAt       = 3, 3 + 64
		valuesAt, flagsAt      = fieldsAt + 64, fieldsAt + 128
	)
	var w [ruleSize / 4]uint32
	w[0], w[1], w[2] = listExit, actionAlways, 2
	for _, name := range names {
		nr, ok := tables.SyscallNumber(tables.Native(), name)
		if !ok {
			t.Fatalf("no system call %s", name)
		}
		w[maskAt+nr/32] |= 1 << (nr % 32)
	}
	w[fieldsAt], w[valuesAt], w[flagsAt] = fieldArch, uint32(tables.Native()), opEqual
	w[fieldsAt+1], w[valuesAt+1], w[flagsAt+1] = fieldUID, uid, opEqual
	return words(w[:]...)
}
