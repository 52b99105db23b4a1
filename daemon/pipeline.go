package daemon

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"context"

	"vigil/audit"
	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/ledger"
	"vigil/rulesd"
	"vigil/trail"
)

// pipeline is the way of a record: from the socket into the trail and, put
// together with its like, into an event. One goroutine goes it from end to end
// and waits for nothing but the socket and the write to the trail.
type pipeline struct {
	source     *kernel.Source
	trail      *trail.Writer // nil: nothing is written
	scribe     *scribe
	ledger     *ledger.Ledger
	assembler  *audit.Assembler
	attributor *attributor    // nil: records do not say whose they are
	keeper     *rulesd.Keeper // told of changes in the kernel's rules; nil: nobody is
	// modeChanged is told when the registration was taken or has come back. It must
	// not wait.
	modeChanged func(kernel.Mode)
	log         *slog.Logger

	lines   []byte   // of one read, to be written in one write
	serials []uint32 // of the records in lines, to say which are lost if it fails
	ends    bool     // EOE comes: no rule excludes it
	failing error    // why the last write failed; nil: it did not
	seen    kernel.Stats
}

func newPipeline(source *kernel.Source, writer *trail.Writer, s *scribe, keeper *rulesd.Keeper, log *slog.Logger) *pipeline {
	p := &pipeline{source: source, trail: writer, scribe: s, ledger: s.ledger, keeper: keeper, log: log}
	p.assembler = audit.NewAssembler(audit.AssemblerConfig{}, p.assembled)
	return p
}

// assembled counts an event. One of a system call that ends without its last
// records is torn: the kernel sends EOE for each (kernel/auditsc.c,
// audit_log_exit), unless rules exclude that type, and then it never came.
func (p *pipeline) assembled(e *audit.Event) {
	if e.End == audit.EndLate { // the rest of an event that is counted already
		return
	}
	p.ledger.Assembled(1)
	if p.attributor != nil {
		p.attributor.who.Observe(e)
	}
	if e.End != audit.EndTimeout || !p.ends {
		return
	}
	if _, ok := e.First(tables.TypeSyscall); ok {
		at := e.ID.Time()
		p.ledger.Lose(ledger.Loss{Reason: ledger.Torn, First: e.ID.Serial, Last: e.ID.Serial, Count: 1, Since: at, Until: at})
	}
}

// run goes on until the source is drained. It returns the error of the socket
// that ended it, if one did.
func (p *pipeline) run() error {
	// The end comes through the source's Drain, after everything is read.
	ctx := context.Background()
	for {
		messages, err := p.source.Read(ctx)
		switch {
		case errors.Is(err, io.EOF):
			p.finish(time.Now())
			return nil
		case kernel.IsNotice(err):
			p.log.Warn(err.Error())
			p.ledger.SetMode(p.source.Mode().String())
			p.modeChanged(p.source.Mode())
		case err != nil:
			p.finish(time.Now())
			return err
		}
		now := time.Now()
		p.take(messages, now)
		if p.attributor != nil && len(messages) == 0 {
			p.attributor.source.CaughtUp()
		}
		p.tend(now)
	}
}

// take takes the records of one read: into the trail with one write, then into
// events.
func (p *pipeline) take(messages []kernel.Message, now time.Time) {
	p.lines, p.serials = p.lines[:0], p.serials[:0]
	for i := range messages {
		r, err := audit.ParseMessage(messages[i].Type, messages[i].Payload)
		if err != nil {
			r = unstamped(messages[i], p.scribe.stamps.next(now))
		} else if r.Type != tables.TypeEOE {
			// EOE does not vouch for its serial: if it is all that came of an event, the
			// event is missing from the trail.
			p.ledger.Observe(r.ID.Serial)
		}
		if r.Type == tables.TypeEOE { // auditd never logs it
			p.ends = true
		} else {
			p.appendLine(r, now)
			p.serials = append(p.serials, r.ID.Serial)
		}
		if r.Type == tables.TypeConfigChange && p.keeper != nil && rulesd.ConcernsRules(r.Body) {
			p.keeper.KernelChanged()
		}
		p.assembler.Push(r, now)
	}
	p.ledger.Received(len(messages))
	p.write(now)
}

