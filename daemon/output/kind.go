package output

import (
	"fmt"
	"slices"
	"strings"

	"vigil/internal/nearest"
)

// Kind is a form in which events are printed.
type Kind string

// The kinds.
const (
	Text Kind = "text" // one readable line an event
	JSON Kind = "json" // Elastic Common Schema, one object a line
	Raw  Kind = "raw"  // the records as they are in the trail
	None Kind = "none" // nothing
)

// Kinds lists the kinds as people write them.
func Kinds() []string { return []string{string(Text), string(JSON), string(Raw), string(None)} }

// ParseKind reads a kind. The error names the nearest.
func ParseKind(text string) (Kind, error) {
	if slices.Contains(Kinds(), text) {
		return Kind(text), nil
	}
	if best, ok := nearest.Word(text, Kinds()); ok {
		return "", fmt.Errorf("unknown form %q: did you mean %q?", text, best)
	}
	return "", fmt.Errorf("unknown form %q: right are %s", text, strings.Join(Kinds(), ", "))
}
