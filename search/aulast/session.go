package aulast

import (
	"container/list"
	"fmt"
	"io"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/aulog"
	"vigil/search/auparse"
)

// state is how far a session has come.
type state uint8

const (
	begun   state = iota // LOGIN was seen: an auid and a session number
	active               // USER_LOGIN was seen: terminal and host
	ended                // with a time
	crashed              // the next boot came first
	gone                 // another session took its number
)

// session is one login, or one time that the system was up.
type session struct {
	boot       bool
	pid        uint32
	auid, ses  uint32
	user       string // "" if only the number is known
	terminal   string
	host       string
	start, end int64
	proof      [3]uint32 // the serials of what began it, of USER_LOGIN and of what ended it
	state      state
}

// maxSessions bounds what is remembered. A host has hundreds; a log that was made
// to exhaust memory has more.
const maxSessions = 1 << 17

// Sessions follows the events of a log and prints each session when it is over.
type Sessions struct {
	opt     Options
	out     printer
	debug   io.Writer
	extract io.Writer // nil: nothing is extracted
	x       *auparse.Interpreter
	rec     auparse.Record

	open  *list.List // of *session, in the order they began
	bySes map[uint32]*list.Element
}

// NewSessions returns an empty Sessions. The interpreter names users.
func NewSessions(opt Options, out, debug, extract io.Writer, x *auparse.Interpreter) *Sessions {
	return &Sessions{
		opt: opt, out: newPrinter(out, opt), debug: debug, extract: extract, x: x,
		open: list.New(), bySes: map[uint32]*list.Element{},
	}
}

// Add takes in an event. Its first record says what it is.
func (s *Sessions) Add(e *aulog.Event) error {
	if len(e.Records) == 0 || !ofSessions(e.Records[0].Type) {
		return nil
	}
	r, ok := e.Records[0].Audit()
	if !ok {
		return nil
	}
	c := load(s.x, &s.rec, r)
	switch r.Type {
	case tables.TypeLogin:
		s.login(c, r.ID)
	case tables.TypeUserLogin:
		s.userLogin(c, r.ID)
	case tables.TypeUserEnd:
		s.userEnd(c, r.ID)
	case tables.TypeSystemBoot:
		s.boot(r.ID)
	case tables.TypeSystemShutdown:
		s.shutdown(r.ID)
	}
	if s.extract != nil {
		if _, err := fmt.Fprintf(s.extract, "%s\n", e.Records[0].Text); err != nil {
			return fmt.Errorf("extract record: %w", err)
		}
	}
	return s.out.err
}

func ofSessions(t tables.Type) bool {
	switch t {
	case tables.TypeLogin, tables.TypeUserLogin, tables.TypeUserEnd, tables.TypeSystemBoot, tables.TypeSystemShutdown:
		return true
	}
	return false
}

// End prints the sessions that are open at the end of the log.
func (s *Sessions) End(now int64) error {
	for e := s.open.Front(); e != nil; e = e.Next() {
		one := e.Value.(*session)
		one.end = now
		s.out.session(one)
	}
	return s.out.err
}

// login begins a session. Old kernels write "old auid=… new auid=… old ses=… new
// ses=…", newer ones old-auid, auid, old-ses, ses: what counts comes second.
func (s *Sessions) login(c cursor, id audit.ID) {
	n := &session{start: id.Sec, proof: [3]uint32{id.Serial}, auid: unset, ses: unset}
	n.pid = c.uint("pid")
	if c.find("old-auid", "auid") {
		c.step()
		if n.auid = c.uint("auid"); n.auid != unset {
			n.user = string(s.x.AppendValue(nil, c.rec, c.at))
		}
	}
	if c.find("old-ses", "ses") {
		c.step()
		n.ses = c.uint("ses")
	}
	if n.pid == unset || n.auid == unset || n.ses == unset {
		s.complain("Bad login for event: %d\n", id.Serial)
		return
	}
	if old := s.bySes[n.ses]; old != nil {
		one := old.Value.(*session)
		if one.state != begun {
			one.state, one.end = gone, id.Sec
		}
		s.close(old)
	}
	if s.opt.userGiven && n.user != s.opt.User {
		s.complain("login reporting limited to %s for event: %d\n", printable(s.opt.User), id.Serial)
		return
	}
	s.begin(n)
}

