package aureport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"vigil/audit/tables"
	"vigil/search/aulog"
	"vigil/search/auparse"
)

// Deps is what aureport takes from the host.
type Deps struct {
	Stdin    *os.File // nil: there is none
	Out, Err io.Writer

	Names    auparse.Names // of users, for -i
	Now      func() time.Time
	Boot     func() (time.Time, error) // when the host was booted
	Location *time.Location
	Locale   aulog.Locale // how dates are written in the arguments

	LogFile string          // auditd.conf's log_file
	Timeout int64           // its end_of_event_timeout in seconds; 0: aulog.DefaultTimeout
	Version auparse.Version // whose options, words and outputs
}

// Exit statuses.
const (
	exitDone   = 0
	exitFailed = 1 // nothing was found, or the arguments or the input are wrong
)

// Run is aureport with the arguments after its name; it returns the exit status.
func Run(args []string, d Deps) int {
	dialect, version := aulog.Audit3, "3.0.9"
	if d.Version == auparse.V4 {
		dialect, version = aulog.Audit4, "4.2.2"
	}
	clock := aulog.Clock{Now: d.Now(), Boot: d.Boot, Location: d.Location, Locale: d.Locale, Dialect: dialect}
	o, err := parse(args, clock)
	var wrong usageError
	switch {
	case errors.As(err, &wrong):
		return misused(wrong, d)
	case err != nil:
		fmt.Fprintln(d.Err, err)
		return exitFailed
	case o.help:
		fmt.Fprint(d.Out, usage)
		return exitDone
	case o.version:
		fmt.Fprintf(d.Out, "aureport version %s\n", version)
		return exitDone
	}
	r := newReporter(o, d, dialect)
	return r.run()
}

func misused(wrong usageError, d Deps) int {
	text := string(wrong)
	if text != onlyOne { // aureport forgets the newline there
		text += "\n"
	}
	fmt.Fprint(d.Err, printable(text))
	if !strings.HasPrefix(text, "Error parsing") {
		fmt.Fprint(d.Out, usage)
	}
	return exitFailed
}

// reporter is one run.
type reporter struct {
	opts    options
	deps    Deps
	dialect aulog.Dialect
	table   table
	facts   aulog.Facts
	rows    *rows
	totals  *totals
	over    *overview
	span    span
	say     *speaker
}

func newReporter(o options, d Deps, dialect aulog.Dialect) *reporter {
	say := &speaker{interpret: o.interpret, escape: o.escape, harmless: auparse.TTY}
	if o.escape == auparse.Raw {
		say.harmless = auparse.Raw
	}
	say.x = auparse.New(auparse.Config{Version: d.Version, Escape: say.harmless, Names: d.Names, Location: d.Location})
	return &reporter{
		opts: o, deps: d, dialect: dialect, table: tableOf(o.kind), say: say,
		rows: newRows(d.Out, say, d.Location), totals: newTotals(say), over: newOverview(),
	}
}

func (r *reporter) run() int {
	if r.opts.summary && (r.opts.kind == ttys || r.opts.kind == logs) {
		fmt.Fprint(r.deps.Out, "\n"+r.chosen())
		fmt.Fprintln(r.deps.Err, unimplemented{})
		return exitFailed
	}
	r.heading()
	input, err := aulog.Locate(aulog.Choice{
		Path: r.opts.path, InputLogs: r.opts.inputLogs, Stdin: r.deps.Stdin, LogFile: r.deps.LogFile,
	})
	if err != nil {
		r.rows.flush()
		fmt.Fprintf(r.deps.Err, "stat: %s\n", reason(err))
		return exitFailed
	}
	if input.Note != "" {
		fmt.Fprintln(r.deps.Err, input.Note)
	}
	if r.opts.kind == logs {
		return r.ranges(input)
	}
	if err := r.read(input); err != nil {
		r.rows.flush()
		return r.failed(err)
	}
	return r.finish()
}

// config says how the input is read.
func (r *reporter) config(input aulog.Input) aulog.Config {
	timeout := r.opts.timeout
	if timeout == 0 {
		timeout = r.deps.Timeout
	}
	cfg := aulog.Config{
		Files: input.Files, Timeout: timeout, Dialect: r.dialect, Range: r.opts.span, BadStamp: r.badStamp,
	}
	if input.Stdin != nil {
		cfg.Files, cfg.Stream = nil, input.Stdin
	}
	return cfg
}

