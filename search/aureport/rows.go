package aureport

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"

	"vigil/audit/tables"
	"vigil/search/aulog"
)

// rows prints the rows of a table.
type rows struct {
	w    io.Writer
	buf  []byte
	n    uint64 // of the last row
	err  error  // the first one of writing
	say  *speaker
	zone *time.Location

	scratch []byte

	sec   int64 // whose date and time are in clock
	clock []byte
}

func newRows(w io.Writer, say *speaker, zone *time.Location) *rows {
	return &rows{w: w, say: say, zone: zone, sec: -1 << 62}
}

// flushAt is how much is collected before it is written.
const flushAt = 64 << 10

func (r *rows) flush() {
	if len(r.buf) == 0 {
		return
	}
	if _, err := r.w.Write(r.buf); err != nil && r.err == nil {
		r.err = fmt.Errorf("print report: %w", err)
	}
	r.buf = r.buf[:0]
}

// start begins a row: its number, the date and the time in the words of the C locale.
func (r *rows) start(e *aulog.Event) {
	r.n++
	if e.ID.Sec != r.sec {
		r.sec = e.ID.Sec
		r.clock = time.Unix(r.sec, 0).In(r.zone).AppendFormat(r.clock[:0], ". 01/02/06 15:04:05")
	}
	r.buf = strconv.AppendUint(r.buf, r.n, 10)
	r.buf = append(r.buf, r.clock...)
}

// end ends a row with the serial of its event.
func (r *rows) end(e *aulog.Event) {
	r.buf = append(r.buf, ' ')
	r.buf = strconv.AppendUint(r.buf, uint64(e.ID.Serial), 10)
	r.newline()
}

func (r *rows) newline() {
	r.buf = append(r.buf, '\n')
	if len(r.buf) >= flushAt {
		r.flush()
	}
}

// text is a column; missing is printed where the event has nothing. aureport escapes nothing in it; ours, what could
// steer a terminal.
func (r *rows) text(v []byte, missing string) {
	r.buf = append(r.buf, ' ')
	if v == nil {
		r.buf = append(r.buf, missing...)
		return
	}
	r.buf = r.say.harmless.Append(r.buf, v)
}

// safe is a column with what --escape asks for, which is done to the word for a missing one as well.
func (r *rows) safe(v []byte, missing string) {
	r.buf = append(r.buf, ' ')
	if v == nil {
		r.scratch = append(r.scratch[:0], missing...)
		v = r.scratch
	}
	r.buf = r.say.escape.Append(r.buf, v)
}

func (r *rows) word(s string) {
	r.buf = append(r.buf, ' ')
	r.buf = append(r.buf, s...)
}

func (r *rows) auid(e *aulog.Event, f *aulog.Facts) {
	r.scratch = r.say.appendLoginUID(r.scratch[:0], e, f)
	r.safe(r.scratch, "")
}

func (r *rows) call(e *aulog.Event, f *aulog.Facts) {
	r.scratch = r.say.appendSyscall(r.scratch[:0], e, f)
	r.text(r.scratch, "")
}

func (r *rows) headType(e *aulog.Event) {
	r.buf = append(r.buf, ' ')
	r.buf = appendType(r.buf, e.Records[0].Type)
}

func (r *rows) result(f *aulog.Facts) { r.word(resultWord(f.Result)) }

func resultWord(v aulog.Result) string {
	switch v {
	case aulog.ResultSuccess:
		return "yes"
	case aulog.ResultFailed:
		return "no"
	}
	return "unset"
}

// What is printed where an event has nothing.
const (
	null     = "(null)" // C's way to print a null pointer
	question = "?"
)

func (r *rows) avc(e *aulog.Event, f *aulog.Facts) {
	decisions(e, f, func(a aulog.AVC) {
		r.start(e)
		r.safe(command(e, f), question)
		r.text(a.Subject, null)
		r.call(e, f)
		r.text(a.Class, null)
		r.text(a.Perm, null)
		r.text(a.Object, null)
		r.word(decision(a.Result))
		r.end(e)
	})
}

// decisions hands out the access decisions of an event. Labels alone, those of subj= and obj=, are none; but subj= is
// the subject of what a program has decided.
func decisions(e *aulog.Event, f *aulog.Facts, each func(aulog.AVC)) {
	if e.First(tables.TypeUserAVC) != nil {
		var one aulog.AVC
		for _, a := range f.AVCs {
			one.Subject = either(a.Subject, one.Subject)
			one.Object = either(a.Object, one.Object)
			one.Class = either(a.Class, one.Class)
			one.Perm = either(a.Perm, one.Perm)
			one.Result = max(a.Result, one.Result)
		}
		each(one)
		return
	}
	for _, a := range f.AVCs {
		if a.Class != nil || a.Perm != nil || a.Result != aulog.ResultUnset {
			each(a)
		}
	}
}

func either(a, b []byte) []byte {
	if a != nil {
		return a
	}
	return b
}

// decision is the result of an access decision.
func decision(v aulog.Result) string {
	switch v {
	case aulog.ResultSuccess:
		return "granted"
	case aulog.ResultFailed:
		return "denied"
	}
	return "unset"
}

func (r *rows) auth(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.scratch = r.say.appendAccount(r.scratch[:0], e, f)
	r.safe(r.scratch, "")
	r.text(f.Host, null)
	r.text(f.Terminal, null)
	r.text(f.Exe, null)
	r.result(f)
	r.end(e)
}

func (r *rows) login(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.scratch = r.say.appendWhoLogsIn(r.scratch[:0], e, f)
	r.safe(r.scratch, "")
	r.text(f.Host, null)
	r.text(f.Terminal, null)
	r.text(f.Exe, null)
	r.result(f)
	r.end(e)
}

