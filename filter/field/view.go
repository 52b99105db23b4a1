package field

import (
	"bytes"
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
	f, ok := v.get(n)
	if !ok {
		return 0, false
	}
	return idOf(f)
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
		if f, ok := v.get(nSuccess); ok {
			switch string(f.Value) {
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
	f, ok := v.get(nArch)
	if !ok {
		return 0
	}
	if a, ok := f.Hex(); ok {
		return tables.Arch(a)
	}
	a, _ := tables.ArchByName(string(f.Value))
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
	f, ok := v.get(nSyscall)
	if !ok {
		return ""
	}
	a := v.arch()
	n, ok := f.Int()
	if ok && n >= 0 && n <= math.MaxInt32 {
		v.call, _ = tables.SyscallName(a, int(n))
	} else if !ok { // interpreted text
		if n, ok := tables.SyscallNumber(a, string(f.Value)); ok {
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

// name is a field of SYSCALL, in the order in which the kernel prints them
// (kernel/auditsc.c, audit_log_exit).
type name uint8

const (
	nArch name = iota
	nSyscall
	nSuccess
	nExit
	nA0
	nA1
	nA2
	nA3
	nItems
	nPPID
	nPID
	nAUID
	nUID
	nGID
	nEUID
	nSUID
	nFSUID
	nEGID
	nSGID
	nFSGID
	nTTY
	nSes
	nComm
	nExe
	nSubj
	nKey
	nNames
)

var names = [nNames][]byte{
	[]byte("arch"), []byte("syscall"), []byte("success"), []byte("exit"), []byte("a0"), []byte("a1"), []byte("a2"),
	[]byte("a3"), []byte("items"), []byte("ppid"), []byte("pid"), []byte("auid"), []byte("uid"), []byte("gid"),
	[]byte("euid"), []byte("suid"), []byte("fsuid"), []byte("egid"), []byte("sgid"), []byte("fsgid"), []byte("tty"),
	[]byte("ses"), []byte("comm"), []byte("exe"), []byte("subj"), []byte("key"),
}

// index finds the fields of a SYSCALL record in one walk that goes no further than
// it must. It takes only what the kernel prints; when it meets anything else it
// gives up for the record (slow) and audit.Fields, which knows all, is asked.
type index struct {
	body   []byte
	at     int
	expect name
	slow   bool
	seen   uint32
	span   [nNames]struct{ from, to int32 }
}

func (x *index) load(body []byte, isCall bool) {
	x.body, x.at, x.expect, x.seen = body, 0, 0, 0
	x.slow = !isCall || len(body) > math.MaxInt32
}

func (x *index) find(n name) ([]byte, bool) {
	for x.seen&(1<<n) == 0 {
		if !x.next() {
			return nil, false
		}
	}
	s := x.span[n]
	return x.body[s.from:s.to:s.to], true
}

// next takes one field.
func (x *index) next() bool {
	b := x.body[x.at:]
	if len(b) == 0 || x.slow {
		return false
	}
	n, from := x.nameOf(b)
	if from == 0 {
		x.slow = len(bytes.TrimLeft(b, " ")) > 0
		x.at = len(x.body)
		return false
	}
	to := valueEnd(b, from)
	if to < 0 {
		x.slow = true
		return false
	}
	if n < nNames {
		if x.seen&(1<<n) == 0 {
			x.seen |= 1 << n
			x.span[n].from, x.span[n].to = int32(x.at+from), int32(x.at+to)
		}
		x.expect = n + 1
	}
	if to < len(b) {
		to++ // the space
	}
	x.at += to
	return true
}

// nameOf returns the field that b begins with, nNames for one of no interest, and
// where its value begins, 0 if this is nothing that the kernel prints.
func (x *index) nameOf(b []byte) (name, int) {
	if x.expect < nNames {
		e := names[x.expect]
		if len(b) > len(e) && b[len(e)] == '=' && string(b[:len(e)]) == string(e) {
			return x.expect, len(e) + 1
		}
	}
	eq := bytes.IndexByte(b, '=')
	if eq <= 0 || eq > 32 {
		return nNames, 0
	}
	for _, c := range b[:eq] {
		if c-'a' > 'z'-'a' && c-'0' > 9 && c != '_' && c != '-' {
			return nNames, 0
		}
	}
	for n := range names {
		if string(names[n]) == string(b[:eq]) {
			return name(n), eq + 1
		}
	}
	if string(b[:eq]) == "msg" {
		return nNames, 0
	}
	return nNames, eq + 1
}

// valueEnd returns where the value at b[from:] ends, -1 if it is not plain.
func valueEnd(b []byte, from int) int {
	to := from
	if from < len(b) {
		switch b[from] {
		case '"':
			j := bytes.IndexByte(b[from+1:], '"')
			if j < 0 {
				return -1
			}
			to = from + 1 + j + 1
			if to < len(b) && b[to] != ' ' {
				return -1
			}
			return to
		case '\'', '{':
			return -1
		}
	}
	for to < len(b) && b[to] != ' ' {
		to++
	}
	if to > from {
		switch b[to-1] {
		case ',':
			return -1
		case ')':
			if b[from] != '(' {
				return -1
			}
		}
	}
	return to
}
