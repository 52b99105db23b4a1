package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Pos is a place in the text of a condition or format.
type Pos struct {
	Offset int // in bytes, from 0
	Line   int // from 1
	Column int // in characters, from 1
}

// String returns "line:column".
func (p Pos) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// Error is what is wrong with a condition or format, and where.
type Error struct {
	Pos     Pos
	Problem string
	Line    string // the line in which it is, made fit to be printed
	Caret   int    // where in Line, in characters
}

// Error returns the place and the problem, then the line and a caret under the
// place, each on a line of its own.
func (e *Error) Error() string {
	return e.Short() + "\n  " + e.Line + "\n  " + strings.Repeat(" ", e.Caret) + "^"
}

// Short returns the place and the problem in one line.
func (e *Error) Short() string { return e.Pos.String() + ": " + e.Problem }

// maxErrorLine bounds what is shown of a line, in characters.
const maxErrorLine = 100

// errorAt makes the error for a place in text.
func errorAt(text string, offset int, format string, args ...any) *Error {
	offset = min(offset, len(text))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	e := &Error{Problem: string(appendSafe(nil, []byte(fmt.Sprintf(format, args...))))}
	e.Pos = Pos{
		Offset: offset,
		Line:   strings.Count(text[:start], "\n") + 1,
		Column: utf8.RuneCountInString(text[start:offset]) + 1,
	}
	line := text[start:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	runes := []rune(line)
	at := e.Pos.Column - 1
	if len(runes) > maxErrorLine {
		from := min(max(0, at-maxErrorLine/2), len(runes)-maxErrorLine)
		runes, at = runes[from:from+maxErrorLine], at-from
	}
	for i, r := range runes {
		if unsafeRune(r) {
			runes[i] = ' '
		}
	}
	e.Line, e.Caret = strings.TrimRight(string(runes), " "), min(at, len(runes))
	return e
}
