package format

import (
	"slices"

	"vigil/audit"
	"vigil/audit/tables"
)

// audit writes what the schema has no name for, but not the records.
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
	if f.hasExecve && !j.whole {
		o.raw("args_missing", "true")
	}
}

// records writes the records, those of one type in a list, by number of the type.
func (j *JSON) records(o *object) {
	records := j.facts.e.Records
	if len(records) == 0 {
		return
	}
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
		for i, words := range [...][]byte{verdict, perms} {
			j.outer.seen.add(j.avcNames[i])
			o.string(string(j.avcNames[i]), words)
		}
	}
	f := &j.facts
	f.beginRecord(r)
	s := &j.outer
	fs := r.Fields()
	for {
		fd, ok := fs.NextWord()
		if !ok {
			break
		}
		if inner := fd.FromProgram(); inner != (s == &j.inner) {
			if s = j.cross(o, s); inner {
				s.reset()
			}
		}
		switch {
		case fd.Name == nil:
			if verdict == nil {
				s.words = append(s.words, fd)
			}
			continue
		case r.Type == tables.TypeExecve && isArgument(fd.Name):
			continue
		case goesOn(fd):
			fd = goOn(fd, &fs)
		}
		f.take(fd)
		j.value(o, s, fd)
	}
	if s == &j.inner {
		s = j.cross(o, s)
	}
	fs = r.Extra()
	for fd, ok := fs.Next(); ok; fd, ok = fs.Next() {
		f.takeExtra(fd)
		j.value(o, s, fd)
	}
	f.endRecord()
	j.lists(o, s)
	o.close()
}

// cross goes from a record's own fields into those of its msg='...', or back.
func (j *JSON) cross(o *object, s *scope) *scope {
	if s == &j.outer {
		o.key("msg")
		o.open()
		return &j.inner
	}
	j.lists(o, s)
	o.close()
	return &j.outer
}

// goesOn reports whether the words behind a field belong to it: those of op= and
// text=, which programs write without quotes.
func goesOn(fd audit.Field) bool {
	switch string(fd.Name) {
	case "op", "text":
		return len(fd.Value) == 0 || fd.Value[0] != '"' && fd.Value[0] != '\''
	}
	return false
}

// goOn returns fd with the words behind it, and moves fs behind them.
func goOn(fd audit.Field, fs *audit.Fields) audit.Field {
	for {
		ahead := *fs
		word, ok := ahead.NextWord()
		if !ok || word.Name != nil || word.FromProgram() != fd.FromProgram() {
			return fd
		}
		fd = fd.Through(word)
		*fs = ahead
	}
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
	v, ok := fd.View()
	if !ok {
		j.text = fd.Text(j.text[:0])
		v = j.text
	} else if v == nil {
		o.b = append(o.b, "null"...)
		return
	}
	o.b = appendString(o.b, v)
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
