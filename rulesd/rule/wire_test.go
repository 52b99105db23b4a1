package rule

import (
	"bytes"
	"encoding/binary"
	"testing"

	"vigil/audit/tables"
)

// TestWire compares with what auditctl 3.0.9 sends for the line (seen with strace).
func TestWire(t *testing.T) {
	cmd := parse(t, "-w /etc/ -p wa -k w")
	got := cmd.Rule.AppendBinary(nil)
	want := make([]byte, WireSize)
	le := binary.NativeEndian
	le.PutUint32(want[0:], 4) // AUDIT_FILTER_EXIT
	le.PutUint32(want[4:], 2) // AUDIT_ALWAYS
	le.PutUint32(want[8:], 3) // fields
	for i := range 256 {
		want[12+i] = 0xff
	}
	for i, field := range []uint32{107, 106, 210} {
		le.PutUint32(want[268+4*i:], field)
		le.PutUint32(want[524+4*i:], []uint32{4, 10, 1}[i])
		le.PutUint32(want[780+4*i:], 0x40000000)
	}
	le.PutUint32(want[1036:], 5)
	want = append(want, "/etcw"...)
	if !bytes.Equal(got, want) {
		t.Errorf("%q:\n got %x\nwant %x", "-w /etc/ -p wa -k w", got, want)
	}
	if WireSize != 1040 {
		t.Errorf("WireSize = %d, want 1040, sizeof(struct audit_rule_data)", WireSize)
	}
}

func TestUnmarshal(t *testing.T) {
	cmd := parse(t, "-a always,exit -F arch=b64 -S open -F path=/etc/shadow -F exe=/bin/cat -k a -k b")
	wire := cmd.Rule.AppendBinary(nil)
	var r Rule
	if err := r.UnmarshalBinary(append(wire, 0, 0, 0)); err != nil { // padding of netlink
		t.Fatal(err)
	}
	if !r.Equal(&cmd.Rule) {
		t.Errorf("read back: %s, want %s", &r, &cmd.Rule)
	}
	if got := r.Keys(); len(got) != 2 || got[0] != "a" || got[1] != "b" {
		t.Errorf("keys = %q, want a and b", got)
	}
	le := binary.NativeEndian
	for name, spoil := range map[string]func(b []byte) []byte{
		"short":                  func(b []byte) []byte { return b[:WireSize-1] },
		"too many fields":        func(b []byte) []byte { le.PutUint32(b[8:], 65); return b },
		"strings beyond the end": func(b []byte) []byte { le.PutUint32(b[wireTextLen:], 1<<20); return b },
		"a string too long":      func(b []byte) []byte { le.PutUint32(b[wireValues+4:], 500); return b },
		"strings of no field":    func(b []byte) []byte { le.PutUint32(b[wireValues+4:], 1); return b },
		"no bytes":               func([]byte) []byte { return nil },
	} {
		if err := r.UnmarshalBinary(spoil(bytes.Clone(wire))); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPrependAndClassesAreNoIdentity(t *testing.T) {
	a := parse(t, "-a always,exit").Rule
	b := parse(t, "-A always,exit").Rule
	if bytes.Equal(a.AppendBinary(nil), b.AppendBinary(nil)) {
		t.Error("-A and -a are the same bytes")
	}
	b.Mask[maskWords-1] = 0xffff // as the kernel lists all calls
	if !a.Equal(&b) {
		t.Error("the place in the list, or the classes' bits, count for the identity")
	}
}

func TestNumber(t *testing.T) {
	f := func(text string, signed bool, want uint32, rest string) {
		t.Helper()
		if got, r := number(text, signed); got != want || r != rest {
			t.Errorf("number(%q, %v) = %d, %q, want %d, %q", text, signed, got, r, want, rest)
		}
	}
	f("10", false, 10, "")
	f("010", false, 8, "")
	f("0x10", false, 16, "")
	f("0x", false, 0, "x")
	f("08", false, 0, "8")
	f("10x", false, 10, "x")
	f("-1", true, 0xffffffff, "")
	f("-0x2", true, 0xfffffffe, "")
	f("4294967296", false, 0, "")
	f("99999999999", true, 1215752191, "")
	f("99999999999999999999", false, 0xffffffff, "")
	f("99999999999999999999", true, 0xffffffff, "") // the low half of LONG_MAX
	f("-99999999999999999999", true, 0, "")         // of LONG_MIN
	f("", true, 0, "")
}

func TestPerm(t *testing.T) {
	env := testEnv()
	env.PermAll = false
	f := func(line string, want ...string) {
		t.Helper()
		cmd, _ := ParseLine(line, env)
		if cmd.Err != nil {
			t.Fatal(cmd.Err)
		}
		for _, name := range want {
			nr, ok := tables.SyscallNumber(cmd.Rule.Arch(), name)
			if !ok || !cmd.Rule.Mask.Has(nr) {
				t.Errorf("%q is not on %s", line, name)
			}
		}
		if cmd.Rule.Mask.All() != (len(want) == 0) {
			t.Errorf("%q: all calls: %v", line, cmd.Rule.Mask.All())
		}
	}
	f("-a always,exit -F arch=b64 -F path=/x -F perm=wa", "open", "rename", "fchmodat2", "setxattrat", "bind", "linkat")
	f("-a always,exit -F arch=b32 -F path=/x -F perm=a", "chown32", "lchown32", "chmod")
	f("-a always,exit -F arch=b32 -F path=/x -F perm=w", "truncate64", "ftruncate64", "socketcall")
	f("-a always,exit -F arch=b64 -F path=/x -F perm=x", "execve", "execveat")
	f("-a always,exit -F arch=b64 -F dir=/etc -p r", "open", "readlink", "getxattr")
	// What is left on all calls: no arch, another operator, calls named, a watch.
	f("-a always,exit -F path=/x -F perm=wa")
	f("-a always,exit -F arch!=b32 -F path=/x -F perm=wa")
	f("-a always,exit -F arch=b64 -S all -F path=/x -F perm=wa")
	f("-w /x -p wa")
}
