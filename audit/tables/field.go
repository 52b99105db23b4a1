package tables

// Field is a field of an audit rule, AUDIT_PID and its fellows of <linux/audit.h>.
type Field uint32

// Fields of rules, from <linux/audit.h>.
const (
	FieldPID          Field = 0
	FieldUID          Field = 1
	FieldEUID         Field = 2
	FieldSUID         Field = 3
	FieldFSUID        Field = 4
	FieldGID          Field = 5
	FieldEGID         Field = 6
	FieldSGID         Field = 7
	FieldFSGID        Field = 8
	FieldAUID         Field = 9 // AUDIT_LOGINUID
	FieldPers         Field = 10
	FieldArch         Field = 11
	FieldMsgType      Field = 12
	FieldSubjUser     Field = 13
	FieldSubjRole     Field = 14
	FieldSubjType     Field = 15
	FieldSubjSen      Field = 16
	FieldSubjClr      Field = 17
	FieldPPID         Field = 18
	FieldObjUser      Field = 19
	FieldObjRole      Field = 20
	FieldObjType      Field = 21
	FieldObjLevLow    Field = 22
	FieldObjLevHigh   Field = 23
	FieldAUIDSet      Field = 24 // AUDIT_LOGINUID_SET: the kernel's own form of auid=unset; no name in rules
	FieldSessionID    Field = 25
	FieldFSType       Field = 26
	FieldDevMajor     Field = 100
	FieldDevMinor     Field = 101
	FieldInode        Field = 102
	FieldExit         Field = 103
	FieldSuccess      Field = 104
	FieldPath         Field = 105 // AUDIT_WATCH
	FieldPerm         Field = 106
	FieldDir          Field = 107
	FieldFileType     Field = 108
	FieldObjUID       Field = 109
	FieldObjGID       Field = 110
	FieldFieldCompare Field = 111
	FieldExe          Field = 112
	FieldSaddrFam     Field = 113
	FieldA0           Field = 200
	FieldA1           Field = 201
	FieldA2           Field = 202
	FieldA3           Field = 203
	FieldKey          Field = 210 // AUDIT_FILTERKEY
)

// fieldName pairs a field with its name in rules (auditctl(8)).
type fieldName struct {
	field Field
	name  string
}

// fieldNames are in the order of the field's numbers; a second name follows the
// one that is printed.
var fieldNames = [...]fieldName{
	{FieldPID, "pid"}, {FieldUID, "uid"}, {FieldEUID, "euid"}, {FieldSUID, "suid"}, {FieldFSUID, "fsuid"},
	{FieldGID, "gid"}, {FieldEGID, "egid"}, {FieldSGID, "sgid"}, {FieldFSGID, "fsgid"},
	{FieldAUID, "auid"}, {FieldAUID, "loginuid"}, {FieldPers, "pers"}, {FieldArch, "arch"},
	{FieldMsgType, "msgtype"}, {FieldSubjUser, "subj_user"}, {FieldSubjRole, "subj_role"},
	{FieldSubjType, "subj_type"}, {FieldSubjSen, "subj_sen"}, {FieldSubjClr, "subj_clr"},
	{FieldPPID, "ppid"}, {FieldObjUser, "obj_user"}, {FieldObjRole, "obj_role"},
	{FieldObjType, "obj_type"}, {FieldObjLevLow, "obj_lev_low"}, {FieldObjLevHigh, "obj_lev_high"},
	{FieldSessionID, "sessionid"}, {FieldFSType, "fstype"}, {FieldDevMajor, "devmajor"},
	{FieldDevMinor, "devminor"}, {FieldInode, "inode"}, {FieldExit, "exit"}, {FieldSuccess, "success"},
	{FieldPath, "path"}, {FieldPerm, "perm"}, {FieldDir, "dir"}, {FieldFileType, "filetype"},
	{FieldObjUID, "obj_uid"}, {FieldObjGID, "obj_gid"}, {FieldFieldCompare, "field_compare"},
	{FieldExe, "exe"}, {FieldSaddrFam, "saddr_fam"}, {FieldA0, "a0"}, {FieldA1, "a1"},
	{FieldA2, "a2"}, {FieldA3, "a3"}, {FieldKey, "key"},
}

// String returns the field's name in rules, "" for a field without one.
func (f Field) String() string {
	for _, n := range fieldNames {
		if n.field == f {
			return n.name
		}
	}
	return ""
}

