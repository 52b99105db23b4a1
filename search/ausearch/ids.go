package ausearch

import (
	"math"
	"strings"

	"vigil/search/aulog"
)

// idCriterion returns the options that compare a user's or a group's id. The
// words in the complaints about -ui and -ue are stock's, which has them the
// wrong way round.
func idCriterion(name string) (option, bool) {
	person := func(words string, want aulog.Want, set func(*query, user)) (option, bool) {
		return option{word, func(p *parser, arg string) error {
			u, err := p.user(arg, words)
			if err != nil {
				return err
			}
			set(&p.opts.query, u)
			p.opts.query.set(want, u.id != aulog.Unset) // to which stock compares nothing
			return nil
		}}, true
	}
	group := func(words string, want aulog.Want, set func(*query, uint32)) (option, bool) {
		return option{word, func(p *parser, arg string) error {
			id, err := p.group(arg, words)
			if err != nil {
				return err
			}
			set(&p.opts.query, id)
			p.opts.query.set(want, id != aulog.Unset) // to which stock compares nothing
			return nil
		}}, true
	}
	switch name {
	case "-ua", "--uid-all":
		return person("User", aulog.WantAllUIDs, func(q *query, u user) { q.uid, q.euid, q.loginUID, q.anyUID = u, u, u, u.id != aulog.Unset })
	case "-ui", "--uid":
		return person("Effective user", aulog.WantUID, func(q *query, u user) { q.uid = u })
	case "-ue", "--uid-effective":
		return person("User", aulog.WantEUID, func(q *query, u user) { q.euid = u })
	case "-ul", "--loginuid":
		return option{signed, (*parser).loginUID}, true
	case "-ga", "--gid-all":
		return group("Group", aulog.WantAllGIDs, func(q *query, id uint32) { q.gid, q.egid, q.anyGID = id, id, id != aulog.Unset })
	case "-gi", "--gid":
		return group("Group", aulog.WantGID, func(q *query, id uint32) { q.gid = id })
	case "-ge", "--gid-effective":
		return group("Effective group", aulog.WantEGID, func(q *query, id uint32) { q.egid = id })
	}
	return option{}, false
}

func (p *parser) loginUID(arg string) error {
	q := &p.opts.query
	digits, negative := strings.CutPrefix(arg, "-")
	switch {
	case negative && leadingDigits(digits):
		v, ok := p.integer(digits, math.MaxUint32)
		if !ok {
			return argErrorf("Numeric user ID conversion error (%s) for %s", p.why(arg), arg)
		}
		q.loginUID = user{id: uint32(-v)}
	default:
		u, err := p.user(arg, "Login user")
		if err != nil {
			return err
		}
		q.loginUID = u
	}
	q.set(aulog.WantLoginUID, q.loginUID.id != aulog.NotFound)
	return nil
}

// user makes a number of what names a user.
func (p *parser) user(arg, words string) (user, error) {
	if leadingDigits(arg) {
		v, ok := p.integer(arg, math.MaxUint32)
		if !ok {
			return user{}, argErrorf("Numeric user ID conversion error (%s) for %s", p.why(arg), arg)
		}
		return user{id: uint32(v)}, nil
	}
	id, ok := p.deps.UserByName(arg)
	if !ok {
		return user{}, argErrorf("%s ID is non-numeric and unknown (%s)", words, arg)
	}
	if p.dialect == aulog.Audit4 {
		return user{id: id}, nil
	}
	p.opts.query.want |= aulog.WantNames
	return user{id: id, name: arg}, nil
}

// group makes a number of what names a group.
func (p *parser) group(arg, words string) (uint32, error) {
	if leadingDigits(arg) {
		v, ok := p.integer(arg, math.MaxUint32)
		if !ok {
			return 0, argErrorf("Numeric group ID conversion error (%s) for %s", p.why(arg), arg)
		}
		return uint32(v), nil
	}
	id, ok := p.deps.GroupByName(arg)
	if !ok {
		return 0, argErrorf("%s ID is non-numeric and unknown (%s)", words, arg)
	}
	return id, nil
}