func (r *rows) mod(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.auid(e, f)
	r.text(f.Host, question)
	r.text(f.Terminal, question)
	r.text(f.Exe, question)
	r.text(f.Acct, question)
	r.result(f)
	r.end(e)
}

// typeAuid is changes of the configuration. The type is that of the event's first record, whatever made the event one.
func (r *rows) typeAuid(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.headType(e)
	r.auid(e, f)
	r.result(f)
	r.end(e)
}

func (r *rows) auidType(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.auid(e, f)
	r.headType(e)
	r.result(f)
	r.end(e)
}

func (r *rows) typed(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.headType(e)
	r.result(f)
	r.end(e)
}

func (r *rows) event(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.buf = append(r.buf, ' ')
	r.buf = strconv.AppendUint(r.buf, uint64(e.ID.Serial), 10)
	r.headType(e)
	r.auid(e, f)
	r.result(f)
	r.newline()
}

func (r *rows) command(e *aulog.Event, f *aulog.Facts) {
	if len(f.Comms) == 0 {
		return
	}
	r.start(e)
	r.safe(command(e, f), question)
	r.text(f.Terminal, question)
	r.text(f.Host, question)
	r.auid(e, f)
	r.end(e)
}

func (r *rows) executable(e *aulog.Event, f *aulog.Facts) {
	if f.Exe == nil {
		return
	}
	r.start(e)
	r.safe(f.Exe, question)
	r.text(f.Terminal, question)
	r.text(f.Host, question)
	r.auid(e, f)
	r.end(e)
}

func (r *rows) anomaly(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	r.headType(e)
	r.safe(f.Exe, question)
	r.text(f.Terminal, question)
	r.text(f.Host, question)
	r.auid(e, f)
	r.end(e)
}

func (r *rows) terminal(e *aulog.Event, f *aulog.Facts) {
	if f.Terminal == nil {
		return
	}
	r.start(e)
	r.text(f.Terminal, question)
	r.text(f.Host, null)
	r.safe(f.Exe, question)
	r.auid(e, f)
	r.end(e)
}

// user is events of users. Those whose records have no uid are left out, and counted in the totals.
func (r *rows) user(e *aulog.Event, f *aulog.Facts) {
	if f.UID == aulog.Unset {
		return
	}
	r.start(e)
	r.auid(e, f)
	r.text(f.Terminal, question)
	r.text(f.Host, question)
	r.safe(f.Exe, question)
	r.end(e)
}

// file is the first name of an event. The totals have all of them.
func (r *rows) file(e *aulog.Event, f *aulog.Facts) {
	for i := range f.Files {
		if !isFile(&f.Files[i]) {
			continue
		}
		r.start(e)
		r.safe(f.Files[i].Name, null)
		r.call(e, f)
		r.result(f)
		r.safe(f.Exe, question)
		r.auid(e, f)
		r.end(e)
		return
	}
}

// isFile tells a name, or the disk of a virtual machine, from a working directory, which ausearch takes for one, too.
func isFile(f *aulog.File) bool {
	kernels := f.Type >= tables.TypeSyscall && f.Type <= tables.TypeAVCPath && f.Type != tables.TypeCWD
	return f.Name != nil && (kernels || isVirt(f.Type))
}

func (r *rows) host(e *aulog.Event, f *aulog.Facts) {
	if f.Host == nil {
		return
	}
	r.start(e)
	r.text(f.Host, question)
	r.call(e, f)
	r.auid(e, f)
	r.end(e)
}

func (r *rows) pid(e *aulog.Event, f *aulog.Facts) {
	if f.PID == aulog.Unset {
		return
	}
	r.start(e)
	r.buf = append(r.buf, ' ')
	r.buf = strconv.AppendUint(r.buf, uint64(f.PID), 10)
	r.safe(f.Exe, question)
	r.call(e, f)
	r.auid(e, f)
	r.end(e)
}

func (r *rows) syscall(e *aulog.Event, f *aulog.Facts) {
	if f.Syscall < 0 {
		return
	}
	r.start(e)
	r.call(e, f)
	r.buf = append(r.buf, ' ')
	r.buf = strconv.AppendUint(r.buf, uint64(f.PID), 10)
	r.safe(command(e, f), question)
	r.auid(e, f)
	r.end(e)
}

// key is the first key of an event. The totals have all of them.
func (r *rows) key(e *aulog.Event, f *aulog.Facts) {
	if len(f.Keys) == 0 || string(f.Keys[0]) == null {
		return
	}
	r.start(e)
	r.text(f.Keys[0], question)
	r.result(f)
	r.safe(f.Exe, question)
	r.auid(e, f)
	r.end(e)
}

// tty is what was typed. A record that has no data leaves its row unfinished, in aureport and here.
func (r *rows) tty(e *aulog.Event, f *aulog.Facts) {
	r.start(e)
	t, ok := r.say.typed(e)
	if !ok {
		r.buf = append(r.buf, ' ')
		return
	}
	r.buf = append(r.buf, ' ')
	r.buf = strconv.AppendUint(r.buf, uint64(e.ID.Serial), 10)
	r.auid(e, f)
	r.text(t.terminal, question)
	r.buf = append(r.buf, ' ')
	r.buf = append(r.buf, t.session...)
	r.safe(t.command, question)
	r.buf = append(r.buf, ' ')
	r.buf = append(r.buf, t.data...)
	r.newline()
}

// appendType appends a record type's name.
func appendType(dst []byte, t tables.Type) []byte {
	start := len(dst)
	dst = t.AppendTo(dst)
	if bytes.HasPrefix(dst[start:], []byte("UNKNOWN[")) {
		return append(dst[:start], null...)
	}
	return dst
}
