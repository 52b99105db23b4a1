package rulesd

import (
	"strings"

	"vigil/audit/tables"
	"vigil/rulesd/rule"
)

// commute reports whether two rules may stand in either order. The first rule of a
// list that matches decides (kernel/auditsc.c: audit_filter_syscall, and the rules'
// prio where files are concerned), so they may not
//
//   - if one says always, the other never, and an event can match both;
//   - if both record, under different keys, and one matches all that the other
//     does: behind the general rule the special one would never fire.
//
// Two rules that overlap in part may: an event that matches both is recorded
// under the key of either. To hold to the order of all of them would mean to move
// half of a set, with as many moments of double work for the kernel, for a change
// in the middle of it. So may rules on different files, although one rename can
// touch both.
func commute(a, b *rule.Rule) bool {
	if a.List != b.List || a.List == tables.ListExclude {
		return true // the list exclude excludes, whatever the action
	}
	if a.Action != b.Action {
		return disjoint(a, b)
	}
	return !recordsKey(a) || keyOf(a) == keyOf(b) || !covers(a, b) && !covers(b, a)
}

// recordsKey reports whether a rule's key shows in records.
func recordsKey(r *rule.Rule) bool {
	return r.Action == tables.ActionAlways && (r.List == tables.ListExit || r.List == tables.ListIOUring || r.List == tables.ListTask)
}

// keyOf returns the rule's keys as the kernel has them: in one string.
func keyOf(r *rule.Rule) string {
	if f := r.Find(tables.FieldKey); f != nil {
		return f.Text
	}
	return ""
}

// disjoint reports whether no event can match both rules. It may say false when it
// does not know.
func disjoint(a, b *rule.Rule) bool {
	if a.List != b.List {
		return true
	}
	if a.HasSyscalls() && !overlap(&a.Mask, &b.Mask) {
		return true
	}
	for i := range a.Fields {
		for j := range b.Fields {
			if contradict(&a.Fields[i], &b.Fields[j]) {
				return true
			}
		}
	}
	return false
}

// overlap reports whether two masks share a call.
func overlap(a, b *rule.Mask) bool {
	for i := range a {
		if a[i]&b[i] != 0 {
			return true
		}
	}
	return false
}

// single reports whether an event has exactly one value of a field. Of what
// concerns files it has one for each file.
func single(field tables.Field) bool {
	switch field {
	case tables.FieldObjUID, tables.FieldObjGID, tables.FieldObjUser, tables.FieldObjRole, tables.FieldObjType,
		tables.FieldObjLevLow, tables.FieldObjLevHigh, tables.FieldDevMajor, tables.FieldDevMinor,
		tables.FieldFileType, tables.FieldPerm, tables.FieldKey:
		return false
	}
	return true
}

// contradict reports whether no event can meet both conditions.
func contradict(a, b *rule.Field) bool {
	if isFile(a.Field) && isFile(b.Field) {
		return apart(a, b)
	}
	if a.Field != b.Field || !single(a.Field) {
		return false
	}
	if a.Field.IsText() {
		return a.Op == tables.OpEqual && b.Op == tables.OpEqual && a.Text != b.Text
	}
	if a.Field == tables.FieldFieldCompare {
		return a.Value == b.Value && (a.Op == tables.OpEqual && b.Op == tables.OpNotEqual || a.Op == tables.OpNotEqual && b.Op == tables.OpEqual)
	}
	if a.Field == tables.FieldSuccess {
		a, b = normalSuccess(a), normalSuccess(b)
	}
	switch {
	case a.Op == tables.OpEqual:
		return !meets(b, a.Value)
	case b.Op == tables.OpEqual:
		return !meets(a, b.Value)
	}
	lowA, highA, okA := interval(a)
	lowB, highB, okB := interval(b)
	return okA && okB && (lowA > highB || lowB > highA)
}

func isFile(field tables.Field) bool {
	return field == tables.FieldPath || field == tables.FieldDir
}

