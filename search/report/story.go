package report

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/report/document"
	"vigil/search/report/facts"
	"vigil/search/report/tally"
)

// target is whose story is told: of a session's number, or of a person.
type target struct {
	session string
	person  string
}

// setTarget checks what the report is to be of.
func (r *Report) setTarget() error {
	what := r.cfg.Target
	switch {
	case r.kind.Takes == "" && what != "":
		return fmt.Errorf("report %s takes no %q", r.kind.Name, what)
	case r.kind.Takes != "" && what == "":
		return fmt.Errorf("report %s needs %s", r.kind.Name, r.kind.Takes)
	case r.kind.Name == "session":
		n, err := strconv.ParseUint(what, 10, 32)
		if err != nil || n == facts.Unset {
			return fmt.Errorf("session %q is no number: `vigil report sessions` lists them", what)
		}
		r.target.session = strconv.FormatUint(n, 10)
	case r.kind.Name == "person":
		r.target.person = what
	}
	return nil
}

// step is one thing that somebody did.
type step struct {
	at        audit.ID
	last      audit.ID
	times     uint64 // how many alike followed one another, up to last
	auid, as  string // who logged in, and as whom he acted
	session   string
	node      string // "" if the records name none
	container string
	exec      string // exec session, "" for none
	kind      string
	text      string
	result    audit.Result
}

func earliestStep(a, b *step) int {
	return cmp.Or(compareIDs(a.at, b.at), strings.Compare(a.kind, b.kind), strings.Compare(a.text, b.text), strings.Compare(a.exec, b.exec),
		strings.Compare(a.node, b.node))
}

func (s *step) size() int {
	return 200 + len(s.text) + len(s.as) + len(s.exec) + len(s.container) + len(s.node)
}

// storyBound is what a story may keep. It is the only section of its report.
const (
	storySteps = 10000
	storyBytes = 3 << 20
)

// story tells what was done in a login session, or by a person, step by step. What
// happened in a container that was entered from there belongs to it: the exec
// session of the attribution says so, or, for runtimes that start the program in
// another session, a client's command line that names the container.
type story struct {
	report *Report
	own    *tally.List[step]
	// inside are the steps of exec sessions that are not known to be ours. Which are
	// is clear at the end.
	inside  *tally.List[step]
	execs   map[string]bool // exec sessions that are ours
	clients []client
	isHim   map[string]bool // whether the user of a number is the person, by the host's names
	line    []byte

	told    bool
	steps   []step
	remarks []string
}

// client is a command by which somebody may have entered a container.
type client struct {
	at   audit.ID
	node string
	args []string
}

const maxExecs = 4096

func makeStory(r *Report) section {
	limit := tally.Limit{Entries: storySteps, Bytes: storyBytes}
	if r.cfg.Bound != (tally.Limit{}) {
		limit = r.cfg.Bound
	}
	return &story{report: r, execs: map[string]bool{}, isHim: map[string]bool{},
		own: tally.NewList(limit, earliestStep, (*step).size), inside: tally.NewList(limit, earliestStep, (*step).size)}
}

func (s *story) add(m *moment) {
	if m.baseline {
		return
	}
	ours := s.isOurs(m)
	if !ours && m.ExecSession.Name == nil {
		return
	}
	kind, text, ok := s.describe(m)
	if !ok {
		return
	}
	st := step{at: m.at, last: m.at, times: 1, auid: string(m.AUID.Value), node: clip(m.Event.Node), kind: kind, text: text, result: m.Result}
	if m.failed && !m.HasCall() {
		st.text += " (failed)"
	}
	if _, ok := facts.Number(m.Session); ok {
		st.session = string(m.Session.Value)
	}
	if m.HasCall() && m.Main == m.Subject && !bytes.Equal(m.EUID.Value, m.AUID.Value) {
		st.as = string(m.EUID.Value)
	}
	if m.ContainerID.Name != nil {
		st.container = clip(m.Name(m.ContainerID))
	} else if m.ExecContainer.Name != nil {
		st.container = clip(m.Name(m.ExecContainer))
	}
	if m.ExecSession.Name != nil {
		st.exec = clip(m.Name(m.ExecSession))
	}
	if !ours {
		s.inside.Add(st)
		return
	}
	if st.exec != "" && len(s.execs) < maxExecs {
		s.execs[st.exec] = true
	}
	if m.exec && len(s.clients) < maxExecs {
		s.client(m)
	}
	s.own.Add(st)
}

// isOurs reports whether the event is of the session or the person.
func (s *story) isOurs(m *moment) bool {
	t := &s.report.target
	if t.session != "" {
		return string(m.Session.Value) == t.session
	}
	if string(m.AUID.Value) == t.person || m.AUIDName.Name != nil && string(m.Known(m.AUIDName)) == t.person ||
		m.LoginUser.Name != nil && string(m.Name(m.LoginUser)) == t.person {
		return true
	}
	if _, ok := facts.Number(m.AUID); !ok {
		// Nobody is logged in yet: somebody tries to be him.
		return (isLogin(m.Type) || isAuthentication(m.Type)) && string(account(m)) == t.person
	}
	if s.report.cfg.Names == nil || m.AUIDName.Name != nil {
		return false
	}
	him, asked := s.isHim[string(m.AUID.Value)]
	if !asked && len(s.isHim) < maxExecs {
		if n, ok := facts.Number(m.AUID); ok {
			name, _ := s.report.cfg.Names.User(uint32(n))
			him = name == t.person
		}
		s.isHim[string(m.AUID.Value)] = him
	}
	return him
}

