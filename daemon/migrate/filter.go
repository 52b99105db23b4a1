package migrate

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"vigil/filter"
	"vigil/filter/field"
	"vigil/internal/auomsconf"
)

// ancestors is how many generations Vigil keeps if nobody says otherwise: so far up a
// filter on processes can look (attribution.ancestors).
const ancestors = 5

// filter makes the condition of a sink of what its output leaves out; "" takes all.
func (m *migration) filter(n notes, f *auomsconf.File) (string, error) {
	var parts []string
	if v, ok := f.Get("filter_record_types"); ok {
		text, err := recordTypes(n, f, v)
		if err != nil {
			return "", err
		}
		if text != "" {
			parts = append(parts, text)
		}
	} else if v, ok := f.Get("record_filter_inclusive_mode"); ok {
		n.dropped(v, "there is no filter_record_types that it could be about")
	}
	if v, ok := f.Get("process_filters"); ok {
		text, err := m.processFilters(n, v)
		if err != nil {
			return "", err
		}
		if text != "" {
			parts = append(parts, text)
		}
	}
	text := strings.Join(parts, " and ")
	if text == "" {
		return "", nil
	}
	if err := compiles(text); err != nil {
		return "", fmt.Errorf("%s: the filters make no condition: %w", n.file, err)
	}
	return text, nil
}

