package who

import (
	"slices"

	"vigil/enrich/attribution"
	"vigil/enrich/tree"
)

// said is what was last said of a process, and everything that it was made of: while all of that is the same, the same
// is said again. Containers, logins and exec sessions are replaced when more is learned of them, never changed.
type said struct {
	process   Process
	kin       []attribution.Process
	login     *attribution.Login
	container *attribution.Container
	entry     *attribution.Entry
	entries   uint64 // versions of the tables
	programs  uint64
	in        *place
	script    string
	ancestors []attribution.Ancestor
	text      []byte
}

// slots is how many processes' texts are kept: those of two whose numbers fall together displace each other.
const slots = 512

// again appends what there is to be said of w.p, which is known with its start, and w.kin.
func (w *Who) again(dst []byte, start int, now int64) []byte {
	s := &w.said[(w.p.PID*2654435761^uint32(w.p.Start>>10))%slots]
	if !w.holds(s, now) {
		w.attribute(now)
		w.keep(s)
	}
	if out, ok := w.cfg.Format.AppendRendered(dst, start, s.text); ok {
		return out
	}
	w.attribute(now)
	return w.cfg.Format.Append(dst, start, &w.a)
}

// holds reports whether s is still all that there is to say.
func (w *Who) holds(s *said, now int64) bool {
	if s.process != w.p || s.login != w.logins.Login(w.ses) || !slices.Equal(s.kin, w.kin) {
		return false
	}
	if s.in.inContainer && s.container != w.containers.Get(s.in.key, now) {
		return false
	}
	if s.entry != nil || s.entries != w.entries.Version() { // an exec session is in use as long as it is asked for
		if w.entries.Entry(&w.p.Process, w.kin) != s.entry {
			return false
		}
		s.entries = w.entries.Version()
	}
	if version := w.programs(); s.programs != version {
		w.lineage() // what was learned may be other processes'
		if s.script != w.a.Script || !slices.Equal(s.ancestors, w.a.Ancestors) {
			return false
		}
		s.programs = version
	}
	return true
}

// programs is the version of what is known of w.p's and its forebears' programs.
func (w *Who) programs() uint64 {
	return w.tree.Version(w.p.Process) + w.tree.Version(w.forebears()...)
}

// forebears are those of w.kin that are told.
func (w *Who) forebears() []attribution.Process {
	return w.kin[:min(len(w.kin), w.cfg.Format.Ancestors)]
}

// lineage is what a process's forebears run, which is the same for the next child of its parent's.
type lineage struct {
	kin       []attribution.Process
	relation  tree.Relation
	version   uint64
	ancestors []attribution.Ancestor
	text      []byte // nil: too long
}

// lineage fills in what w.p and its forebears run.
func (w *Who) lineage() {
	w.a.Script = ""
	if !w.q.Exec { // the program before is not what the record is about
		w.a.Script = w.tree.Script(&w.p.Process)
	}
	w.a.Ancestors, w.a.AncestorText = nil, nil
	kin := w.forebears()
	if len(kin) == 0 {
		return
	}
	s := &w.lineages[(kin[0].PID*2654435761^uint32(kin[0].Start>>10))%uint32(len(w.lineages))]
	relation, version := w.tree.Relation(&w.p.Process, &kin[0]), w.tree.Version(kin...)
	if s.relation != relation || s.version != version || !slices.Equal(s.kin, kin) {
		s.relation, s.version, s.kin = relation, version, append(s.kin[:0], kin...)
		s.ancestors = w.tree.Ancestors(s.ancestors[:0], &w.p.Process, kin)
		text, whole := w.cfg.Format.RenderAncestors(s.text[:0], s.ancestors)
		if s.text = text; !whole {
			s.text = nil
		}
	}
	w.a.Ancestors, w.a.AncestorText = s.ancestors, s.text
}

// keep notes in s what w.a says.
func (w *Who) keep(s *said) {
	s.process, s.login, s.container, s.entry, s.in = w.p, w.a.Login, w.a.Container, w.a.Entry, w.in
	s.kin = append(s.kin[:0], w.kin...)
	s.script, s.ancestors = w.a.Script, append(s.ancestors[:0], w.a.Ancestors...)
	s.entries, s.programs = w.versions.entries, w.versions.programs
	s.text = w.cfg.Format.Render(s.text[:0], &w.a)
}
