package format

import (
	"hash/maphash"
	"slices"

	"vigil/audit"
	"vigil/audit/tables"
)

// audit writes what the schema has no name for, and every record.
func (j *JSON) audit(o *object) {
	f := &j.facts
	o.key("end")
	o.b = append(o.b, '"')
	o.b = append(o.b, f.e.End.String()...)
	o.b = append(o.b, '"')
	if len(f.e.Records) == 0 {
		return
	}
	if (identity{number: f.ses.Value}).known() {
		o.string("session", f.ses.Value)
	}
	if f.arch != 0 && f.arch.Known() {
		o.key("arch")
		o.b = append(o.b, '"')
		o.b = append(o.b, f.arch.String()...)
		o.b = append(o.b, '"')
	}
	if f.call != "" {
		key := "syscall"
		if f.main.Type == tables.TypeUringOp {
			key = "uring_op"
		}
		o.key(key)
		o.b = append(o.b, '"')
		o.b = append(o.b, f.call...)
		o.b = append(o.b, '"')
	}
	if f.hasExecve && !f.e.Args(&j.args) {
		o.raw("args_missing", "true")
	}
	j.records(o)
}

// records writes the records, those of one type in a list, by number of the type.
func (j *JSON) records(o *object) {
	records := j.facts.e.Records
	j.order = j.order[:0]
	sorted := true
	for i := range records {
		sorted = sorted && (i == 0 || records[i-1].Type <= records[i].Type)
		j.order = append(j.order, int32(i))
	}
	if !sorted {
		slices.SortStableFunc(j.order, func(a, b int32) int { return int(records[a].Type) - int(records[b].Type) })
	}
	o.key("records")
	o.open()
	for n, i := range j.order {
		r := &records[i]
		if n == 0 || records[j.order[n-1]].Type != r.Type {
			if n > 0 {
				o.closeList()
			}
			o.comma()
			o.b = append(o.b, '"')
			o.b = r.Type.AppendTo(o.b)
			o.b = append(o.b, '"', ':')
			o.list()
		}
		o.comma()
		j.record(o, r)
	}
	o.closeList()
	o.close()
}

// scope is an object of fields being written.
type scope struct {
	seen  seen
	words []audit.Field // that belong to no field
	again []audit.Field // whose name the object has already
}

func (s *scope) reset() {
	s.seen.reset()
	s.words, s.again = s.words[:0], s.again[:0]
}

// record writes the fields of a record.
func (j *JSON) record(o *object, r *audit.Record) {
	o.open()
	j.outer.reset()
	verdict, perms := r.AVC()
	if verdict != nil {
		// "avc:  denied  { read } for", under ausearch's names for its parts.
		o.string("seresult", verdict)
		o.string("seperms", perms)
		j.outer.seen.add([]byte("seresult"))
		j.outer.seen.add([]byte("seperms"))
	}
	s := &j.outer
	var held audit.Field
	fs := r.Fields()
	for {
		fd, ok := fs.NextWord()
		inner := ok && fd.FromProgram()
		if held.Name != nil && (!ok || fd.Name != nil || inner != held.FromProgram()) {
			j.value(o, s, held)
			held = audit.Field{}
		}
		switch {
		case inner && s == &j.outer:
			s = &j.inner
			s.reset()
			o.key("msg")
			o.open()
		case !inner && s == &j.inner:
			j.lists(o, s)
			o.close()
			s = &j.outer
		}
		switch {
		case !ok:
			fs = r.Extra()
			for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
				j.value(o, s, fd)
			}
			j.lists(o, s)
			o.close()
			return
		case fd.Name != nil:
			if held = fd; r.Type == tables.TypeExecve && isArgument(fd.Name) {
				held.Name = nil
			}
		case held.Name != nil && goesOn(held):
			held = held.Through(fd)
		case verdict == nil:
			s.words = append(s.words, fd)
		}
	}
}

// goesOn reports whether the words behind a field belong to it: those of op= and
// text=, which programs write without quotes.
func goesOn(fd audit.Field) bool {
	if len(fd.Value) > 0 && (fd.Value[0] == '"' || fd.Value[0] == '\'') {
		return false
	}
	return string(fd.Name) == "op" || string(fd.Name) == "text"
}

// value writes a field, or keeps it for the list "again".
func (j *JSON) value(o *object, s *scope, fd audit.Field) {
	if !s.seen.add(fd.Name) {
		s.again = append(s.again, fd)
		return
	}
	o.comma()
	o.b = appendString(o.b, fd.Name)
	o.b = append(o.b, ':')
	if fd.IsNull() {
		o.b = append(o.b, "null"...)
		return
	}
	j.text = fd.Text(j.text[:0])
	o.b = appendString(o.b, j.text)
}

// isArgument reports whether an EXECVE field is an argument, which process.args
// has.
func isArgument(name []byte) bool {
	return len(name) > 1 && name[0] == 'a' && name[1]-'0' <= 9
}

// lists writes what the fields of an object leave over.
func (j *JSON) lists(o *object, s *scope) {
	if len(s.again) > 0 {
		o.key("again")
		o.list()
		for _, fd := range s.again {
			j.text = append(append(j.text[:0], fd.Name...), '=')
			j.text = fd.Text(j.text)
			o.item(j.text)
		}
		o.closeList()
	}
	if len(s.words) > 0 {
		o.key("words")
		o.list()
		for _, fd := range s.words {
			o.item(fd.Value)
		}
		o.closeList()
	}
}

// seen is the set of the names in an object. Forgetting them costs nothing, and
// names cannot be chosen to collide.
type seen struct {
	seed  maphash.Seed
	table []seenName
	round uint32
	n     int
}

type seenName struct {
	hash  uint64
	round uint32
}

// reset forgets all names but those that the encoder uses itself. A table that a
// hostile record has made large is not kept.
func (s *seen) reset() {
	if s.table == nil || len(s.table) > 1<<12 {
		s.table = make([]seenName, 128)
		s.round = 0
	}
	if s.round++; s.round == 0 {
		clear(s.table)
		s.round = 1
	}
	s.n = 0
	for _, name := range [...]string{"again", "words", "msg"} {
		s.addHash(maphash.String(s.seed, name))
	}
}

// add adds a name and reports whether it is new. Two names that share a hash of
// 64 bits, whose seed nobody knows, count as one.
func (s *seen) add(name []byte) bool { return s.addHash(maphash.Bytes(s.seed, name)) }

func (s *seen) addHash(hash uint64) bool {
	mask := uint64(len(s.table) - 1)
	i := hash & mask
	for s.table[i].round == s.round {
		if s.table[i].hash == hash {
			return false
		}
		i = (i + 1) & mask
	}
	s.table[i] = seenName{hash, s.round}
	if s.n++; s.n > len(s.table)/2 {
		s.grow()
	}
	return true
}

func (s *seen) grow() {
	old := s.table
	s.table = make([]seenName, 2*len(old))
	mask := uint64(len(s.table) - 1)
	for _, e := range old {
		if e.round != s.round {
			continue
		}
		i := e.hash & mask
		for s.table[i].round == s.round {
			i = (i + 1) & mask
		}
		s.table[i] = e
	}
}
