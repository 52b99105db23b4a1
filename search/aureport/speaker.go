package aureport

import (
	"bytes"
	"strconv"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/aulog"
	"vigil/search/auparse"
)

// speaker turns numbers into words, if -i asks for it. What it appends is not escaped.
type speaker struct {
	interpret bool
	escape    auparse.Escape // what --escape asks for
	harmless  auparse.Escape // what is done where aureport escapes nothing: no control byte reaches a terminal
	x         *auparse.Interpreter
	rec       auparse.Record
	text      []byte
}

// appendLoginUID appends who is accountable for an event: its auid, -1 if it is unset and -2 if no record has one.
func (s *speaker) appendLoginUID(dst []byte, e *aulog.Event, f *aulog.Facts) []byte {
	if !s.interpret {
		return strconv.AppendInt(dst, int64(int32(f.LoginUID)), 10)
	}
	if f.LoginUID == aulog.Unset {
		return append(dst, "unset"...)
	}
	if out, ok := said(e, "AUID="); ok {
		return appendName(dst, out)
	}
	return s.x.AppendUser(dst, f.LoginUID)
}

// said finds what the daemon has said of a field. aureport listens to it if it has said so behind the event's only
// record, or behind a SYSCALL that is its first.
func said(e *aulog.Event, key string) ([]byte, bool) {
	head := &e.Records[0]
	if len(head.Interp) == 0 || len(e.Records) > 1 && head.Type != tables.TypeSyscall {
		return nil, false
	}
	text := head.Interp
	for {
		i := bytes.Index(text, []byte(key))
		if i < 0 {
			return nil, false
		}
		begins := i == 0 || text[i-1] == ' '
		text = text[i+len(key):]
		if begins {
			break
		}
	}
	word, _, _ := bytes.Cut(text, []byte(" "))
	return word, true
}

// appendName appends a user's name as the daemon has written it: in quotes, or in hexadecimal if it holds odd bytes.
func appendName(dst, word []byte) []byte {
	if len(word) > 0 && word[0] == '"' {
		name, _, closed := bytes.Cut(word[1:], []byte(`"`))
		if !closed {
			return append(dst, ' ')
		}
		return append(dst, name...)
	}
	if out, ok := audit.AppendUnhex(dst, word); ok {
		return out
	}
	return append(dst, word...)
}

// appendSyscall appends an event's system call: its number, 0 if it has none.
func (s *speaker) appendSyscall(dst []byte, e *aulog.Event, f *aulog.Facts) []byte {
	if f.Syscall < 0 {
		if s.interpret {
			return append(dst, '?')
		}
		return append(dst, '0')
	}
	if !s.interpret {
		return strconv.AppendInt(dst, int64(f.Syscall), 10)
	}
	if out, ok := said(e, "SYSCALL="); ok {
		return append(dst, out...)
	}
	if name, ok := tables.SyscallName(tables.Arch(f.Arch), f.Syscall); ok {
		return append(dst, name...)
	}
	return strconv.AppendInt(dst, int64(f.Syscall), 10)
}

// appendAccount appends who authenticates: the name that was given, else the user of the program that asked.
func (s *speaker) appendAccount(dst []byte, e *aulog.Event, f *aulog.Facts) []byte {
	if f.Acct != nil {
		return append(dst, f.Acct...)
	}
	if s.interpret {
		return s.x.AppendUser(dst, f.UID)
	}
	return strconv.AppendInt(dst, int64(int32(f.UID)), 10)
}

// appendWhoLogsIn appends who logs in. Of a login that failed that is the name that was given.
func (s *speaker) appendWhoLogsIn(dst []byte, e *aulog.Event, f *aulog.Facts) []byte {
	if f.Result == aulog.ResultFailed && f.Acct != nil {
		return append(dst, f.Acct...)
	}
	return s.appendLoginUID(dst, e, f)
}

// keystrokes is what a TTY record tells.
type keystrokes struct {
	terminal, session, command, data []byte
}

// typed finds what was typed in an event.
func (s *speaker) typed(e *aulog.Event) (t keystrokes, ok bool) {
	for i := range e.Records {
		if !isTTY(e.Records[i].Type) {
			continue
		}
		r, known := e.Records[i].Audit()
		if !known {
			continue
		}
		s.x.Load(&s.rec, r)
		at := s.rec.Find("data")
		if at < 0 {
			return t, false
		}
		s.text = s.x.AppendValue(s.text[:0], &s.rec, at)
		t.data = s.text
		t.session = value(&s.rec, "ses")
		t.command = decoded(r, "comm")
		return t, true
	}
	return t, false
}

func value(r *auparse.Record, name string) []byte {
	if at := r.Find(name); at >= 0 {
		return r.Fields[at].Value
	}
	return nil
}

func decoded(r audit.Record, name string) []byte {
	if f, ok := r.Get(name); ok {
		return f.Text(nil)
	}
	return nil
}

// command is the name of the program that an event is about. Of several the last record has it, but what a security
// module and netfilter say counts only if no other record says anything.
func command(e *aulog.Event, f *aulog.Facts) []byte {
	if len(f.Comms) < 2 {
		return first(f.Comms)
	}
	var found []byte
	n := 0
	for i := range e.Records {
		r := &e.Records[i]
		if r.Type == tables.TypeObjPID || !bytes.Contains(r.Text, []byte("comm=")) {
			continue
		}
		if n == len(f.Comms) {
			break
		}
		isWeak := r.Type == tables.TypeAVC || r.Type == tables.TypeNetfilterCfg
		if found == nil || !isWeak {
			found = f.Comms[n]
		}
		n++
	}
	return found
}

func first(list [][]byte) []byte {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}
