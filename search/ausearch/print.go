package ausearch

import (
	"time"

	"vigil/audit"
	"vigil/search/aulog"
	"vigil/search/auparse"
	"vigil/search/normal"
)

// printer prints events.
type printer struct {
	format   format
	escape   auparse.Escape
	location *time.Location
	buf      []byte

	interpreter *auparse.Interpreter
	record      auparse.Record
	normalizer  *normal.Normalizer
	auditEvent  audit.Event
	headed      bool // the csv format's header is out
}

func newPrinter(o *options, deps *Deps) *printer {
	p := &printer{format: o.format, escape: o.escape, location: deps.Location}
	if p.location == nil {
		p.location = time.UTC
	}
	p.interpreter = auparse.New(auparse.Config{
		Version: deps.Version, Escape: o.escape, Names: deps.Names, Location: p.location, Dates: deps.Locale,
	})
	if p.format == formatCSV || p.format == formatText {
		p.normalizer = normal.New(normal.Config{
			Interpreter: p.interpreter, Version: deps.Version, Location: p.location, Dates: deps.Locale,
			UserID:    func(name []byte) (uint32, bool) { return deps.UserByName(string(name)) },
			ExtraKeys: o.extraKeys, ExtraLabels: o.extraLabels, ExtraObj2: o.extraObj2, ExtraTime: o.extraTime,
		})
	}
	return p
}

// event returns what is printed for e, valid until the next call.
func (p *printer) event(e *aulog.Event) []byte {
	p.buf = p.buf[:0]
	switch p.format {
	case formatRaw:
		p.raw(e)
	case formatInterpret:
		p.interpret(e)
	case formatCSV:
		if !p.headed {
			p.buf = p.normalizer.AppendCSVHeader(p.buf)
			p.headed = true
		}
		e.AuditEvent(&p.auditEvent)
		p.buf = p.normalizer.AppendCSV(p.buf, &p.auditEvent)
	case formatText:
		e.AuditEvent(&p.auditEvent)
		p.buf = p.normalizer.AppendText(p.buf, &p.auditEvent)
	default:
		p.plain(e)
	}
	return p.buf
}

// raw prints the lines as they are.
func (p *printer) raw(e *aulog.Event) {
	for i := range e.Records {
		p.buf = e.Records[i].AppendLine(p.buf, e.Enriched)
		p.buf = append(p.buf, '\n')
	}
}

// plain prints the time, then the records, the last one first.
func (p *printer) plain(e *aulog.Event) {
	p.buf = append(p.buf, "----\ntime->"...)
	p.buf = time.Unix(e.ID.Sec, 0).In(p.location).AppendFormat(p.buf, "Mon Jan _2 15:04:05 2006\n")
	for i := len(e.Records) - 1; i >= 0; i-- {
		p.buf = p.escape.Append(p.buf, e.Records[i].Text)
		p.buf = append(p.buf, '\n')
	}
}

// interpret prints the records in words, the last one first.
func (p *printer) interpret(e *aulog.Event) {
	p.buf = append(p.buf, "----\n"...)
	for i := len(e.Records) - 1; i >= 0; i-- {
		rec, ok := e.Records[i].Audit()
		if !ok {
			p.buf = p.escape.Append(p.buf, e.Records[i].Text)
			p.buf = append(p.buf, '\n')
			continue
		}
		p.interpreter.Load(&p.record, rec)
		p.buf = p.interpreter.AppendLine(p.buf, &p.record)
		p.buf = append(p.buf, '\n')
	}
}