// recordTypes makes a condition of filter_record_types.
func recordTypes(n notes, f *auomsconf.File, v auomsconf.Value) (string, error) {
	var types []string
	if err := decode(n, v, &types); err != nil {
		return "", err
	}
	if len(types) == 0 {
		n.dropped(v, "is empty")
		return "", nil
	}
	for _, t := range types {
		if !regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`).MatchString(t) {
			return "", &auomsconf.Error{File: n.file, Line: v.Line, What: fmt.Sprintf("filter_record_types: %q is no record type", t)}
		}
	}
	text := typeCondition(types)
	mode, ok := f.Get("record_filter_inclusive_mode")
	inclusive := ok && isTrue(mode.Text)
	text = "(" + text + ")" // others are joined to it
	if !inclusive {
		text = "not " + text
	}
	if ok {
		n.became(mode, "filter", "with filter_record_types")
	}
	n.became(v, "filter: "+text, "of the record that an event is named after")
	return text, nil
}

// typeCondition holds for events that auoms would write under one of the types.
func typeCondition(types []string) string {
	var plain, parts []string
	for _, t := range types {
		switch t {
		case "AUOMS_EXECVE":
			parts = append(parts, "syscall.type in (execve, execveat)")
		case "AUOMS_SYSCALL":
			parts = append(parts, "(syscall.type exists and not syscall.type in (execve, execveat))")
		case "AUOMS_SYSCALL_FRAGMENT":
			parts = append(parts, "audit.type in (EXECVE, CWD, PATH, SOCKADDR)")
		default:
			if !strings.HasPrefix(t, "AUOMS_") { // of its own, which nobody makes any more
				plain = append(plain, t)
			}
		}
	}
	if len(plain) > 0 {
		parts = append(parts, "audit.type in ("+strings.Join(plain, ", ")+")")
	}
	if len(parts) == 0 {
		return "audit.records = 0" // never
	}
	return strings.Join(parts, " or ")
}

// processFilter is one of process_filters.
type processFilter struct {
	Depth    int    `json:"depth"`
	User     string `json:"user"`
	Group    string `json:"group"`
	ExeMatch string `json:"exeMatchType"`
	ExeValue string `json:"exeMatchValue"`
	Cmdlines []struct {
		Match string `json:"matchType"`
		Value string `json:"matchValue"`
	} `json:"cmdlineFilters"`
	Syscalls []string `json:"syscalls"`
}

// processFilters makes a condition of process_filters.
func (m *migration) processFilters(n notes, v auomsconf.Value) (string, error) {
	var list []processFilter
	if err := decode(n, v, &list); err != nil {
		return "", err
	}
	if !m.filters {
		n.dropped(v, "is not in force: disable_event_filtering")
		return "", nil
	}
	var all []string
	for i, p := range list {
		one := v
		one.Key = fmt.Sprintf("process_filters[%d]", i)
		text, why, err := p.condition()
		if err != nil {
			return "", &auomsconf.Error{File: n.file, Line: v.Line, What: one.Key + ": " + err.Error()}
		}
		if text == "" {
			n.dropped(one, "names no process")
			continue
		}
		if err := compiles(text); err != nil {
			problem := err.Error()
			if e := (*filter.Error)(nil); errors.As(err, &e) {
				problem = e.Problem
			}
			n.dropped(one, "no counterpart, so that its events are sent: "+problem)
			continue
		}
		all = append(all, "("+text+")")
		n.became(one, "filter: not ("+text+")", why)
	}
	if len(all) == 0 {
		return "", nil
	}
	return "not (syscall.type exists and (" + strings.Join(all, " or ") + "))", nil
}

// condition holds for events that the filter leaves out, or for fewer.
func (p *processFilter) condition() (text, why string, err error) {
	self, err := p.process(0)
	if err != nil || self == "" && p.User == "" && p.Group == "" {
		return "", "", err
	}
	var process []string
	if self != "" {
		process = append(process, self)
		depth := p.Depth
		if depth < 0 || depth > ancestors {
			why = fmt.Sprintf("children of %d generations: attribution.ancestors", ancestors)
			depth = ancestors
		}
		for i := 1; i <= depth; i++ {
			parent, err := p.process(i)
			if err != nil {
				return "", "", err
			}
			process = append(process, parent)
		}
	}
	var parts []string
	if len(process) == 1 {
		parts = process
	} else if len(process) > 1 {
		parts = []string{"(" + strings.Join(process, " or ") + ")"}
	}
	parts = append(parts, identity("uid", p.User)...)
	parts = append(parts, identity("gid", p.Group)...)
	if p.Depth != 0 && (p.User != "" || p.Group != "") {
		why = strings.TrimPrefix(why+"; children only while they are the same user's", "; ")
	}
	calls := p.calls()
	if calls != "" {
		parts = append(parts, calls)
	}
	return strings.Join(parts, " and "), why, nil
}

// identity asks for a user (uid) or group (gid) by name or number: the real one, as
// auoms does, not the effective one.
func identity(id, value string) []string {
	if value == "" {
		return nil
	}
	if _, err := strconv.ParseUint(value, 10, 32); err == nil {
		return []string{"SYSCALL." + id + " = " + value}
	}
	return []string{"SYSCALL." + strings.ToUpper(id) + " = " + quote(value)}
}

// process asks for the executable and the command line of the process, 0, or of an
// ancestor of its, 1 being the parent.
func (p *processFilter) process(generation int) (string, error) {
	exe := "proc.exepath"
	if generation > 0 {
		exe = fmt.Sprintf("proc.aexepath[%d]", generation)
	}
	var parts []string
	if p.ExeMatch != "" || p.ExeValue != "" {
		text, err := match(exe, p.ExeMatch, p.ExeValue)
		if err != nil {
			return "", fmt.Errorf("exeMatchType: %w", err)
		}
		parts = append(parts, text)
	}
	for _, c := range p.Cmdlines {
		var text string
		var err error
		if generation > 0 {
			text, err = parentLine(generation, c.Match, c.Value)
		} else {
			text, err = match("proc.exeline", c.Match, c.Value)
		}
		if err != nil {
			return "", fmt.Errorf("cmdlineFilters: %w", err)
		}
		parts = append(parts, text)
	}
	if len(parts) <= 1 {
		return strings.Join(parts, ""), nil
	}
	return "(" + strings.Join(parts, " and ") + ")", nil
}

// parentLine asks for the command line of an ancestor, of which Vigil has argument 0 by
// itself, and the rest behind the short name.
func parentLine(generation int, kind, value string) (string, error) {
	zero, line := fmt.Sprintf("proc.aexe[%d]", generation), fmt.Sprintf("proc.acmdline[%d]", generation)
	if kind != "MatchStartsWith" && kind != "MatchEquals" {
		return match(line, kind, value)
	}
	first, _, more := strings.Cut(value, " ")
	if !more && kind == "MatchStartsWith" {
		return match(zero, kind, value)
	}
	expression := `[^ ]*` + regexp.QuoteMeta(value[len(first):])
	if kind == "MatchStartsWith" {
		expression += ".*"
	}
	return fmt.Sprintf("(%s = %s and %s regex %s)", zero, quote(first), line, quote(expression)), nil
}

// match compares a field.
func match(field, kind, value string) (string, error) {
	switch kind {
	case "MatchEquals":
		return field + " = " + quote(value), nil
	case "MatchStartsWith":
		return field + " startswith " + quote(value), nil
	case "MatchContains":
		return field + " contains " + quote(value), nil
	case "MatchRegex":
		if _, err := regexp.Compile(value); err != nil {
			return "", fmt.Errorf("read expression: %w", err)
		}
		// The operator wants all of the text to match, and knows POSIX's expressions.
		return field + " regex " + quote(".*("+posix(value)+").*"), nil
	}
	return "", fmt.Errorf("%q: right are MatchEquals, MatchStartsWith, MatchContains and MatchRegex", kind)
}

// posix writes an expression with POSIX's names for what has Perl's short ones. What else
// POSIX does not have is left, for the filter language to refuse.
func posix(expression string) string {
	var b strings.Builder
	list := false // in [...]
	for i := 0; i < len(expression); i++ {
		c := expression[i]
		switch {
		case c == '\\' && i+1 < len(expression):
			i++
			class := map[byte]string{'d': "0-9", 's': " \\t\\n\\f\\r", 'w': "0-9A-Za-z_"}[expression[i]|0x20]
			upper := expression[i] < 'a'
			switch {
			case class == "" || strings.IndexByte("dswDSW", expression[i]) < 0 || list && upper:
				b.WriteString(expression[i-1 : i+1])
			case list:
				b.WriteString(class)
			case upper:
				b.WriteString("[^" + class + "]")
			default:
				b.WriteString("[" + class + "]")
			}
			continue
		case list:
			list = c != ']'
		case c == '[':
			list = true
		case c == '(' && strings.HasPrefix(expression[i:], "(?:"):
			i += len("?:")
		}
		b.WriteByte(c)
	}
	return b.String()
}

// compiles says what the filter language has against a condition; nil: nothing.
func compiles(text string) error {
	c, err := filter.Parse(text)
	if err == nil {
		_, err = filter.Compile(c, field.Standard())
	}
	return err
}

// quote writes a value as the filter language reads it.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(text) {
		switch {
		case c == '"', c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ', c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// calls asks for the system calls that are left out: all of them if that is "". Of a
// name that is there with and without ! the first counts.
func (p *processFilter) calls() string {
	var out, keep []string
	all := len(p.Syscalls) == 0
	negative := len(p.Syscalls) > 0
	for _, s := range p.Syscalls {
		name, not := strings.CutPrefix(s, "!")
		negative = negative && not
		switch {
		case s == "*":
			all = true
		case slices.Contains(out, name), slices.Contains(keep, name):
		case not:
			keep = append(keep, name)
		default:
			out = append(out, name)
		}
	}
	list := func(names []string) string {
		var quoted []string
		for _, n := range names {
			quoted = append(quoted, quote(n))
		}
		return "(" + strings.Join(quoted, ", ") + ")"
	}
	switch {
	case (all || negative) && len(keep) > 0:
		return "not syscall.type in " + list(keep)
	case all:
		return ""
	}
	return "syscall.type in " + list(out)
}
