package field

import (
	"math"
	"time"

	"vigil/audit"
	"vigil/audit/tables"
)

// Names finds the names of users and groups where a record has none. Both methods
// are called from the goroutine that uses the View and must not block for long.
type Names interface {
	User(uid uint32) (name string, ok bool)
	Group(gid uint32) (name string, ok bool)
}

// Config sets up a View. The zero value is valid.
type Config struct {
	Location *time.Location // of evt.time and the like; nil means the system's
	Names    Names          // nil means that only names in the records are known
}

// View is an event in the form in which fields are taken from it. What was decoded
// once is kept until the next event. A View belongs to one goroutine; the zero
// value is not ready, see NewView.
type View struct {
	cfg Config
	ev  *audit.Event

	num   uint64 // of events loaded
	first int64  // time of the first one, nanoseconds since the epoch

	subject audit.Record // the record that bears the process
	isCall  bool         // subject is SYSCALL
	hasSubj bool
	keyed   int // records that may have a key
	index   index

	done    uint32 // what of the following is for this event
	call    string
	args    audit.Args
	hasArgs bool
	keys    audit.Args
	saddr   audit.Sockaddr
	hasAddr bool
	attr    bool
	extras  []audit.Field // of subject's enrichment

	buf     []byte // decoded text
	raw     []byte // of the socket address
	scratch []byte // text that is put together
	tmp     Values
}

// What has been decoded of the event.
const (
	doneCall uint32 = 1 << iota
	doneArgs
	doneKeys
	doneAddr
	doneAttr
	doneExtra
)

// NewView returns a View without an event.
func NewView(cfg Config) *View {
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	return &View{cfg: cfg}
}

// Load makes ev the view's event. Values of the one before are not valid any more.
// The event must stay as it is while the view is used.
func (v *View) Load(ev *audit.Event) {
	v.ev, v.done, v.buf = ev, 0, v.buf[:0]
	v.num++
	if v.num == 1 {
		v.first = v.nanos()
	}
	v.hasSubj, v.isCall = len(ev.Records) > 0, false
	if !v.hasSubj {
		v.subject = audit.Record{}
		v.index.load(nil, false)
		return
	}
	at := -1
	v.keyed = 0
	for i := range ev.Records {
		switch t := ev.Records[i].Type; t {
		case tables.TypeSyscall, tables.TypeUringOp:
			v.keyed++
			if at < 0 {
				at, v.isCall = i, t == tables.TypeSyscall
			}
		case tables.TypeConfigChange:
			v.keyed++
		}
	}
	at = max(at, 0)
	v.subject = ev.Records[at]
	v.index.load(v.subject.Body, v.isCall)
}

// Event returns the event that was loaded last.
func (v *View) Event() *audit.Event { return v.ev }

func (v *View) nanos() int64 {
	sec := v.ev.ID.Sec
	if sec > math.MaxInt64/int64(time.Second)-1 {
		return math.MaxInt64
	}
	return sec*int64(time.Second) + int64(v.ev.ID.Milli)*int64(time.Millisecond)
}

// get returns a field of the record that bears the process.
func (v *View) get(n name) (audit.Field, bool) {
	if !v.hasSubj {
		return audit.Field{}, false
	}
	if !v.index.slow {
		value, ok := v.index.find(n)
		if !v.index.slow {
			return audit.Field{Name: names[n], Value: value}, ok
		}
	}
	return v.subject.Get(string(names[n]))
}

// value is get for the value alone, as it is printed.
func (v *View) value(n name) ([]byte, bool) {
	x := &v.index
	if !x.slow && x.seen&(1<<n) != 0 {
		s := &x.span[n]
		return x.body[s.from:s.to:s.to], true
	}
	if !v.index.slow {
		if b, ok := v.index.find(n); ok || !v.index.slow {
			return b, ok
		}
	}
	f, ok := v.get(n)
	return f.Value, ok
}

// textOf returns the decoded text of a field; ok is false if it is not there or
// "(null)".
func (v *View) textOf(n name) (text []byte, ok bool) {
	b, ok := v.value(n)
	if !ok {
		return nil, false
	}
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		return b[1 : n-1], true
	}
	f, ok := v.get(n)
	if !ok || f.IsNull() {
		return nil, false
	}
	return v.text(f), true
}

// text decodes f. Quoted text, the common case, is not copied.
func (v *View) text(f audit.Field) []byte {
	if n := len(f.Value); n >= 2 && f.Value[0] == '"' && f.Value[n-1] == '"' {
		return f.Value[1 : n-1]
	}
	start := len(v.buf)
	v.buf = f.Text(v.buf)
	return v.buf[start:len(v.buf):len(v.buf)]
}

