package redact

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"vigil/audit"
)

// What stands in the place of a command line while the rules are missing, and what its
// record says then (auoms' words).
const (
	MissingText = "**** Entire cmdline redacted due to missing required redaction rules ****"
	MissingName = "*Missing Required*"
)

// MaxText is the length of the longest command line that is looked at. auoms keeps 96
// KiB of one.
const MaxText = 256 << 10

// tooLong is what the record of a longer one says.
const tooLong = "*Too Long*"

// key is that of what a record says behind its separator.
const key = "REDACTED"

// How often a directory of rules is looked at: when its rules hold, and when it is
// missing.
const (
	lookEvery = 5 * time.Second
	lookAgain = time.Second
)

// Redactor redacts events. It belongs to one goroutine, but for Stats.
type Redactor struct {
	config Config
	log    *slog.Logger
	now    func() time.Time

	rules  []rule
	fields []fieldRule
	all    *fieldRule // overwrites all command lines; nil: no
	fault  error      // why command lines are replaced; nil: they are not
	state  string     // of the directory
	next   time.Time  // when it is looked at again

	stats counters

	// Of the event that is redacted.
	event   audit.Event
	changed []change // for each record
	buffers [][]byte
	used    int
	unit    unit
	line    []byte // the mask of its arguments
}

type counters struct {
	events, values, replaced atomic.Uint64
	fault                    atomic.Pointer[string]
}

// Stats are counts since the Redactor was made.
type Stats struct {
	Events   uint64 // in which something was redacted
	Values   uint64 // that were changed
	Replaced uint64 // command lines that were replaced because rules were missing
	Fault    string // why they are replaced now; empty: they are not
}

// change is what has become of a record.
type change struct {
	body, extra bool   // they are copies
	names       []byte // of the rules, with commas
	drop        bool
}

// New returns a Redactor. That rules are missing is no error but a state, see Fault. It
// reads the directory again by itself. log may be nil.
func New(c Config, log *slog.Logger) *Redactor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Redactor{config: c, log: log, now: time.Now}
	r.load()
	return r
}

// Fault says why whole command lines are replaced; nil if they are not.
func (r *Redactor) Fault() error { return r.fault }

// Stats returns what has been done so far. It may be called from any goroutine.
func (r *Redactor) Stats() Stats {
	s := Stats{Events: r.stats.events.Load(), Values: r.stats.values.Load(), Replaced: r.stats.replaced.Load()}
	if fault := r.stats.fault.Load(); fault != nil {
		s.Fault = *fault
	}
	return s
}

// load reads the rules.
func (r *Redactor) load() {
	was := r.fault
	r.rules, r.fields, r.all, r.fault, r.state = nil, nil, nil, nil, ""
	list := r.config.Rules
	if r.config.Dir != "" {
		found, state, err := loadDir(r.config.Dir)
		list, r.state, r.fault = append(list[:len(list):len(list)], found...), state, err
	}
	var err error
	if r.rules, err = compileAll(list); err != nil && r.fault == nil {
		r.fault = err
	}
	if r.fields, err = compileFields(r.config.Fields); err != nil && r.fault == nil {
		r.fault = err
	}
	for i := range r.fields {
		if r.fields[i].text == cmdlineField {
			r.all = &r.fields[i]
		}
	}
	switch {
	case r.fault != nil && (was == nil || was.Error() != r.fault.Error()):
		r.log.Error("redaction rules are missing: whole command lines are replaced", "err", r.fault)
	case r.fault == nil && was != nil:
		r.log.Info("redaction rules are there again", "rules", len(r.rules))
	}
	wait := lookEvery
	r.stats.fault.Store(nil)
	if r.fault != nil {
		wait = lookAgain
		fault := r.fault.Error()
		r.stats.fault.Store(&fault)
	}
	r.next = r.now().Add(wait)
}

