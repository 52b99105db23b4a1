package redact

import (
	"bytes"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/forward/form/auoms"
)

// piece is a value, or a part of one, in a record.
type piece struct {
	record int
	extra  bool // in the enrichment
	off    int  // of its first character that counts
	size   int  // of all of it, with quotes
	whole  int  // offset of all of it
	hex    bool // two digits a byte
	start  int  // in the unit's text
	n      int  // bytes of text
}

// unit is a command line in one text and where it comes from.
type unit struct {
	text   []byte // a space between arguments
	mask   []byte // what each byte is overwritten with, 0: nothing
	pieces []piece
	words  []int // where arguments end
	quoted []byte
	from   []int32 // the byte of text that each of quoted stands for
}

func (u *unit) reset() {
	u.text, u.mask, u.pieces, u.words = u.text[:0], u.mask[:0], u.pieces[:0], u.words[:0]
}

// isCommand reports whether the value of a field is a command line, or has one in it.
func isCommand(t tables.Type, name []byte) bool {
	switch string(name) {
	case "cmd":
		return true
	case "data":
		return t == tables.TypeTTY || t == tables.TypeUserTTY
	case "output":
		return t == tables.TypeRespAlert
	}
	return false
}

// isParents reports whether a field of the enrichment is the command line of a parent:
// P1_ARGS.
func isParents(name []byte) bool {
	return len(name) > len("P_ARGS") && name[0] == 'P' && bytes.HasSuffix(name, []byte("_ARGS"))
}

// isArgument reports whether a field of EXECVE is an argument, or a piece of one;
// first says that an argument begins with it.
func isArgument(name []byte) (first, ok bool) {
	if len(name) < 2 || name[0] != 'a' || name[1] < '0' || name[1] > '9' {
		return false, false
	}
	if bytes.HasSuffix(name, []byte("_len")) {
		return false, false
	}
	at := bytes.IndexByte(name, '[')
	return at < 0 || bytes.Equal(name[at:], []byte("[0]")), true
}

// add adds a value to the unit; false if its place cannot be told.
func (u *unit) add(i int, extra bool, text []byte, f audit.Field) bool {
	off := cap(text) - cap(f.Value) // a view shares the end of what it is of
	if len(f.Value) == 0 {
		return true
	}
	if off < 0 || off+len(f.Value) > len(text) || &text[off] != &f.Value[0] {
		return false
	}
	p := piece{record: i, extra: extra, off: off, whole: off, size: len(f.Value), start: len(u.text)}
	v := f.Value
	if n := len(v); n >= 2 && v[0] == '"' && v[n-1] == '"' {
		p.off++
		u.text = append(u.text, v[1:n-1]...)
	} else if decoded, ok := audit.AppendUnhex(u.text, v); ok {
		p.hex = true
		u.text = decoded
	} else {
		u.text = append(u.text, v...)
	}
	p.n = len(u.text) - p.start
	u.pieces = append(u.pieces, p)
	return true
}

// commandLines redacts all command lines of the event by the rules.
func (r *Redactor) commandLines() {
	if len(r.rules) == 0 && r.all == nil {
		return
	}
	r.arguments()
	for i := range r.event.Records {
		record := r.event.Records[i]
		switch record.Type {
		case tables.TypeExecve, tables.TypeCWD, tables.TypePath, tables.TypeSockaddr, tables.TypeProctitle:
		default:
			r.values(i, false, record.Body, record.Fields(), func(name []byte) bool { return isCommand(record.Type, name) })
		}
		if len(record.Enrichment) > 0 {
			r.values(i, true, record.Enrichment, record.Extra(), isParents)
		}
	}
}

// values redacts those fields that are wanted.
func (r *Redactor) values(i int, extra bool, text []byte, fs audit.Fields, want func([]byte) bool) {
	for f, ok := nextWhole(&fs); ok; f, ok = nextWhole(&fs) {
		if !want(f.Name) {
			continue
		}
		r.unit.reset()
		if !r.unit.add(i, extra, text, f) {
			r.blank(i, extra)
			return
		}
		r.apply()
	}
}

// nextWhole is Next with the words behind a value that has no quotes: programs write
// command lines so, too.
func nextWhole(fs *audit.Fields) (audit.Field, bool) {
	f, ok := fs.Next()
	if !ok || len(f.Value) == 0 || f.Value[0] == '"' {
		return f, ok
	}
	for {
		ahead := *fs
		word, ok := ahead.NextWord()
		if !ok || word.Name != nil {
			return f, true
		}
		f, *fs = f.Through(word), ahead
	}
}

// arguments redacts EXECVE and PROCTITLE. What is found in the one counts for the other,
// which holds the first bytes of the same.
func (r *Redactor) arguments() {
	u := &r.unit
	u.reset()
	for i := range r.event.Records {
		record := &r.event.Records[i]
		if record.Type != tables.TypeExecve {
			continue
		}
		fs := record.Fields()
		for f, ok := fs.Next(); ok; f, ok = fs.Next() {
			first, is := isArgument(f.Name)
			if !is {
				continue
			}
			if first && len(u.pieces) > 0 {
				u.words = append(u.words, len(u.text))
				u.text = append(u.text, ' ')
			}
			if !u.add(i, false, record.Body, f) {
				r.blank(i, false)
				return
			}
		}
	}
	u.words = append(u.words, len(u.text))
	begin := len(u.text)
	titles := len(u.pieces)
	for i := range r.event.Records {
		record := &r.event.Records[i]
		if record.Type != tables.TypeProctitle {
			continue
		}
		if f, ok := record.Get("proctitle"); ok && !f.IsNull() {
			u.text = append(u.text, '\n') // no expression is to go over it
			if !u.add(i, false, record.Body, f) {
				r.blank(i, false)
				return
			}
		}
	}
	r.title(begin, titles)
}

