package search

import (
	"vigil/audit/tables"
	"vigil/enrich/attribution"
	"vigil/filter"
	"vigil/filter/field"
)

// Query is a compiled condition, for many goroutines at once.
type Query struct {
	program *filter.Program
	config  field.Config
}

// NewQuery makes a Query of a condition. cfg gives the names of users and the time
// zone; its Names are asked from several goroutines at once.
func NewQuery(p *filter.Program, cfg field.Config) *Query { return &Query{program: p, config: cfg} }

// Matcher returns what evaluates the query on one event after another, for one
// goroutine; nil if q is.
func (q *Query) Matcher() *filter.Matcher {
	if q == nil {
		return nil
	}
	return q.program.Matcher(q.config)
}

// plan is what can be told of a line without looking at its event.
type plan struct {
	needles [][]byte        // an event has one of them in one of its lines; nil: unknown
	types   *[maxKnown]bool // an event has a record of one of them; nil: unknown
}

// maxKnown bounds the record types that plan.types tells apart; those above are
// always taken.
const maxKnown = 4096

// plan makes the plan for events that are completed by known, which may be nil.
func (q *Query) plan(known *attribution.Completer) plan {
	var p plan
	if q == nil {
		return p
	}
	p.needles = q.program.Literals()
	if known != nil && p.needles != nil {
		p.needles = append(p.needles, known.Bearing(p.needles)...)
	}
	if types, all := q.program.RecordTypes(); !all {
		p.types = new([maxKnown]bool)
		for _, t := range types {
			p.types[t] = true
		}
	}
	return p
}

func (p *plan) typed(t tables.Type) bool { return p.types == nil || int(t) >= maxKnown || p.types[t] }
