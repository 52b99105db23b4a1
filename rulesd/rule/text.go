package rule

import (
	"strconv"
	"strings"

	"vigil/audit/tables"
)

// Style says how a rule is written.
type Style struct {
	// Stock writes a rule as `auditctl -l` of 3.0.9 does, for people and scripts
	// that know it: a path with blanks as it is, = before an exe and a path
	// whatever the operator, b64 for every 64-bit machine, a bare -p for a rule
	// with no more than a perm. Not all of it reads back as the same rule. By
	// default a rule is written so that Parse on the same host yields it again,
	// bit for bit.
	Stock bool
	// Interpret is auditctl's -i: machines by name, unset for -1. It works with
	// Stock alone.
	Interpret bool
	// Machine is the kernel's architecture. Default: that of this program.
	Machine tables.Arch
	// IsDir says whether a path is a directory, as in Env: a watch on a path that
	// is not what it was when the rule was made is then not written as -w.
	// Default: stat(2).
	IsDir func(path string) bool
}

// String returns the rule as a line that Parse reads back.
func (r *Rule) String() string { return r.Text(Style{}) }

// Text returns the rule as a line, without a line feed.
func (r *Rule) Text(style Style) string {
	if style.Machine == 0 {
		style.Machine = tables.Native()
	}
	if style.IsDir == nil {
		style.IsDir = statIsDir
	}
	w := writer{style: style, rule: r}
	if r.looksLikeWatch() && (style.Stock || w.readsBackAsWatch()) {
		w.watch()
	} else {
		w.syscallRule()
	}
	return w.text.String()
}

// looksLikeWatch reports whether auditctl lists the rule as -w: all calls, a
// perm, and no fields but those of a watch.
func (r *Rule) looksLikeWatch() bool {
	perm := false
	for _, f := range r.Fields {
		switch f.Field {
		case tables.FieldPerm:
			perm = true
		case tables.FieldKey, tables.FieldDir, tables.FieldPath:
		default:
			return false
		}
	}
	return perm && (!r.HasSyscalls() && r.List != tables.ListFilesystem || r.Mask.All())
}

// readsBackAsWatch reports whether -w PATH -p PERM -k KEY means exactly this rule.
func (w *writer) readsBackAsWatch() bool {
	r := w.rule
	if r.List != tables.ListExit || r.Action != tables.ActionAlways || r.Prepend || len(r.Fields) < 2 || len(r.Fields) > 3 {
		return false
	}
	path, perm := r.Fields[0], r.Fields[1]
	isPath := path.Field == tables.FieldPath || path.Field == tables.FieldDir
	if !isPath || path.Op != tables.OpEqual || perm.Field != tables.FieldPerm || perm.Op != tables.OpEqual {
		return false
	}
	if perm.Value == 0 || perm.Value > 15 || !strings.HasPrefix(path.Text, "/") || len(path.Text) >= maxText {
		return false
	}
	if trimmed := strings.TrimRight(path.Text, "/"); len(path.Text) > 2 && trimmed != path.Text {
		return false
	}
	if len(r.Fields) == 3 && (r.Fields[2].Field != tables.FieldKey || r.Fields[2].Op != tables.OpEqual || !writable(r.Fields[2].Text)) {
		return false
	}
	return (path.Field == tables.FieldDir) == w.style.IsDir(path.Text)
}

// writable reports whether a key reads back: no empty parts, which leave no
// trace.
func writable(key string) bool {
	return strings.Join(splitKeys(key), string(rune(keyBetween))) == key && key != ""
}

// writer writes one rule.
type writer struct {
	style Style
	rule  *Rule
	text  strings.Builder
}

// word writes a blank, an option and its value.
func (w *writer) word(option, value string) {
	w.text.WriteString(option)
	if w.style.Stock {
		w.text.WriteString(value)
	} else {
		appendEscaped(&w.text, value)
	}
}

func (w *writer) watch() {
	for _, f := range w.rule.Fields {
		switch f.Field {
		case tables.FieldPath, tables.FieldDir:
			w.word("-w ", f.Text)
		case tables.FieldPerm:
			w.word(" -p ", permText(f.Value))
		case tables.FieldKey:
			w.keys(" -k ", f.Text)
		}
	}
}

func (w *writer) keys(option, text string) {
	for _, key := range splitKeys(text) {
		w.word(option, key)
	}
}

func permText(bits uint32) string {
	text := ""
	for _, p := range [...]struct {
		bit    uint32
		letter string
	}{{tables.PermRead, "r"}, {tables.PermWrite, "w"}, {tables.PermExec, "x"}, {tables.PermAttr, "a"}} {
		if bits&p.bit != 0 {
			text += p.letter
		}
	}
	return text
}

func (w *writer) syscallRule() {
	r := w.rule
	option := "-a "
	if r.Prepend && !w.style.Stock {
		option = "-A "
	}
	w.text.WriteString(option + nameOr(r.Action.String(), uint32(r.Action)) + "," + nameOr(r.List.String(), uint32(r.List)))
	for _, f := range r.Fields {
		if f.Field == tables.FieldArch {
			w.word(" -F arch"+f.Op.String(), w.archName(tables.Arch(f.Value)))
		}
	}
	w.syscalls()
	for _, f := range r.Fields {
		if f.Field != tables.FieldArch {
			w.field(f)
		}
	}
}

