package aggregate

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward"
)

// maxBytes bounds the first events of all aggregates that are open.
const maxBytes = 8 << 20

// Aggregator puts events together by rules: an event by the first that is about it.
type Aggregator struct {
	rules []*rule
	env   *filter.Env
	key   []byte
	open  map[string]*group
	begun [][]*group // by rule the open ones, and some that have ended, by their first event
	ended []*group   // to be handed out, in the order in which they ended
	held  []int      // open ones by rule
	bytes int
}

// group is an aggregate.
type group struct {
	rule    int
	key     string
	event   forward.Event // the first, a copy; nil if it was sent by itself
	size    int           // bytes of its records
	number  uint64        // of the first event, whether it was sent by itself or not
	numbers []uint64
	serials []byte
	begun   time.Time // on our clock
	first   audit.ID
	last    audit.ID
	over    bool
}

var _ forward.Aggregator = (*Aggregator)(nil)

// New makes an Aggregator. The error says which rule cannot be meant, and why.
func New(rules []Rule, c field.Config) (*Aggregator, error) {
	space := filter.NewSpace(field.Standard())
	a := &Aggregator{open: make(map[string]*group), begun: make([][]*group, len(rules)), held: make([]int, len(rules))}
	for i, r := range rules {
		made, err := newRule(r, space)
		if err != nil {
			return nil, fmt.Errorf("aggregate: rule %d: %w", i+1, err)
		}
		a.rules = append(a.rules, made)
	}
	a.env = space.NewEnv(c)
	return a, nil
}

// Reset is for [forward.Aggregator].
func (a *Aggregator) Reset() {
	clear(a.open)
	clear(a.held)
	clear(a.begun)
	a.ended, a.bytes = nil, 0
}

// Add is for [forward.Aggregator].
func (a *Aggregator) Add(e forward.Event, number uint64, now time.Time) bool {
	if len(e.Records) == 0 || e.Records[0].Type == tables.TypeLedger { // no word of a loss waits
		return false
	}
	a.env.Load(e.Event)
	which := slices.IndexFunc(a.rules, func(r *rule) bool { return r.wants(e.Event, a.env) })
	if which < 0 {
		return false
	}
	r := a.rules[which]
	a.key = strconv.AppendInt(a.key[:0], int64(which), 10)
	a.key = r.by.AppendJSON(a.key, a.env)
	g := a.open[string(a.key)]
	if g != nil && (e.ID.Time().Sub(g.first.Time()) >= r.MaxTime || len(g.numbers) > 0 && len(g.serials)+11 > r.MaxSize) {
		a.end(g)
		g = nil
	}
	if g == nil {
		g = a.begin(which, string(a.key), e, number, now)
		if r.SendFirst {
			return false
		}
	}
	a.join(g, e, number)
	if len(g.numbers) >= r.MaxCount {
		a.end(g)
	}
	a.bound(which)
	return true
}

func (a *Aggregator) begin(which int, key string, e forward.Event, number uint64, now time.Time) *group {
	g := &group{rule: which, key: key, number: number, begun: now, first: e.ID}
	a.open[key] = g
	a.begun[which] = append(a.begun[which], g)
	a.held[which]++
	return g
}

// join adds an event to an aggregate.
func (a *Aggregator) join(g *group, e forward.Event, number uint64) {
	if len(g.numbers) == 0 {
		g.event = forward.Event{Event: e.Clone(), UID: e.UID}
		g.first = e.ID
		for i := range e.Records {
			g.size += len(e.Records[i].Body) + len(e.Records[i].Enrichment)
		}
		a.bytes += g.size
	} else {
		g.serials = append(g.serials, ',')
	}
	g.numbers = append(g.numbers, number)
	g.serials = strconv.AppendUint(g.serials, uint64(e.ID.Serial), 10)
	g.last = e.ID
}

// bound ends the oldest aggregates while there are too many.
func (a *Aggregator) bound(which int) {
	for a.held[which] > a.rules[which].MaxPending {
		a.end(a.oldest(which))
	}
	for a.bytes > maxBytes {
		var oldest *group
		for i := range a.rules {
			if g := a.oldest(i); g != nil && (oldest == nil || g.number < oldest.number) {
				oldest = g
			}
		}
		a.end(oldest)
	}
}

// oldest returns the open aggregate of a rule that was begun first, nil if none is.
func (a *Aggregator) oldest(which int) *group {
	begun := &a.begun[which]
	for len(*begun) > 0 && (*begun)[0].over {
		*begun = (*begun)[1:]
	}
	if len(*begun) == 0 {
		return nil
	}
	return (*begun)[0]
}

// end ends an aggregate.
func (a *Aggregator) end(g *group) {
	g.over = true
	delete(a.open, g.key)
	a.held[g.rule]--
	a.bytes -= g.size
	if len(g.numbers) > 0 {
		a.ended = append(a.ended, g)
	}
}

// Next is for [forward.Aggregator].
func (a *Aggregator) Next(now time.Time, below uint64) (forward.Aggregate, bool) {
	for i := range a.rules {
		for g := a.oldest(i); g != nil && (g.number < below || !now.Before(a.until(g))); g = a.oldest(i) {
			a.end(g)
		}
	}
	if len(a.ended) == 0 {
		return forward.Aggregate{}, false
	}
	g := a.ended[0]
	a.ended = a.ended[1:]
	if len(g.numbers) > 1 {
		g.mark()
	}
	aggregate := forward.Aggregate{Event: g.event, Numbers: g.numbers}
	*g = group{over: true} // which may stand in begun for a while
	return aggregate, true
}

// until is when an aggregate ends of itself.
func (a *Aggregator) until(g *group) time.Time { return g.begun.Add(a.rules[g.rule].MaxTime) }

// Due is for [forward.Aggregator].
func (a *Aggregator) Due() (at time.Time, ok bool) {
	for i := range a.rules {
		if g := a.oldest(i); g != nil && (!ok || a.until(g).Before(at)) {
			at, ok = a.until(g), true
		}
	}
	return at, ok
}

// mark writes into the first event what it stands for.
func (g *group) mark() {
	r := &g.event.Records[0]
	b := slices.Clone(r.Enrichment)
	if len(b) > 0 {
		b = append(b, ' ')
	}
	b = append(b, "AGGREGATE_COUNT="...)
	b = strconv.AppendInt(b, int64(len(g.numbers)), 10)
	b = g.first.AppendTo(append(b, " AGGREGATE_FIRST="...))
	b = g.last.AppendTo(append(b, " AGGREGATE_LAST="...))
	r.Enrichment = append(append(b, " AGGREGATE_SERIALS="...), g.serials...)
}
