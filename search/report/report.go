package report

import (
	"cmp"
	"hash/maphash"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/search/report/document"
	"vigil/search/report/facts"
	"vigil/search/report/tally"
)

// Names finds the name of a user where no record has it. It is asked from one
// goroutine.
type Names interface {
	User(uid uint32) (name string, ok bool)
}

// Config says what a report is to hold. The zero value is a summary of everything.
type Config struct {
	Kind   string // name of a report; "" means summary
	Target string // what the kind takes: a session's number, a person's name

	Filter   *filter.Program // which events count; nil: all
	Fields   field.Config    // for Filter; its Names are asked from several goroutines at once
	Names    Names           // nil: names are only those in the records
	Overview bool            // a summary has the tables of the page, too

	// Since is where first-seen begins: what was executed before is known. Zero:
	// everything is new.
	Since time.Time
	// Baseline is whether some logs are the baseline for first-seen; see
	// Collector.AddBaseline.
	Baseline bool

	Top  int    // rows of a table; 0: all that are known
	Sort string // a column's name, with :asc or :desc behind it if it is to be so; "": as the table likes it

	// Bound is what each table may keep of keys or rows. Zero: by the report.
	Bound tally.Limit
}

// Report is a report that is being made.
type Report struct {
	cfg    Config
	kind   Kind
	seed   maphash.Seed
	target target
}

// New returns the report that cfg asks for, or what is wrong with it.
func New(cfg Config) (*Report, error) {
	if cfg.Kind == "" {
		cfg.Kind = "summary"
	}
	kind, err := Find(cfg.Kind)
	if err != nil {
		return nil, err
	}
	r := &Report{cfg: cfg, kind: kind, seed: maphash.MakeSeed()}
	if err := r.setTarget(); err != nil {
		return nil, err
	}
	return r, r.checkSort()
}

// Collector counts the events that one goroutine reads.
type Collector struct {
	report *Report
	match  *filter.Matcher
	parts  []part
	span   span
	known  known
	time   *tally.Timeline
	moment moment
	late   uint64 // records that came behind their event
	names  bool   // of users and places are asked for
}

// The kinds of things in a Collector's Timeline.
const (
	lineEvents = iota
	lineFailures
	lineFailedLogins
	lineKinds
)

// section is one thing that a report counts.
type section interface {
	// add counts an event. It is called for each event that the report is of.
	add(m *moment)
	// merge adds what another section of the same type has counted.
	merge(from section)
	// table returns the result. The known names are those of the whole log.
	table(r *Report, k *known) document.Table
}

// part is one table of a document.
type part struct {
	kind    Kind
	section section
}

// parts are what the report is made of.
func (r *Report) parts() []part {
	parts := []part{{r.kind, r.kind.make(r)}}
	if !r.cfg.Overview {
		return parts
	}
	// On a page many tables share the memory that one has elsewhere.
	shared := *r
	if shared.cfg.Bound == (tally.Limit{}) {
		shared.cfg.Bound = tally.Limit{Entries: 2048, Bytes: 256 << 10}
	}
	for _, k := range kinds() {
		if k.overview {
			parts = append(parts, part{k, k.make(&shared)})
		}
	}
	return parts
}

// moment is an event as sections see it.
type moment struct {
	facts.Facts
	at       audit.ID
	exec     bool // a program was executed
	failed   bool
	baseline bool
}

// span is what the events reach over.
type span struct {
	first, last audit.ID
	events      uint64
	records     uint64
}

func (s *span) add(at audit.ID, events, records uint64) {
	if s.events == 0 || compareIDs(at, s.first) < 0 {
		s.first = at
	}
	if s.events == 0 || compareIDs(at, s.last) > 0 {
		s.last = at
	}
	s.events += events
	s.records += records
}

func (s *span) merge(from span) {
	switch {
	case from.events == 0:
	case s.events == 0:
		*s = from
	default:
		s.add(from.first, 0, 0)
		s.add(from.last, from.events, from.records)
	}
}

// Collector returns a Collector, which belongs to one goroutine.
func (r *Report) Collector() *Collector {
	c := &Collector{report: r, parts: r.parts(), names: r.kind.Name != "summary" || r.cfg.Overview, known: newKnown(r), time: tally.NewTimeline(lineKinds)}
	if r.cfg.Filter != nil {
		c.match = r.cfg.Filter.Matcher(r.cfg.Fields)
	}
	return c
}

// Add counts an event.
func (c *Collector) Add(e *audit.Event) { c.add(e, false) }

// AddBaseline takes note of an event of a log from before: what first-seen does not
// list.
func (c *Collector) AddBaseline(e *audit.Event) { c.add(e, true) }

func (c *Collector) add(e *audit.Event, baseline bool) {
	if len(e.Records) == 0 {
		return
	}
	if e.Records[0].Type == tables.TypeContainer {
		c.known.container(e)
	}
	if c.match != nil && !c.match.Match(e) {
		return
	}
	if e.End == audit.EndLate {
		c.late += uint64(len(e.Records))
		return
	}
	m := &c.moment
	m.Load(e)
	if c.names || m.HasContainer() {
		m.LoadEnrichment()
	}
	m.at = e.ID
	m.exec = m.Executed()
	m.failed = m.Result == audit.ResultFailure
	m.baseline = baseline
	c.known.add(m)
	if !baseline {
		c.span.add(m.at, 1, uint64(len(e.Records)))
		c.time.Add(m.at.Sec, lineEvents, 1)
		if m.failed {
			c.time.Add(m.at.Sec, lineFailures, 1)
			if m.Type == tables.TypeUserLogin {
				c.time.Add(m.at.Sec, lineFailedLogins, 1)
			}
		}
	}
	for _, p := range c.parts {
		p.section.add(m)
	}
}

func (c *Collector) merge(from *Collector) {
	c.span.merge(from.span)
	c.known.merge(&from.known)
	c.time.Merge(from.time)
	c.late += from.late
	for i, p := range c.parts {
		p.section.merge(from.parts[i].section)
	}
}

// compareIDs orders stamps.
func compareIDs(a, b audit.ID) int {
	return cmp.Or(cmp.Compare(a.Sec, b.Sec), cmp.Compare(a.Milli, b.Milli), cmp.Compare(a.Serial, b.Serial))
}