func (r *reporter) read(input aulog.Input) error {
	cfg := r.config(input)
	// With -ts, aureport takes for the first time of the log that of the first record that is out of range.
	cfg.OutOfRange = r.span.begin
	log := aulog.NewReader(cfg)
	defer func() { _ = log.Close() }() // it was only read
	events := r.inTurn
	if !r.opts.debug { // whose complaints must come in their order
		events = r.ahead
	}
	if err := events(log); err != nil {
		return err
	}
	if id, ok := log.First(); ok && r.opts.span.Start == 0 {
		r.span.first = id
	}
	return r.rows.err
}

func (r *reporter) inTurn(log *aulog.Reader) error {
	for {
		e, err := log.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.span.end(e.ID)
		r.take(e)
	}
}

func (r *reporter) ahead(log *aulog.Reader) error {
	a := readAhead(log)
	for b := range a.full {
		for i := range b.events {
			r.span.end(b.events[i].ID)
			r.take(&b.events[i])
		}
		a.done(b)
		if r.rows.err != nil { // nobody reads what is printed
			close(a.stop)
			for b := range a.full { // until the reader has seen it
				a.done(b)
			}
			break
		}
	}
	return a.err
}

// take adds an event to the report, if it is one of those that were asked for.
func (r *reporter) take(e *aulog.Event) {
	if !r.admits(e) || !r.opts.debug && !r.isOfReport(e) {
		return
	}
	bad, ok := r.facts.Extract(e, r.want(), r.dialect, r.unparsed())
	if !ok {
		if r.opts.debug {
			fmt.Fprintf(r.deps.Err, "Malformed event skipped, rc=%d. %s\n", bad.Code, auparse.TTY.Append(nil, bad.Record.Text))
		}
		return
	}
	if r.opts.debug && !r.isOfReport(e) { // stock complains about all events
		return
	}
	if r.opts.result != aulog.ResultUnset && r.facts.Result != r.opts.result {
		return
	}
	if r.opts.kind == auths && r.facts.Result != aulog.ResultFailed && e.First(tables.TypeUserAuth) == nil {
		return
	}
	switch {
	case r.opts.kind == summary:
		r.over.add(e, &r.facts)
	case r.opts.summary:
		r.table.count(r.totals, e, &r.facts)
	default:
		r.table.row(r.rows, e, &r.facts)
	}
}

func (r *reporter) want() aulog.Want {
	want := r.table.want
	if r.opts.kind == summary {
		want = wantOverview
	}
	if r.opts.interpret {
		want |= aulog.WantArch
	}
	return want | wantAlways
}

// admits decides what can be decided before anything is looked for in an event.
func (r *reporter) admits(e *aulog.Event) bool {
	if len(r.opts.nodes) > 0 && !r.hasNode(e.Node) {
		return false
	}
	head := e.Records[0].Type
	switch {
	case r.opts.noConfig && head == tables.TypeConfigChange:
		return false
	case r.opts.act == addsOnly && deletes(head), r.opts.act == deletesOnly && adds(head):
		return false
	}
	return true
}

// isOfReport reports whether an event has a record of the report's types.
func (r *reporter) isOfReport(e *aulog.Event) bool {
	if r.opts.kind == summary || r.table.holds == nil {
		return true
	}
	for i := range e.Records {
		if t := e.Records[i].Type; r.table.holds(t) && !(r.opts.summary && r.opts.kind == macs && t >= 1411 && t <= 1417) {
			return true
		}
	}
	return false
}

func (r *reporter) hasNode(node []byte) bool {
	for _, n := range r.opts.nodes {
		if node != nil && string(node) == n {
			return true
		}
	}
	return false
}

// adds and deletes are the events that come in pairs.
func adds(t tables.Type) bool {
	switch t {
	case tables.TypeAddUser, tables.TypeAddGroup, tables.TypeMACCIPSOv4Add, tables.TypeMACMapAdd, tables.TypeMACIPsecAddSA,
		tables.TypeMACIPsecAddSPD, tables.TypeMACUnlblStcAdd:
		return true
	}
	return false
}

func deletes(t tables.Type) bool {
	switch t {
	case tables.TypeDelUser, tables.TypeDelGroup, tables.TypeMACCIPSOv4Del, tables.TypeMACMapDel, tables.TypeMACIPsecDelSA,
		tables.TypeMACIPsecDelSPD, tables.TypeMACUnlblStcDel:
		return true
	}
	return false
}

