package form

import (
	"bytes"
	"fmt"
	"strconv"

	"vigil/audit"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/forward/format"
)

// column is a key of a line and the fields that it may come from: the first that an
// event has.
type column struct {
	key    string
	fields []string
}

// siem writes an event as a header and keys with values, in the manner of a product
// for security events.
type siem struct {
	env     *filter.Env
	columns []compiled
	head    func(dst []byte, e *audit.Event, s *siem) []byte
	escape  func(dst, value []byte) []byte
	between byte
	version string
	uid     []byte // of the next event; empty: it has none
	value   []byte
	kind    *filter.Format // of the event: execve, USER_LOGIN
	failed  *filter.Program
	text    *format.Text
}

type compiled struct {
	key     string
	formats []*filter.Format
}

// newSIEM compiles columns.
func newSIEM(c Config, columns []column) (*siem, error) {
	s := &siem{version: c.Version, text: format.NewText(format.TextConfig{Names: c.Names})}
	if s.version == "" {
		s.version = "0"
	}
	space := filter.NewSpace(field.Standard())
	for _, col := range columns {
		out := compiled{key: col.key}
		for _, name := range col.fields {
			f, err := space.ParseFormat("*%" + name)
			if err != nil {
				return nil, fmt.Errorf("make form: %w", err)
			}
			out.formats = append(out.formats, f)
		}
		s.columns = append(s.columns, out)
	}
	var err error
	if s.kind, err = space.ParseFormat("%evt.type"); err != nil {
		return nil, fmt.Errorf("make form: %w", err)
	}
	condition, err := filter.Parse("evt.failed = true or audit.result = failed")
	if err == nil {
		s.failed, err = space.Compile(condition)
	}
	if err != nil {
		return nil, fmt.Errorf("make form: %w", err)
	}
	s.env = space.NewEnv(field.Config{Names: c.Names})
	return s, nil
}

// Mark is for [format.Marker]: the uid stands in vigilUid, in GELF in _vigil_uid.
func (s *siem) Mark(uid []byte) { s.uid = append(s.uid[:0], uid...) }

// Append appends one line.
func (s *siem) Append(dst []byte, e *audit.Event) []byte {
	s.env.Load(e)
	dst = s.head(dst, e, s)
	first := len(s.uid) == 0
	if !first {
		dst = append(append(dst, "vigilUid="...), s.uid...)
		s.uid = s.uid[:0]
	}
	for i := range s.columns {
		value, ok := s.take(&s.columns[i])
		if !ok {
			continue
		}
		if !first {
			dst = append(dst, s.between)
		}
		first = false
		dst = append(append(dst, s.columns[i].key...), '=')
		dst = s.escape(dst, value)
	}
	return append(dst, '\n')
}

// missing is what a field without a value is printed as (sysdig's formats).
const missing = "<NA>"

// take returns the value of a column, valid until the next call.
func (s *siem) take(c *compiled) ([]byte, bool) {
	for _, f := range c.formats {
		s.value, _ = f.Append(s.value[:0], s.env)
		if len(s.value) > 0 && string(s.value) != missing {
			return s.value, true
		}
	}
	return nil, false
}

// class is the number by which severities begin: of a usual event, of one that failed,
// of one that says that something is wrong.
func (s *siem) severity(e *audit.Event) int {
	for _, r := range e.Records {
		switch t := r.Type; {
		case t >= 1700 && t <= 1799, t >= 2100 && t <= 2199: // ANOM_* (linux/audit.h)
			return 8
		case t >= 1400 && t <= 1599: // AVC and its like
			return 6
		}
	}
	if s.failed.Match(s.env) {
		return 5
	}
	return 3
}

// appendID appends what kind of event it is: "SYSCALL:execve", "USER_LOGIN".
func (s *siem) appendID(dst []byte, e *audit.Event) []byte {
	if len(e.Records) == 0 {
		return dst
	}
	start := len(dst)
	dst = e.Records[0].Type.AppendTo(dst)
	s.value, _ = s.kind.Append(s.value[:0], s.env)
	if len(s.value) > 0 && string(s.value) != missing && !bytes.EqualFold(s.value, dst[start:]) {
		dst = append(append(dst, ':'), s.value...)
	}
	return dst
}

// appendName appends what happened, in words.
func (s *siem) appendName(dst []byte, e *audit.Event) []byte {
	s.value = s.text.Append(s.value[:0], e)
	line := bytes.TrimSuffix(s.value, []byte{'\n'})
	// Without the time, which has a place of its own.
	for range 2 {
		if at := bytes.IndexByte(line, ' '); at >= 0 {
			line = line[at+1:]
		}
	}
	return append(dst, line[:min(len(line), maxName)]...)
}

// maxName bounds the words in a header.
const maxName = 200

// appendMillis appends the event's time in milliseconds since the epoch.
func appendMillis(dst []byte, id audit.ID) []byte {
	return strconv.AppendInt(dst, id.Sec*1000+int64(id.Milli), 10)
}
