package report

import (
	"bytes"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/report/document"
	"vigil/search/report/facts"
	"vigil/search/report/tally"
)

// stay is a login session.
type stay struct {
	activity
	from, terminal, method label
	logins                 uint64 // LOGIN records: numbers begin anew at each boot
	ended                  bool
}

func mergeStays(into, from *stay) {
	into.activity.merge(&from.activity)
	into.from.merge(&from.from)
	into.terminal.merge(&from.terminal)
	into.method.merge(&from.method)
	into.logins += from.logins
	into.ended = into.ended || from.ended
}

// sessions counts events by login session: by node, number and user, since a
// number is used again after a boot.
type sessions struct {
	counter *tally.Counter[stay]
	key     []byte
}

func makeSessions(r *Report) section {
	return &sessions{counter: tally.NewCounter(r.cfg.Bound, r.seed, mergeStays)}
}

func (s *sessions) add(m *moment) {
	if _, ok := facts.Number(m.Session); !ok || m.baseline {
		return
	}
	s.key = append(s.key[:0], m.Session.Value...)
	s.key = append(append(s.key, 0), m.AUID.Value...)
	s.key = append(append(s.key, 0), m.Event.Node...)
	v := s.counter.Add(s.key)
	v.activity.add(m)
	if m.LoginAddr.Name != nil {
		v.from.offer(m.Name(m.LoginAddr), m.at)
	}
	if m.LoginMethod.Name != nil {
		v.method.offer(m.Name(m.LoginMethod), m.at)
	}
	switch m.Type {
	case tables.TypeLogin:
		v.logins++
	case tables.TypeUserLogin, tables.TypeUserStart, tables.TypeUserAuth, tables.TypeCredAcq:
		v.from.offer(remoteHost(m), m.at)
		v.method.offer(base(m.Known(m.Exe)), m.at)
	case tables.TypeUserEnd, tables.TypeUserLogout:
		v.ended = true
	}
	v.terminal.offer(terminal(m), m.at)
}

// base is the last part of a path.
func base(path []byte) []byte { return path[bytes.LastIndexByte(path, '/')+1:] }

func (s *sessions) merge(from section) { s.counter.Merge(from.(*sessions).counter) }

func (s *sessions) table(r *Report, k *known) document.Table {
	t := document.Table{Empty: "no event is of a login session", Chart: 5}
	t.Columns = activityColumns(document.Column{Name: "session"}, document.Column{Name: "user"}, document.Column{Name: "from"},
		document.Column{Name: "terminal"}, document.Column{Name: "by"})
	nodes := map[string]bool{}
	list := s.counter.List()
	for _, e := range list {
		nodes[e.Key[strings.LastIndexByte(e.Key, 0)+1:]] = true
	}
	for _, e := range list {
		parts := strings.SplitN(e.Key, "\x00", 3)
		name := parts[0]
		if len(nodes) > 1 && parts[2] != "" {
			name += "@" + parts[2]
		}
		v := &e.Value
		t.Rows = append(t.Rows, v.values(e.Missing, document.TextValue(name), document.TextValue(k.userName(r, parts[1])),
			document.TextValue(v.from.text), document.TextValue(v.terminal.text), document.TextValue(v.method.text)))
	}
	t.Total = distinct(s.counter)
	return t
}

func (s *sessions) notes() []string {
	for _, e := range s.counter.List() {
		if e.Value.logins > 1 {
			return []string{"session numbers begin anew at each boot: some rows are of several logins of one user"}
		}
	}
	return nil
}

// refusal is how often somebody was turned away.
type refusal struct {
	logins, auths uint64
	first, last   audit.ID
}

func (v *refusal) add(m *moment) {
	if v.logins+v.auths == 0 || compareIDs(m.at, v.first) < 0 {
		v.first = m.at
	}
	if v.logins+v.auths == 0 || compareIDs(m.at, v.last) > 0 {
		v.last = m.at
	}
	if m.Type == tables.TypeUserLogin {
		v.logins++
	} else {
		v.auths++
	}
}

func mergeRefusals(into, from *refusal) {
	if from.logins+from.auths == 0 {
		return
	}
	if into.logins+into.auths == 0 {
		*into = *from
		return
	}
	if compareIDs(from.first, into.first) < 0 {
		into.first = from.first
	}
	if compareIDs(from.last, into.last) > 0 {
		into.last = from.last
	}
	into.logins += from.logins
	into.auths += from.auths
}

// failedLogins counts failed logins by account, where from, and the program that
// refused. A login by ssh that fails makes both a USER_LOGIN and a USER_AUTH; many
// programs send the latter only. So both are counted, each in its own column.
type failedLogins struct {
	counter *tally.Counter[refusal]
	key     []byte
}

func makeFailedLogins(r *Report) section {
	return &failedLogins{counter: tally.NewCounter(r.cfg.Bound, r.seed, mergeRefusals)}
}

func (s *failedLogins) add(m *moment) {
	if !m.failed || m.Type != tables.TypeUserLogin && m.Type != tables.TypeUserAuth || m.baseline {
		return
	}
	s.key = s.key[:0]
	for i, part := range [...][]byte{account(m), from(m), m.Known(m.Exe)} {
		if i > 0 {
			s.key = append(s.key, 0)
		}
		s.key = append(s.key, bytes.ReplaceAll(part[:min(len(part), maxText)], []byte{0}, []byte{' '})...)
	}
	s.counter.Add(s.key).add(m)
}

func (s *failedLogins) merge(from section) { s.counter.Merge(from.(*failedLogins).counter) }

func (s *failedLogins) table(*Report, *known) document.Table {
	t := document.Table{Empty: "no login failed", Chart: 3, Columns: []document.Column{{Name: "account"}, {Name: "from"}, {Name: "program"},
		{Name: "logins", Kind: document.Number}, {Name: "authentications", Kind: document.Number},
		{Name: "first", Kind: document.Time}, {Name: "last", Kind: document.Time}}}
	for _, e := range s.counter.List() {
		parts := strings.SplitN(e.Key, "\x00", 3)
		v := &e.Value
		amount := func(n uint64) document.Value {
			return document.Value{Amount: document.Amount{N: n, Missing: e.Missing}}
		}
		t.Rows = append(t.Rows, []document.Value{document.TextValue(parts[0]), document.TextValue(parts[1]), document.TextValue(parts[2]),
			amount(v.logins), amount(v.auths), document.TimeValue(v.first.Time()), document.TimeValue(v.last.Time())})
	}
	t.Total = distinct(s.counter)
	return t
}