// heading prints what stands above the rows.
func (r *reporter) heading() {
	line := func(n int) string { return strings.Repeat("=", n) + "\n" }
	text := "\n"
	switch {
	case r.opts.kind == summary:
		text += r.chosen() + "Summary Report\n" + line(22)
	case r.opts.kind == logs:
		text += "Log Time Range Report\n" + line(21)
	case r.opts.summary:
		text += r.chosen() + r.table.totals + "\n" + line(r.table.totalsLine) + r.table.total + "\n" + line(r.table.totalsLine)
	default:
		text += r.table.title + "\n" + line(r.table.above) + r.table.columns + "\n" + line(r.table.below)
	}
	r.rows.buf = append(r.rows.buf, text...)
}

// chosen is the word for the events of one result in a heading.
func (r *reporter) chosen() string {
	switch r.opts.result {
	case aulog.ResultSuccess:
		return "Success "
	case aulog.ResultFailed:
		return "Failed "
	}
	return ""
}

const nothing = "<no events of interest were found>\n\n"

// finish prints what can be printed only at the end, and returns the exit status.
func (r *reporter) finish() int {
	code := exitDone
	switch {
	case r.opts.kind == summary:
		r.rows.buf = r.over.print(r.rows.buf, r.span, r.opts.span, r.deps.Location)
	case r.opts.summary && len(r.totals.entries) > 0:
		r.rows.buf = r.totals.print(r.rows.buf, r.table, r.opts.kind != pids)
	case r.opts.summary:
		r.rows.buf = append(r.rows.buf, nothing...)
	case r.rows.n == 0:
		r.rows.buf = append(r.rows.buf, nothing...)
		code = exitFailed
	}
	r.rows.flush()
	if r.rows.err != nil {
		return exitFailed
	}
	return code
}

// ranges prints the first and the last time of each log.
func (r *reporter) ranges(input aulog.Input) int {
	cfg := r.config(input)
	names := cfg.Files
	if len(names) == 0 {
		names = []string{"stdin"}
	}
	spans := make([]span, len(names))
	log := aulog.NewReader(cfg)
	defer func() { _ = log.Close() }() // it was only read
	var failure error
	for {
		e, err := log.Next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				failure = err
			}
			break
		}
		spans[log.Source()].begin(e.ID)
		spans[log.Source()].end(e.ID)
	}
	for i, name := range names {
		r.rows.buf = append(r.rows.buf, printable(name)...)
		if spans[i].some {
			r.rows.buf = append(r.rows.buf, ": "+spans[i].text(r.deps.Location)+"\n"...)
		} else {
			r.rows.buf = append(r.rows.buf, ": no records\n"...)
		}
	}
	r.rows.flush()
	if failure != nil {
		return r.failed(failure)
	}
	return exitDone
}

func (r *reporter) badStamp(stamp []byte) {
	fmt.Fprintf(r.deps.Err, "Error extracting time stamp (%s)\n", auparse.TTY.Append(nil, stamp))
}

func (r *reporter) unparsed() func(*aulog.Record) {
	if !r.opts.debug {
		return nil
	}
	return func(rec *aulog.Record) {
		n := int(rec.Type)
		if rec.Type == aulog.NoType || rec.Type == tables.TypeLedger || rec.Type == tables.TypeContainer {
			n = -1
		}
		fmt.Fprintf(r.deps.Err, "Unparsed type:%d\n - skipped", n)
	}
}

func (r *reporter) failed(err error) int {
	var open *aulog.OpenError
	if errors.As(err, &open) {
		fmt.Fprintf(r.deps.Err, "Error opening %s (%s)\n", open.Path, reason(open.Err))
	} else if r.rows.err == nil {
		fmt.Fprintf(r.deps.Err, "Error reading log (%s)\n", reason(err))
	}
	return exitFailed
}

// reason is the text of an error of the system, as strerror(3) has it.
func reason(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			break
		}
		err = next
	}
	text := err.Error()
	if text != "" && text[0] >= 'a' && text[0] <= 'z' {
		text = string(text[0]-'a'+'A') + text[1:]
	}
	return text
}

func printable(s string) string { return string(appendPrintable(nil, s)) }

// appendPrintable lets no control byte but a newline through.
func appendPrintable(dst []byte, s string) []byte {
	for line := range strings.Lines(s) {
		text, newline := strings.CutSuffix(line, "\n")
		dst = auparse.TTY.Append(dst, []byte(text))
		if newline {
			dst = append(dst, '\n')
		}
	}
	return dst
}

func typeOf(n int64) tables.Type { return tables.Type(n) }
