package report

import (
	"bytes"

	"vigil/audit"
	"vigil/search/report/document"
	"vigil/search/report/facts"
	"vigil/search/report/tally"
)

// activity is how much happened, and when.
type activity struct {
	events, failed, runs uint64
	first, last          audit.ID
}

func (a *activity) add(m *moment) {
	if a.events == 0 || compareIDs(m.at, a.first) < 0 {
		a.first = m.at
	}
	if a.events == 0 || compareIDs(m.at, a.last) > 0 {
		a.last = m.at
	}
	a.events++
	if m.failed {
		a.failed++
	}
	if m.exec {
		a.runs++
	}
}

func (a *activity) merge(from *activity) {
	switch {
	case from.events == 0:
		return
	case a.events == 0:
		*a = *from
		return
	}
	if compareIDs(from.first, a.first) < 0 {
		a.first = from.first
	}
	if compareIDs(from.last, a.last) > 0 {
		a.last = from.last
	}
	a.events += from.events
	a.failed += from.failed
	a.runs += from.runs
}

// counting says what a counted section counts by.
type counting struct {
	name string // of the first column
	// keys calls use with each key that the event is counted under.
	keys func(m *moment, use func(key []byte))
	// text is how a key is shown; nil: as it is.
	text  func(r *Report, k *known, key string) string
	empty string
}

// counted counts events by one thing that they bear.
type counted struct {
	by      counting
	counter *tally.Counter[activity]
	moment  *moment
	use     func(key []byte)
}

func makeCounted(by func() counting) func(*Report) section {
	return func(r *Report) section {
		s := &counted{by: by(), counter: tally.NewCounter(r.cfg.Bound, r.seed, (*activity).merge)}
		s.use = func(key []byte) {
			if len(key) > maxText {
				key = key[:maxText]
			}
			s.counter.Add(key).add(s.moment)
		}
		return s
	}
}

func (s *counted) add(m *moment) {
	if m.baseline {
		return
	}
	s.moment = m
	s.by.keys(m, s.use)
}

func (s *counted) merge(from section) { s.counter.Merge(from.(*counted).counter) }

// columns of a table by something.
func activityColumns(first ...document.Column) []document.Column {
	return append(first,
		document.Column{Name: "events", Kind: document.Number}, document.Column{Name: "failed", Kind: document.Number},
		document.Column{Name: "executions", Kind: document.Number},
		document.Column{Name: "first", Kind: document.Time}, document.Column{Name: "last", Kind: document.Time})
}

// values of these columns. missing is how many events more there may be.
func (a *activity) values(missing uint64, first ...document.Value) []document.Value {
	amount := func(n uint64) document.Value { return document.Value{Amount: document.Amount{N: n, Missing: missing}} }
	return append(first, amount(a.events), amount(a.failed), amount(a.runs),
		document.TimeValue(a.first.Time()), document.TimeValue(a.last.Time()))
}

func (s *counted) table(r *Report, k *known) document.Table {
	t := document.Table{Columns: activityColumns(document.Column{Name: s.by.name, Kind: document.Wide}), Empty: s.by.empty, Chart: 1}
	for _, e := range s.counter.List() {
		text := e.Key
		if s.by.text != nil {
			text = s.by.text(r, k, e.Key)
		}
		t.Rows = append(t.Rows, e.Value.values(e.Missing, document.TextValue(text)))
	}
	t.Total = distinct(s.counter)
	return t
}

func distinct[V any](c *tally.Counter[V]) document.Amount {
	n, exact := c.Distinct()
	return document.Amount{N: n, About: !exact}
}

// one is a counting by a field that an event has once or not at all.
func one(get func(m *moment) []byte) func(*moment, func([]byte)) {
	return func(m *moment, use func([]byte)) {
		if v := get(m); len(v) > 0 {
			use(v)
		}
	}
}

func byExecutable() counting {
	return counting{name: "executable", empty: "no event names an executable",
		keys: one(func(m *moment) []byte { return m.Known(m.Exe) })}
}

func byCommand() counting {
	return counting{name: "command", empty: "no event names a command", keys: one(func(m *moment) []byte { return m.Known(m.Comm) })}
}

func byUser() counting {
	return counting{name: "user", empty: "no event names a login user", keys: one(func(m *moment) []byte { return m.AUID.Value }),
		text: func(r *Report, k *known, key string) string { return k.userName(r, key) }}
}

func byKey() counting {
	return counting{name: "key", empty: "no event has a key: rules give keys with -k",
		keys: func(m *moment, use func([]byte)) { m.Keys(use) }}
}

func byFile() counting {
	return counting{name: "file", empty: "no event names a file", keys: func(m *moment, use func([]byte)) {
		m.Paths(func(p facts.Path) { use(p.Name) })
	}}
}

func bySyscall() counting {
	return counting{name: "syscall", empty: "no event has a system call", keys: func(m *moment, use func([]byte)) {
		if name, ok := m.Call(); ok {
			use([]byte(name))
		}
	}}
}

func byType() counting {
	return counting{name: "type", empty: "no events", keys: func(m *moment, use func([]byte)) {
		use(m.Type.AppendTo(nil))
	}}
}

func byHost() counting {
	return counting{name: "host", empty: "no event names a remote host", keys: one(remoteHost)}
}

// remoteHost is the host that a program names, its address if it has no name.
func remoteHost(m *moment) []byte {
	if v := m.Known(m.Host); v != nil {
		return v
	}
	return m.Known(m.Addr)
}

func byTerminal() counting {
	return counting{name: "terminal", empty: "no event names a terminal", keys: one(terminal)}
}

func terminal(m *moment) []byte {
	if v := m.Known(m.Terminal); v != nil {
		return v
	}
	return m.Known(m.TTY)
}

// from is where a login comes from, for people.
func from(m *moment) []byte {
	if v := remoteHost(m); v != nil {
		return v
	}
	if m.LoginAddr.Name != nil {
		return m.Name(m.LoginAddr)
	}
	return nil
}

// account is whom a program's message is about: a name, or a number.
func account(m *moment) []byte {
	if v := m.Known(m.Account); v != nil {
		return v
	}
	if v := m.Known(m.IDName); v != nil && !bytes.HasPrefix(v, []byte("unknown(")) {
		return v
	}
	return m.Known(m.AccountID)
}
