// Package output turns the lines of a trail into what people and programs read:
// lines become records, records events, events text or JSON. `vigil run` prints
// its own trail with it, `vigil replay` any audit log.
package output

import (
	"fmt"
	"io"
	"time"

	"vigil/audit"
	"vigil/enrich/attribution"
	"vigil/forward/format"
)

// Stats says what a Printer has seen.
type Stats struct {
	Lines   uint64 // lines read
	Records uint64 // of them, audit records
	Events  uint64 // events printed
	Skipped uint64 // lines that are no audit record
	Bytes   uint64 // bytes printed
}

// Printer prints the events of a stream of lines. It gathers its output: call
// Flush when nothing more is to come for a while. Calls must not overlap.
type Printer struct {
	w         io.Writer
	kind      Kind
	hide      func(*audit.Event) bool // nil: nothing is hidden
	selector  *selector               // nil: every event is wanted
	encoder   format.Encoder          // nil if the lines are printed as they are, or nothing is
	assembler *audit.Assembler
	completer *attribution.Completer // of records that bear a container's id alone
	out       []byte
	stats     Stats
	err       error
}

// flushAt is how much output gathers before it is written, 64 KiB.
const flushAt = 64 << 10

// NewPrinter returns a Printer that writes to w as o says.
func NewPrinter(w io.Writer, o Options) *Printer {
	p := &Printer{w: w, kind: o.Kind, hide: o.Hide, encoder: o.encoder(), completer: attribution.NewCompleter(0),
		out: make([]byte, 0, 2*flushAt)}
	if o.Selection != nil {
		p.selector = o.Selection.start(o.Names)
		if o.Selection.line != nil {
			p.encoder = p.selector
		}
	}
	p.assembler = audit.NewAssembler(audit.AssemblerConfig{}, p.print)
	return p
}

// Line takes one line of an audit log, without its newline, which came at the
// time now; the zero time stands for the record's own, for old logs. The error is
// the writer's; it stays.
func (p *Printer) Line(line []byte, now time.Time) error {
	p.stats.Lines++
	r, err := audit.ParseLine(line)
	switch {
	case err != nil:
		p.stats.Skipped++
	case p.encoder == nil:
		p.stats.Records++
		if p.kind == Raw {
			p.out = append(append(p.out, line...), '\n')
		}
	default:
		p.stats.Records++
		if now.IsZero() {
			now = r.ID.Time()
		}
		p.completer.Observe(r)
		p.assembler.Push(r, now)
	}
	if len(p.out) >= flushAt {
		p.write()
	}
	return p.err
}

// Expire prints the events for which nothing more came in time, and writes out
// what has gathered.
func (p *Printer) Expire(now time.Time) error {
	p.assembler.Expire(now)
	p.write()
	return p.err
}

// Flush prints every event that is still open, because no line will follow, and
// writes out what has gathered.
func (p *Printer) Flush() error {
	p.assembler.Flush()
	p.write()
	return p.err
}

// Stats says what has been seen so far.
func (p *Printer) Stats() Stats { return p.stats }

func (p *Printer) print(e *audit.Event) {
	p.completer.Complete(e)
	defer p.completer.Restore(e)
	if p.hide != nil && p.hide(e) || p.selector != nil && !p.selector.wants(e) {
		return
	}
	if _, raw := p.encoder.(format.Raw); raw { // as they are in the trail
		p.completer.Restore(e)
	}
	p.stats.Events++
	p.out = p.encoder.Append(p.out, e)
	if len(p.out) >= flushAt {
		p.write()
	}
}

func (p *Printer) write() {
	if len(p.out) == 0 {
		return
	}
	if p.err == nil {
		n, err := p.w.Write(p.out)
		p.stats.Bytes += uint64(n)
		if err != nil {
			p.err = fmt.Errorf("print events: %w", err)
		}
	}
	p.out = p.out[:0]
}
