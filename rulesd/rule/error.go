package rule

import (
	"fmt"
	"strings"
)

// Error is a line that is no rule: what is wrong, at which word, and how auditctl
// says it.
type Error struct {
	Word    Word   // the word at fault; zero if the line as a whole is
	Skip    int    // bytes of Word.Text before the part at fault
	Span    int    // bytes of the part at fault, 0 for all that follows
	Problem string // in words, lower case, without a full stop
	Near    string // the nearest right word, "" if none is near
	Mend    string // what to do, "" if Problem says it all
	Stock   string // what auditctl 3.0.9 prints, "" if it prints nothing
	// Absent is set when the line is well formed but names a user or group that
	// this host does not have.
	Absent bool
}

// Error says what is wrong and the nearest right word, in one line.
func (e *Error) Error() string {
	text := e.Problem
	if e.Near != "" {
		text += fmt.Sprintf(": did you mean %q?", e.Near)
	}
	return text
}

// Column is the place of the fault in the line, counted from 1 in bytes; 1 if the
// line as a whole is at fault.
func (e *Error) Column() int {
	skip := e.Skip
	if e.Word.Length != len(e.Word.Text) {
		skip = 0 // escapes before the place: point at the word
	}
	return e.Word.Offset + skip + 1
}

// Caret returns the line with a second one below that points at the fault. Bytes
// that a terminal might act on are replaced.
func (e *Error) Caret(line string) string {
	length := max(1, e.Word.Length-(e.Column()-1-e.Word.Offset))
	if e.Span > 0 && e.Word.Length == len(e.Word.Text) {
		length = min(length, e.Span)
	}
	var text strings.Builder
	for _, r := range line {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			r = '?'
		}
		text.WriteRune(r)
	}
	// Columns are bytes, a terminal's are runes: count those before the fault.
	before := len([]rune(line[:min(e.Column()-1, len(line))]))
	text.WriteByte('\n')
	text.WriteString(strings.Repeat(" ", before))
	text.WriteString("^" + strings.Repeat("~", min(length, max(1, len(line)-e.Column()+1))-1))
	return text.String()
}
