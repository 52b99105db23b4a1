// Package field is the one table of the fields that conditions and formats may
// name, with the code that takes their values from an event.
//
// A field has a name, a type, a meaning, an example and a source, which are the
// reference that docs/fields.md is made from. Names are Falco's where the meaning
// is Falco's. What only the audit stream has is audit.*, every field of every
// record is there as SYSCALL.exit or PATH.name[1], and vigil.* is what Vigil
// itself adds to a record.
//
// A field that an event does not have has no value: nothing is made up, so that a
// condition can ask whether it is known.
package field

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"vigil/audit/tables"
	"vigil/internal/nearest"
)

// Many says how many values a field may have and what a comparison with several
// means.
type Many uint8

// The kinds of plurality.
const (
	One  Many = iota // one value or none
	Each             // a comparison holds if it does for one of them; != if it does for all
	Kin              // like Each, but != too holds if one of them differs, as Falco has it for ancestors
	List             // a list: only exists, in (all of them) and intersects (one of them)
)

// Arg says what may stand in brackets behind a field's name.
type Arg uint8

// The arguments; several may be allowed.
const (
	ArgIndex    Arg = 1 << iota // a number
	ArgKey                      // any text
	ArgSuffix                   // any text, or one more .name
	ArgRequired                 // there must be one
)

// Field is one row of the table. Nothing of it may be changed.
type Field struct {
	Name    string
	Type    Type
	Many    Many
	Arg     Arg
	Style   Style
	Help    string // what it means, one sentence without a full stop
	Example string // a condition in which it stands
	Source  string // where the value comes from

	// Needs are record types of which an event must have one for the field to
	// have a value; nil if there is no such rule.
	Needs []tables.Type

	// Never marks a field that Falco has and audit records cannot tell: it is
	// known, so that rules load, and never has a value.
	Never bool

	get      func(*View, *Ref, *Values)
	getList  func(*View, *Ref, *Values)               // the same as a list, for getopt and join
	number   func(string) (uint64, bool)              // names of numbers, such as EACCES
	constant func(string) (canonical string, _ error) // checks what a string is compared with
}

// Ref is a field with its argument, resolved: what a program reads.
type Ref struct {
	*Field
	Key    string // the argument, "" if there is none
	HasArg bool
	Index  int // the argument as a number, -1 if it is none

	record tables.Type // of a record's field
	name   string      // of a record's field
	alt    string      // the same with - for _
	extra  bool        // stands in the enrichment
}

// Many returns how many values the field with this argument may have: an index
// picks one.
func (r *Ref) Plurality() Many {
	if r.HasArg && r.Arg&ArgIndex != 0 && r.Index >= 0 {
		return One
	}
	return r.Many
}

// Get adds the values that the field has in the view's event.
func (r *Ref) Get(v *View, out *Values) {
	if r.get != nil {
		r.get(v, r, out)
	}
}

// Getter adds the values that a field has in the view's event.
type Getter func(*View, *Ref, *Values)

// Getter returns what Get calls with r, for those who call it often. It is not nil.
func (r *Ref) Getter() Getter {
	if r.get != nil {
		return r.get
	}
	return func(*View, *Ref, *Values) {}
}

// HasList reports whether the field can be had as a list too.
func (r *Ref) HasList() bool { return r.getList != nil || r.Plurality() != One }

// GetList is Get for a field that HasList.
func (r *Ref) GetList(v *View, out *Values) {
	if r.getList != nil {
		r.getList(v, r, out)
		return
	}
	r.Get(v, out)
}

// Number returns the number that a word stands for where the field is compared
// with it, such as -13 for EACCES.
func (r *Ref) Number(word string) (uint64, bool) {
	if r.number == nil {
		return 0, false
	}
	return r.number(word)
}

// Constant checks a text that the field is compared with for equality and returns
// it in the form that the field's values have.
func (r *Ref) Constant(text string) (string, error) {
	if r.constant == nil {
		return text, nil
	}
	return r.constant(text)
}

// String returns the field with its argument as it is written in a condition.
func (r *Ref) String() string {
	if !r.HasArg {
		return r.Name
	}
	if r.Arg&ArgSuffix != 0 && r.Index < 0 && isName(r.Key) {
		return r.Name + "." + r.Key
	}
	return r.Name + "[" + r.Key + "]"
}

