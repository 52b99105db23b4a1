package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"vigil/audit"
	"vigil/enrich"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward/format"
	"vigil/search"
	"vigil/search/auparse"
	"vigil/search/normal"
)

// resultPrinter prints the events that a search finds, in one of its forms.
type resultPrinter struct {
	w      io.Writer
	bar    *progressBar
	tty    bool
	asIs   bool // the form prints bytes of the log as they are
	append func(dst []byte, e *search.Event) []byte
	header []byte // printed before the first event
	table  *resultTable
	out    []byte
	lacked int // events that lack a field of the format
}

// printAt is how much output gathers before it is written.
const printAt = 64 << 10

// form is how found events are printed.
type form string

const (
	formText  form = "text"
	formPlain form = "plain"
	formTable form = "table"
	formCSV   form = "csv"
	formJSON  form = "json"
	formRaw   form = "raw"
	formLine  form = "format"
)

// defaultColumns are those of --table and --csv.
const (
	tableColumns = "evt.datetime.s,audit.result,user.loginname,user.name,container.name,proc.name,evt.type,fd.name,audit.key"
	csvColumns   = "evt.time.iso8601,audit.node,audit.serial,evt.type,audit.result,evt.res,user.loginname,user.name,audit.session," +
		"proc.pid,proc.ppid,proc.name,proc.exepath,proc.cmdline,fd.name,container.id,container.name,k8s.ns.name,k8s.pod.name,audit.key"
)

// newResultPrinter prepares printing. names may be nil.
func newResultPrinter(stdio terminal, o *searching, names *enrich.Names, bar *progressBar) (*resultPrinter, error) {
	p := &resultPrinter{w: stdio.out, bar: bar, tty: isTerminal(stdio)}
	space := filter.NewSpace(field.Standard())
	cfg := field.Config{}
	textConfig := format.TextConfig{Color: p.tty}
	jsonConfig := format.JSONConfig{}
	parse := auparse.Config{Version: auparse.V4, Escape: auparse.TTY, Location: time.Local}
	if names != nil {
		cfg.Names, textConfig.Names, jsonConfig.Names, parse.Names = names, names, names, names
	}
	columns := strings.Join(o.columns, ",")
	switch o.form() {
	case formText:
		text := format.NewText(textConfig)
		p.append = func(dst []byte, e *search.Event) []byte { return text.Append(dst, &e.Event) }
	case formJSON:
		return p, p.json(space, cfg, jsonConfig, columns)
	case formRaw:
		p.append, p.asIs = appendRaw, true
	case formPlain:
		plain := normal.New(normal.Config{Interpreter: auparse.New(parse), Location: time.Local})
		p.append = func(dst []byte, e *search.Event) []byte { return plain.AppendPlain(dst, &e.Event) }
	case formCSV:
		if columns == "" {
			columns = csvColumns
		}
		c, err := space.ParseColumns(columns)
		if err != nil {
			return nil, fmt.Errorf("--columns: %w", err)
		}
		env := space.NewEnv(cfg)
		p.asIs = true
		p.header = append(c.AppendCSVHeader(nil), '\n')
		p.append = func(dst []byte, e *search.Event) []byte {
			env.Load(&e.Event)
			return append(c.AppendCSV(dst, env), '\n')
		}
	case formTable:
		if columns == "" {
			columns = tableColumns
		}
		table, err := newResultTable(space, columns)
		if err != nil {
			return nil, err
		}
		p.table = table
		env := space.NewEnv(cfg)
		p.append = func(dst []byte, e *search.Event) []byte {
			env.Load(&e.Event)
			return table.add(dst, env)
		}
	case formLine:
		line, err := space.ParseFormat(o.line)
		if err != nil {
			return nil, fmt.Errorf("--format: %w", err)
		}
		env := space.NewEnv(cfg)
		p.append = func(dst []byte, e *search.Event) []byte {
			env.Load(&e.Event)
			out, whole := line.Append(dst, env)
			if !whole {
				p.lacked++
				return dst
			}
			return append(out, '\n')
		}
	}
	return p, nil
}

// json prints ECS, or an object of the columns if there are any.
func (p *resultPrinter) json(space *filter.Space, cfg field.Config, ecs format.JSONConfig, columns string) error {
	if columns == "" {
		encoder := format.NewJSON(ecs)
		p.append = func(dst []byte, e *search.Event) []byte { return encoder.Append(dst, &e.Event) }
		return nil
	}
	c, err := space.ParseColumns(columns)
	if err != nil {
		return fmt.Errorf("--columns: %w", err)
	}
	env := space.NewEnv(cfg)
	p.append = func(dst []byte, e *search.Event) []byte {
		env.Load(&e.Event)
		return append(c.AppendJSON(dst, env), '\n')
	}
	return nil
}