// apart reports whether two watches are on different files, neither within the
// other.
func apart(a, b *rule.Field) bool {
	if a.Op != tables.OpEqual || b.Op != tables.OpEqual {
		return false
	}
	return !(a.Text == b.Text || a.Field == tables.FieldDir && within(b.Text, a.Text) || b.Field == tables.FieldDir && within(a.Text, b.Text))
}

// within reports whether a path is below a directory, or the directory itself.
func within(path, dir string) bool {
	dir = strings.TrimRight(dir, "/")
	return strings.TrimRight(path, "/") == dir || strings.HasPrefix(path, dir+"/")
}

// normalSuccess makes success= comparable: the kernel looks at whether the value
// is 0 alone.
func normalSuccess(f *rule.Field) *rule.Field {
	c := *f
	c.Value = min(c.Value, 1)
	return &c
}

// meets reports whether a value meets a numeric condition. The kernel compares
// without signs (audit_comparator in kernel/auditfilter.c).
func meets(f *rule.Field, value uint32) bool {
	switch f.Op {
	case tables.OpEqual:
		return value == f.Value
	case tables.OpNotEqual:
		return value != f.Value
	case tables.OpLess:
		return value < f.Value
	case tables.OpLessEqual:
		return value <= f.Value
	case tables.OpGreater:
		return value > f.Value
	case tables.OpGreaterEqual:
		return value >= f.Value
	case tables.OpMask:
		return value&f.Value != 0
	case tables.OpTest:
		return value&f.Value == f.Value
	}
	return true
}

// interval returns the least and greatest value that meet a condition, if they say
// it all.
func interval(f *rule.Field) (low, high uint64, ok bool) {
	const top = 1<<32 - 1
	value := uint64(f.Value)
	switch f.Op {
	case tables.OpEqual:
		return value, value, true
	case tables.OpLess:
		if value == 0 {
			return 1, 0, true
		}
		return 0, value - 1, true
	case tables.OpLessEqual:
		return 0, value, true
	case tables.OpGreater:
		return value + 1, top, true
	case tables.OpGreaterEqual:
		return value, top, true
	}
	return 0, 0, false
}

// covers reports whether every event that matches b matches a. It may say false
// when it does not know.
func covers(a, b *rule.Rule) bool {
	if a.List != b.List {
		return false
	}
	if a.HasSyscalls() {
		for i := range a.Mask {
			if b.Mask[i]&^a.Mask[i] != 0 && (i < len(a.Mask)-1 || !a.Mask.All()) {
				return false
			}
		}
	}
	for i := range a.Fields {
		if a.Fields[i].Field != tables.FieldKey && !implied(&a.Fields[i], b.Fields) {
			return false
		}
	}
	return true
}

// implied reports whether one of the conditions implies f.
func implied(f *rule.Field, conditions []rule.Field) bool {
	for i := range conditions {
		if implies(&conditions[i], f) {
			return true
		}
	}
	return false
}

// implies reports whether whatever meets a meets b.
func implies(a, b *rule.Field) bool {
	if *a == *b {
		return true
	}
	if b.Field == tables.FieldDir && isFile(a.Field) {
		return a.Op == tables.OpEqual && b.Op == tables.OpEqual && within(a.Text, b.Text)
	}
	if a.Field != b.Field || a.Field.IsText() || a.Field == tables.FieldFieldCompare {
		return false
	}
	if a.Field == tables.FieldPerm {
		return a.Value&^b.Value == 0
	}
	if a.Field == tables.FieldSuccess {
		a, b = normalSuccess(a), normalSuccess(b)
	}
	if a.Op == tables.OpEqual {
		return meets(b, a.Value)
	}
	low, high, ok := interval(a)
	if !ok {
		return false
	}
	if b.Op == tables.OpNotEqual {
		return uint64(b.Value) < low || uint64(b.Value) > high
	}
	lowB, highB, okB := interval(b)
	return okB && low >= lowB && high <= highB
}