// userLogin completes a session, or tells a failed login. What failed has the
// name that was given, acct, or the number of a user, id.
func (s *Sessions) userLogin(c cursor, id audit.ID) {
	n := session{start: id.Sec, end: id.Sec, proof: [3]uint32{id.Serial}, auid: unset}
	n.pid = c.uint("pid")
	n.ses = c.uint("ses")
	c.reset()
	if c.find("acct") {
		n.user = string(s.x.AppendValue(nil, c.rec, c.at))
		n.ses = unset
	} else {
		c.reset()
		n.auid = c.uint("id")
	}
	named := n.ses == unset && n.auid == unset
	c.reset()
	whole := s.from(&n, &c)
	failed := false
	if whole = whole && c.find("res"); whole {
		failed = c.text() != "success" && c.text() != ""
	}
	switch {
	case failed && s.opt.Bad:
		s.out.failed(&n, named && n.user != "")
		return
	case failed:
	case n.pid == unset || n.auid == unset || n.ses == unset:
		s.complain("Bad user login for event: %d\n", id.Serial)
		return
	case whole:
		if e := s.find(n.auid, n.pid, n.ses); e != nil {
			one := e.Value.(*session)
			if !strings.Contains(n.terminal, s.opt.TTY) {
				s.complain("User login limited to %s for event: %d\n", printable(s.opt.TTY), id.Serial)
				one.state = begun
				s.close(e)
				return
			}
			one.state, one.terminal, one.host = active, n.terminal, n.host
			one.proof[1] = id.Serial
			return
		}
	}
	if s.opt.Debug {
		s.out.printf("Session not found or updated\n") // on standard output, as in aulast
	}
}

// from finds where a login came from: the host name, else the address, and the
// terminal.
func (s *Sessions) from(n *session, c *cursor) bool {
	if !c.find("hostname") {
		return false
	}
	n.host = c.text()
	if n.host == "?" {
		if !c.find("addr") {
			return false
		}
		n.host = c.text()
	}
	if !c.find("terminal") {
		return false
	}
	n.terminal = c.text()
	return true
}

func (s *Sessions) userEnd(c cursor, id audit.ID) {
	pid, auid, ses := c.uint("pid"), c.uint("auid"), c.uint("ses")
	if pid == unset || auid == unset || ses == unset {
		s.complain("Bad user logout for event: %d\n", id.Serial)
		return
	}
	e := s.find(auid, pid, ses)
	if e == nil {
		return
	}
	s.over(e, id)
}

// over ends a session with a time, and prints it if anybody had logged in.
func (s *Sessions) over(e *list.Element, id audit.ID) {
	one := e.Value.(*session)
	if one.state != begun {
		one.state = ended
	}
	one.end, one.proof[2] = id.Sec, id.Serial
	s.close(e)
}

// boot ends everything that was before, in the order it began.
func (s *Sessions) boot(id audit.ID) {
	for e := s.open.Front(); e != nil; e = s.open.Front() {
		one := e.Value.(*session)
		if one.state != begun {
			one.state, one.end, one.proof[2] = crashed, id.Sec, id.Serial
		}
		s.close(e)
	}
	s.begin(&session{boot: true, state: active, start: id.Sec, proof: [3]uint32{id.Serial}})
}

// shutdown ends what began first: the boot, if the log has it.
func (s *Sessions) shutdown(id audit.ID) {
	if e := s.open.Front(); e != nil {
		s.over(e, id)
	}
}

func (s *Sessions) find(auid, pid, ses uint32) *list.Element {
	e := s.bySes[ses]
	if e == nil {
		return nil
	}
	if one := e.Value.(*session); one.boot || one.auid != auid || one.pid != pid {
		return nil
	}
	return e
}

func (s *Sessions) begin(n *session) {
	if s.open.Len() >= maxSessions {
		s.close(s.open.Front())
	}
	s.bySes[n.ses] = s.open.PushBack(n)
}

// close forgets a session and prints it, unless nobody has logged in.
func (s *Sessions) close(e *list.Element) {
	one := e.Value.(*session)
	s.open.Remove(e)
	delete(s.bySes, one.ses)
	s.out.session(one)
}

func (s *Sessions) complain(format string, args ...any) {
	if s.opt.Debug {
		fmt.Fprintf(s.debug, format, args...)
	}
}