// client takes note of a command that enters containers.
func (s *story) client(m *moment) {
	switch string(base(m.Known(m.Exe))) {
	case "docker", "podman", "podman-remote", "nerdctl", "kubectl", "crictl", "ctr", "runc", "crun", "lxc-attach", "machinectl", "nsenter":
		args := m.Args().Strings()
		for i := range args {
			args[i] = clip([]byte(args[i]))
		}
		s.clients = append(s.clients, client{m.at, clip(m.Event.Node), args[:min(len(args), 64)]})
	}
}

func (s *story) merge(from section) {
	f := from.(*story)
	s.own.Merge(f.own)
	s.inside.Merge(f.inside)
	for id := range f.execs {
		s.execs[id] = true
	}
	s.clients = append(s.clients, f.clients...)
}

// joinWithin is how many seconds after a client's start the exec session that it
// asked for begins at most.
const joinWithin = 10

// enter finds the exec sessions that clients of ours began: those in a container
// that the client names, within ten seconds. It returns the notes that say so.
func (s *story) enter(k *known) (notes []string) {
	slices.SortFunc(s.clients, func(a, b client) int { return compareIDs(a.at, b.at) })
	seen := map[string]bool{}
	for _, st := range s.inside.Items() {
		if s.execs[st.exec] || seen[st.exec] || st.container == "" {
			continue
		}
		seen[st.exec] = true // only its first step tells when it began
		c := k.containerOf(st.container)
		for _, cl := range s.clients {
			if cl.node != st.node || st.at.Sec < cl.at.Sec || st.at.Sec-cl.at.Sec > joinWithin || !slices.ContainsFunc(cl.args[min(1, len(cl.args)):], func(arg string) bool {
				return arg != "" && (arg == c.name.text || arg == c.pod.text || arg == st.container || len(arg) >= 6 && strings.HasPrefix(st.container, arg))
			}) {
				continue
			}
			s.execs[st.exec] = true
			notes = append(notes, fmt.Sprintf("what happened in %s after %s is told here because `%s` named the container then",
				k.containerName(st.container), st.at.Time().UTC().Format("15:04:05 MST"), clip([]byte(strings.Join(cl.args, " ")))))
			break
		}
	}
	return notes
}

// tell puts the steps in order once all have come, those alike that follow one
// another as one, and finds what must be said of them.
func (s *story) tell(k *known) {
	if s.told {
		return
	}
	s.told = true
	s.remarks = s.enter(k)
	all := s.own.Items()
	for _, st := range s.inside.Items() {
		if s.execs[st.exec] {
			all = append(all, st)
		}
	}
	slices.SortFunc(all, earliestStep)
	for _, st := range all {
		if n := len(s.steps); n > 0 && alike(&s.steps[n-1], st) {
			s.steps[n-1].times++
			s.steps[n-1].last = st.at
			continue
		}
		s.steps = append(s.steps, *st)
	}
	if n := s.own.Dropped() + s.inside.Dropped(); n > 0 {
		s.remarks = append(s.remarks, document.Group(n)+" later steps were left out, to keep memory bounded; --since and --filter lead to them")
	}
}

func alike(a, b *step) bool {
	return a.kind == b.kind && a.text == b.text && a.as == b.as && a.session == b.session && a.node == b.node && a.container == b.container && a.result == b.result &&
		a.kind != "login" && a.kind != "logout"
}

func (s *story) table(r *Report, k *known) document.Table {
	s.tell(k)
	again := slices.ContainsFunc(s.steps, func(st step) bool { return st.times > 1 })
	t := document.Table{Columns: []document.Column{{Name: "time", Kind: document.Time}, {Name: "session", Aside: s.report.target.session != ""},
		{Name: "node"}, {Name: "kind"}, {Name: "step", Kind: document.Wide}, {Name: "times", Kind: document.Number, Aside: !again}, {Name: "as"},
		{Name: "container"}, {Name: "result", Kind: document.Result, Aside: true}, {Name: "event", Aside: true}}}
	node := func(*step) string { return "" } // of one host it goes without saying
	if slices.ContainsFunc(s.steps, func(st step) bool { return st.node != s.steps[0].node }) {
		node = func(st *step) string { return st.node }
	}
	t.Empty = "the log has nothing of session " + r.target.session
	if r.target.person != "" {
		t.Empty = "the log has nothing of " + r.target.person
	}
	for i := range s.steps {
		st := &s.steps[i]
		t.Rows = append(t.Rows, []document.Value{document.TimeValue(st.at.Time()), document.TextValue(st.session), document.TextValue(node(st)), document.TextValue(st.kind),
			document.TextValue(st.text), document.NumberValue(st.times), document.TextValue(k.whoName(r, st.as)),
			document.TextValue(k.whereName(st.container)), resultValue(st.result), document.TextValue(st.at.String())})
	}
	t.Total = document.Amount{N: uint64(len(t.Rows)) + s.own.Dropped()}
	return t
}

