package field

import (
	"fmt"
	"math"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/internal/nearest"
)

// The fields of records, TYPE.name, are not in the table: every record type and
// every name is one. [n] picks the n-th record of the type, from 0.
const (
	recordHelp = "field of a record, decoded; [n] is of the n-th record of that type, counted from 0"
)

// recordField resolves SYSCALL.exit or PATH.name[1].
func recordField(ref *Ref, name string) bool {
	head, rest, ok := strings.Cut(name, ".")
	if !ok || strings.Contains(rest, ".") || head != strings.ToUpper(head) {
		return false
	}
	t, ok := tables.TypeByName([]byte(head))
	if !ok {
		return false
	}
	ref.record, ref.name = t, rest
	if strings.Contains(rest, "_") {
		ref.alt = strings.ReplaceAll(rest, "_", "-") // old-auid, which no name in a condition can be
	}
	ref.extra = rest == strings.ToUpper(rest) && rest != strings.ToLower(rest)
	f := &Field{Name: name, Type: String, Many: Each, Arg: ArgIndex, Help: recordHelp, Example: name + " exists",
		Source: head + " " + rest + "=", Needs: []tables.Type{t}, get: getRecord}
	f.Type, f.Style, f.number = recordType(t, rest)
	ref.Field = f
	return true
}

// recordType says which fields are numbers wherever they stand.
func recordType(t tables.Type, name string) (Type, Style, func(string) (uint64, bool)) {
	switch name {
	case "pid", "ppid", "opid", "items", "argc", "sig", "inode", "list", "per", "nargs", "entries":
		return Int, Decimal, nil
	case "auid", "uid", "gid", "euid", "suid", "fsuid", "egid", "sgid", "fsgid", "ses", "ouid", "ogid", "oauid", "oses", "iuid", "igid":
		return Int, Decimal, unsetID
	case "syscall":
		return Int, Decimal, nil
	case "exit":
		return Int, Decimal, errnoNumber
	case "a0", "a1", "a2", "a3":
		if t == tables.TypeSyscall {
			return Uint, Hex, nil
		}
	case "mode", "oflag":
		return Uint, Octal, octalNumber
	}
	return String, Decimal, nil
}

// octalNumber reads 0644 as the mode that it is.
func octalNumber(s string) (uint64, bool) {
	if len(s) < 2 || s[0] != '0' || s[1] == 'x' || s[1] == 'X' {
		return 0, false
	}
	n, ok := audit.Field{Value: []byte(s)}.Octal()
	return uint64(n), ok
}

func getRecord(v *View, r *Ref, out *Values) {
	n := 0
	for i := range v.ev.Records {
		rec := &v.ev.Records[i]
		if rec.Type != r.record {
			continue
		}
		if r.Index < 0 || r.Index == n {
			if f, ok := r.in(rec); ok {
				r.value(v, f, out)
			}
		}
		n++
	}
}

// in finds the field in a record.
func (r *Ref) in(rec *audit.Record) (audit.Field, bool) {
	if r.extra && len(rec.Enrichment) > 0 {
		if f, ok := rec.GetExtra(r.name); ok {
			return f, true
		}
	}
	f, ok := rec.Get(r.name)
	if !ok && r.alt != "" {
		f, ok = rec.Get(r.alt)
	}
	return f, ok && !f.IsNull()
}

func (r *Ref) value(v *View, f audit.Field, out *Values) {
	switch {
	case r.Type == String && r.extra:
		out.Bytes(v.decode(f))
	case r.Type == String:
		out.Bytes(v.text(f))
	case r.Style == Octal:
		if n, ok := f.Octal(); ok {
			out.Uint(uint64(n))
		}
	case r.Style == Hex:
		if n, ok := f.Hex(); ok {
			out.Uint(n)
		}
	case r.name == "exit":
		if n, ok := f.Int(); ok {
			out.Int(n)
		} else if n := f.Errno(); n != 0 {
			out.Int(int64(-n))
		}
	default:
		n, ok := f.Int()
		if r.number != nil {
			n, ok = idOf(f)
		}
		if !ok {
			u, isUint := f.Uint()
			n, ok = int64(min(u, math.MaxInt64)), isUint
		}
		if ok {
			out.Int(n)
		}
	}
}

func unknownType(s string) error {
	var known []string
	for _, t := range tables.Types() {
		known = append(known, t.String())
	}
	if near, ok := nearest.Word(s, known); ok {
		return fmt.Errorf("unknown record type %s: did you mean %s?", s, near)
	}
	return fmt.Errorf("unknown record type %s", s)
}