// title splits what arguments has gathered, and redacts both.
func (r *Redactor) title(begin, titles int) {
	u := &r.unit
	all, pieces, words := u.text, u.pieces, u.words
	r.line = r.line[:0]
	var names []byte
	if titles > 0 {
		u.text, u.pieces = all[:begin], pieces[:titles]
		r.apply()
		r.line = append(r.line, u.mask...)
		names = r.changed[pieces[0].record].names
	}
	for k := titles; k < len(pieces); k++ {
		p := &pieces[k]
		title := all[p.start : p.start+p.n]
		u.text, u.words, u.pieces = title, words[:0], pieces[k:k+1]
		p.start = 0
		for at, c := range title {
			if c == 0 {
				title[at] = ' '
				u.words = append(u.words, at)
			}
		}
		u.words = append(u.words, len(title))
		if bytes.HasPrefix(all[:begin], title) {
			r.applyWith(r.line[:min(len(title), len(r.line))], names)
		} else {
			r.apply()
		}
	}
	u.text, u.pieces, u.words = all, pieces, words
}

// apply runs the rules over the unit and writes what they find into the records.
func (r *Redactor) apply() { r.applyWith(nil, nil) }

// applyWith also overwrites what another mask says, of rules with the names.
func (r *Redactor) applyWith(also, names []byte) {
	u := &r.unit
	if len(u.text) == 0 {
		return
	}
	u.mask = append(u.mask[:0], make([]byte, len(u.text))...)
	switch {
	case r.all != nil:
		r.hit(cmdlineField)
		fill(u.mask, '*')
	case len(u.text) > MaxText:
		r.hit(tooLong)
		fill(u.mask, '*')
	default:
		r.match()
	}
	other := false
	for i, c := range also {
		if c != 0 && u.mask[i] == 0 {
			u.mask[i], other = c, true
		}
	}
	if other {
		for name := range bytes.SplitSeq(names, []byte{','}) {
			r.hit(string(name))
		}
	}
	for _, p := range u.pieces {
		r.patch(&p)
	}
}

// hit notes that a rule has matched in the unit.
func (r *Redactor) hit(name string) {
	last := -1
	for _, p := range r.unit.pieces {
		if p.record != last {
			r.name(p.record, name)
			last = p.record
		}
	}
}

// match runs all rules over the text as it is and as auoms quotes it.
func (r *Redactor) match() {
	u := &r.unit
	quoted := u.quote()
	for i := range r.rules {
		rule := &r.rules[i]
		found := rule.mark(u.text, func(from, to int) { fill(u.mask[from:to], rule.char) })
		if quoted && rule.mark(u.quoted, func(from, to int) {
			fill(u.mask[u.from[from]:u.from[to-1]+1], rule.char)
		}) {
			found = true
		}
		if found {
			r.hit(rule.name)
		}
	}
}

// mark calls each for all that the rule overwrites, and reports whether it matches.
func (r *rule) mark(text []byte, each func(from, to int)) bool {
	if !r.regex.Match(text) { // does not allocate
		return false
	}
	for _, m := range r.regex.FindAllSubmatchIndex(text, -1) {
		groups := m[2:]
		if len(groups) == 0 {
			groups = m
		}
		for g := 0; g < len(groups); g += 2 {
			if groups[g] >= 0 && groups[g] < groups[g+1] {
				each(groups[g], groups[g+1])
			}
		}
	}
	return true
}

// quote writes the arguments as auoms does; false if that is how they are.
func (u *unit) quote() bool {
	if len(u.words) == 0 || len(u.text) > MaxText {
		return false
	}
	u.quoted, u.from = u.quoted[:0], u.from[:0]
	begin := 0
	for _, end := range u.words {
		if begin > 0 {
			u.quoted, u.from = append(u.quoted, ' '), append(u.from, int32(begin-1))
		}
		at := len(u.quoted)
		u.quoted = auoms.AppendWord(u.quoted, u.text[begin:end])
		u.align(u.quoted[at:], begin, end)
		begin = end + 1
	}
	return !bytes.Equal(u.quoted, u.text)
}

// align says of each byte of a quoted word for which of the text it stands.
func (u *unit) align(word []byte, begin, end int) {
	last := int32(max(end-1, begin))
	at := int32(begin)
	note := func(n int) {
		for range n {
			u.from = append(u.from, min(at, last))
		}
	}
	ansi := bytes.HasPrefix(word, []byte("$'"))
	single := !ansi && len(word) > 0 && word[0] == '\''
	i := 0
	switch {
	case ansi:
		i = 2
	case single, len(word) > 0 && word[0] == '"':
		i = 1
	}
	note(i)
	for i < len(word) {
		n := 1
		if word[i] == '\\' && !single {
			n = 2
			if ansi && i+1 < len(word) && word[i+1] == 'x' {
				n = 4
			}
		}
		n = min(n, len(word)-i)
		note(n)
		at++
		i += n
	}
}

// patch overwrites what the mask says of a piece.
func (r *Redactor) patch(p *piece) {
	u := &r.unit
	mask := u.mask[p.start : p.start+p.n]
	if len(bytes.Trim(mask, "\x00")) == 0 {
		return
	}
	r.stats.values.Add(1)
	body := r.text(p.record, p.extra)
	const digits = "0123456789ABCDEF"
	for i, c := range mask {
		switch {
		case c == 0:
		case p.hex:
			if at := p.off + 2*i; string(body[at:at+2]) != "00" { // it divides arguments
				body[at], body[at+1] = digits[c>>4], digits[c&15]
			}
		default:
			body[p.off+i] = c
		}
	}
}
