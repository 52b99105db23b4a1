package report

import (
	"vigil/audit/tables"
	"vigil/search/report/document"
	"vigil/search/report/facts"
	"vigil/search/report/tally"
)

// summary counts how much of what there is: what stock aureport's summary does, by
// the same rules but for those that docs/report.md names, and what only Vigil's
// trails tell.
type summary struct {
	counts [lastCount]uint64
	sets   [lastSet]*tally.Set

	containers *tally.Counter[struct{}]
	sessions   *tally.Set
	privileges listing
	emit       func(row)
	key        []byte
}

// What is counted each time.
const (
	countConfig = iota
	countAccounts
	countLogins
	countFailedLogins
	countAuths
	countFailedAuths
	countDecisions
	countMAC
	countFailedCalls
	countAnomalies
	countResponses
	countCrypto
	countIntegrity
	countVirt
	countEvents
	countRuns
	countPrivileges
	countAlerts
	countLosses
	countKernelLost
	countMissing
	lastCount
)

// What is counted once for each different value.
const (
	setUsers = iota
	setTerminals
	setHosts
	setExecutables
	setCommands
	setFiles
	setKeys
	setPIDs
	lastSet
)

func makeSummary(r *Report) section {
	s := &summary{privileges: privileges(), sessions: tally.NewSet(r.seed),
		containers: tally.NewCounter(tally.Limit{Entries: 4096, Bytes: 512 << 10}, r.seed, func(_, _ *struct{}) {})}
	for i := range s.sets {
		s.sets[i] = tally.NewSet(r.seed)
	}
	s.emit = func(row) { s.counts[countPrivileges]++ }
	return s
}

func (s *summary) add(m *moment) {
	if m.baseline {
		return
	}
	s.counts[countEvents]++
	s.types(m)
	s.values(m)
	if m.exec {
		s.counts[countRuns]++
	}
	s.privileges.pick(m, s.emit)
	if m.ContainerID.Name != nil {
		s.containers.Add(m.Name(m.ContainerID))
	}
	if _, ok := facts.Number(m.Session); ok {
		s.key = append(append(append(s.key[:0], m.Session.Value...), 0), m.Event.Node...)
		s.sessions.Add(s.key)
	}
	if l, _, isLoss := parseLoss(m.Event); isLoss {
		s.counts[countLosses]++
		switch l.reason {
		case "kernel-lost":
			s.counts[countKernelLost] += l.count
		case "gap", "down":
			s.counts[countMissing] += l.count
		}
	}
}

// types counts what the types of the records tell. An event with records of two
// kinds, as of a denied system call, counts for both.
func (s *summary) types(m *moment) {
	var decision, mac, config, account, anomaly, response, crypto, integrity, virt bool
	for i := range m.Event.Records {
		t := m.Event.Records[i].Type
		if t >= tables.TypeSyscall && t < 1400 && !isConfiguration(t) {
			continue // the bulk
		}
		config = config || isConfiguration(t)
		account = account || isAccountChange(t)
		decision = decision || isDecision(t)
		mac = mac || isMAC(t)
		anomaly = anomaly || isAnomaly(t)
		response = response || isResponse(t)
		crypto = crypto || t >= 1600 && t < 1700 || t >= 2400 && t < 2500
		integrity = integrity || t >= 1800 && t < 1900
		virt = virt || t >= 2500 && t < 2600
	}
	for _, is := range [...]struct {
		is    bool
		count int
	}{{config, countConfig}, {account, countAccounts}, {decision, countDecisions}, {mac, countMAC}, {anomaly, countAnomalies},
		{response, countResponses}, {crypto, countCrypto}, {integrity, countIntegrity}, {virt, countVirt},
		{isAlert(m.Type), countAlerts}, {m.failed && m.Subject.Type == tables.TypeSyscall, countFailedCalls},
		{isLogin(m.Type) && !m.failed, countLogins}, {isLogin(m.Type) && m.failed, countFailedLogins},
		{isAuthentication(m.Type) && !m.failed, countAuths}, {isAuthentication(m.Type) && m.failed, countFailedAuths}} {
		if is.is {
			s.counts[is.count]++
		}
	}
}

// values takes the values of which the different ones count.
func (s *summary) values(m *moment) {
	for _, v := range [...]struct {
		set   int
		value []byte
	}{{setUsers, m.AUID.Value}, {setTerminals, terminal(m)}, {setHosts, remoteHost(m)}, {setExecutables, m.Known(m.Exe)},
		{setCommands, m.Known(m.Comm)}, {setPIDs, m.PID.Value}} {
		if len(v.value) > 0 {
			s.sets[v.set].Add(v.value)
		}
	}
	m.Keys(s.sets[setKeys].Add)
	m.Paths(func(p facts.Path) { s.sets[setFiles].Add(p.Name) })
}

func (s *summary) merge(from section) {
	f := from.(*summary)
	for i, n := range f.counts {
		s.counts[i] += n
	}
	for i, set := range f.sets {
		s.sets[i].Merge(set)
	}
	s.containers.Merge(f.containers)
	s.sessions.Merge(f.sessions)
}

func (s *summary) table(_ *Report, k *known) document.Table {
	t := document.Table{Plain: true, Columns: []document.Column{{Name: "count"}, {Name: "value", Kind: document.Number}}}
	row := func(name string, a document.Amount) {
		t.Rows = append(t.Rows, []document.Value{document.TextValue(name), {Amount: a}})
	}
	count := func(name string, c int) { row(name, document.Amount{N: s.counts[c]}) }
	set := func(name string, set *tally.Set) {
		n, exact := set.Count()
		row(name, document.Amount{N: n, About: !exact})
	}
	count("events", countEvents)
	count("configuration changes", countConfig)
	count("account changes", countAccounts)
	count("logins", countLogins)
	count("failed logins", countFailedLogins)
	count("authentications", countAuths)
	count("failed authentications", countFailedAuths)
	count("privilege changes", countPrivileges)
	set("users", s.sets[setUsers])
	set("sessions", s.sessions)
	set("terminals", s.sets[setTerminals])
	set("hosts", s.sets[setHosts])
	set("executables", s.sets[setExecutables])
	set("commands", s.sets[setCommands])
	count("executions", countRuns)
	set("files", s.sets[setFiles])
	set("keys", s.sets[setKeys])
	set("processes", s.sets[setPIDs])
	containers := distinct(s.containers)
	row("containers", containers)
	row("pods", document.Amount{N: s.pods(k), About: containers.About})
	count("failed system calls", countFailedCalls)
	count("access decisions", countDecisions)
	count("MAC events", countMAC)
	count("anomalies", countAnomalies)
	count("responses", countResponses)
	count("alerts", countAlerts)
	count("crypto events", countCrypto)
	count("integrity events", countIntegrity)
	count("virtualization events", countVirt)
	count("losses", countLosses)
	count("records lost by the kernel", countKernelLost)
	count("serials that never came", countMissing)
	t.Total = document.Amount{N: uint64(len(t.Rows))}
	return t
}

// pods returns how many different pods the containers are of.
func (s *summary) pods(k *known) uint64 {
	pods := map[[2]string]bool{}
	for _, e := range s.containers.List() {
		if c := k.containerOf(e.Key); c.pod.text != "" {
			pods[[2]string{c.namespace.text, c.pod.text}] = true
		}
	}
	return uint64(len(pods))
}