// own copies s to where views of it stay valid.
func (v *View) own(s string) []byte {
	start := len(v.buf)
	v.buf = append(v.buf, s...)
	return v.buf[start:len(v.buf):len(v.buf)]
}

// cut returns what was appended to v.buf since start.
func (v *View) cut(start int) []byte { return v.buf[start:len(v.buf):len(v.buf)] }

// getInt is get for a number; unset reads as -1.
func (v *View) getInt(n name) (int64, bool) {
	// As below, without the way around. Most are passed on the way to the name of
	// the command, which most conditions ask for first.
	x := &v.index
	if !x.slow && (x.seen&(1<<n) != 0 || x.walk(n)) {
		s := &x.span[n]
		if i, ok := digits(x.body[s.from:s.to]); ok {
			return i, true
		}
	}
	f, ok := v.get(n)
	if !ok {
		return 0, false
	}
	return idOf(f)
}

// digits reads a number of up to 18 digits; unset reads as -1.
func digits(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, c := range b {
		if c -= '0'; c > 9 {
			return 0, false
		}
		n = n*10 + int64(c)
	}
	if n == math.MaxUint32 {
		n = -1
	}
	return n, true
}

// idOf returns a number in which 4294967295, the kernel's "unset", is -1.
func idOf(f audit.Field) (int64, bool) {
	i, ok := f.Int()
	if !ok && string(f.Value) == "unset" {
		return -1, true
	}
	if i == math.MaxUint32 {
		return -1, ok
	}
	return i, ok
}

// result returns whether the event tells of success. That of a system call is in
// the record that is looked at anyway.
func (v *View) result() audit.Result {
	if v.isCall && !v.index.slow {
		if b, ok := v.value(nSuccess); ok {
			switch string(b) {
			case "yes":
				return audit.ResultSuccess
			case "no":
				return audit.ResultFailure
			}
		}
	}
	return v.ev.Result()
}

// arch returns the architecture of the system call.
func (v *View) arch() tables.Arch {
	b, ok := v.value(nArch)
	if !ok {
		return 0
	}
	if string(b) == "c000003e" { // most are
		return tables.ArchX86_64
	}
	if a, ok := (audit.Field{Value: b}).Hex(); ok {
		return tables.Arch(a)
	}
	a, _ := tables.ArchByName(string(b))
	return a
}

// syscall returns the system call's name, "" if the event is none or its number
// has no name.
func (v *View) syscall() string {
	if v.done&doneCall != 0 {
		return v.call
	}
	v.done |= doneCall
	v.call = ""
	if !v.isCall {
		return ""
	}
	b, ok := v.value(nSyscall)
	if !ok {
		return ""
	}
	a := v.arch()
	n, ok := digits(b)
	if ok && n >= 0 && n <= math.MaxInt32 {
		v.call, _ = tables.SyscallName(a, int(n))
	} else if !ok { // interpreted text
		if n, ok := tables.SyscallNumber(a, string(b)); ok {
			v.call, _ = tables.SyscallName(a, n)
		}
	}
	return v.call
}

// arg returns the argument n of the system call, 0 to 3.
func (v *View) arg(n int) (uint64, bool) {
	if n < 0 || n > 3 || !v.isCall {
		return 0, false
	}
	f, ok := v.get(nA0 + name(n))
	if !ok {
		return 0, false
	}
	return f.Hex()
}

// argv returns the command line: that of EXECVE or, in other events, what
// PROCTITLE has of it.
func (v *View) argv() (*audit.Args, bool) {
	if v.done&doneArgs == 0 {
		v.done |= doneArgs
		if _, ok := v.ev.First(tables.TypeExecve); ok {
			v.ev.Args(&v.args)
			v.hasArgs = true
		} else {
			v.hasArgs = v.ev.Proctitle(&v.args)
		}
		v.hasArgs = v.hasArgs && v.args.Len() > 0
	}
	return &v.args, v.hasArgs
}

// addr returns the socket address of the event.
func (v *View) addr() (*audit.Sockaddr, bool) {
	if v.done&doneAddr == 0 {
		v.done |= doneAddr
		v.hasAddr = false
		if r, ok := v.ev.First(tables.TypeSockaddr); ok {
			if f, ok := r.Get("saddr"); ok {
				raw, ok := audit.AppendUnhex(v.raw[:0], f.Value)
				if ok {
					v.raw = raw
					v.saddr, v.hasAddr = audit.ParseSockaddr(raw)
				}
			}
		}
	}
	return &v.saddr, v.hasAddr
}
