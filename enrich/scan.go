package enrich

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
)

// scanner splits a record's text into fields the way libauparse does, which is
// plainer than audit.Fields: words between spaces, quotes or not. auditd finds
// uid= inside a quoted string that user space wrote, and so does this.
type scanner struct {
	text []byte
	avc  bool // SELinux writes its verdict and permissions without a name
	// count is the number of fields so far, as libauparse counts them: it knows
	// some fields by their place. The record's type is the first.
	count int

	// odd says that text holds separators that are not spaces.
	odd bool

	name, value []byte // the field, after next
}

func newScanner(kind tables.Type, text []byte) scanner {
	return scanner{
		text:  text,
		avc:   kind == tables.TypeAVC || kind == tables.TypeUserAVC,
		count: 1,
		odd: bytes.IndexByte(text, '\n') >= 0 || bytes.IndexByte(text, 0) >= 0 ||
			bytes.IndexByte(text, audit.Separator) >= 0,
	}
}

// next finds the next field that has a value.
func (s *scanner) next() bool {
	for {
		word, equals := s.word()
		if len(word) == 0 {
			return false
		}
		if equals < 0 {
			if s.avc {
				s.verdict(word)
			}
			continue
		}
		if word[0] == 'm' && len(word) > 4 && string(word[:4]) == "msg=" {
			// msg=audit(...): is the record's own stamp; msg='... opens the text
			// that user space wrote.
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
		s.name, s.value = word[:equals], word[equals+1:]
		if len(s.value) == 0 {
			continue
		}
		if equals > 0 && s.name[0] == '(' {
			s.name = s.name[1:]
		}
		if string(s.name) == "key" {
			s.count += keys(s.value)
		} else {
			s.count++
		}
		return true
	}
}

// keys returns how many fields libauparse makes of a key: one of each of those that 0x01 joins in a value that is not
// quoted, so that separators alone are none. A value that is no hexadecimal is one.
func keys(value []byte) int {
	end := 0
	for end < len(value) && isHex(value[end]) {
		end++
	}
	if end < 2 {
		return 1
	}
	n, within := 0, false
	for i := 0; i+1 < end; i += 2 {
		c := value[i : i+2]
		if string(c) == "00" {
			break
		}
		if string(c) == "01" {
			within = false
		} else if !within {
			within = true
			n++
		}
	}
	return n
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// word returns the next word, empty at the end, and the place of the first '='
// in it. What the log's line has as a space (see audit.Record.AppendLine)
// separates words too.
func (s *scanner) word() (word []byte, equals int) {
	text := s.text
	start := 0
	for start < len(text) && isSpace(text[start]) {
		start++
	}
	end := start
	for end < len(text) && text[end] != '=' && (text[end] > ' ' || !isSpace(text[end])) {
		end++
	}
	equals = -1
	if end < len(text) && text[end] == '=' {
		equals = end - start
		end += s.space(text[end:])
	}
	s.text = text[end:]
	return text[start:end], equals
}

// space returns the place of the first separator, the length if there is none.
func (s *scanner) space(text []byte) int {
	if s.odd {
		for i, c := range text {
			if isSpace(c) {
				return i
			}
		}
	} else if i := bytes.IndexByte(text, ' '); i >= 0 {
		return i
	}
	return len(text)
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == 0 || c == audit.Separator
}

// verdict takes a word without a name in an AVC record: "avc:", "denied", and
// what stands in braces, which is skipped if it comes second.
func (s *scanner) verdict(word []byte) {
	switch {
	case s.count == 1 && !bytes.HasPrefix(word, []byte("avc")):
		s.count++
	case s.count == 2 && word[0] == '{':
		s.count++
		for len(word) > 0 && word[0] != '}' {
			word, _ = s.word()
		}
	}
}

// trim cuts the punctuation that may follow a value: a colon, a comma, a quote
// and a parenthesis, in this order, one of each.
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

// kind is what a field's value means.
type kind uint8

const (
	kindNone kind = iota
	kindUser
	kindGroup
	kindArch
	kindSyscall
	kindUring
	kindAddress
)

// kindOf returns the kind of a field and its key in the enrichment.
func kindOf(name []byte) (kind, string) {
	if len(name) < 2 || len(name) > 9 {
		return kindNone, ""
	}
	switch string(name) {
	case "auid":
		return kindUser, "AUID"
	case "uid":
		return kindUser, "UID"
	case "gid":
		return kindGroup, "GID"
	case "euid":
		return kindUser, "EUID"
	case "suid":
		return kindUser, "SUID"
	case "fsuid":
		return kindUser, "FSUID"
	case "egid":
		return kindGroup, "EGID"
	case "sgid":
		return kindGroup, "SGID"
	case "fsgid":
		return kindGroup, "FSGID"
	case "ouid":
		return kindUser, "OUID"
	case "ogid":
		return kindGroup, "OGID"
	case "arch":
		return kindArch, "ARCH"
	case "syscall":
		return kindSyscall, "SYSCALL"
	case "saddr":
		return kindAddress, "SADDR"
	}
	return rareKind(name)
}

// rareKind knows the fields that hardly any record has.
func rareKind(name []byte) (kind, string) {
	switch string(name) {
	case "id":
		return kindUser, "ID"
	case "oauid":
		return kindUser, "OAUID"
	case "old-auid":
		return kindUser, "OLD-AUID"
	case "sauid":
		return kindUser, "SAUID"
	case "iuid":
		return kindUser, "IUID"
	case "igid":
		return kindGroup, "IGID"
	case "inode_uid":
		return kindUser, "INODE_UID"
	case "inode_gid":
		return kindGroup, "INODE_GID"
	case "obj_uid":
		return kindUser, "OBJ_UID"
	case "obj_gid":
		return kindGroup, "OBJ_GID"
	case "new_gid":
		return kindGroup, "NEW_GID"
	case "uring_op":
		return kindUring, "URING_OP"
	}
	return kindNone, ""
}
