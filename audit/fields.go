package audit

import (
	"bytes"

	"vigil/audit/tables"
)

// Field is one name=value of a record. Both are views, as printed: a quoted
// value has its quotes, an encoded one its hexadecimal digits. See Text.
type Field struct {
	Name, Value []byte

	typ   tables.Type // of the record: says what a bare value means
	extra bool        // stands in the enrichment
	inner bool        // stands in msg='...'
}

// FromProgram reports whether the field stands in the msg='...' of a user message:
// a program has written it, not the kernel.
func (f Field) FromProgram() bool { return f.inner }

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
	b     []byte // what is left
	outer []byte // what is left behind the msg='...' that b is in
	typ   tables.Type
	extra bool
	inner bool // b is in msg='...'
	left  bool // b is behind it
	open  bool // a '{' was seen that has no '}'
}

// Fields returns the fields of r's text.
func (r Record) Fields() Fields { return Fields{b: r.Body, typ: r.Type} }

// Extra returns the fields of r's enrichment, such as UID="root".
func (r Record) Extra() Fields { return Fields{b: r.Enrichment, typ: r.Type, extra: true} }

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
		i := 0
		for i < len(b) && b[i] == ' ' {
			i++
		}
		start := i
		for i < len(b) && b[i] != '=' && b[i] != ' ' {
			i++
		}
		if i == len(b) || b[i] == ' ' || i == start {
			if word := f.word(start, i); len(word) > 0 {
				return Field{Value: word, typ: f.typ, extra: f.extra, inner: f.inner}, true
			}
			if !f.leave() {
				return Field{}, false
			}
			continue
		}
		name := b[start:i]
		if name[0] == '(' && len(name) > 1 {
			name = name[1:]
		}
		f.b = b[i+1:]
		if !f.inner && !f.left && !f.extra && string(name) == "msg" && len(f.b) > 0 && f.b[0] == '\'' {
			f.enter()
			continue
		}
		return Field{Name: name, Value: f.value(), typ: f.typ, extra: f.extra, inner: f.inner}, true
	}
}

// word takes the word at f.b[start:] of which end bytes hold no '=': the rest of
// it, up to a space, belongs to it.
func (f *Fields) word(start, end int) []byte {
	b := f.b
	for end < len(b) && b[end] != ' ' {
		end++
	}
	f.b = b[end:]
	return b[start:end]
}

// enter goes into the quotes that f.b begins with. The kernel writes msg='%.*s'
// as the last thing of a user message and encodes nothing in it (kernel/audit.c,
// audit_receive_msg), so only the last quote is the kernel's.
func (f *Fields) enter() {
	b := f.b[1:]
	end := bytes.LastIndexByte(b, '\'')
	if end < 0 {
		end = len(b) // cut off at the maximum length
		f.outer = nil
	} else {
		f.outer = b[end+1:]
	}
	f.b, f.inner = b[:end], true
}

// leave goes on behind the msg='...' that was entered, if one was.
func (f *Fields) leave() bool {
	if !f.inner || len(f.outer) == 0 {
		return false
	}
	f.b, f.outer, f.inner, f.left = f.outer, nil, false, true
	return true
}

// value takes the value that f.b begins with.
func (f *Fields) value() []byte {
	b := f.b
	i := 0
	if len(b) > 0 {
		switch b[0] {
		case '"', '\'':
			// The kernel quotes nothing that has a quote in it.
			if j := bytes.IndexByte(b[1:], b[0]); j >= 0 {
				i = j + 2
			}
		case '{':
			// Auditd's SADDR={ saddr_fam=inet laddr=1.2.3.4 lport=80 }.
			if f.extra && !f.open {
				if j := bytes.IndexByte(b, '}'); j >= 0 {
					i = j + 1
				} else {
					f.open = true
				}
			}
		}
	}
	bare := i == 0
	for i < len(b) && b[i] != ' ' {
		i++
	}
	f.b = b[i:]
	v := b[:i]
	if i > 1 && v[i-1] == ',' {
		v = v[:i-1]
	}
	if n := len(v); bare && n > 1 && v[n-1] == ')' && bytes.IndexByte(v, '(') < 0 {
		v = v[:n-1]
	}
	return v
}