// refresh reads the directory again if it has changed.
func (r *Redactor) refresh() {
	if r.config.Dir == "" {
		return
	}
	now := r.now()
	if now.Before(r.next) && r.next.Sub(now) <= lookEvery { // the clock may be set back
		return
	}
	if r.fault == nil && dirState(r.config.Dir) == r.state {
		r.next = now.Add(lookEvery)
		return
	}
	r.load()
}

// Event returns e redacted: e itself if there was nothing to redact, else one that is
// valid until the next call. e is not changed.
func (r *Redactor) Event(e *audit.Event) *audit.Event {
	r.refresh()
	r.begin(e)
	if r.fault != nil {
		r.replaceAll()
	} else {
		r.commandLines()
	}
	if len(r.fields) > 0 {
		r.wholeFields()
	}
	return r.finish(e)
}

func (r *Redactor) begin(e *audit.Event) {
	r.event.ID, r.event.Node, r.event.End = e.ID, e.Node, e.End
	r.event.Records = append(r.event.Records[:0], e.Records...)
	for len(r.changed) < len(e.Records) {
		r.changed = append(r.changed, change{})
	}
	for i := range e.Records {
		c := &r.changed[i]
		*c = change{names: c.names[:0]}
	}
	r.used = 0
}

// finish writes into each record which rules have changed it.
func (r *Redactor) finish(e *audit.Event) *audit.Event {
	some := false
	out := r.event.Records[:0]
	for i := range r.event.Records {
		c, record := &r.changed[i], r.event.Records[i]
		if c.drop {
			some = true
			continue
		}
		if len(c.names) > 0 {
			some = true
			b := append(r.buffer(), record.Enrichment...)
			if len(b) > 0 {
				b = append(b, ' ')
			}
			b = append(append(append(append(b, key...), `="`...), c.names...), '"')
			record.Enrichment = r.keep(b)
		}
		out = append(out, record)
	}
	r.event.Records = out
	if !some {
		return e
	}
	r.stats.events.Add(1)
	return &r.event
}

// buffer returns an empty buffer that is used again; keep takes it back when it has
// grown.
func (r *Redactor) buffer() []byte {
	if r.used == len(r.buffers) {
		r.buffers = append(r.buffers, nil)
	}
	r.used++
	return r.buffers[r.used-1][:0]
}

// mostKept is how large a buffer may be that is kept for later events.
const mostKept = 64 << 10

func (r *Redactor) keep(b []byte) []byte {
	if cap(b) <= mostKept {
		r.buffers[r.used-1] = b
	}
	return b
}

// text returns the text of a record that may be written to.
func (r *Redactor) text(i int, extra bool) []byte {
	c, record := &r.changed[i], &r.event.Records[i]
	if extra {
		if !c.extra {
			c.extra = true
			record.Enrichment = r.keep(append(r.buffer(), record.Enrichment...))
		}
		return record.Enrichment
	}
	if !c.body {
		c.body = true
		record.Body = r.keep(append(r.buffer(), record.Body...))
	}
	return record.Body
}

// name notes that a rule has changed a record.
func (r *Redactor) name(i int, name string) {
	c := &r.changed[i]
	for n := range bytes.SplitSeq(c.names, []byte{','}) {
		if string(n) == name {
			return
		}
	}
	if len(c.names) > 0 {
		c.names = append(c.names, ',')
	}
	c.names = append(c.names, name...)
}

// Text redacts a text as a command line, for trying rules out. names are those of the
// rules that matched.
func (r *Redactor) Text(line string) (redacted string, names []string) {
	r.refresh()
	if r.fault != nil {
		return MissingText, []string{MissingName}
	}
	if len(line) > MaxText {
		return strings.Repeat("*", len(line)), []string{tooLong}
	}
	mask := make([]byte, len(line))
	for i := range r.rules {
		if r.rules[i].mark([]byte(line), func(from, to int) { fill(mask[from:to], r.rules[i].char) }) {
			names = append(names, r.rules[i].name)
		}
	}
	out := []byte(line)
	for i, c := range mask {
		if c != 0 {
			out[i] = c
		}
	}
	return string(out), names
}

func fill(b []byte, c byte) {
	for i := range b {
		b[i] = c
	}
}
