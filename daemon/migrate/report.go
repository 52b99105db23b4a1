package migrate

import (
	"fmt"
	"strings"

	"vigil/internal/auomsconf"
)

// Note says what one key of the old configuration became.
type Note struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"` // 0: it is about the file
	Key    string `json:"key,omitempty"`
	Became string `json:"became,omitempty"` // the key of vigil.yaml with its value; empty: nothing
	Why    string `json:"why,omitempty"`
}

// String returns the note in one line.
func (n Note) String() string {
	var b strings.Builder
	b.WriteString(n.File)
	if n.Line > 0 {
		fmt.Fprintf(&b, ":%d", n.Line)
	}
	if n.Key != "" {
		b.WriteString(": " + n.Key)
	}
	switch {
	case n.Became != "" && n.Why != "":
		fmt.Fprintf(&b, " -> %s (%s)", n.Became, n.Why)
	case n.Became != "":
		b.WriteString(" -> " + n.Became)
	default:
		b.WriteString(": " + n.Why)
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, b.String())
}

// notes collects notes on a file.
type notes struct {
	file string
	list *[]Note
}

func (n notes) became(v auomsconf.Value, what, why string) {
	*n.list = append(*n.list, Note{n.file, v.Line, v.Key, what, why})
}

func (n notes) dropped(v auomsconf.Value, why string) { n.became(v, "", why) }

func (n notes) say(why string) { *n.list = append(*n.list, Note{File: n.file, Why: why}) }
