package rulesd

import (
	"encoding/json"
	"fmt"
	"strings"

	"vigil/rulesd/rule"
)

// Severity says what a finding means for its set.
type Severity uint8

// Severities.
const (
	Warning Severity = iota // the set can be loaded
	Error                   // the set is not loaded, no part of it
)

// String returns "warning" or "error".
func (s Severity) String() string {
	if s == Error {
		return "error"
	}
	return "warning"
}

// MarshalJSON writes the severity's name.
func (s Severity) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Finding is something to say about a line of a set.
type Finding struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file"`
	Line     int      `json:"line"`             // from 1, 0 if it is about the file as a whole
	Column   int      `json:"column,omitempty"` // in bytes from 1, 0 if it is about the line as a whole
	Problem  string   `json:"problem"`
	Near     string   `json:"near,omitempty"`     // the nearest right word
	Mend     string   `json:"mend,omitempty"`     // what to do about it
	Text     string   `json:"text,omitempty"`     // the line
	LeftOut  bool     `json:"left_out,omitempty"` // an error that -i or -c made a warning of

	fault *rule.Error // for the caret
}

// Where is the finding's place, "FILE:LINE:COLUMN".
func (f Finding) Where() string {
	where := f.File
	if f.Line > 0 {
		where += fmt.Sprintf(":%d", f.Line)
		if f.Column > 0 {
			where += fmt.Sprintf(":%d", f.Column)
		}
	}
	return where
}

// String is the finding in one line, without the severity.
func (f Finding) String() string {
	text := f.Where() + ": " + f.Problem
	if f.Near != "" {
		text += fmt.Sprintf(": did you mean %q?", f.Near)
	}
	return text
}

// Detail is the finding as a person reads it: where, what, the line with a caret
// if the fault is at a place in it, and the mend.
func (f Finding) Detail() string {
	var text strings.Builder
	text.WriteString(f.String())
	if f.fault != nil {
		for line := range strings.Lines(f.fault.Caret(f.Text)) {
			text.WriteString("\n    " + strings.TrimRight(line, "\n"))
		}
	}
	if f.Mend != "" {
		text.WriteString("\n    " + f.Mend)
	}
	return text.String()
}

// SetError is the first error of a set, of which nothing was loaded.
type SetError struct {
	Finding Finding
	More    int // further errors
}

// Error is the finding with its caret.
func (e *SetError) Error() string {
	text := e.Finding.Detail()
	if e.More > 0 {
		text += fmt.Sprintf("\n(and %d more)", e.More)
	}
	return text
}