// title says whose story it is.
func (s *story) title(r *Report, k *known) string {
	if r.target.person != "" {
		return "What " + r.target.person + " did"
	}
	who := map[string]bool{}
	var names []string
	for _, st := range s.own.Items() {
		if name := k.whoName(r, st.auid); name != "" && name != "unset" && !who[name] && len(who) < 5 {
			who[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "Session " + r.target.session
	}
	return "Session " + r.target.session + " of " + strings.Join(names, ", ")
}

// span makes d's time and number of events those of the story: the others are of
// the whole log.
func (s *story) span(d *document.Document) {
	d.Events, d.From, d.To = 0, time.Time{}, time.Time{}
	for i := range s.steps {
		d.Events += s.steps[i].times
	}
	if n := len(s.steps); n > 0 {
		d.From, d.To = s.steps[0].at.Time(), s.steps[n-1].last.Time()
	}
}

func (s *story) notes() []string { return s.remarks }

// describe says in words what an event tells; false for what only repeats others.
func (s *story) describe(m *moment) (kind, text string, ok bool) {
	program := string(base(m.Known(m.Exe)))
	whom := string(account(m))
	switch m.Type {
	case tables.TypeCredAcq, tables.TypeCredDisp, tables.TypeCredRefr, tables.TypeUserAcct, tables.TypeLedger, tables.TypeContainer:
		return "", "", false
	case tables.TypeLogin:
		return "login", "session begins", true
	case tables.TypeUserLogin:
		return "login", words("logs in", "as", whom, "from", string(from(m)), "on", string(terminal(m)), "by", program), true
	case tables.TypeUserStart:
		return "login", words("session opened", "for", whom, "on", string(terminal(m)), "by", program), true
	case tables.TypeUserEnd:
		return "logout", words("session closed", "for", whom, "on", string(terminal(m)), "by", program), true
	case tables.TypeUserLogout:
		return "logout", words("logs out", "on", string(terminal(m)), "by", program), true
	case tables.TypeUserAuth, tables.TypeGrpAuth:
		return "auth", words("authenticates", "as", whom, "from", string(from(m)), "by", program), true
	case tables.TypeUserCmd:
		return program, words(string(m.Known(m.Cmd)), "in", string(m.Known(m.Cwd))), true
	case tables.TypeTTY, tables.TypeUserTTY:
		f, _ := m.Main.Get("data")
		return "typed", clip(m.Text(f)), true
	case tables.TypeRespAlert:
		var output []byte
		alerts().pick(m, func(w row) { output = []byte(w.cells[0] + ": " + w.cells[2]) })
		return "alert", clip(output), true
	case tables.TypeAVC, tables.TypeUserAVC, tables.TypeLandlockAccess:
		w := decision(m, m.Main)
		return "denied", words(strings.TrimSpace(w.cells[0]+" "+w.cells[3]), "of", w.cells[2], "by", w.cells[1]), true
	}
	switch {
	case isAccountChange(m.Type):
		return "account", words(strings.TrimSpace(string(m.Operation())), "of", whom, "by", program), true
	case isConfiguration(m.Type):
		return "config", clip(m.Details(nil)), true
	case isAnomaly(m.Type):
		return "anomaly", m.Type.String() + " " + clip(m.Details(nil)), true
	case m.IsExec():
		return "exec", s.executed(m) + reason(m), true
	case m.HasCall() && m.Main == m.Subject:
		kind, text := m.Deed()
		return kind, clip([]byte(text)) + reason(m), true
	}
	return "other", m.Type.String() + " " + clip(m.Details(nil)), true
}

// executed returns the command line, and of one that failed the file that was to be
// executed: the process still is what it was, and its title and arguments are.
func (s *story) executed(m *moment) string {
	if m.exec {
		s.line = m.CommandLine(s.line[:0])
		return clip(s.line)
	}
	name := m.Known(m.Comm)
	first := true
	m.Paths(func(p facts.Path) {
		if first {
			name, first = p.Name, false
		}
	})
	return clip(name)
}

// words joins a beginning and pairs of a word and what comes behind it, of which
// those are left out that are empty.
func words(begin string, pairs ...string) string {
	var b strings.Builder
	b.WriteString(begin)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(" " + pairs[i] + " " + pairs[i+1])
		}
	}
	return clip([]byte(b.String()))
}

// reason says why a call failed.
func reason(m *moment) string {
	if !m.failed {
		return ""
	}
	if name, ok := tables.ErrnoName(m.Exit.Errno()); ok {
		return " (" + name + ")"
	}
	return ""
}
