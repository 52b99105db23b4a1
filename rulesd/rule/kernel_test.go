package rule_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"vigil/audit/audittest"
	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// lists are the kernel's lists of rules.
type lists interface {
	Rules(ctx context.Context) ([][]byte, error)
	AddRule(ctx context.Context, data []byte) error
	DeleteRule(ctx context.Context, data []byte) error
}

// kernelFor locks the machine's audit engine and empties its rules.
func kernelFor(t *testing.T) (context.Context, lists) {
	t.Helper()
	control := audittest.LockEngine(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	t.Cleanup(cancel)
	rules, err := control.Rules(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		if err := control.DeleteRule(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	return ctx, control
}

// TestEveryFieldOperatorList sends every field with every operator to every list,
// with values of several kinds: Refused foretells what the kernel says, and a rule
// that it takes comes back the same and can be deleted by its bytes.
func TestEveryFieldOperatorList(t *testing.T) {
	ctx, control := kernelFor(t)
	taken, refused := 0, 0
	for _, list := range []tables.List{tables.ListUser, tables.ListTask, tables.ListExit, tables.ListExclude, tables.ListFilesystem, tables.ListIOUring} {
		for _, f := range everyField() {
			r := rule.Rule{List: list, Action: tables.ActionAlways, Fields: []rule.Field{f}}
			if list != tables.ListTask {
				r.Mask.SetAll()
			}
			problem, at := r.Refused()
			err := control.AddRule(ctx, r.AppendBinary(nil))
			if (err == nil) != (problem == "") || err != nil && !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%s: kernel: %v, Refused: %q", &r, err, problem)
			}
			if err != nil {
				if at != 0 {
					t.Errorf("%s: Refused blames field %d", &r, at)
				}
				refused++
				continue
			}
			taken++
			compareListed(ctx, t, control, &r)
			if err := control.DeleteRule(ctx, r.AppendBinary(nil)); err != nil {
				t.Errorf("%s: delete: %v", &r, err)
			}
		}
	}
	t.Logf("%d rules taken, %d refused", taken, refused)
}

// everyField is every field with every operator and some values.
func everyField() []rule.Field {
	ops := []tables.Op{tables.OpEqual, tables.OpNotEqual, tables.OpLess, tables.OpLessEqual, tables.OpGreater,
		tables.OpGreaterEqual, tables.OpMask, tables.OpTest}
	fields := []tables.Field{tables.FieldAUIDSet, 27, 99, 114, 199, 204, 211}
	for _, name := range tables.FieldNames() {
		f, _ := tables.FieldByName(name)
		fields = append(fields, f)
	}
	var all []rule.Field
	for _, field := range fields {
		for _, op := range ops {
			for _, value := range values(field) {
				f := rule.Field{Field: field, Op: op}
				if field.IsText() {
					f.Text = value.(string)
				} else {
					f.Value = value.(uint32)
				}
				all = append(all, f)
			}
		}
	}
	return all
}

// values are values of a field, right and wrong ones, but for those of which
// refusedValue says that this kernel does not look.
func values(field tables.Field) []any {
	switch field {
	case tables.FieldPath, tables.FieldDir, tables.FieldExe:
		return []any{"/etc", "/etc/", "etc"}
	case tables.FieldKey:
		return []any{"k", strings.Repeat("k", 256), strings.Repeat("k", 257)}
	case tables.FieldFieldCompare:
		return []any{uint32(1), uint32(25)}
	case tables.FieldPerm:
		return []any{uint32(1), uint32(15)}
	case tables.FieldFileType:
		return []any{uint32(0o100000), uint32(0o170000)}
	case tables.FieldSaddrFam:
		return []any{uint32(2), uint32(45)}
	case tables.FieldAUIDSet:
		return []any{uint32(0), uint32(1)}
	case tables.FieldArch:
		return []any{uint32(tables.ArchX86_64), uint32(1)}
	}
	if field.IsText() {
		return []any{"x"}
	}
	return []any{uint32(0), uint32(1), uint32(0xfffffffe), uint32(0xffffffff)}
}

// compareListed checks that the kernel lists exactly one rule, r.
func compareListed(ctx context.Context, t *testing.T, control lists, r *rule.Rule) {
	t.Helper()
	listed, err := control.Rules(ctx)
	if err != nil || len(listed) != 1 {
		t.Fatalf("%s: %d rules listed, %v", r, len(listed), err)
	}
	var back rule.Rule
	if err := back.UnmarshalBinary(listed[0]); err != nil {
		t.Fatal(err)
	}
	if !back.Equal(r) {
		t.Errorf("loaded %s, listed %s", r, &back)
	}
}

// TestFieldsTogether: what the kernel takes of each alone, and not together.
func TestFieldsTogether(t *testing.T) {
	ctx, control := kernelFor(t)
	for _, fields := range []string{
		"-F path=/a -F path=/b", "-F path=/a -F dir=/etc", "-F dir=/etc -F inode=4", "-F inode=4 -F path=/a",
		"-F inode!=4 -F inode!=5", "-F exe=/a -F exe=/b", "-F exe=/a -F path=/b", "-F perm=w -F perm=a",
		"-F arch=b64 -F arch=b32", "-F filetype=file -F obj_uid=0 -F path=/a -F perm=wa -C uid!=euid",
	} {
		cmd, _ := rule.ParseLine("-a always,exit "+fields, rule.Env{Machine: tables.ArchX86_64, PermAll: true})
		if cmd.Err != nil {
			t.Fatal(cmd.Err)
		}
		wire := cmd.Rule.AppendBinary(nil)
		problem, _ := cmd.Rule.Refused()
		err := control.AddRule(ctx, wire)
		if (err == nil) != (problem == "") {
			t.Errorf("%s: kernel: %v, Refused: %q", fields, err, problem)
		}
		if err == nil {
			compareListed(ctx, t, control, &cmd.Rule)
			if err := control.DeleteRule(ctx, wire); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestPermClassesCoverTheKernels asks the kernel for its classes of system calls,
// by their bits in a mask: what it may count as a permission must be in the mask of a
// rule for that permission.
func TestPermClassesCoverTheKernels(t *testing.T) {
	ctx, control := kernelFor(t)
	classes := []struct {
		class int // AUDIT_CLASS_* of <linux/audit.h>
		arch  tables.Arch
		perm  string
	}{
		{0, tables.ArchX86_64, "w"}, {2, tables.ArchX86_64, "a"}, {4, tables.ArchX86_64, "r"}, {6, tables.ArchX86_64, "w"},
		{1, tables.ArchI386, "w"}, {3, tables.ArchI386, "a"}, {5, tables.ArchI386, "r"}, {7, tables.ArchI386, "w"},
	}
	if tables.Native() != tables.ArchX86_64 {
		t.Skip("the classes of x86_64")
	}
	for _, c := range classes {
		r := rule.Rule{List: tables.ListExit, Action: tables.ActionAlways}
		r.Mask.Set(2047 - c.class)
		if err := control.AddRule(ctx, r.AppendBinary(nil)); err != nil {
			t.Fatal(err)
		}
		listed, err := control.Rules(ctx)
		if err != nil || len(listed) != 1 {
			t.Fatal(len(listed), err)
		}
		var expanded rule.Rule
		if err := expanded.UnmarshalBinary(listed[0]); err != nil {
			t.Fatal(err)
		}
		if err := control.DeleteRule(ctx, listed[0]); err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("-a always,exit -F arch=%s -F path=/x -F perm=%s", c.arch, c.perm)
		cmd, _ := rule.ParseLine(line, rule.Env{Machine: tables.ArchX86_64})
		if cmd.Err != nil {
			t.Fatal(cmd.Err)
		}
		if expanded.Mask.Empty() {
			t.Errorf("class %d is empty", c.class)
		}
		for _, nr := range expanded.Mask.Numbers() {
			if !cmd.Rule.Mask.Has(nr) {
				name, _ := tables.SyscallName(c.arch, nr)
				t.Errorf("perm=%s on %s lacks %s (%d)", c.perm, c.arch, name, nr)
			}
		}
	}
}