// appendRaw appends the event's lines as they stand in the log.
func appendRaw(dst []byte, e *search.Event) []byte {
	for _, line := range e.Lines {
		dst = append(append(dst, line...), '\n')
	}
	return dst
}

// print prints an event.
func (p *resultPrinter) print(e *search.Event) error {
	p.out = append(p.out, p.header...)
	p.header = nil
	start := len(p.out)
	p.out = p.append(p.out, e)
	if p.tty && p.asIs {
		p.out = harmless(p.out, start)
	}
	if len(p.out) >= printAt || p.tty {
		return p.flush()
	}
	return nil
}

// flush writes what has gathered.
func (p *resultPrinter) flush() error {
	if len(p.out) == 0 {
		return nil
	}
	if p.tty {
		p.bar.clear()
	}
	_, err := p.w.Write(p.out)
	p.out = p.out[:0]
	if err != nil {
		return fmt.Errorf("print events: %w", err)
	}
	return nil
}

// finish prints what is left.
func (p *resultPrinter) finish() error {
	if p.table != nil {
		p.out = p.table.finish(p.out)
	}
	return p.flush()
}

// harmless keeps bytes that a terminal obeys from it, in what was appended to out
// from start on. It is for the forms that print a log's bytes as they are; the others
// see to it themselves.
func harmless(out []byte, start int) []byte {
	const hex = "0123456789abcdef"
	if !bytes.ContainsFunc(out[start:], obeyed) && utf8.Valid(out[start:]) {
		return out
	}
	rest := bytes.Clone(out[start:])
	out = out[:start]
	for len(rest) > 0 {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == audit.Separator:
			out = append(out, ' ')
		case obeyed(r) || r == utf8.RuneError && n == 1:
			for _, c := range rest[:n] {
				out = append(out, '\\', 'x', hex[c>>4], hex[c&15])
			}
		default:
			out = append(out, rest[:n]...)
		}
		rest = rest[n:]
	}
	return out
}

// obeyed reports whether r is a control character, or one that changes the direction
// of text.
func obeyed(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}

// resultTable lines columns up: their widths are those of the first rows.
type resultTable struct {
	names   []string
	formats []*filter.Format
	widths  []int
	rows    [][]string // of which the widths are not decided yet
	decided bool
}

// tableRows is how many rows decide the widths, and tableWidth how wide a column
// may become by them.
const (
	tableRows  = 200
	tableWidth = 60
)

func newResultTable(space *filter.Space, columns string) (*resultTable, error) {
	t := &resultTable{}
	c, err := space.ParseColumns(columns)
	if err != nil {
		return nil, fmt.Errorf("--columns: %w", err)
	}
	for _, name := range c.Names() {
		f, err := space.ParseFormat("*%" + name)
		if err != nil {
			return nil, fmt.Errorf("--columns: %w", err)
		}
		t.names = append(t.names, name)
		t.formats = append(t.formats, f)
		t.widths = append(t.widths, len(name))
	}
	return t, nil
}

// add takes a row, and appends it if the widths are decided.
func (t *resultTable) add(dst []byte, env *filter.Env) []byte {
	row := make([]string, len(t.formats))
	for i, f := range t.formats {
		row[i] = string(f.AppendAll(nil, env))
		if row[i] == "<NA>" {
			row[i] = "-"
		}
	}
	if t.decided {
		return t.row(dst, row)
	}
	if t.rows = append(t.rows, row); len(t.rows) == tableRows {
		return t.finish(dst)
	}
	return dst
}

// finish decides the widths and appends the rows that wait for that.
func (t *resultTable) finish(dst []byte) []byte {
	if t.decided || len(t.rows) == 0 {
		return dst
	}
	t.decided = true
	for _, row := range t.rows {
		for i, cell := range row {
			t.widths[i] = max(t.widths[i], min(len([]rune(cell)), tableWidth))
		}
	}
	head := make([]string, len(t.names))
	for i, name := range t.names {
		head[i] = strings.ToUpper(name)
	}
	dst = t.row(dst, head)
	for _, row := range t.rows {
		dst = t.row(dst, row)
	}
	t.rows = nil
	return dst
}

func (t *resultTable) row(dst []byte, row []string) []byte {
	for i, cell := range row {
		dst = append(dst, cell...)
		if i == len(row)-1 {
			break
		}
		for n := len([]rune(cell)); n < t.widths[i]+2 || n == len([]rune(cell)); n++ {
			dst = append(dst, ' ')
		}
	}
	return append(dst, '\n')
}
