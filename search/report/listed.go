package report

import (
	"cmp"
	"strings"

	"vigil/audit"
	"vigil/search/report/document"
	"vigil/search/report/facts"
	"vigil/search/report/tally"
)

// row is a thing that happened.
type row struct {
	at        audit.ID
	auid      string // who did it, as the number is printed
	session   string
	container string // id, "" if none is known, hostKey for the host
	result    audit.Result
	cells     [maxCells]string
}

const maxCells = 4

// newest orders rows, the newest first. Whatever differs is told apart.
func newest(a, b *row) int {
	c := cmp.Or(compareIDs(b.at, a.at), strings.Compare(a.auid, b.auid), strings.Compare(a.session, b.session),
		strings.Compare(a.container, b.container), cmp.Compare(a.result, b.result))
	for i := 0; c == 0 && i < maxCells; i++ {
		c = strings.Compare(a.cells[i], b.cells[i])
	}
	return c
}

func (w *row) size() int {
	n := 96 // what it takes beside its texts
	for _, c := range w.cells {
		n += len(c)
	}
	return n + len(w.auid) + len(w.session) + len(w.container)
}

// newRow returns a row for m.
func newRow(m *moment, cells ...[]byte) row {
	w := row{at: m.at, auid: string(m.AUID.Value), result: m.Result}
	if _, ok := facts.Number(m.Session); ok {
		w.session = string(m.Session.Value)
	}
	switch {
	case m.ContainerID.Name != nil:
		w.container = clip(m.Name(m.ContainerID))
	case m.Attributed:
		w.container = hostKey
	}
	for i, c := range cells {
		w.cells[i] = clip(c)
	}
	return w
}

// listing says what a listed section lists.
type listing struct {
	columns []document.Column // of the cells
	// user says that who did it has a column.
	user bool
	// pick calls emit with each row that the event makes, mostly none.
	pick  func(m *moment, emit func(row))
	empty string
}

// listed lists what happened, the newest first.
type listed struct {
	what listing
	rows *tally.List[row]
	emit func(row)
}

func makeListed(what func() listing) func(*Report) section {
	return func(r *Report) section {
		s := &listed{what: what(), rows: tally.NewList(r.cfg.Bound, newest, (*row).size)}
		s.emit = s.rows.Add
		return s
	}
}

func (s *listed) add(m *moment) {
	if !m.baseline {
		s.what.pick(m, s.emit)
	}
}

func (s *listed) merge(from section) { s.rows.Merge(from.(*listed).rows) }

func (s *listed) table(r *Report, k *known) document.Table {
	t := document.Table{Empty: s.what.empty, Columns: []document.Column{{Name: "time", Kind: document.Time}}}
	if s.what.user {
		t.Columns = append(t.Columns, document.Column{Name: "user"})
	}
	t.Columns = append(t.Columns, document.Column{Name: "session"})
	t.Columns = append(t.Columns, s.what.columns...)
	t.Columns = append(t.Columns, document.Column{Name: "container"}, document.Column{Name: "result", Kind: document.Result},
		document.Column{Name: "event", Aside: true})
	items := s.rows.Items()
	for _, w := range items {
		line := []document.Value{document.TimeValue(w.at.Time())}
		if s.what.user {
			line = append(line, document.TextValue(k.whoName(r, w.auid)))
		}
		line = append(line, document.TextValue(w.session))
		for c := range s.what.columns {
			line = append(line, document.TextValue(w.cells[c]))
		}
		line = append(line, document.TextValue(k.whereName(w.container)), resultValue(w.result), document.TextValue(w.at.String()))
		t.Rows = append(t.Rows, line)
	}
	t.Total = document.Amount{N: uint64(len(items)) + s.rows.Dropped()}
	return t
}

func (s *listed) notes() []string {
	if n := s.rows.Dropped(); n > 0 {
		return []string{document.Group(n) + " older rows were left out, to keep memory bounded; --until or --filter leads to them"}
	}
	return nil
}

// whoName is userName that leaves out who is nobody.
func (k *known) whoName(r *Report, id string) string {
	if id == "" {
		return ""
	}
	return k.userName(r, id)
}

// whereName is containerName that leaves out what is not known.
func (k *known) whereName(id string) string {
	if id == "" {
		return ""
	}
	return k.containerName(id)
}

func resultValue(r audit.Result) document.Value {
	if r == audit.ResultUnknown {
		return document.Value{}
	}
	return document.TextValue(r.String())
}
