package who

import (
	"slices"

	"vigil/enrich/attribution"
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
	if version := w.tree.Version(); s.programs != version {
		// Programs are learned all the time, and nearly all are other processes'.
		w.lineage()
		if s.script != w.a.Script || !slices.Equal(s.ancestors, w.a.Ancestors) {
			return false
		}
		s.programs = version
	}
	return true
}

// keep notes in s what w.a says.
func (w *Who) keep(s *said) {
	s.process, s.login, s.container, s.entry, s.in = w.p, w.a.Login, w.a.Container, w.a.Entry, w.in
	s.kin = append(s.kin[:0], w.kin...)
	s.script, s.ancestors = w.a.Script, append(s.ancestors[:0], w.a.Ancestors...)
	s.entries, s.programs = w.versions.entries, w.versions.programs
	s.text = w.cfg.Format.Render(s.text[:0], &w.a)
}
