package filter

import "strings"

// scanner reads the words of a condition. What a word is depends on where it
// stands (a-b is a value and no field), so that the parser asks for what may come
// and there are no tokens.
type scanner struct {
	text string
	at   int
}

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWord(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }

// isBare reports whether c may stand in a value without quotes.
func isBare(c byte) bool { return !isBlank(c) && strings.IndexByte(`()"'=,`, c) < 0 }

func (s *scanner) rest() string { return s.text[s.at:] }

func (s *scanner) end() bool { return s.at == len(s.text) }

// blank passes over white space and reports whether there was any.
func (s *scanner) blank() bool {
	start := s.at
	for s.at < len(s.text) && isBlank(s.text[s.at]) {
		s.at++
	}
	return s.at > start
}

// punct takes p if it is next.
func (s *scanner) punct(p string) bool {
	if !strings.HasPrefix(s.rest(), p) {
		return false
	}
	s.at += len(p)
	return true
}

// keyword takes the word w if it is next and no longer word.
func (s *scanner) keyword(w string) bool {
	rest := s.rest()
	if !strings.HasPrefix(rest, w) || len(rest) > len(w) && isWord(rest[len(w)]) {
		return false
	}
	s.at += len(w)
	return true
}

// call takes "name(" of a transformer.
func (s *scanner) call() (transformer, bool) {
	rest := s.rest()
	i := 0
	for i < len(rest) && isWord(rest[i]) {
		i++
	}
	if i == 0 || i == len(rest) || rest[i] != '(' {
		return 0, false
	}
	t, ok := transformerByName(rest[:i])
	if ok {
		s.at += i + 1
	}
	return t, ok
}

// identifier takes the name of a macro.
func (s *scanner) identifier() (string, bool) {
	start := s.at
	if s.end() || !isLetter(s.text[s.at]) {
		return "", false
	}
	for s.at < len(s.text) && isWord(s.text[s.at]) {
		s.at++
	}
	return s.text[start:s.at], true
}

// fieldName takes a name with at least one dot in it.
func (s *scanner) fieldName() (string, bool) {
	start, dots := s.at, 0
	for {
		if _, ok := s.identifier(); !ok {
			if dots == 0 {
				s.at = start
				return "", false
			}
			s.at-- // the dot belongs to nothing
			break
		}
		if s.end() || s.text[s.at] != '.' {
			break
		}
		s.at++
		dots++
	}
	name := s.text[start:s.at]
	if !strings.Contains(name, ".") {
		s.at = start
		return "", false
	}
	return name, true
}

// number takes a decimal or hexadecimal number.
func (s *scanner) number() (string, bool) {
	b, i := s.rest(), 0
	if len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x' && isHex(b[2]) {
		for i = 2; i < len(b) && isHex(b[i]); i++ {
		}
		s.at += i
		return b[:i], true
	}
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		i++
	}
	digits := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	if i == digits {
		return "", false
	}
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && isDigit(b[i]); i++ {
		}
	}
	if i+1 < len(b) && b[i]|0x20 == 'e' {
		j := i + 1
		if b[j] == '+' || b[j] == '-' {
			j++
		}
		if j < len(b) && isDigit(b[j]) {
			for i = j; i < len(b) && isDigit(b[i]); i++ {
			}
		}
	}
	s.at += i
	return b[:i], true
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// bare takes a value without quotes.
func (s *scanner) bare() (string, bool) {
	start := s.at
	for s.at < len(s.text) && isBare(s.text[s.at]) {
		s.at++
	}
	return s.text[start:s.at], s.at > start
}

// bareArg takes the argument of a field without quotes.
func (s *scanner) bareArg() (string, bool) {
	start := s.at
	for s.at < len(s.text) && !isBlank(s.text[s.at]) && strings.IndexByte(`[]"'`, s.text[s.at]) < 0 {
		s.at++
	}
	return s.text[start:s.at], s.at > start
}

// quoted takes a value in quotes, without them. There is an error if the closing
// quote is missing or a backslash stands before what it cannot stand before.
func (s *scanner) quoted() (string, bool, *Error) {
	if s.end() || s.text[s.at] != '"' && s.text[s.at] != '\'' {
		return "", false, nil
	}
	quote, start := s.text[s.at], s.at
	var out []byte
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case quote:
			s.at++
			return string(out), true, nil
		case '\\':
			c, err := s.escape(quote)
			if err != nil {
				return "", false, err
			}
			out = append(out, c)
		default:
			out = append(out, c)
		}
	}
	return "", false, errorAt(s.text, start, "the quote is not closed")
}

// escape reads what follows a backslash and stops on its last character.
func (s *scanner) escape(quote byte) (byte, *Error) {
	at := s.at
	s.at++
	if s.end() {
		return 0, errorAt(s.text, at, "the quote is not closed")
	}
	switch c := s.text[s.at]; c {
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case '\\', ' ': // rules of old write "\ " for a backslash
		return '\\', nil
	case '/':
		return '/', nil
	case 'x':
		if rest := s.text[s.at:]; len(rest) > 2 && isHex(rest[1]) && isHex(rest[2]) {
			s.at += 2
			return unhex(rest[1])<<4 | unhex(rest[2]), nil
		}
		return 0, errorAt(s.text, at, `\x needs two hexadecimal digits`)
	case quote:
		return c, nil
	default:
		return 0, errorAt(s.text, at, `unknown escape \%c: there are \b \f \n \r \t \\ \/ \%c \xHH`, c, quote)
	}
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
