package report

import (
	"cmp"
	"slices"
	"strings"

	"vigil/audit"
	"vigil/search/report/document"
	"vigil/search/report/tally"
)

// debut is when an executable ran first in some place.
type debut struct {
	first    audit.ID
	user     label
	command  label
	runs     uint64
	baseline bool // in the baseline, or before the time from which on things are new
}

func mergeDebuts(into, from *debut) {
	if from.runs > 0 && (into.runs == 0 || compareIDs(from.first, into.first) < 0) {
		into.first = from.first
	}
	into.user.merge(&from.user)
	into.command.merge(&from.command)
	into.runs += from.runs
	into.baseline = into.baseline || from.baseline
}

// nowhere is the place of what nothing is known of. No image is called like it.
const nowhere = "\x01"

// firstSeen finds executables that were not executed before. A container is a place
// of its own, by its image and not by its id: a shell in the database's container
// is new although the host has run it all along.
type firstSeen struct {
	report  *Report
	counter *tally.Counter[debut]
	key     []byte
	line    []byte
}

func makeFirstSeen(r *Report) section {
	return &firstSeen{report: r, counter: tally.NewCounter(r.cfg.Bound, r.seed, mergeDebuts)}
}

func (s *firstSeen) add(m *moment) {
	if !m.exec {
		return
	}
	exe := m.Known(m.Exe)
	if exe == nil {
		return
	}
	s.key = append(s.key[:0], exe[:min(len(exe), maxText)]...)
	s.key = append(s.key, 0)
	switch {
	case !m.Attributed:
		s.key = append(s.key, nowhere...)
	case m.ContainerID.Name == nil:
	case m.Image.Name != nil:
		s.key = append(s.key, m.Name(m.Image)...)
	default:
		s.key = append(append(s.key, 0), m.Name(m.ContainerID)...)
	}
	v := s.counter.Add(s.key)
	if v.runs == 0 || compareIDs(m.at, v.first) < 0 {
		v.first = m.at
		s.line = m.CommandLine(s.line[:0])
		v.command = label{clip(s.line), m.at}
		v.user = label{string(m.AUID.Value), m.at}
	}
	v.runs++
	if m.baseline || !s.report.cfg.Since.IsZero() && m.at.Time().Before(s.report.cfg.Since) {
		v.baseline = true
	}
}

func (s *firstSeen) merge(from section) { s.counter.Merge(from.(*firstSeen).counter) }

func (s *firstSeen) table(r *Report, k *known) document.Table {
	t := document.Table{Empty: "nothing was executed for the first time", Columns: []document.Column{{Name: "first", Kind: document.Time},
		{Name: "executable", Kind: document.Wide}, {Name: "where"}, {Name: "user"}, {Name: "executions", Kind: document.Number},
		{Name: "command", Kind: document.Wide}}}
	list := s.counter.List()
	// Containers whose image came to be known later are put with their image.
	byKey := map[string]*tally.Entry[debut]{}
	var order []*tally.Entry[debut]
	for _, e := range list {
		exe, where, _ := strings.Cut(e.Key, "\x00")
		if id, ok := strings.CutPrefix(where, "\x00"); ok {
			where = k.containerOf(id).image.text
			if where == "" {
				where = k.containerName(id)
			}
		} else if where == nowhere {
			where = ""
		} else if where == "" {
			where = "host"
		}
		key := exe + "\x00" + where
		if into, ok := byKey[key]; ok {
			mergeDebuts(&into.Value, &e.Value)
			into.Missing += e.Missing
			continue
		}
		e.Key = key
		byKey[key] = e
		order = append(order, e)
	}
	order = slices.DeleteFunc(order, func(e *tally.Entry[debut]) bool { return e.Value.baseline })
	slices.SortFunc(order, func(a, b *tally.Entry[debut]) int {
		return cmp.Or(compareIDs(b.Value.first, a.Value.first), strings.Compare(a.Key, b.Key))
	})
	for _, e := range order {
		exe, where, _ := strings.Cut(e.Key, "\x00")
		v := &e.Value
		t.Rows = append(t.Rows, []document.Value{document.TimeValue(v.first.Time()), document.TextValue(exe), document.TextValue(where),
			document.TextValue(k.userName(r, v.user.text)),
			{Amount: document.Amount{N: v.runs, Missing: e.Missing}}, document.TextValue(v.command.text)})
	}
	t.Total = document.Amount{N: uint64(len(t.Rows))}
	return t
}

func (s *firstSeen) notes() []string {
	var notes []string
	if s.report.cfg.Since.IsZero() && !s.report.cfg.Baseline {
		notes = append(notes, "every executable of the log is listed: --since says from when on things are new, --baseline names older logs")
	}
	if _, dropped := s.counter.Dropped(); dropped {
		notes = append(notes, "there are more executables than memory is kept for: rare ones may be listed that were executed before")
	}
	return notes
}
