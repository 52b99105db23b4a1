package rule

import (
	"fmt"
	"strings"

	"vigil/audit/tables"
)

// Refused says why the kernel will not take a rule that is well written, and
// which of its fields is to blame (-1: none alone); problem is "" if it will. The
// checks are those of kernel/auditfilter.c, audit_watch.c, audit_tree.c and
// audit_fsnotify.c of Linux 6.18; what the file system has to do with it is not
// looked at.
func (r *Rule) Refused() (problem string, field int) {
	if r.List.String() == "" {
		return fmt.Sprintf("the kernel has no list %d", r.List), -1
	}
	if r.Action != tables.ActionAlways && r.Action != tables.ActionNever {
		return fmt.Sprintf("the kernel has no action %d", r.Action), -1
	}
	if r.Mask[maskWords-1]&classesBits != 0 && !r.Mask.All() {
		return "numbers from 2032 stand for the kernel's own classes of system calls", -1
	}
	seen := places{}
	for i := range r.Fields {
		f := &r.Fields[i]
		problem := r.refusedList(f)
		if problem == "" {
			problem = refusedOp(f)
		}
		if problem == "" {
			problem = refusedValue(f)
		}
		if problem == "" {
			problem = r.refusedPlace(f, &seen)
		}
		if problem != "" {
			return problem, i
		}
	}
	return "", -1
}

// refusedList checks that a field may stand in the rule's list.
func (r *Rule) refusedList(f *Field) string {
	switch {
	case r.List == tables.ListFilesystem && f.Field != tables.FieldFSType && f.Field != tables.FieldKey:
		return fmt.Sprintf("the list filesystem takes fstype and key alone, not %s", f.Field)
	case f.Field == tables.FieldFSType && r.List != tables.ListFilesystem:
		return "fstype is a field of the list filesystem alone"
	case f.Field == tables.FieldMsgType && r.List != tables.ListExclude && r.List != tables.ListUser:
		return "msgtype is a field of the lists exclude and user alone"
	case f.Field == tables.FieldPerm && r.List == tables.ListIOUring:
		return "the list io_uring takes no perm"
	}
	return ""
}

// refusedOp checks a field's operator.
func refusedOp(f *Field) string {
	equal := f.Op == tables.OpEqual || f.Op == tables.OpNotEqual
	bits := f.Op == tables.OpMask || f.Op == tables.OpTest
	if f.Op.String() == "" {
		return fmt.Sprintf("the kernel has no operator %#x", uint32(f.Op))
	}
	switch f.Field {
	case tables.FieldA0, tables.FieldA1, tables.FieldA2, tables.FieldA3, tables.FieldPers, tables.FieldDevMinor:
		return ""
	case tables.FieldAUID:
		// The kernel turns auid=unset into a field of its own.
		if f.Value == ^uint32(0) && !equal {
			return "auid=unset takes = and != alone"
		}
	case tables.FieldSubjUser, tables.FieldSubjRole, tables.FieldSubjType, tables.FieldObjUser,
		tables.FieldObjRole, tables.FieldObjType, tables.FieldPath, tables.FieldDir, tables.FieldKey,
		tables.FieldAUIDSet, tables.FieldArch, tables.FieldFSType, tables.FieldPerm,
		tables.FieldFileType, tables.FieldFieldCompare, tables.FieldExe:
		if !equal {
			return fmt.Sprintf("%s takes = and != alone", f.Field)
		}
		return ""
	}
	if f.Field.String() == "" {
		return fmt.Sprintf("the kernel has no field %d", f.Field)
	}
	if bits {
		return fmt.Sprintf("%s takes no %s", f.Field, f.Op)
	}
	return ""
}

