package auomsconf

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxFile bounds a file. auoms' own are some KiB.
const maxFile = 1 << 20

// Error says what is wrong with a file, and where.
type Error struct {
	File string
	Line int // from 1
	What string
}

// Error returns file, line and problem.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What) }

// Value is a key and what stands behind it.
type Value struct {
	Key  string
	Text string // without quotes; of JSON, all of it
	Line int    // of the key, from 1
	JSON bool   // Text is valid JSON, an object or a list
}

// File is a file that was read.
type File struct {
	// Values are in their order, each key once.
	Values []Value
	// Again are values of keys that were there before: auoms does not read them.
	Again []Value
}

// Read reads a file. The error is an [*Error], or says why it cannot be read.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read auoms configuration: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read auoms configuration: %w", err)
	}
	return Parse(path, string(text))
}

// Parse reads text, of a file that is called name in errors.
func Parse(name, text string) (*File, error) {
	if len(text) > maxFile {
		return nil, &Error{name, 1, "larger than 1 MiB: this cannot be a configuration"}
	}
	p := parser{name: name, rest: text}
	f := &File{}
	seen := map[string]bool{}
	for p.rest != "" {
		v, ok, err := p.line()
		if err != nil {
			return nil, err
		}
		switch {
		case !ok:
		case seen[v.Key]:
			f.Again = append(f.Again, v)
		default:
			seen[v.Key] = true
			f.Values = append(f.Values, v)
		}
	}
	return f, nil
}

// Get returns the value of a key.
func (f *File) Get(key string) (Value, bool) {
	for _, v := range f.Values {
		if v.Key == key {
			return v, true
		}
	}
	return Value{}, false
}

const blanks = " \t\r"

type parser struct {
	name string
	rest string
	at   int // the line that rest begins in, from 0
}

func (p *parser) fail(line int, format string, args ...any) error {
	return &Error{p.name, line, fmt.Sprintf(format, args...)}
}

// take moves past n bytes.
func (p *parser) take(n int) {
	p.at += strings.Count(p.rest[:n], "\n")
	p.rest = p.rest[n:]
}

// line reads a line, or as many as a value goes over; ok is false if it holds none.
func (p *parser) line() (v Value, ok bool, err error) {
	number := p.at + 1
	line, _, _ := strings.Cut(p.rest, "\n")
	if text := strings.TrimLeft(line, blanks); text == "" || text[0] == '#' {
		p.take(min(len(line)+1, len(p.rest)))
		return v, false, nil
	}
	key, value, found := strings.Cut(line, "=")
	if !found {
		return v, false, p.fail(number, "%q is no `key = value`", cut(line))
	}
	v = Value{Key: strings.Trim(key, blanks), Line: number}
	if v.Key == "" {
		return v, false, p.fail(number, "there is no key before `=`")
	}
	value = strings.TrimLeft(value, blanks)
	p.take(len(line) - len(value))
	n := 0
	switch {
	case strings.HasPrefix(value, `R"`):
		v.Text, n, err = p.raw(number)
	case strings.HasPrefix(value, `"`):
		v.Text, n, err = p.quoted(value, number)
	case strings.HasPrefix(value, "{"), strings.HasPrefix(value, "["):
		v.JSON = true
		v.Text, n, err = p.json(number)
	default:
		v.Text, _, _ = strings.Cut(strings.TrimRight(value, blanks), "#")
		if strings.HasPrefix(value, "#") {
			v.Text = ""
		}
		n = len(v.Text)
		v.Text = strings.TrimRight(v.Text, blanks)
		if strings.ContainsAny(v.Text, " \t") {
			err = p.fail(number, "%s: %q has blanks: write it in quotes", v.Key, cut(v.Text))
		}
	}
	if err != nil {
		return v, false, err
	}
	p.take(n)
	tail, _, _ := strings.Cut(p.rest, "\n")
	if text := strings.Trim(tail, blanks); text != "" && text[0] != '#' {
		return v, false, p.fail(p.at+1, "%s: %q behind the value", v.Key, cut(text))
	}
	p.take(min(len(tail)+1, len(p.rest)))
	return v, true, nil
}

// raw reads R"x(...)x", as C++ has it.
func (p *parser) raw(number int) (text string, n int, err error) {
	open := strings.IndexByte(p.rest, '(')
	if open < 0 || open > len(`R"`)+16 || strings.ContainsAny(p.rest[2:open], " \t\n\\)\"") {
		return "", 0, p.fail(number, `a value that begins with R" goes on like R"x( ... )x"`)
	}
	end := ")" + p.rest[2:open] + `"`
	text, _, found := strings.Cut(p.rest[open+1:], end)
	if !found {
		return "", 0, p.fail(number, "there is no %s that ends the value", end)
	}
	return text, open + 1 + len(text) + len(end), nil
}

// quoted reads a value in quotes, which ends in its line.
func (p *parser) quoted(value string, number int) (text string, n int, err error) {
	var b strings.Builder
	for i := 1; i < len(value); i++ {
		switch {
		case value[i] == '\\' && i+1 < len(value) && value[i+1] == '"':
			b.WriteByte('"')
			i++
		case value[i] == '"':
			return b.String(), i + 1, nil
		default:
			b.WriteByte(value[i])
		}
	}
	return "", 0, p.fail(number, "there is no quote that ends the value")
}

// json reads a list or an object, which ends where its brackets do.
func (p *parser) json(number int) (text string, n int, err error) {
	depth, quoted := 0, false
	for i := 0; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			if depth--; depth > 0 {
				continue
			}
			text := p.rest[:i+1]
			var v any
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				return "", 0, p.fail(number+errorLine(text, err), "the value is not JSON: %v", err)
			}
			return text, i + 1, nil
		}
	}
	return "", 0, p.fail(number, "there is no bracket that ends the value")
}

// errorLine is how many lines into text the decoder gave up.
func errorLine(text string, err error) int {
	if s, ok := err.(*json.SyntaxError); ok {
		return strings.Count(text[:min(int(s.Offset), len(text))], "\n")
	}
	return 0
}

// cut shortens what is shown of a text.
func cut(text string) string {
	if len(text) > 60 {
		return text[:60] + "..."
	}
	return text
}
