package enrich

import (
	"bytes"
	"strings"
	"testing"

	"vigil/audit"
	"vigil/audit/tables"
)

func record(kind tables.Type, text string) audit.Record {
	return audit.Record{Type: kind, ID: audit.ID{Sec: 1626611363, Milli: 720, Serial: 348501}, Body: []byte(text)}
}

// suffixOf returns what is appended for a record of the given type and text.
func suffixOf(kind tables.Type, text string) string {
	return string(AppendSuffix(nil, record(kind, text), goldenNames()))
}

// TestDifferences: where AppendSuffix means to differ from auditd 3.0.9, as the
// package's documentation says.
func TestDifferences(t *testing.T) {
	f := func(kind tables.Type, text, want string) {
		t.Helper()
		if got := suffixOf(kind, text); got != want {
			t.Errorf("%v %q:\n got %q\nwant %q", kind, text, got, want)
		}
	}
	// auditd would write a line of the sender's making here.
	f(tables.TypeSockaddr, "saddr=01002F0A747970653D555345522078", "\x1dSADDR={ saddr_fam=local path=/ type=USER x }")
	f(tables.TypeSockaddr, "saddr=01002F1D5549443D22726F6F7422", "\x1dSADDR={ saddr_fam=local path=/ UID=\"root\" }")
	f(tables.TypeSockaddr, "saddr=03000A1D0A1D0A1D0A", "\x1dSADDR={ saddr_fam=ax25 call=        }")
	f(tables.TypeSockaddr, "saddr=09000A1D", "\x1dSADDR={ saddr_fam=x25 laddr=   }")
	// What the log has as a space separates words.
	f(tables.TypePath, "ouid=0\nuid=1", "\x1dOUID=\"root\" UID=\"daemon\"")
	f(tables.TypePath, "ouid=0\x00uid=1", "\x1dOUID=\"root\" UID=\"daemon\"")
	f(tables.TypePath, "ouid=0\x1duid=1", "\x1dOUID=\"root\" UID=\"daemon\"")
	// Newer system calls and architectures.
	f(tables.TypeSyscall, "arch=c000003e syscall=463", "\x1dARCH=x86_64 SYSCALL=setxattrat")
	f(tables.TypeSyscall, "arch=c00000f3 syscall=56", "\x1dARCH=riscv64 SYSCALL=openat")
	f(tables.TypeSyscall, "arch=c0000102 syscall=56", "\x1dARCH=loongarch64 SYSCALL=openat")
	f(tables.TypeSyscall, "arch=c0009026 syscall=3", "\x1dARCH=alpha SYSCALL=unknown-syscall(3)")
	f(tables.TypeUringOp, "uring_op=18 uid=0", "\x1dURING_OP=openat UID=\"root\"")
	f(tables.TypeUringOp, "uring_op=200 uid=0", "\x1dURING_OP=unknown-syscall(200) UID=\"root\"")
	f(tables.TypeSyscall, "uring_op=18 uid=0", "\x1dUID=\"root\"")
	// Records that are not searched.
	f(tables.TypeExecve, "argc=1 a0=\"x\" uid=0", "")
	f(tables.TypeProctitle, "proctitle=\"x\" uid=0", "")
	f(tables.TypeCWD, "cwd=\"/\" uid=0", "")
	// A short address has zeros where auditd prints what its memory holds.
	f(tables.TypeSockaddr, "saddr=0800", "\x1dSADDR={ saddr_fam=atmpvc int=0 }")
}

func TestAppendsToLine(t *testing.T) {
	got := string(AppendSuffix([]byte("line"), record(tables.TypePath, "ouid=0"), goldenNames()))
	if want := "line\x1dOUID=\"root\""; got != want {
		t.Errorf("AppendSuffix = %q, want %q", got, want)
	}
}