// refusedValue checks a field's value by itself. Kernels of today mean to check the
// values of perm, filetype, field_compare, saddr_fam and of AUDIT_LOGINUID_SET, and look
// at them before they are set (audit_data_to_entry): such rules are taken and
// never match.
func refusedValue(f *Field) string {
	const typeBits = 0o170000 // S_IFMT
	switch f.Field {
	case tables.FieldUID, tables.FieldEUID, tables.FieldSUID, tables.FieldFSUID, tables.FieldObjUID,
		tables.FieldGID, tables.FieldEGID, tables.FieldSGID, tables.FieldFSGID, tables.FieldObjGID:
		if f.Value == ^uint32(0) {
			return fmt.Sprintf("%s cannot be unset: auid alone can", f.Field)
		}
	case tables.FieldPerm:
		if f.Value > 15 {
			return "perm has bits that are no permission"
		}
	case tables.FieldFileType:
		if f.Value&^typeBits != 0 {
			return "filetype has bits that are no file type"
		}
	case tables.FieldFieldCompare:
		if _, _, ok := tables.CompareFields(f.Value); !ok && f.Value != 0 {
			return fmt.Sprintf("the kernel has no comparison %d", f.Value)
		}
	case tables.FieldSaddrFam:
		if f.Value >= familyLimit {
			return fmt.Sprintf("there is no address family %d", f.Value)
		}
	case tables.FieldAUIDSet:
		if f.Value > 1 {
			return "the field takes 0 and 1"
		}
	}
	if !f.Field.IsText() {
		return ""
	}
	switch {
	case f.Text == "":
		return fmt.Sprintf("%s is empty", f.Field)
	case strings.IndexByte(f.Text, 0) >= 0:
		return fmt.Sprintf("%s holds a NUL", f.Field)
	case f.Field == tables.FieldKey && len(f.Text) > MaxKey, len(f.Text) > maxText:
		return fmt.Sprintf("%s is too long", f.Field)
	}
	return ""
}

// places are the fields of which the kernel takes one a rule.
type places struct{ file, exe, key bool }

// refusedPlace checks the fields that the kernel ties to a place in the file
// system, and those that may stand once.
func (r *Rule) refusedPlace(f *Field, seen *places) string {
	switch f.Field {
	case tables.FieldPath, tables.FieldDir, tables.FieldInode:
		if !r.HasSyscalls() {
			return fmt.Sprintf("%s is a field of the list exit alone", f.Field)
		}
		if f.Field == tables.FieldInode {
			if f.Op != tables.OpEqual && f.Op != tables.OpNotEqual {
				return "inode takes = and != alone"
			}
		} else if f.Op != tables.OpEqual {
			return fmt.Sprintf("%s takes = alone", f.Field)
		}
		if seen.file {
			return "a rule takes one of path, dir and inode, once"
		}
		seen.file = true
	case tables.FieldExe:
		if seen.exe {
			return "a rule takes one exe"
		}
		seen.exe = true
	case tables.FieldKey:
		if seen.key {
			return "a rule takes one key field"
		}
		seen.key = true
	}
	switch f.Field {
	case tables.FieldPath, tables.FieldExe:
		if f.Text[0] != '/' || f.Text[len(f.Text)-1] == '/' {
			return fmt.Sprintf("%s=%s is no absolute path of a file", f.Field, f.Text)
		}
	case tables.FieldDir:
		if f.Text[0] != '/' {
			return fmt.Sprintf("dir=%s is no absolute path", f.Text)
		}
	}
	return ""
}

// Need is what a rule asks of the kernel that not every kernel has.
type Need struct {
	What    string // "the list io_uring"
	Kernel  string // the first version with it, "5.16"
	Feature uint32 // its bit in the status' feature bitmap, 0 if it has none
}

// Bits of the feature bitmap in the kernel's status, AUDIT_FEATURE_BITMAP_* of
// <linux/audit.h>.
const (
	featureExe     = 0x04
	featureExclude = 0x08
	featureSession = 0x10
	featureFS      = 0x40
)

// Needs returns what the rule asks of the kernel beyond Linux 4.0, the most
// recent first.
func (r *Rule) Needs() []Need {
	var needs []Need
	if r.List == tables.ListIOUring {
		needs = append(needs, Need{What: "the list io_uring", Kernel: "5.16"})
	}
	if r.Find(tables.FieldSaddrFam) != nil {
		needs = append(needs, Need{What: "the field saddr_fam", Kernel: "5.3"})
	}
	exe := r.Find(tables.FieldExe)
	if exe != nil && r.List != tables.ListExit {
		needs = append(needs, Need{What: "exe in the list " + r.List.String(), Kernel: "4.19"})
	}
	if exe != nil && exe.Op == tables.OpNotEqual {
		needs = append(needs, Need{What: "exe!=", Kernel: "4.18"})
	}
	if r.List == tables.ListFilesystem {
		needs = append(needs, Need{What: "the list filesystem", Kernel: "4.15", Feature: featureFS})
	}
	if r.Find(tables.FieldSessionID) != nil {
		needs = append(needs, Need{What: "the field sessionid", Kernel: "4.10", Feature: featureSession})
	}
	if r.List == tables.ListExclude {
		for _, f := range r.Fields {
			if f.Field != tables.FieldMsgType {
				needs = append(needs, Need{What: "fields other than msgtype in the list exclude", Kernel: "4.8", Feature: featureExclude})
				break
			}
		}
	}
	if exe != nil {
		needs = append(needs, Need{What: "the field exe", Kernel: "4.3", Feature: featureExe})
	}
	return needs
}
