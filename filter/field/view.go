package field

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
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
	if !v.index.slow {
		// As below, without the way around.
		if b, ok := v.index.find(n); ok {
			if i, ok := digits(b); ok {
				return i, true
			}
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
	if x.seen&(1<<n) == 0 && !x.walk(n) {
		return nil, false
	}
	s := &x.span[n]
	return x.body[s.from:s.to:s.to], true
}

// walk goes on until it has passed field n. Most of an evaluation's time is spent
// here, so the usual case stands in one loop: the name is the expected one and the
// value neither is quoted nor ends in what may belong to the text around it.
func (x *index) walk(n name) bool {
	b, at := x.body, x.at
	for !x.slow && at < len(b) {
		id, from, to := x.expect, 0, -1
		if id < nNames && at+16 <= len(b) {
			if k := &nameKeys[id]; binary.LittleEndian.Uint64(b[at:])&k.mask == k.text {
				from = at + k.n
				const ones, highs = 0x0101010101010101, 0x8080808080808080
				v := binary.LittleEndian.Uint64(b[from:from+8:len(b)]) ^ ones*' '
				if m := (v - ones) &^ v & highs; m != 0 {
					to = from + bits.TrailingZeros64(m)>>3
				} else {
					to = from + 8 + space(b[from+8:])
				}
				switch first, last := b[from], b[to-1]; {
				case first == '"', first == '\'', first == '{', last == ',', last == ')':
					to = valueEnd(b, from)
				}
			}
		}
		if from == 0 {
			x.at = at
			if id, from = x.nameOf(); from < 0 {
				x.slow = len(bytes.TrimLeft(b[at:], " ")) > 0
				x.at = len(b)
				return false
			}
			to = valueEnd(b, from)
		}
		if to < 0 {
			x.slow = true
			return false
		}
		at = to + 1 // behind the space
		if id == nNames {
			continue
		}
		x.expect = id + 1
		if x.seen&(1<<id) == 0 {
			x.seen |= 1 << id
			x.span[id].from, x.span[id].to = int32(from), int32(to)
			if id == n {
				x.at = at
				return true
			}
		}
	}
	x.at = at
	return false
}

// nameOf returns the field that x.body[x.at:] begins with, nNames for one of no
// interest, and where its value begins, -1 if this is nothing that the kernel
// prints. Nearly always it is the one that follows the last, and eight bytes
// compared at once tell.
func (x *index) nameOf() (name, int) {
	b := x.body[x.at:]
	if x.expect < nNames && len(b) >= 8 {
		k := &nameKeys[x.expect]
		if binary.LittleEndian.Uint64(b)&k.mask == k.text {
			return x.expect, x.at + k.n
		}
	}
	eq := bytes.IndexByte(b, '=')
	if eq <= 0 || eq > 32 || string(b[:eq]) == "msg" {
		return nNames, -1
	}
	for _, c := range b[:eq] {
		if c-'a' > 'z'-'a' && c-'0' > 9 && c != '_' && c != '-' {
			return nNames, -1
		}
	}
	for n := range names {
		if string(names[n]) == string(b[:eq]) {
			return name(n), x.at + eq + 1
		}
	}
	return nNames, x.at + eq + 1
}

// nameKeys are the names with their = as numbers; none is longer than eight bytes.
var nameKeys = func() (keys [nNames]struct {
	text, mask uint64
	n          int
}) {
	for i, name := range names {
		var b, mask [8]byte
		n := copy(b[:], name)
		b[n] = '='
		for j := range n + 1 {
			mask[j] = 0xff
		}
		keys[i].text, keys[i].mask, keys[i].n = binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(mask[:]), n+1
	}
	return keys
}()

// valueEnd returns where the value at b[from:] ends, -1 if it is not plain.
func valueEnd(b []byte, from int) int {
	if from >= len(b) {
		return len(b)
	}
	first := b[from]
	switch first {
	case '"':
		j := bytes.IndexByte(b[from+1:], '"')
		if j < 0 {
			return -1
		}
		to := from + 1 + j + 1
		if to < len(b) && b[to] != ' ' {
			return -1
		}
		return to
	case '\'', '{':
		return -1
	}
	to := from + space(b[from:])
	if to > from {
		if last := b[to-1]; last == ',' || last == ')' && first != '(' {
			return -1
		}
	}
	return to
}

// space returns the index of the first space in b, or its length: values are
// short, so that eight bytes at a time beat bytes.IndexByte.
func space(b []byte) int {
	i := 0
	for ; i+8 <= len(b); i += 8 {
		const ones, highs = 0x0101010101010101, 0x8080808080808080
		v := binary.LittleEndian.Uint64(b[i:]) ^ ones*' '
		if m := (v - ones) &^ v & highs; m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for i < len(b) && b[i] != ' ' {
		i++
	}
	return i
}
