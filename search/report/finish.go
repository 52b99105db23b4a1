package report

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"vigil/audit"
	"vigil/internal/nearest"
	"vigil/search"
	"vigil/search/report/document"
)

// chartBuckets is how many buckets a timeline has at most.
const chartBuckets = 96

// Document merges the collectors, which are unusable then, into the report.
func (r *Report) Document(collectors []*Collector) *document.Document {
	all := r.Collector()
	for i, c := range collectors {
		if i == 0 {
			all = c
			continue
		}
		all.merge(c)
	}
	d := &document.Document{Name: r.kind.Name, Title: r.kind.title, Events: all.span.events, Records: all.span.records}
	if d.Events > 0 {
		d.From, d.To = all.span.first.Time(), all.span.last.Time()
	}
	for i, p := range all.parts {
		t := p.section.table(r, &all.known)
		t.Name, t.Title = p.kind.Name, p.kind.title
		if titled, ok := p.section.(interface {
			title(r *Report, k *known) string
		}); ok {
			t.Title = titled.title(r, &all.known)
			d.Title = t.Title
		}
		if i == 0 && r.cfg.Sort != "" {
			r.sort(&t)
		}
		if r.cfg.Top > 0 && len(t.Rows) > r.cfg.Top && !t.Plain && r.kind.Takes == "" {
			t.Rows = t.Rows[:r.cfg.Top]
		}
		if noted, ok := p.section.(interface{ notes() []string }); ok {
			d.Notes = append(d.Notes, noted.notes()...)
		}
		if about(&t) {
			d.Notes = append(d.Notes, fmt.Sprintf("%s: there were more than memory is kept for; ≥ is a lower bound, \"about\" is within two percent; "+
				"what came most often is there", strings.ToLower(t.Title)))
		}
		d.Tables = append(d.Tables, t)
	}
	if all.late > 0 {
		d.Notes = append(d.Notes, document.Group(all.late)+" records came so long after their event that they are not counted with it")
	}
	if told, ok := all.parts[0].section.(*story); ok {
		told.span(d)
	} else {
		d.Timeline = all.timeline()
	}
	return d
}

// about reports whether a table has numbers that are not exact.
func about(t *document.Table) bool {
	if !t.Total.Exact() {
		return true
	}
	for _, row := range t.Rows {
		for _, v := range row {
			if !v.Amount.Exact() {
				return true
			}
		}
	}
	return false
}

func (c *Collector) timeline() document.Timeline {
	start, width, counts := c.time.Rows(chartBuckets)
	t := document.Timeline{Start: time.Unix(start, 0).UTC(), Width: time.Duration(min(width, 1<<33)) * time.Second}
	for _, b := range counts {
		t.Events = append(t.Events, b[lineEvents])
		t.Failures = append(t.Failures, b[lineFailures])
		t.FailedLogins = append(t.FailedLogins, b[lineFailedLogins])
	}
	return t
}

// checkSort checks Config.Sort against the columns of the report's table.
func (r *Report) checkSort() error {
	if r.cfg.Sort == "" {
		return nil
	}
	column, direction, _ := strings.Cut(r.cfg.Sort, ":")
	if direction != "" && direction != "asc" && direction != "desc" {
		return fmt.Errorf("sort %q: order %q is neither asc nor desc", r.cfg.Sort, direction)
	}
	k := newKnown(r)
	t := r.kind.make(r).table(r, &k)
	if t.Plain {
		return fmt.Errorf("report %s has one row for each count: it is not sorted", r.kind.Name)
	}
	var names []string
	for _, c := range t.Columns {
		if c.Name == column {
			return nil
		}
		names = append(names, c.Name)
	}
	if best, ok := nearest.Word(column, names); ok {
		return fmt.Errorf("sort: report %s has no column %q: did you mean %q?", r.kind.Name, column, best)
	}
	return fmt.Errorf("sort: report %s has no column %q: it has %s", r.kind.Name, column, strings.Join(names, ", "))
}

// sort orders the rows as Config.Sort says: numbers and times the highest first,
// texts by the alphabet, unless it says otherwise. Equal rows stay in their order.
func (r *Report) sort(t *document.Table) {
	name, direction, _ := strings.Cut(r.cfg.Sort, ":")
	i := slices.IndexFunc(t.Columns, func(c document.Column) bool { return c.Name == name })
	if i < 0 {
		return
	}
	kind := t.Columns[i].Kind
	sign := 1
	if direction == "desc" || direction == "" && (kind == document.Number || kind == document.Time) {
		sign = -1
	}
	slices.SortStableFunc(t.Rows, func(a, b []document.Value) int {
		switch kind {
		case document.Number:
			return sign * cmp.Compare(a[i].Amount.N, b[i].Amount.N)
		case document.Time:
			return sign * a[i].Time.Compare(b[i].Time)
		}
		return sign * strings.Compare(a[i].Text, b[i].Text)
	})
}

// Run makes the report that cfg asks for of the events that options choose in logs.
// baseline are logs from before, for first-seen. Options.Query is not used: see
// Config.Filter.
func Run(ctx context.Context, logs, baseline []search.Log, options search.Options, cfg Config) (*document.Document, search.Stats, error) {
	cfg.Baseline = len(baseline) > 0
	r, err := New(cfg)
	if err != nil {
		return nil, search.Stats{}, err
	}
	if options.Workers <= 0 {
		options.Workers = runtime.GOMAXPROCS(0)
	}
	collectors := make([]*Collector, options.Workers)
	for i := range collectors {
		collectors[i] = r.Collector()
	}
	if len(baseline) > 0 {
		older := options
		older.Range = search.Range{}
		if _, err := search.Each(ctx, baseline, older, func(worker int, e *search.Event) error {
			collectors[worker].AddBaseline(&e.Event)
			return nil
		}); err != nil {
			return nil, search.Stats{}, err
		}
	}
	named := make([]audit.Event, options.Workers)
	stats, err := search.Each(ctx, logs, options, func(worker int, e *search.Event) error {
		event := &e.Event
		if len(logs) > 1 && len(e.Node) == 0 {
			// Of several logs each is another host's, and session 4 of one is not the other's.
			event = &named[worker]
			*event = e.Event
			event.Node = []byte(logs[e.Log].Name)
		}
		collectors[worker].Add(event)
		return nil
	})
	if err != nil {
		return nil, stats, err
	}
	d := r.Document(collectors)
	d.Files = stats.Files
	return d, stats, nil
}
