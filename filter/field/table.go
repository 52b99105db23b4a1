package field

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Class returns the part of the name before the first dot.
func (f *Field) Class() string {
	class, _, _ := strings.Cut(f.Name, ".")
	return class
}

// TypeText returns the type as the handbook has it, with what the field may have
// in brackets: "string list", "int [n]".
func (f *Field) TypeText() string {
	s := f.Type.String()
	switch f.Many {
	case Each, Kin:
		s += ", several"
	case List:
		s += " list"
	}
	switch {
	case f.Arg == 0:
	case f.Arg&ArgSuffix != 0:
		s += ", .name"
		if f.Arg&ArgIndex != 0 {
			s += " [n]"
		} else if f.Arg&ArgKey != 0 {
			s += " [key]"
		}
	case f.Arg&ArgIndex != 0 && f.Arg&ArgKey != 0:
		s += ", [n] [key]"
	case f.Arg&ArgIndex != 0:
		s += ", [n]"
	default:
		s += ", [key]"
	}
	return s
}

// classes are in the order in which they are listed.
var classes = [...]struct{ name, title string }{
	{"evt", "the event"}, {"syscall", ""}, {"proc", "the process"}, {"thread", ""}, {"user", "the user"}, {"group", "the group"},
	{"fd", "the file descriptor"}, {"fs", "the path"}, {"container", "the container"}, {"k8s", "the pod"},
	{"audit", "what only the audit stream has"}, {"vigil", "what Vigil adds"},
}

// Markdown returns docs/fields.md.
func (r *Registry) Markdown() []byte {
	var b bytes.Buffer
	b.WriteString(`# Fields

Made from the table in package filter/field by its test; do not edit. ` + "`vigil fields`" + ` prints the same.

A condition compares fields with values: ` + "`evt.type in (execve, execveat) and proc.name = bash`" + `. A field that an event does not have makes
every comparison with it false; ` + "`exists`" + ` asks whether there is a value. Fields with *several* values meet a comparison if one of them does; ` + "`!=`" + `
if all do (but in proc.aname and its like, as in Falco, if one does). A *list* can only be asked with ` + "`in`" + ` (all of it), ` + "`intersects`" + ` and ` + "`exists`" + `.

Every field of every record is a field too: ` + "`SYSCALL.exit`" + `, ` + "`PATH.name`" + ` (of all PATH records), ` + "`PATH.name[1]`" + ` (of the second), ` + "`USER_LOGIN.acct`" + `, decoded.
Ids, numbers and modes are numbers; ` + "`-`" + ` in a name is written ` + "`_`" + ` (` + "`LOGIN.old_auid`" + `); upper-case names are those of the enrichment (` + "`SYSCALL.AUID`" + `).
`)
	for _, class := range classes {
		if class.title != "" {
			fmt.Fprintf(&b, "\n## %s\n\n| field | type | meaning | example | source |\n|---|---|---|---|---|\n",
				strings.ToUpper(class.title[:1])+class.title[1:])
		}
		for _, f := range r.sorted {
			if f.Class() == class.name && !f.Never {
				fmt.Fprintf(&b, "| %s | %s | %s | `%s` | %s |\n", f.Name, cell(f.TypeText()), cell(f.Help), cell(f.Example), cell(f.Source))
			}
		}
	}
	b.WriteString(`
## Known, but never there

Falco has these; audit records do not tell them. They are accepted so that rules load, and every comparison with them is false.

`)
	for _, f := range r.sorted {
		if f.Never {
			fmt.Fprintf(&b, "- %s: %s\n", f.Name, f.Help)
		}
	}
	return b.Bytes()
}

// cell makes text fit for a cell of a table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`).Replace(s)
}

// Text returns the fields for a terminal: name, type and meaning, then example and
// source. match, if not empty, is a part of the name or meaning of those wanted.
func (r *Registry) Text(match string) []byte {
	var b bytes.Buffer
	for _, f := range r.matching(match) {
		fmt.Fprintf(&b, "%-28s %s\n", f.Name, f.TypeText())
		fmt.Fprintf(&b, "    %s.\n    example: %s\n    source:  %s\n", f.Help, f.Example, f.Source)
	}
	return b.Bytes()
}

// JSON returns an array of objects, one field each, on one line each.
func (r *Registry) JSON(match string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, f := range r.matching(match) {
		row, err := json.Marshal(struct {
			Name      string `json:"name"`
			Type      string `json:"type"`
			Several   bool   `json:"several"`
			Argument  bool   `json:"argument"`
			Meaning   string `json:"meaning"`
			Example   string `json:"example"`
			Source    string `json:"source"`
			Available bool   `json:"available"`
		}{f.Name, f.Type.String(), f.Many != One, f.Arg != 0, f.Help, f.Example, f.Source, !f.Never})
		if err != nil {
			return nil, fmt.Errorf("encode field %s: %w", f.Name, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(row)
	}
	b.WriteString("\n]\n")
	return b.Bytes(), nil
}

func (r *Registry) matching(match string) []*Field {
	var list []*Field
	match = strings.ToLower(match)
	for _, f := range r.sorted {
		if strings.Contains(f.Name, match) || strings.Contains(strings.ToLower(f.Help), match) {
			list = append(list, f)
		}
	}
	return list
}
