package document

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
)

// stampForm is RFC 3339 with milliseconds, in which audit stamps are exact.
const stampForm = "2006-01-02T15:04:05.000Z07:00"

// pair is a name and its value in a JSON object that keeps its order.
type pair struct {
	name  string
	value any
}

type object []pair

// MarshalJSON writes the pairs in their order.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, p := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

// WriteJSON writes d as one object, indented: what it is, then "counts" of a plain
// table, or "rows" with an object each. A number that may be too low has one that
// it is at most beside it, as "events_at_most".
func WriteJSON(w io.Writer, d *Document) error {
	doc := object{{"report", d.Name}, {"title", valid(d.Title)}, {"from", stamp(d.From)}, {"to", stamp(d.To)},
		{"events", d.Events}, {"records", d.Records}, {"files", d.Files}}
	for i := range d.Tables {
		t := &d.Tables[i]
		content := t.object()
		if len(d.Tables) == 1 {
			doc = append(doc, content...)
			continue
		}
		doc = append(doc, pair{t.Name, content})
	}
	notes := make([]string, len(d.Notes))
	for i, n := range d.Notes {
		notes[i] = valid(n)
	}
	doc = append(doc, pair{"notes", notes})
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

func (t *Table) object() object {
	if t.Plain {
		counts := object{}
		for _, row := range t.Rows {
			name := strings.ToLower(strings.ReplaceAll(row[0].Text, " ", "_"))
			counts = append(counts, pair{name, row[1].Amount.N})
			if row[1].Amount.About {
				counts = append(counts, pair{name + "_estimated", true})
			}
		}
		return object{{"counts", counts}}
	}
	rows := make([]object, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = object{}
		for j, c := range t.Columns {
			rows[i] = append(rows[i], pair{c.Name, c.value(row[j])})
			if a := row[j].Amount; c.Kind == Number && a.Missing > 0 {
				rows[i] = append(rows[i], pair{c.Name + "_at_most", a.N + a.Missing})
			}
		}
	}
	return object{{"rows", rows}, {"total", t.Total.N}, {"total_estimated", t.Total.About}}
}

func (c Column) value(v Value) any {
	switch c.Kind {
	case Number:
		return v.Amount.N
	case Time:
		return stamp(v.Time)
	}
	if v.Text == "" {
		return nil
	}
	return valid(v.Text)
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(stampForm)
}

// WriteCSV writes the tables as CSV (RFC 4180), with a line of headings each.
// Control characters are escaped as in the table for people, so a row is a line;
// a text that a spreadsheet would take for a formula has an apostrophe before it.
func WriteCSV(w io.Writer, d *Document) error {
	out := csv.NewWriter(w)
	out.UseCRLF = false
	for i := range d.Tables {
		t := &d.Tables[i]
		line := make([]string, len(t.Columns))
		for j, c := range t.Columns {
			line[j] = c.Name
		}
		if err := out.Write(line); err != nil {
			return err
		}
		for _, row := range t.Rows {
			for j, v := range row {
				line[j] = t.Columns[j].csv(v)
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (c Column) csv(v Value) string {
	switch c.Kind {
	case Number:
		return strconv.FormatUint(v.Amount.N, 10)
	case Time:
		if v.Time.IsZero() {
			return ""
		}
		return v.Time.UTC().Format(stampForm)
	}
	s := Escape(v.Text)
	if s != "" && strings.IndexByte("=+-@", s[0]) >= 0 {
		s = "'" + s
	}
	return s
}
