package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"vigil/search/report/document"
)

//go:embed page.html
var source string

//go:embed page.css
var style string

// Options say what a page tells beside the report.
type Options struct {
	Source   string         // what the report is of: a host, a file
	Made     time.Time      // when; zero: it does not say
	Location *time.Location // of times; nil means the system's
	Program  string         // what made it, "vigil 1.2"; may be empty
}

// view is what the template shows.
type view struct {
	Title, Source, Program, Made, Span string
	Policy                             string
	Style                              template.CSS
	Tiles                              []tile
	Chart, Logins                      *chart
	Tables                             []table
	Counts                             []count
	Nothing                            []string
	Notes                              []string
}

// tile is a number that one looks at first.
type tile struct {
	Label, Value string
	Alarm        bool
}

type count struct{ Name, Value string }

type table struct {
	ID, Title, More string
	Columns         []column
	Rows            [][]cell
}

type column struct {
	Title, Class string
	Bar          bool
}

type cell struct {
	Text  string
	Class string
	Bar   bool
	Share string // of the bar, in hundredths, "57.5"
}

// Write writes the page of d.
func Write(w io.Writer, d *document.Document, o Options) error {
	if o.Location == nil {
		o.Location = time.Local
	}
	t, err := template.New("page").Parse(source)
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	v := o.view(d)
	if err := t.Execute(w, v); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func (o Options) view(d *document.Document) *view {
	sum := sha256.Sum256([]byte(style))
	v := &view{Title: document.Escape(d.Title), Source: document.Escape(o.Source), Program: document.Escape(o.Program),
		Style: template.CSS(style),
		Policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
			"'; base-uri 'none'; form-action 'none'"}
	if !o.Made.IsZero() {
		v.Made = o.Made.In(o.Location).Format("2 January 2006, 15:04 MST")
	}
	if d.Events > 0 {
		v.Span = o.time(d.From) + " – " + o.time(d.To)
	}
	v.Chart = newChart(&d.Timeline, d.Timeline.Events, d.Timeline.Failures, o.Location)
	switch sum := total(d.Timeline.FailedLogins); {
	case sum == 0:
	case d.Name == "summary" || d.Name == "failed-logins" || d.Name == "logins":
		v.Logins = newChart(&d.Timeline, d.Timeline.FailedLogins, nil, o.Location)
	}
	for i := range d.Tables {
		t := &d.Tables[i]
		switch {
		case t.Plain:
			v.Tiles = append(v.Tiles, tiles(t)...)
			for _, row := range t.Rows {
				v.Counts = append(v.Counts, count{document.Escape(row[0].Text), document.AmountText(row[1].Amount)})
			}
		case len(t.Rows) == 0 && len(d.Tables) > 1:
			v.Nothing = append(v.Nothing, document.Escape(t.Title))
		default:
			v.Tables = append(v.Tables, o.table(t))
		}
	}
	if len(v.Tiles) == 0 {
		v.Tiles = []tile{{Label: "events", Value: document.Group(d.Events)}}
	}
	for _, n := range d.Notes {
		v.Notes = append(v.Notes, document.Escape(n))
	}
	return v
}

// tiles are the counts of a summary that one looks at first. Some are bad news
// unless they are zero.
func tiles(t *document.Table) []tile {
	first := map[string]bool{"events": false, "executions": false, "logins": false, "failed logins": true, "privilege changes": false,
		"account changes": false, "users": false, "sessions": false, "containers": false, "failed system calls": false, "alerts": true,
		"anomalies": true, "losses": true}
	var all []tile
	for _, row := range t.Rows {
		alarm, ok := first[row[0].Text]
		if !ok {
			continue
		}
		a := row[1].Amount
		all = append(all, tile{Label: row[0].Text, Value: document.AmountText(a), Alarm: alarm && a.N > 0})
	}
	return all
}

func (o Options) table(t *document.Table) table {
	out := table{ID: document.Escape(t.Name), Title: document.Escape(t.Title)}
	if n := uint64(len(t.Rows)); t.Total.N > n {
		out.More = document.Group(n) + " of " + document.AmountText(t.Total)
	}
	t = t.WithoutEmpty()
	bars := uint64(1)
	for i, c := range t.Columns {
		bar := i == t.Chart && t.Chart > 0
		out.Columns = append(out.Columns, column{Title: document.Escape(strings.ReplaceAll(c.Name, "_", " ")), Class: class(c.Kind), Bar: bar})
		for _, row := range t.Rows {
			if bar {
				bars = max(bars, row[i].Amount.N)
			}
		}
	}
	for _, row := range t.Rows {
		line := make([]cell, len(row))
		for i, v := range row {
			line[i] = o.cell(t.Columns[i].Kind, v)
			if out.Columns[i].Bar {
				line[i].Bar, line[i].Share = true, fmt.Sprintf("%.1f", 100*float64(v.Amount.N)/float64(bars))
			}
		}
		out.Rows = append(out.Rows, line)
	}
	return out
}

// class is the style of a column.
func class(kind document.Kind) string {
	switch kind {
	case document.Number:
		return "n"
	case document.Time:
		return "time"
	case document.Wide:
		return "wide"
	}
	return ""
}

func (o Options) cell(kind document.Kind, v document.Value) cell {
	c := cell{Class: class(kind)}
	switch kind {
	case document.Number:
		c.Text = document.AmountText(v.Amount)
	case document.Time:
		c.Text = o.time(v.Time)
	case document.Result:
		c.Text, c.Class = v.Text, v.Text
	default:
		c.Text = document.Escape(v.Text)
	}
	return c
}

func (o Options) time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(o.Location).Format("2006-01-02 15:04:05")
}

func total(counts []uint64) (n uint64) {
	for _, c := range counts {
		n += c
	}
	return n
}