// FieldByName returns the field of a name in rules. Case is ignored, as the
// audit tools do.
func FieldByName(name string) (Field, bool) {
	for _, n := range fieldNames {
		if equalFold(n.name, name) {
			return n.field, true
		}
	}
	return 0, false
}

// FieldNames returns the names of all fields. The slice is the caller's.
func FieldNames() []string {
	names := make([]string, 0, len(fieldNames))
	for _, n := range fieldNames {
		names = append(names, n.name)
	}
	return names
}

// IsText reports whether the field's value is a string: in the kernel's form of
// a rule its number is then the length of its part of the rule's buffer
// (kernel/auditfilter.c: audit_data_to_entry).
func (f Field) IsText() bool {
	switch f {
	case FieldSubjUser, FieldSubjRole, FieldSubjType, FieldSubjSen, FieldSubjClr,
		FieldObjUser, FieldObjRole, FieldObjType, FieldObjLevLow, FieldObjLevHigh,
		FieldPath, FieldDir, FieldExe, FieldKey:
		return true
	}
	return false
}

// equalFold compares ASCII names without regard to case.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if 'A' <= x && x <= 'Z' {
			x += 'a' - 'A'
		}
		if 'A' <= y && y <= 'Z' {
			y += 'a' - 'A'
		}
		if x != y {
			return false
		}
	}
	return true
}

// Op is the operator of a rule's field, AUDIT_EQUAL and its fellows of
// <linux/audit.h>.
type Op uint32

// Operators, from <linux/audit.h>.
const (
	OpMask         Op = 0x08000000 // & : any of the bits
	OpLess         Op = 0x10000000
	OpGreater      Op = 0x20000000
	OpNotEqual     Op = 0x30000000
	OpEqual        Op = 0x40000000
	OpTest         Op = 0x48000000 // &= : all of the bits
	OpLessEqual    Op = 0x50000000
	OpGreaterEqual Op = 0x60000000
)

// String returns the operator's sign, "" for what is none.
func (o Op) String() string {
	switch o {
	case OpMask:
		return "&"
	case OpLess:
		return "<"
	case OpGreater:
		return ">"
	case OpNotEqual:
		return "!="
	case OpEqual:
		return "="
	case OpTest:
		return "&="
	case OpLessEqual:
		return "<="
	case OpGreaterEqual:
		return ">="
	}
	return ""
}

// compareFields are the two sides of each AUDIT_COMPARE_* of <linux/audit.h>,
// by its number; 0 is unused.
var compareFields = [...][2]Field{
	1: {FieldUID, FieldObjUID}, 2: {FieldGID, FieldObjGID}, 3: {FieldEUID, FieldObjUID},
	4: {FieldEGID, FieldObjGID}, 5: {FieldAUID, FieldObjUID}, 6: {FieldSUID, FieldObjUID},
	7: {FieldSGID, FieldObjGID}, 8: {FieldFSUID, FieldObjUID}, 9: {FieldFSGID, FieldObjGID},
	10: {FieldUID, FieldAUID}, 11: {FieldUID, FieldEUID}, 12: {FieldUID, FieldFSUID},
	13: {FieldUID, FieldSUID}, 14: {FieldAUID, FieldFSUID}, 15: {FieldAUID, FieldSUID},
	16: {FieldAUID, FieldEUID}, 17: {FieldEUID, FieldSUID}, 18: {FieldEUID, FieldFSUID},
	19: {FieldSUID, FieldFSUID}, 20: {FieldGID, FieldEGID}, 21: {FieldGID, FieldFSGID},
	22: {FieldGID, FieldSGID}, 23: {FieldEGID, FieldFSGID}, 24: {FieldEGID, FieldSGID},
	25: {FieldSGID, FieldFSGID},
}

// CompareFields returns the two fields of a comparison, the value of
// FieldFieldCompare, in the order in which it is printed.
func CompareFields(comparison uint32) (left, right Field, ok bool) {
	if comparison == 0 || comparison >= uint32(len(compareFields)) {
		return 0, 0, false
	}
	pair := compareFields[comparison]
	return pair[0], pair[1], true
}

// Comparison returns the number of the comparison between two fields, in
// either order.
func Comparison(left, right Field) (uint32, bool) {
	for n, pair := range compareFields {
		if n > 0 && (pair == [2]Field{left, right} || pair == [2]Field{right, left}) {
			return uint32(n), true
		}
	}
	return 0, false
}