// Registry is a set of fields. It is safe for concurrent use.
type Registry struct {
	fields map[string]*Field
	sorted []*Field
}

// NewRegistry returns the set of the fields in tables, in which no name may be
// twice.
func NewRegistry(tables ...[]Field) (*Registry, error) {
	r := &Registry{fields: map[string]*Field{}}
	for _, table := range tables {
		for i := range table {
			f := &table[i]
			if r.fields[f.Name] != nil {
				return nil, fmt.Errorf("make field table: %s is there twice", f.Name)
			}
			r.fields[f.Name] = f
			r.sorted = append(r.sorted, f)
		}
	}
	sort.SliceStable(r.sorted, func(i, j int) bool { return r.sorted[i].Name < r.sorted[j].Name })
	return r, nil
}

// Standard returns all of Vigil's fields.
func Standard() *Registry {
	r, err := NewRegistry(evtFields, procFields, ancestorFields, userFields, fdFields, pathFields, containerFields,
		auditFields, vigilFields, unavailableFields)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return r
}

// Fields returns all fields in the order of their names. The slice is the
// caller's, the fields are not.
func (r *Registry) Fields() []*Field { return append([]*Field(nil), r.sorted...) }

// LookupError is what Lookup returns.
type LookupError struct {
	Name    string
	Problem string // "unknown field", "takes no argument", ...
	Nearest string // the name that was meant, "" if none is near
}

func (e *LookupError) Error() string {
	if e.Nearest != "" {
		return e.Problem + " " + e.Name + ": did you mean " + e.Nearest + "?"
	}
	return e.Problem + " " + e.Name
}

// Lookup resolves a field's name, with its argument if hasArg.
func (r *Registry) Lookup(name, arg string, hasArg bool) (*Ref, error) {
	ref := &Ref{Key: arg, HasArg: hasArg, Index: -1}
	if f := r.fields[name]; f != nil {
		ref.Field = f
	} else if !r.suffix(ref, name) && !recordField(ref, name) {
		return nil, &LookupError{Name: name, Problem: "unknown field", Nearest: r.nearest(name)}
	}
	return ref, ref.checkArg(hasArg)
}

// suffix resolves evt.arg.path as evt.arg with the argument path.
func (r *Registry) suffix(ref *Ref, name string) bool {
	if ref.HasArg {
		return false
	}
	for i := len(name); ; {
		if i = strings.LastIndexByte(name[:i], '.'); i < 0 {
			return false
		}
		if f := r.fields[name[:i]]; f != nil && f.Arg&ArgSuffix != 0 {
			ref.Field, ref.Key, ref.HasArg = f, name[i+1:], true
			return true
		}
	}
}

var errArgNumber = errors.New("must be a whole number")

func (r *Ref) checkArg(bracket bool) error {
	if !r.HasArg {
		if r.Arg&ArgRequired != 0 {
			return &LookupError{Name: r.Name, Problem: "an argument is missing, as in " + r.Example + ", after"}
		}
		return nil
	}
	if r.Arg == 0 {
		return &LookupError{Name: r.Name, Problem: "no argument is allowed after"}
	}
	if n, err := strconv.ParseUint(r.Key, 10, 16); err == nil && bracket && r.Arg&ArgIndex != 0 {
		r.Index = int(n)
		return nil
	}
	if r.Arg&(ArgKey|ArgSuffix) == 0 {
		return &LookupError{Name: r.Name + "[" + r.Key + "]", Problem: "the argument " + errArgNumber.Error() + " up to 65535 in"}
	}
	return nil
}

func (r *Registry) nearest(name string) string {
	head, rest, _ := strings.Cut(name, ".")
	if head == strings.ToUpper(head) {
		var types []string
		for _, t := range tables.Types() {
			types = append(types, t.String())
		}
		if near, ok := nearest.Word(head, types); ok && near != head {
			return near + "." + rest
		}
	}
	names := make([]string, len(r.sorted))
	for i, f := range r.sorted {
		names[i] = f.Name
	}
	near, _ := nearest.Word(name, names)
	return near
}

func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// IsRecord reports whether the field is one of a record, TYPE.name.
func (r *Ref) IsRecord() bool { return r.record != 0 }