func nameOr(name string, number uint32) string {
	if name != "" {
		return name
	}
	return strconv.FormatUint(uint64(number), 10)
}

// archName writes b64 and b32. auditctl writes these for every machine's rules;
// a machine other than this one keeps its name here.
func (w *writer) archName(arch tables.Arch) string {
	if w.style.Stock && w.style.Interpret && arch.Known() {
		return arch.String()
	}
	if w.style.Stock && !arch.Known() {
		return "0x" + strings.ToUpper(strconv.FormatUint(uint64(arch), 16))
	}
	compat, ok := w.style.Machine.Compat()
	switch {
	case arch == w.style.Machine && arch.Is64Bit(), w.style.Stock && arch.Is64Bit():
		return "b64"
	case arch == w.style.Machine, ok && arch == compat, w.style.Stock:
		return "b32"
	}
	return arch.String()
}

// syscalls writes the mask of a rule whose list looks at it.
func (w *writer) syscalls() {
	r := w.rule
	if !r.HasSyscalls() && (r.List != tables.ListFilesystem || r.Mask.All()) {
		return
	}
	if r.Mask.All() {
		w.text.WriteString(" -S all")
		return
	}
	arch := r.Arch()
	if arch == 0 {
		arch = w.style.Machine
	}
	between := " -S "
	for _, nr := range r.Mask.Numbers() {
		w.text.WriteString(between)
		between = ","
		name, ok := "", false
		if r.List == tables.ListIOUring {
			name, ok = tables.UringOpName(nr)
		} else {
			name, ok = tables.SyscallName(arch, nr)
		}
		if !ok {
			name = strconv.Itoa(nr)
		}
		w.text.WriteString(name)
	}
	if between == " -S " && !w.style.Stock {
		w.text.WriteString(" -S ,") // no call at all
	}
}

// field writes one condition.
func (w *writer) field(f Field) {
	name, op := f.Field.String(), f.Op.String()
	if name == "" {
		w.text.WriteString(" f" + strconv.Itoa(int(f.Field)) + op + strconv.Itoa(int(int32(f.Value))))
		return
	}
	option := " -F " + name + op
	switch f.Field {
	case tables.FieldKey:
		if w.style.Stock || f.Op == tables.OpEqual && writable(f.Text) {
			w.keys(" -F key=", f.Text)
		} else {
			w.word(option, f.Text)
		}
	case tables.FieldPath, tables.FieldDir, tables.FieldExe:
		if w.style.Stock {
			option = " -F " + name + "="
		}
		w.word(option, f.Text)
	case tables.FieldFieldCompare:
		w.comparison(f)
	case tables.FieldPerm:
		if w.style.Stock {
			option = " -F perm="
		}
		w.word(option, permText(f.Value))
	default:
		if f.Field.IsText() {
			w.word(option, f.Text)
			return
		}
		w.word(option, w.value(f))
	}
}

func (w *writer) comparison(f Field) {
	if left, right, ok := tables.CompareFields(f.Value); ok {
		w.word(" -C ", left.String()+f.Op.String()+right.String())
	} else if !w.style.Stock {
		w.word(" -F field_compare"+f.Op.String(), strconv.Itoa(int(int32(f.Value))))
	}
}

// value writes a number in the form of its field.
func (w *writer) value(f Field) string {
	signed := strconv.Itoa(int(int32(f.Value)))
	switch f.Field {
	case tables.FieldMsgType:
		if t := tables.Type(f.Value); f.Value <= 0xffff && t.Known() {
			return t.String()
		}
	case tables.FieldExit:
		if n := int(int32(f.Value)); n < 0 {
			if name, ok := tables.ErrnoName(-n); ok {
				return "-" + name
			}
		}
	case tables.FieldFSType:
		if name, ok := tables.FSTypeName(f.Value); ok {
			return name
		}
		if !w.style.Stock {
			return "0x" + strconv.FormatUint(uint64(f.Value), 16)
		}
	case tables.FieldFileType:
		if name, ok := tables.FileTypeName(f.Value); ok && !w.style.Stock {
			return name
		}
	case tables.FieldA0, tables.FieldA1, tables.FieldA2, tables.FieldA3:
		return "0x" + strings.ToUpper(strconv.FormatUint(uint64(f.Value), 16))
	case tables.FieldInode:
		return strconv.FormatUint(uint64(f.Value), 10)
	case tables.FieldUID, tables.FieldEUID, tables.FieldSUID, tables.FieldFSUID, tables.FieldAUID,
		tables.FieldObjUID, tables.FieldSessionID:
		if w.style.Interpret && f.Value == ^uint32(0) {
			return "unset"
		}
	default:
		if !w.style.Stock {
			return strconv.FormatUint(uint64(f.Value), 10) // these take no minus
		}
	}
	return signed
}