// appendLine appends a record's line, with whose it is, to those of this read.
func (p *pipeline) appendLine(r audit.Record, now time.Time) {
	start := len(p.lines)
	p.lines = p.scribe.appendText(p.lines, r)
	if p.attributor != nil {
		p.lines = p.attributor.who.Append(p.lines, start, r, now.UnixNano())
	}
	p.lines = append(p.lines, '\n')
}

// unstamped makes a record of a message that does not begin with a stamp, as the
// kernel's do: its text is kept, under a stamp of ours.
func unstamped(m kernel.Message, id audit.ID) audit.Record {
	return audit.Record{Type: m.Type, ID: id, Body: m.Payload}
}

// write appends the lines. What could not be written is counted, said once, and
// told in the trail as soon as there is room for it.
func (p *pipeline) write(now time.Time) {
	if p.trail == nil || len(p.serials) == 0 {
		return
	}
	err := p.trail.Append(p.lines, len(p.serials))
	written := len(p.serials)
	if err != nil {
		written = 0
		var partly *trail.AppendError
		if errors.As(err, &partly) {
			written = partly.Lines
		}
		first, last := bounds(p.serials[written:])
		p.ledger.Dropped(len(p.serials)-written, first, last, now)
	}
	p.ledger.Written(written)
	p.report(err)
}

// report says when writing begins to fail and when it works again.
func (p *pipeline) report(err error) {
	switch {
	case err != nil && p.failing == nil:
		p.log.Error("the trail cannot be written: records are counted and lost until it can", "err", err)
	case err == nil && p.failing != nil:
		p.log.Info("the trail is written again")
	}
	p.failing = err
}

// bounds finds the lowest and highest of serials that may have wrapped.
func bounds(serials []uint32) (first, last uint32) {
	if len(serials) == 0 {
		return 0, 0
	}
	first, last = serials[0], serials[0]
	for _, s := range serials[1:] {
		if int32(s-first) < 0 {
			first = s
		}
		if int32(s-last) > 0 {
			last = s
		}
	}
	return first, last
}

// tend does what is due by time: events that wait for no more, names that have
// changed, serials that are overdue, losses to be told.
func (p *pipeline) tend(now time.Time) {
	p.assembler.Expire(now)
	if p.scribe.names != nil {
		p.scribe.names.Refresh(now)
	}
	p.count(now)
	p.ledger.Settle(now)
	p.tellLosses(now, p.ledger.Next)
	p.mark(now)
}

// markEvery is after how many bytes the chain is sealed if nothing else has sealed
// it: what a start after a crash has to read again, and how much a verifier of a
// log that is never rotated can narrow damage down to.
const markEvery = 64 << 20

// mark seals what has been written since the last seal, if it is much.
func (p *pipeline) mark(now time.Time) {
	if p.trail == nil || p.trail.Stats().Unsealed < markEvery {
		return
	}
	err := p.trail.Seal(p.scribe.seal(ledger.Mark, ledger.Loss{}, now))
	if err == nil {
		p.ledger.Written(1)
	}
	p.report(err)
}

// count takes over what the source counted since the last time.
func (p *pipeline) count(now time.Time) {
	s := p.source.Stats()
	if n := s.Overruns - p.seen.Overruns; n != 0 {
		p.ledger.Overflowed(int(n), now)
	}
	if n := s.Truncated - p.seen.Truncated; n != 0 {
		p.ledger.Lose(ledger.Loss{Reason: ledger.Truncated, Count: n, Since: now, Until: now})
	}
	p.seen = s
}

// tellLosses puts LEDGER records of what was lost into the trail. What cannot be
// written stays with the ledger until it can.
func (p *pipeline) tellLosses(now time.Time, next func(time.Time) (ledger.Loss, bool)) {
	for loss, ok := next(now); ok; loss, ok = next(now) {
		if p.trail != nil {
			err := p.trail.Seal(p.scribe.seal(ledger.Lost, loss, now))
			p.report(err)
			if err != nil {
				return
			}
			p.ledger.Written(1)
		}
		p.ledger.Done()
		p.log.Warn("records were lost", "reason", loss.Reason.String(), "count", loss.Count, "first", loss.First, "last", loss.Last)
	}
}

// finish hands out what is still open, because nothing follows.
func (p *pipeline) finish(now time.Time) {
	p.assembler.Flush()
	p.count(now)
	p.ledger.Flush(now)
	p.tellLosses(now, func(time.Time) (ledger.Loss, bool) { return p.ledger.NextAtEnd() })
}
