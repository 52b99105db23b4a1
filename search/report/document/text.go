package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// TextOptions say how a document is printed for people.
type TextOptions struct {
	Location *time.Location // of times; nil means the system's
	Width    int            // columns of the terminal; 0 means that nothing is cut
	Colour   bool
}

const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	normal = "\x1b[0m"
)

// AppendText appends d as tables.
func AppendText(dst []byte, d *Document, o TextOptions) []byte {
	if o.Location == nil {
		o.Location = time.Local
	}
	dst = o.paint(dst, bold, Escape(d.Title))
	dst = append(dst, '\n')
	if d.Events > 0 {
		dst = append(dst, o.span(d)...)
		dst = append(dst, '\n')
	}
	for i := range d.Tables {
		dst = append(dst, '\n')
		if len(d.Tables) > 1 {
			dst = o.paint(dst, bold, Escape(d.Tables[i].Title))
			dst = append(dst, '\n')
		}
		dst = o.table(dst, &d.Tables[i])
	}
	for i, n := range d.Notes {
		if i == 0 {
			dst = append(dst, '\n')
		}
		dst = o.paint(dst, dim, "note: "+Escape(n))
		dst = append(dst, '\n')
	}
	return dst
}

// span says what time the events are of.
func (o TextOptions) span(d *Document) string {
	return fmt.Sprintf("%s to %s, %s events", o.time(d.From), o.time(d.To), Group(d.Events))
}

func (o TextOptions) paint(dst []byte, colour, text string) []byte {
	if !o.Colour {
		return append(dst, text...)
	}
	return append(append(append(dst, colour...), text...), normal...)
}

// table appends a table whose columns are as wide as they must be.
func (o TextOptions) table(dst []byte, t *Table) []byte {
	if len(t.Rows) == 0 {
		return append(o.paint(dst, dim, Escape(t.Empty)), '\n')
	}
	t = t.WithoutEmpty()
	cells, widths := o.layout(t)
	for o.Width > 0 && over(widths) > o.Width {
		aside := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Aside })
		if aside < 0 {
			break
		}
		t = t.without(func(i int) bool { return i == aside })
		cells, widths = o.layout(t)
	}
	widths = o.fit(t, widths)
	for i, line := range cells {
		dst = o.line(dst, t, line, widths, i == 0 && !t.Plain)
	}
	if shown := uint64(len(t.Rows)); !t.Plain && t.Total.N > shown {
		dst = o.paint(dst, dim, fmt.Sprintf("(%s of %s; --top 0 shows all that are known)", Group(shown), AmountText(t.Total)))
		dst = append(dst, '\n')
	}
	return dst
}

// layout returns the cells of t as they are printed, and how wide the columns are.
func (o TextOptions) layout(t *Table) (cells [][]string, widths []int) {
	cells = make([][]string, 0, len(t.Rows)+1)
	if !t.Plain {
		heading := make([]string, len(t.Columns))
		for i, c := range t.Columns {
			heading[i] = strings.ToUpper(strings.ReplaceAll(c.Name, "_", " "))
		}
		cells = append(cells, heading)
	}
	for _, row := range t.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = o.cell(t.Columns[i].Kind, v)
		}
		cells = append(cells, line)
	}
	widths = make([]int, len(t.Columns))
	for _, line := range cells {
		for i, text := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	return cells, widths
}

// over is how wide a line of such columns is.
func over(widths []int) int {
	n := 2 * (len(widths) - 1)
	for _, w := range widths {
		n += w
	}
	return n
}

// WithoutEmpty returns t without the columns that tell nothing in any row.
func (t *Table) WithoutEmpty() *Table {
	return t.without(func(i int) bool {
		return t.Columns[i].Kind != Number &&
			!slices.ContainsFunc(t.Rows, func(row []Value) bool { return row[i].Text != "" || !row[i].Time.IsZero() })
	})
}

// without returns t without some columns.
func (t *Table) without(drop func(i int) bool) *Table {
	var keep []int
	for i := range t.Columns {
		if !drop(i) {
			keep = append(keep, i)
		}
	}
	if len(keep) == len(t.Columns) {
		return t
	}
	out := *t
	out.Columns, out.Rows = make([]Column, len(keep)), make([][]Value, len(t.Rows))
	for j, i := range keep {
		out.Columns[j] = t.Columns[i]
		if i == t.Chart {
			out.Chart = j
		}
	}
	for r, row := range t.Rows {
		out.Rows[r] = make([]Value, len(keep))
		for j, i := range keep {
			out.Rows[r][j] = row[i]
		}
	}
	return &out
}

func (o TextOptions) line(dst []byte, t *Table, line []string, widths []int, heading bool) []byte {
	start := len(dst)
	for i, text := range line {
		if i > 0 {
			dst = append(dst, "  "...)
		}
		text = cut(text, widths[i])
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text))
		kind := t.Columns[i].Kind
		switch {
		case kind == Number:
			dst = append(dst, pad...)
			pad = ""
		case i == len(line)-1:
			pad = ""
		}
		switch {
		case heading:
			dst = o.paint(dst, dim, text)
		case kind == Result && text == "failure":
			dst = o.paint(dst, red, text)
		default:
			dst = append(dst, text...)
		}
		dst = append(dst, pad...)
	}
	for len(dst) > start && dst[len(dst)-1] == ' ' {
		dst = dst[:len(dst)-1]
	}
	return append(dst, '\n')
}

// minimum is how narrow a column is made where room is scarce.
const minimum = 12

// fit makes columns narrower that do not fit: wide texts first, then other texts,
// the widest first; numbers and times never.
func (o TextOptions) fit(t *Table, widths []int) []int {
	if o.Width <= 0 {
		return widths
	}
	excess := over(widths) - o.Width
	for _, kind := range [...]Kind{Wide, Text} {
		for excess > 0 {
			widest := -1
			for i, c := range t.Columns {
				if c.Kind == kind && widths[i] > minimum && (widest < 0 || widths[i] > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
			excess--
		}
	}
	return widths
}

// cut shortens text to a width. Of a path the end tells most, but the beginning
// tells it from others that end alike: the middle goes.
func cut(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return text
	}
	runes := []rune(text)
	head := (width - 1) * 2 / 3
	return string(runes[:head]) + "…" + string(runes[n-(width-1-head):])
}

func (o TextOptions) cell(kind Kind, v Value) string {
	switch kind {
	case Number:
		return AmountText(v.Amount)
	case Time:
		return o.time(v.Time)
	case Result:
		return v.Text
	}
	return Escape(v.Text)
}

func (o TextOptions) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(o.Location).Format("2006-01-02 15:04:05")
}

// AmountText returns a number for people: "1,234", "≥ 1,200" if it may be more,
// "about 1,200" if it is an estimate.
func AmountText(a Amount) string {
	switch {
	case a.About:
		return "about " + Group(a.N)
	case a.Missing > 0:
		return "≥ " + Group(a.N)
	}
	return Group(a.N)
}

// Group returns a number with commas between each three digits.
func Group(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
