package tables_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"vigil/audit/tables"
	"vigil/internal/need"
)

// headerNumbers reads the plain numbers that <linux/audit.h> of this machine defines.
func headerNumbers(t *testing.T) map[string]uint64 {
	t.Helper()
	text, err := os.ReadFile("/usr/include/linux/audit.h")
	if err != nil {
		need.Missing(t, "kernel headers (Debian package linux-libc-dev)")
	}
	numbers := map[string]uint64{}
	define := regexp.MustCompile(`(?m)^#define\s+(AUDIT_\w+)\s+(0x[0-9a-fA-F]+|\d+)\b`)
	for _, m := range define.FindAllStringSubmatch(string(text), -1) {
		n, err := strconv.ParseUint(m[2], 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		numbers[m[1]] = n
	}
	return numbers
}

func TestRuleNumbersAreTheHeaders(t *testing.T) {
	header := headerNumbers(t)
	for name, got := range map[string]uint64{
		"PID": uint64(tables.FieldPID), "UID": uint64(tables.FieldUID), "EUID": uint64(tables.FieldEUID), "SUID": uint64(tables.FieldSUID),
		"FSUID": uint64(tables.FieldFSUID), "GID": uint64(tables.FieldGID), "EGID": uint64(tables.FieldEGID), "SGID": uint64(tables.FieldSGID),
		"FSGID": uint64(tables.FieldFSGID), "LOGINUID": uint64(tables.FieldAUID), "PERS": uint64(tables.FieldPers), "ARCH": uint64(tables.FieldArch),
		"MSGTYPE": uint64(tables.FieldMsgType), "SUBJ_USER": uint64(tables.FieldSubjUser), "SUBJ_ROLE": uint64(tables.FieldSubjRole),
		"SUBJ_TYPE": uint64(tables.FieldSubjType), "SUBJ_SEN": uint64(tables.FieldSubjSen), "SUBJ_CLR": uint64(tables.FieldSubjClr),
		"PPID": uint64(tables.FieldPPID), "OBJ_USER": uint64(tables.FieldObjUser), "OBJ_ROLE": uint64(tables.FieldObjRole),
		"OBJ_TYPE": uint64(tables.FieldObjType), "OBJ_LEV_LOW": uint64(tables.FieldObjLevLow), "OBJ_LEV_HIGH": uint64(tables.FieldObjLevHigh),
		"LOGINUID_SET": uint64(tables.FieldAUIDSet), "SESSIONID": uint64(tables.FieldSessionID), "FSTYPE": uint64(tables.FieldFSType),
		"DEVMAJOR": uint64(tables.FieldDevMajor), "DEVMINOR": uint64(tables.FieldDevMinor), "INODE": uint64(tables.FieldInode),
		"EXIT": uint64(tables.FieldExit), "SUCCESS": uint64(tables.FieldSuccess), "WATCH": uint64(tables.FieldPath), "PERM": uint64(tables.FieldPerm),
		"DIR": uint64(tables.FieldDir), "FILETYPE": uint64(tables.FieldFileType), "OBJ_UID": uint64(tables.FieldObjUID), "OBJ_GID": uint64(tables.FieldObjGID),
		"FIELD_COMPARE": uint64(tables.FieldFieldCompare), "EXE": uint64(tables.FieldExe), "SADDR_FAM": uint64(tables.FieldSaddrFam),
		"ARG0": uint64(tables.FieldA0), "FILTERKEY": uint64(tables.FieldKey),
		"BIT_MASK": uint64(tables.OpMask), "LESS_THAN": uint64(tables.OpLess), "GREATER_THAN": uint64(tables.OpGreater),
		"NOT_EQUAL": uint64(tables.OpNotEqual), "EQUAL": uint64(tables.OpEqual),
		"FILTER_USER": uint64(tables.ListUser), "FILTER_TASK": uint64(tables.ListTask), "FILTER_EXIT": uint64(tables.ListExit),
		"FILTER_EXCLUDE": uint64(tables.ListExclude), "FILTER_FS": uint64(tables.ListFilesystem), "FILTER_URING_EXIT": uint64(tables.ListIOUring),
		"FILTER_PREPEND": tables.Prepend, "NEVER": uint64(tables.ActionNever), "POSSIBLE": uint64(tables.ActionPossible), "ALWAYS": uint64(tables.ActionAlways),
		"PERM_EXEC": tables.PermExec, "PERM_WRITE": tables.PermWrite, "PERM_READ": tables.PermRead, "PERM_ATTR": tables.PermAttr,
	} {
		if want, ok := header["AUDIT_"+name]; !ok || got != want {
			t.Errorf("AUDIT_%s = %#x, the header has %#x", name, got, want)
		}
	}
	compared := 0
	for name, n := range header {
		sides, ok := strings.CutPrefix(name, "AUDIT_COMPARE_")
		if !ok {
			continue
		}
		compared++
		left, right, _ := strings.Cut(strings.ToLower(sides), "_to_")
		a, okA := tables.FieldByName(left)
		b, okB := tables.FieldByName(right)
		got, ok := tables.Comparison(a, b)
		if !okA || !okB || !ok || uint64(got) != n {
			t.Errorf("%s = %d, the header has %d", name, got, n)
		}
		if l, r, ok := tables.CompareFields(uint32(n)); !ok || l != a || r != b {
			t.Errorf("%s is %s and %s", name, l, r)
		}
	}
	if compared != 25 {
		t.Errorf("%d comparisons in the header, want 25", compared)
	}
}

func TestRuleNames(t *testing.T) {
	for _, name := range tables.FieldNames() {
		f, ok := tables.FieldByName(strings.ToUpper(name))
		if !ok || f.String() != name && name != "loginuid" {
			t.Errorf("field %s is %s", name, f)
		}
	}
	for _, name := range tables.ListNames() {
		if l, ok := tables.ListByName(name); !ok || l.String() != name {
			t.Errorf("list %s is %s", name, l)
		}
	}
	for _, name := range tables.FileTypeNames() {
		mode, ok := tables.FileTypeByName(name)
		if back, okBack := tables.FileTypeName(mode); !ok || !okBack || back != name {
			t.Errorf("file type %s is %s", name, back)
		}
	}
	for _, name := range tables.FSTypeNames() {
		magic, ok := tables.FSTypeByName(name)
		if back, okBack := tables.FSTypeName(magic); !ok || !okBack || back != name {
			t.Errorf("file system %s is %s", name, back)
		}
	}
	if _, ok := tables.Comparison(tables.FieldUID, tables.FieldGID); ok {
		t.Error("a user and a group are compared")
	}
	if since, ok := tables.SyscallSince("openat2"); !ok || since != "5.6" {
		t.Errorf("openat2 came with %q", since)
	}
}

// TestSyscallNamesReadBack: what a listing says of a number is read as that number.
func TestSyscallNamesReadBack(t *testing.T) {
	for _, arch := range []tables.Arch{tables.ArchX86_64, tables.ArchI386, tables.ArchAArch64, tables.ArchARM, tables.ArchRISCV64,
		tables.ArchPPC64LE, tables.ArchPPC64, tables.ArchPPC, tables.ArchS390X, tables.ArchS390, tables.ArchLoong64} {
		for _, call := range tables.Syscalls(arch) {
			if nr, ok := tables.SyscallNumber(arch, call.Name); !ok || nr != call.Number {
				t.Errorf("%s: %s is %d, reads as %d", arch, call.Name, call.Number, nr)
			}
		}
		n := 0
		if !tables.PermSyscalls(arch, 15, func(int) { n++ }) || n < 40 {
			t.Errorf("%s: %d system calls may need a permission", arch, n)
		}
	}
}
