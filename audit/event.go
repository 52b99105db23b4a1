package audit

import (
	"bytes"

	"vigil/audit/tables"
)

// End says why an Assembler held an event for complete.
type End uint8

// The ends of an event.
const (
	EndEOE       End = iota // the kernel's end-of-event record came
	EndProctitle            // PROCTITLE came, the last record that tells something
	EndSingle               // a record of a type that stands alone
	EndTimeout              // nothing more came for a while
	EndEvicted              // too many events were open: this one was the oldest
	EndFlush                // Flush was called
	EndLate                 // records of an event that was handed out before
)

// String returns a word for e, such as "timeout".
func (e End) String() string {
	switch e {
	case EndEOE:
		return "eoe"
	case EndProctitle:
		return "proctitle"
	case EndSingle:
		return "single"
	case EndTimeout:
		return "timeout"
	case EndEvicted:
		return "evicted"
	case EndFlush:
		return "flush"
	case EndLate:
		return "late"
	}
	return "unknown"
}

// Event is the records that share a stamp, in the order in which they came. EOE
// is not among them.
type Event struct {
	ID      ID
	Node    []byte // nil if the records bear none
	Records []Record
	End     End
}

// First returns the first record of type t.
func (e *Event) First(t tables.Type) (Record, bool) {
	for i := range e.Records {
		if e.Records[i].Type == t {
			return e.Records[i], true
		}
	}
	return Record{}, false
}

// Clone returns a copy of e that shares no memory with it.
func (e *Event) Clone() *Event {
	c := &Event{ID: e.ID, End: e.End, Node: append([]byte(nil), e.Node...)}
	if e.Records != nil {
		c.Records = make([]Record, len(e.Records))
	}
	for i, r := range e.Records {
		c.Records[i] = r.Clone()
	}
	return c
}

// Result is what became of the thing that an event tells of.
type Result uint8

// The results.
const (
	ResultUnknown Result = iota // the records do not say
	ResultSuccess
	ResultFailure
)

// String returns "success", "failure" or "unknown".
func (r Result) String() string {
	switch r {
	case ResultSuccess:
		return "success"
	case ResultFailure:
		return "failure"
	}
	return "unknown"
}

// Result returns what r says in success=, res= or result=. Of several the last
// counts: programs put it at the end of their message, behind whatever others
// have given them to print. What a security module has denied is a failure.
func (r Record) Result() Result {
	result := ResultUnknown
	if r.Type == tables.TypeLandlockAccess {
		return ResultFailure // logged for denials only, security/landlock/audit.c
	}
	if v, _ := r.AVC(); string(v) == "denied" {
		result = ResultFailure
	}
	fs := r.Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		switch string(f.Name) {
		case "success", "res", "result":
			result = f.result()
		case "apparmor":
			if string(f.Value) == `"DENIED"` {
				result = ResultFailure
			}
		}
	}
	return result
}

func (f Field) result() Result {
	switch string(f.Value) {
	case "yes", "success", "1":
		return ResultSuccess
	case "no", "failed", "0":
		return ResultFailure
	}
	return ResultUnknown
}

// Result returns the result of the system call or io_uring operation, of the
// first record that has one if there is neither.
func (e *Event) Result() Result {
	for _, t := range [...]tables.Type{tables.TypeSyscall, tables.TypeUringOp} {
		if r, ok := e.First(t); ok {
			if result := r.Result(); result != ResultUnknown {
				return result
			}
		}
	}
	for _, r := range e.Records {
		if result := r.Result(); result != ResultUnknown {
			return result
		}
	}
	return ResultUnknown
}

// AVC returns the verdict ("denied", "granted") and the permissions, without the
// braces, of a record that begins with "avc:", nil for any other.
func (r Record) AVC() (verdict, perms []byte) {
	switch r.Type {
	case tables.TypeAVC, tables.TypeUserAVC, tables.TypeUserSELinuxErr, tables.TypeSELinuxErr:
	default:
		return nil, nil
	}
	_, b, ok := bytes.Cut(r.Body, []byte("avc:"))
	if !ok {
		return nil, nil
	}
	b = bytes.TrimLeft(b, " ")
	verdict, b, _ = bytes.Cut(b, []byte(" "))
	b = bytes.TrimLeft(b, " ")
	if rest, ok := cutPrefix(b, "{"); ok {
		if i := bytes.IndexByte(rest, '}'); i >= 0 {
			perms = bytes.TrimSpace(rest[:i])
		}
	}
	return verdict, perms
}

// Keys fills a with the keys of the rule that the event matched, or that a
// CONFIG_CHANGE is about: several keys of one rule are joined by 0x01
// (AUDIT_KEY_SEPARATOR).
func (e *Event) Keys(a *Args) {
	a.reset()
	for i := range e.Records {
		switch e.Records[i].Type {
		case tables.TypeSyscall, tables.TypeUringOp, tables.TypeConfigChange:
			if f, ok := e.Records[i].Get("key"); ok {
				a.addKeys(f)
			}
		}
	}
}

// Keys fills a with the keys in a field key=.
func (f Field) Keys(a *Args) {
	a.reset()
	a.addKeys(f)
}

func (a *Args) addKeys(f Field) {
	start := len(a.buf)
	a.buf = f.Text(a.buf)
	a.split(start, 1)
}

// AppendPath appends the file name in a PATH record of e, made absolute with the
// event's CWD if it can be. It is what the process has said, with its links and
// its dots; a name of which the kernel knows nothing, "(null)", is left out.
func (e *Event) AppendPath(dst []byte, path Record) []byte {
	f, ok := path.Get("name")
	if !ok || f.IsNull() {
		return dst
	}
	start := len(dst)
	if v := f.Value; len(v) < 2 || string(v[:2]) != `"/` && string(v[:2]) != "2F" {
		if r, ok := e.First(tables.TypeCWD); ok {
			if cwd, ok := r.Get("cwd"); ok {
				dst = cwd.Text(dst)
			}
		}
		if n := len(dst); n > start && dst[n-1] != '/' {
			dst = append(dst, '/')
		}
	}
	return f.Text(dst)
}
