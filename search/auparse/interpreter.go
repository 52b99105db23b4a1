package auparse

import (
	"time"

	"vigil/audit"
	"vigil/audit/tables"
)

// Version says whose words are printed where versions of libauparse differ.
type Version uint8

// The versions.
const (
	V3 Version = iota // audit 3.0.9, that of Debian 12
	V4                // audit 4.2
)

// Escape says what becomes of bytes that may harm whoever reads the output, as the option --escape of ausearch does.
type Escape uint8

// The ways to escape, in the words of ausearch.
const (
	TTY        Escape = iota // control bytes are printed in octal; the default
	Raw                      // nothing is done
	Shell                    // as TTY, and a backslash before each of "'`$\
	ShellQuote               // as TTY, and a backslash before each of the shell's special characters
)

// Names knows users and groups. Both methods return false for a number without a name. They may be called from several
// goroutines only if the Interpreter is.
type Names interface {
	User(uid uint32) (string, bool)
	Group(gid uint32) (string, bool)
}

// Config says how to print. Its zero value prints as audit 3.0.9 does on a terminal, knows no names, and the times are
// those of UTC.
type Config struct {
	Version  Version
	Escape   Escape
	Names    Names          // nil knows none: users and groups are "unknown(1000)"
	Location *time.Location // of the times; UTC if nil
}

// Interpreter prints records. It holds no state between calls: several goroutines may use one at once, if they may use
// its Names.
type Interpreter struct {
	version  Version
	escape   Escape
	names    Names
	location *time.Location
}

// New returns an Interpreter.
func New(cfg Config) *Interpreter {
	x := &Interpreter{version: cfg.Version, escape: cfg.Escape, names: cfg.Names, location: cfg.Location}
	if x.location == nil {
		x.location = time.UTC
	}
	return x
}

// Record is one record, split into fields as libauparse splits it. It is a view of the line that it was parsed from
// and can be used again for the next one.
type Record struct {
	audit.Record
	TypeName []byte // as the line has it

	// Fields are the record's fields in order. The names and values are as the line has them.
	Fields []Field
}

// Field is one field of a record: a view of its line.
type Field struct {
	Name, Value []byte
}

// Find returns the place of the first field with that name, -1 if there is none.
func (r *Record) Find(name string) int {
	for i := range r.Fields {
		if string(r.Fields[i].Name) == name {
			return i
		}
	}
	return -1
}

// Parse splits a line of an audit log, without its newline, into dst. The error is one of audit.ParseLine.
func (x *Interpreter) Parse(dst *Record, line []byte) error {
	rec, err := audit.ParseLine(line)
	if err != nil {
		return err
	}
	x.Load(dst, rec)
	return nil
}

// Load is Parse for a record that has been parsed already.
func (x *Interpreter) Load(dst *Record, rec audit.Record) {
	dst.Record = rec
	dst.TypeName = nil
	dst.Fields = dst.Fields[:0]
	fields := rec.Fields()
	for {
		f, ok := fields.Next()
		if !ok {
			return
		}
		dst.Fields = append(dst.Fields, Field{f.Name, f.Value})
	}
}

// AppendValue appends what libauparse's auparse_interpret_field gives for field i of r.
func (x *Interpreter) AppendValue(dst []byte, r *Record, i int) []byte {
	return append(dst, r.Fields[i].Value...)
}

// AppendLine appends the line that ausearch -i prints for r, without a newline:
// "type=SYSCALL msg=audit(11/21/26 10:49:55.263:123) : arch=x86_64 ... ".
func (x *Interpreter) AppendLine(dst []byte, r *Record) []byte {
	if r.Node != nil {
		dst = append(dst, "node="...)
		dst = append(dst, r.Node...)
		dst = append(dst, ' ')
	}
	dst = append(dst, "type="...)
	dst = r.Type.AppendTo(dst)
	dst = append(dst, " msg=audit("...)
	dst = x.AppendStamp(dst, r.ID)
	dst = append(dst, ") : "...)
	for i := range r.Fields {
		dst = append(dst, r.Fields[i].Name...)
		dst = append(dst, '=')
		dst = x.AppendValue(dst, r, i)
		dst = append(dst, ' ')
	}
	return dst
}

// AppendStamp appends the date, time and serial of an event as ausearch -i prints it in the C locale:
// "11/21/26 10:49:55.263:123".
func (x *Interpreter) AppendStamp(dst []byte, id audit.ID) []byte {
	dst = time.Unix(id.Sec, 0).In(x.location).AppendFormat(dst, "01/02/06 15:04:05.")
	dst = append(dst, byte('0'+id.Milli/100%10), byte('0'+id.Milli/10%10), byte('0'+id.Milli%10), ':')
	return appendUint(dst, uint64(id.Serial))
}

// AppendUser appends what an interpreted uid field is: the user's name, "unset" for 4294967295, "unknown(1000)".
func (x *Interpreter) AppendUser(dst []byte, uid uint32) []byte {
	if uid == 1<<32-1 {
		return append(dst, "unset"...)
	}
	if x.names != nil {
		if name, ok := x.names.User(uid); ok {
			return append(dst, name...)
		}
	}
	return appendUnknown(dst, uint64(uid))
}

// AppendGroup is AppendUser for groups.
func (x *Interpreter) AppendGroup(dst []byte, gid uint32) []byte {
	if gid == 1<<32-1 {
		return append(dst, "unset"...)
	}
	if x.names != nil {
		if name, ok := x.names.Group(gid); ok {
			return append(dst, name...)
		}
	}
	return appendUnknown(dst, uint64(gid))
}

// AppendType appends a record type's name as ausearch prints it.
func (x *Interpreter) AppendType(dst []byte, t tables.Type) []byte { return t.AppendTo(dst) }
