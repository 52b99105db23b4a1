package config

import (
	"fmt"
	"strings"

	"vigil/internal/nearest"
)

// Error is what is wrong with a configuration file: one place, one fault.
type Error struct {
	File string // as it was named
	Line int    // from 1; 0 when the whole file is meant
	What string // what is wrong and what would be right
}

// Error says file:line: what.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.What)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What)
}

// unknown says that a word is not one of those that are right, and which is
// the nearest, or all of them if none is near.
func unknown(kind, word string, right []string) string {
	if best, ok := nearest.Word(word, right); ok {
		return fmt.Sprintf("unknown %s %q: did you mean %q?", kind, word, best)
	}
	return fmt.Sprintf("unknown %s %q: right are %s", kind, word, strings.Join(right, ", "))
}
