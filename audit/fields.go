package audit

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"vigil/audit/tables"
)

// Field is one name=value of a record. Both are views, as printed: a quoted
// value has its quotes, an encoded one its hexadecimal digits. See Text.
type Field struct {
	Name, Value []byte

	origin origin
}

// origin says what a bare value means: the record's type, and bits for the place.
// It is one word, so that a Field travels in registers.
type origin uint32

const (
	inExtra   origin = 1 << (16 + iota) // in the enrichment
	inMessage                           // in msg='...'
)

func (o origin) typ() tables.Type { return tables.Type(o) }

// FromProgram reports whether the field stands in the msg='...' of a user message:
// a program has written it, not the kernel.
func (f Field) FromProgram() bool { return f.origin&inMessage != 0 }

// Through returns f with a value that goes on to the end of word, which must be
// from behind f in the same walk. Programs write values of several words, such as
// op=adding user to group, without quotes.
func (f Field) Through(word Field) Field {
	if n := cap(f.Value) - cap(word.Value) + len(word.Value); n > len(f.Value) && n <= cap(f.Value) {
		f.Value = f.Value[:n]
	}
	return f
}

// Fields walks the fields of a record in the order in which they are printed.
// The walk allocates nothing and is linear in the length of the text.
//
// Records are not a clean list of pairs: "avc:  denied  { read } for  pid=1",
// "op=adding user to group acct=...", "(hostname=?, addr=? res=failed)". Words
// without '=' are passed over, as are the comma after a value and parentheses
// around pairs. The text in msg='...' of a user message is entered, and its
// fields come out like the others, after those that the kernel wrote in front of
// it: whoever takes the first pid takes the kernel's.
type Fields struct {
	b      []byte // what is left
	outer  []byte // what is left behind the msg='...' that b is in
	origin origin
	left   bool // b is behind the msg='...'
	open   bool // a '{' was seen that has no '}'
}

// Fields returns the fields of r's text.
func (r Record) Fields() Fields { return Fields{b: r.Body, origin: origin(r.Type)} }

// Extra returns the fields of r's enrichment, such as UID="root".
func (r Record) Extra() Fields {
	return Fields{b: r.Enrichment, origin: origin(r.Type) | inExtra}
}

// Get returns the first field of r's text with that name.
func (r Record) Get(name string) (Field, bool) {
	fs := r.Fields()
	return fs.find(name)
}

// GetExtra returns the first field of r's enrichment with that name.
func (r Record) GetExtra(name string) (Field, bool) {
	fs := r.Extra()
	return fs.find(name)
}

func (f *Fields) find(name string) (Field, bool) {
	for fd, ok := f.Next(); ok; fd, ok = f.Next() {
		if string(fd.Name) == name {
			return fd, true
		}
	}
	return Field{}, false
}

// Next returns the next field, false if there is none left.
func (f *Fields) Next() (Field, bool) {
	for {
		fd, ok := f.NextWord()
		if !ok || fd.Name != nil {
			return fd, ok
		}
	}
}

// NextWord is Next that yields the words without '=' too, with a nil Name.
func (f *Fields) NextWord() (Field, bool) {
	for {
		b := f.b
		for len(b) > 0 && b[0] == ' ' {
			b = b[1:]
		}
		end := nameEnd(b)
		if end == 0 || end == len(b) || b[end] == ' ' {
			// No name: what is here, if anything, is a word.
			for end < len(b) && b[end] != ' ' {
				end++
			}
			if f.b = b[end:]; end > 0 {
				return Field{Value: b[:end], origin: f.origin}, true
			}
			if !f.leave() {
				return Field{}, false
			}
			continue
		}
		name := b[:end]
		if name[0] == '(' && end > 1 {
			name = name[1:]
		}
		f.b = b[end+1:]
		if end == len("msg") && string(name) == "msg" && f.enter() {
			continue
		}
		return Field{Name: name, Value: f.value(), origin: f.origin}, true
	}
}

// enter goes into the quotes that f.b begins with, if it does. The kernel writes msg='%.*s'
// as the last thing of a user message and encodes nothing in it (kernel/audit.c,
// audit_receive_msg), so only the last quote is the kernel's.
func (f *Fields) enter() bool {
	if f.origin&(inExtra|inMessage) != 0 || f.left || len(f.b) == 0 || f.b[0] != '\'' {
		return false
	}
	b := f.b[1:]
	end := bytes.LastIndexByte(b, '\'')
	if end < 0 {
		end = len(b) // cut off at the maximum length
		f.outer = nil
	} else {
		f.outer = b[end+1:]
	}
	f.b = b[:end]
	f.origin |= inMessage
	return true
}

// leave goes on behind the msg='...' that was entered, if one was.
func (f *Fields) leave() bool {
	if f.origin&inMessage == 0 || len(f.outer) == 0 {
		return false
	}
	f.b, f.outer, f.left = f.outer, nil, true
	f.origin &^= inMessage
	return true
}

// value takes the value that f.b begins with.
func (f *Fields) value() []byte {
	b := f.b
	quoted := 0
	if len(b) > 0 && (b[0] == '"' || b[0] == '\'' || b[0] == '{') {
		quoted = f.quoted(b)
	}
	end := quoted + spaceIndex(b[quoted:])
	f.b = b[end:]
	v := b[:end]
	if end < 2 {
		return v
	}
	switch v[end-1] {
	case ',':
		v = v[:end-1]
	case ')':
		if quoted == 0 && bytes.IndexByte(v, '(') < 0 {
			v = v[:end-1]
		}
	}
	return v
}

// nameEnd returns where the first '=' or space is, or len(b). A name has no more
// than eight bytes nearly always: it is found in one word, without a loop whose end
// no processor can predict.
func nameEnd(b []byte) int {
	i := 0
	if len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		if m := zeros(w^ones*'=') | zeros(w^ones*' '); m != 0 {
			return bits.TrailingZeros64(m) / 8
		}
		i = 8
	}
	for i < len(b) && b[i] != '=' && b[i] != ' ' {
		i++
	}
	return i
}

// spaceIndex returns where the first space is, or len(b). Short values are the
// rule, but some have thousands of digits.
func spaceIndex(b []byte) int {
	i := 0
	for ; i+8 <= len(b) && i < 24; i += 8 {
		if m := zeros(binary.LittleEndian.Uint64(b[i:]) ^ ones*' '); m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	if n := bytes.IndexByte(b[i:], ' '); n >= 0 {
		return i + n
	}
	return len(b)
}

const ones = 0x0101010101010101

// zeros returns a word whose lowest bit that is set is in the lowest byte of w that
// is zero; 0 if there is none.
func zeros(w uint64) uint64 { return (w - ones) &^ w & (ones << 7) }

// quoted returns the length of the quoted text that b begins with, 0 if its end is
// missing.
func (f *Fields) quoted(b []byte) int {
	if b[0] != '{' {
		// The kernel quotes nothing that has a quote in it.
		if end := bytes.IndexByte(b[1:], b[0]); end >= 0 {
			return end + 2
		}
		return 0
	}
	// Auditd's SADDR={ saddr_fam=inet laddr=1.2.3.4 lport=80 }.
	if f.origin&inExtra == 0 || f.open {
		return 0
	}
	end := bytes.IndexByte(b, '}')
	f.open = end < 0
	return end + 1
}