// TestLongLine: a value that would take the line past auditd's limit is left out,
// whole, and with it the separator if it is the only one.
func TestLongLine(t *testing.T) {
	const stamp = len("type=PATH msg=audit(1626611363.720:348501): ")
	f := func(text, want string) {
		t.Helper()
		if got := suffixOf(tables.TypePath, text); got != want {
			t.Errorf("record of %d bytes: %q, want %q", len(text), got, want)
		}
	}
	uid := "\x1dUID=\"root\"" // 11 bytes
	text := func(n int) string { return "uid=0 x=" + strings.Repeat("y", n-len("uid=0 x=")) }
	f(text(maxLine-stamp-len(uid)), uid)
	f(text(maxLine-stamp-len(uid)+1), "")
	// The shorter value still has room.
	f("uid=12345 "+text(maxLine-stamp-len(uid)-len("uid=12345 ")), uid)
	many := suffixOf(tables.TypePath, strings.Repeat("auid=4294967290 ", 540))
	if n := stamp + 540*16 + len(many); n > maxLine || n < maxLine-20 {
		t.Errorf("line of %d bytes, want nearly %d", n, maxLine)
	}
}

// TestNoAllocation: records need no memory of their own, known names or not.
func TestNoAllocation(t *testing.T) {
	names := goldenNames()
	dst := make([]byte, 0, 1024)
	for kind, text := range map[tables.Type]string{
		tables.TypeSyscall:  "arch=c000003e syscall=257 success=yes exit=3 a0=1 a1=2 a2=3 a3=4 items=1 ppid=1 pid=2 auid=4294967295 uid=0 gid=54321 euid=1 suid=2 fsuid=12345 key=(null)",
		tables.TypePath:     "item=0 name=\"/\" ouid=2001 ogid=2003",
		tables.TypeSockaddr: "saddr=0A00001600000000FE80000000000000000000000000000101000000",
		tables.TypeUserAVC:  "pid=1 uid=81 msg='avc:  denied  { send_msg } for sauid=81 exe=\"/x\"'",
	} {
		r := record(kind, text)
		if n := testing.AllocsPerRun(100, func() { dst = AppendSuffix(dst[:0], r, names) }); n != 0 {
			t.Errorf("%v: %v allocations", kind, n)
		}
	}
}

func FuzzAppendSuffix(f *testing.F) {
	for _, text := range []string{
		"arch=c000003e syscall=257 success=yes exit=3 a0=1 uid=0 gid=54321 euid=99999999999999999999",
		"arch=40000003 syscall=102 success=yes exit=3 a0=3",
		"item=0 name=\"/\" ouid=2001 ogid=2003",
		"saddr=01002F0A1D0A",
		"saddr=0A00001600000000FE80000000000000000000000000000101000000",
		"saddr=(null)",
		"avc:  denied  { read } for uid=0",
		"pid=1 msg='uid=0 (gid=1) x=\x1d\n\x00'",
		"uring_op=18 uid=4294967295",
	} {
		f.Add(uint16(tables.TypeSyscall), []byte(text))
		f.Add(uint16(tables.TypeSockaddr), []byte(text))
		f.Add(uint16(tables.TypeUringOp), []byte(text))
		f.Add(uint16(tables.TypeAVC), []byte(text))
	}
	names := goldenNames()
	f.Fuzz(func(t *testing.T, kind uint16, text []byte) {
		before := bytes.Clone(text)
		r := audit.Record{Type: tables.Type(kind), Body: text}
		got := AppendSuffix(nil, r, names)
		if !bytes.Equal(text, before) {
			t.Errorf("the record's text was changed to %q", text)
		}
		if len(got) == 0 {
			return
		}
		if bytes.IndexByte(got, '\n') >= 0 || bytes.LastIndexByte(got, audit.Separator) != 0 || len(got) < len("\x1dID=") {
			t.Errorf("suffix %q", got)
		}
		if n := len(r.AppendLine(nil, nil)) + len(got); n > maxLine {
			t.Errorf("line of %d bytes", n)
		}
	})
}
