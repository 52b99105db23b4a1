package auparse

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
)

// Record is one record, split into fields as libauparse splits it. It is a view of the line that it was parsed from,
// and can be used again for the next one. node= and type= are no fields here, but libauparse counts the latter as one.
type Record struct {
	audit.Record

	// TypeName is the type as the line has it, "UNKNOWN[1399]" perhaps; empty if the record came without a line. Type is
	// 0 if the name is no type's.
	TypeName []byte

	// Fields are the record's fields in order. Names and values are as the line has them, but for three: the parts of a
	// key that 0x01 joins are fields of their own, encoded as the kernel does it, and the verdict and permissions of an AVC record, which
	// have no names there, are called seresult and seperms.
	Fields []Field

	call  call
	extra extra
	made  []byte // values that the line does not have
	text  []byte // used while a value is decoded
}

// Field is one field of a record.
type Field struct {
	Name, Value []byte
}

// Find returns the place of the first field with that name, -1 if there is none.
func (r *Record) Find(name string) int { return r.FindFrom(name, 0) }

// FindFrom returns the place of the first field with that name from place i on, -1 if there is none.
func (r *Record) FindFrom(name string, i int) int {
	for ; i < len(r.Fields); i++ {
		if string(r.Fields[i].Name) == name {
			return i
		}
	}
	return -1
}

// Parse splits a line of an audit log, without its newline, into dst. The error is one of audit.ParseLine, but a type
// without a name is no error.
func (x *Interpreter) Parse(dst *Record, line []byte) error {
	rec, err := audit.ParseLine(line)
	name := typeName(line)
	if err == audit.ErrType && len(name) > 0 {
		rec, err = parseForeign(line, name)
	}
	if err != nil {
		return err
	}
	x.Load(dst, rec)
	dst.TypeName = name
	return nil
}

// typeName returns the name after type=, nil if there is none.
func typeName(line []byte) []byte {
	if bytes.HasPrefix(line, []byte("node=")) {
		line = line[bytes.IndexByte(line, ' ')+1:]
	}
	name, ok := bytes.CutPrefix(line, []byte("type="))
	if !ok {
		return nil
	}
	if i := bytes.IndexByte(name, ' '); i >= 0 {
		return name[:i:i]
	}
	return nil
}

// parseForeign parses a line of a type that has no number: what auditd of another version wrote.
func parseForeign(line, name []byte) (audit.Record, error) {
	var node []byte
	if bytes.HasPrefix(line, []byte("node=")) {
		i := bytes.IndexByte(line, ' ')
		node, line = line[len("node="):i:i], line[i+1:]
	}
	message, ok := bytes.CutPrefix(line[len("type=")+len(name)+1:], []byte("msg="))
	if !ok {
		return audit.Record{}, audit.ErrStamp
	}
	rec, err := audit.ParseMessage(0, message)
	if err != nil {
		return audit.Record{}, err
	}
	rec.Node = node
	if i := bytes.IndexByte(rec.Body, audit.Separator); i >= 0 {
		rec.Enrichment = rec.Body[i+1:]
		rec.Body = rec.Body[:i:i]
	}
	return rec, nil
}

// Load is Parse for a record that has been parsed already.
func (x *Interpreter) Load(dst *Record, rec audit.Record) {
	dst.Record = rec
	dst.TypeName = nil
	dst.Fields = dst.Fields[:0]
	dst.made = dst.made[:0]
	dst.extra.load(rec.Enrichment)
	dst.call = newCall(x.version, rec.Type)
	s := splitter{rest: rec.Body, to: dst, version: x.version,
		avc: rec.Type == tables.TypeAVC || rec.Type == tables.TypeUserAVC}
	s.split()
}

// splitter splits a record's text into words between spaces, quotes or not.
type splitter struct {
	rest    []byte
	to      *Record
	avc     bool // SELinux writes its verdict and permissions without a name
	version Version
}

// word returns the next word, empty at the end.
func (s *splitter) word() []byte {
	for len(s.rest) > 0 && s.rest[0] == ' ' {
		s.rest = s.rest[1:]
	}
	word := s.rest
	if i := bytes.IndexByte(word, ' '); i >= 0 {
		word, s.rest = word[:i], word[i+1:]
	} else {
		s.rest = nil
	}
	return word
}

func (s *splitter) split() {
	for word := s.word(); len(word) > 0; word = s.word() {
		equals := bytes.IndexByte(word, '=')
		if equals < 0 {
			if s.avc {
				s.verdict(word)
			}
			continue
		}
		if len(word) > 4 && string(word[:4]) == "msg=" {
			// msg=audit(...): would be a stamp; msg='... opens the text that user space wrote.
			if word[4] == 'a' {
				continue
			}
			if word[4] == '\'' {
				word = word[5:]
				if equals = bytes.IndexByte(word, '='); equals < 0 {
					continue
				}
			}
		}
		name, value := word[:equals], word[equals+1:]
		if len(value) == 0 {
			continue
		}
		if len(name) > 0 && name[0] == '(' {
			name = name[1:]
		}
		s.add(name, trim(value))
	}
}

// add adds a field, several for a key.
func (s *splitter) add(name, value []byte) {
	r := s.to
	if string(name) == "key" && (len(value) == 0 || value[0] != '(' && value[0] != '"') {
		s.keys(name, value)
		return
	}
	r.Fields = append(r.Fields, Field{name, value})
	r.call.note(s.version, r.Type, len(r.Fields)+1, name, value)
}

// keys adds a field for each of the keys that 0x01 joins in a value that is not quoted.
func (s *splitter) keys(name, value []byte) {
	r := s.to
	start := len(r.made)
	made, ok := appendUnhex(r.made, value, s.version)
	if !ok {
		if s.version == V3 {
			r.Fields = append(r.Fields, Field{name, nil})
		}
		return
	}
	text := made[start:]
	// What has been decoded stays in made; the quoted keys follow it.
	for len(text) > 0 {
		key := text
		if i := bytes.IndexByte(text, 1); i >= 0 {
			key, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		if len(key) == 0 {
			continue
		}
		at := len(made)
		made = appendEncoded(made, key)
		r.Fields = append(r.Fields, Field{name, made[at:len(made):len(made)]})
	}
	r.made = made
}

// The names of what has none in an AVC record.
var (
	verdictName = []byte("seresult")
	permsName   = []byte("seperms")
)

// verdict takes a word without a name in an AVC record: "avc:", "denied", and what stands in braces, if they come first.
func (s *splitter) verdict(word []byte) {
	r := s.to
	switch {
	case len(r.Fields) == 0 && !bytes.HasPrefix(word, []byte("avc")):
		r.Fields = append(r.Fields, Field{verdictName, word})
	case len(r.Fields) == 1 && word[0] == '{':
		start := len(r.made)
		for word = s.word(); len(word) > 0 && word[0] != '}'; word = s.word() {
			if len(r.made) > start {
				r.made = append(r.made, ',')
			}
			r.made = append(r.made, word...)
		}
		r.Fields = append(r.Fields, Field{permsName, r.made[start:len(r.made):len(r.made)]})
	}
}

// trim cuts the punctuation that may follow a value: a colon, a comma, a quote and a parenthesis, in this order, one of
// each.
func trim(value []byte) []byte {
	for _, c := range [...]byte{':', ',', '\''} {
		if n := len(value); n > 0 && value[n-1] == c {
			value = value[:n-1]
		}
	}
	if n := len(value); n > 0 && value[n-1] == ')' && string(value) != "(none)" && string(value) != "(null)" {
		value = value[:n-1]
	}
	return value
}
