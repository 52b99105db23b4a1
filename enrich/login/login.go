// Package login knows who is behind an audit session (ses=): the user who logged in, the terminal, where from, how and
// when.
//
// The kernel numbers sessions and says so in LOGIN records; programs tell the rest in USER_AUTH, USER_START and USER_LOGIN.
// A session keeps its number through sudo and su, so what was learned at its begin is said of everything in it. A session
// that was begun from within another (pam_loginuid in a nested login) is still the first one's: user, address and method
// are its, because they are where the person is.
//
// # Whom is believed
//
// LOGIN is the kernel's. The other records are sent by programs, which need CAP_AUDIT_WRITE; containers often have it. The
// kernel puts the sender's own pid and session before their text, so a sender can speak of its own session alone, and only
// the process that has set the session's loginuid is listened to: sshd, login, a display manager, cron. sudo and su,
// which tell of their own sessions in the same words and under the same ses, change nothing and end nothing.
package login

import (
	"bytes"
	"math"
	"strings"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/enrich/attribution"
)

// Config bounds a Table. Its zero value is valid.
type Config struct {
	// Max is how many sessions are remembered; 0 is 4096. One that has ended gives way first, then the one begun longest
	// ago.
	Max int
}

// Table is what is known of logins since the boot. It belongs to one goroutine.
type Table struct {
	max      int
	sessions map[uint32]*session
	auths    []auth // the last ones, a ring
	next     int
	stats    Stats
}

// Stats are a Table's counts.
type Stats struct {
	Sessions int    // remembered
	Begun    uint64 // LOGIN records
	Evicted  uint64 // sessions forgotten because there were too many
}

// session is one audit session. login is replaced, never changed: it has been handed out.
type session struct {
	login *attribution.Login
	pid   uint32 // who set the loginuid
	ended bool
	order uint64
}

// auth is a USER_AUTH of somebody who has no session yet.
type auth struct {
	pid    uint32
	time   int64 // milliseconds
	user   string
	addr   string
	tty    string
	method string
}

const (
	maxAuths  = 64
	authAge   = 120_000 // milliseconds: sshd's LoginGraceTime
	maxText   = 256
	noSession = math.MaxUint32
)

// NewTable returns a Table that knows nobody.
func NewTable(cfg Config) *Table {
	if cfg.Max <= 0 {
		cfg.Max = 4096
	}
	return &Table{max: cfg.Max, sessions: map[uint32]*session{}}
}

// Login returns what is known of a session, nil if nothing. It does not allocate. The answer does not change; another one
// takes its place when more is learned.
func (t *Table) Login(ses uint32) *attribution.Login {
	if s := t.sessions[ses]; s != nil {
		return s.login
	}
	return nil
}

// Ended reports whether the login behind a session is over. What it has left running still bears its number.
func (t *Table) Ended(ses uint32) bool {
	s := t.sessions[ses]
	return s != nil && s.ended
}

// Stats returns the counts as they are now.
func (t *Table) Stats() Stats {
	s := t.stats
	s.Sessions = len(t.sessions)
	return s
}

// Reset forgets all sessions: their numbers begin anew with each boot.
func (t *Table) Reset() { *t = Table{max: t.max, sessions: map[uint32]*session{}, stats: t.stats} }

// Observe learns from a record. Records of other types cost nothing.
func (t *Table) Observe(r audit.Record) {
	switch r.Type {
	case tables.TypeLogin:
		t.login(r)
	case tables.TypeUserAuth:
		t.auth(r)
	case tables.TypeUserStart, tables.TypeUserLogin:
		t.start(r)
	case tables.TypeUserEnd, tables.TypeUserLogout:
		t.end(r)
	}
}

// message is what the fields of a record say. Those that only the kernel may say are taken from it alone.
type message struct {
	pid, ses, oldSes      uint32
	user, tty, addr, host []byte
	exe, op               []byte
	id                    []byte
	failed                bool
}

func read(r audit.Record) message {
	m := message{ses: noSession, oldSes: noSession}
	fs := r.Fields()
	for f, ok := fs.Next(); ok; f, ok = fs.Next() {
		if !f.FromProgram() {
			switch string(f.Name) {
			case "pid":
				m.pid = number(f)
			case "ses":
				m.ses = number(f)
			case "old-ses":
				m.oldSes = number(f)
			case "res":
				m.failed = string(f.Value) == "0"
			}
			continue
		}
		switch string(f.Name) {
		case "acct":
			m.user = f.Text(m.user[:0])
		case "terminal":
			m.tty = f.Text(m.tty[:0])
		case "addr":
			m.addr = f.Text(m.addr[:0])
		case "hostname":
			m.host = f.Text(m.host[:0])
		case "exe":
			m.exe = f.Text(m.exe[:0])
		case "op":
			m.op = f.Text(m.op[:0])
		case "id":
			m.id = f.Text(m.id[:0])
		case "res":
			m.failed = string(f.Value) == "failed"
		}
	}
	return m
}

func number(f audit.Field) uint32 {
	if n, ok := f.Uint(); ok && n <= math.MaxUint32 {
		return uint32(n)
	}
	return noSession // "unset" and -1 too
}

// word is a text that says something: programs write ? for what they do not know.
func word(b []byte) string {
	if len(b) == 0 || string(b) == "?" || string(b) == "(none)" || string(b) == "(unknown)" {
		return ""
	}
	return string(b[:min(len(b), maxText)])
}

func millis(id audit.ID) int64 {
	if id.Sec > math.MaxInt64/1000-1 {
		return 0
	}
	return id.Sec*1000 + int64(id.Milli)
}

// login begins a session: the kernel has given a process its loginuid.
func (t *Table) login(r audit.Record) {
	m := read(r)
	if m.ses == noSession || m.failed {
		return
	}
	t.stats.Begun++
	l := &attribution.Login{Time: millis(r.ID)}
	if before := t.sessions[m.oldSes]; before != nil && m.oldSes != noSession {
		*l = *before.login
	} else if a := t.authBy(m.pid, l.Time); a != nil {
		l.User, l.Addr, l.TTY, l.Method = a.user, a.addr, a.tty, a.method
	}
	if t.sessions[m.ses] == nil {
		t.room()
	}
	t.sessions[m.ses] = &session{login: l, pid: m.pid, order: t.stats.Begun}
}

// room makes room for one session more.
func (t *Table) room() {
	for len(t.sessions) >= t.max {
		var victim uint32
		var at *session
		for ses, s := range t.sessions {
			if at == nil || s.ended && !at.ended || s.ended == at.ended && s.order < at.order {
				victim, at = ses, s
			}
		}
		delete(t.sessions, victim)
		t.stats.Evicted++
	}
}

// auth notes who has proved to be whom; the session comes later, from the same process.
func (t *Table) auth(r audit.Record) {
	m := read(r)
	if m.failed || m.ses != noSession { // sudo and su ask for passwords too
		return
	}
	a := auth{pid: m.pid, time: millis(r.ID), user: word(m.user), addr: address(&m), tty: terminal(&m), method: method(&m)}
	if len(t.auths) < maxAuths {
		t.auths = append(t.auths, a)
		return
	}
	t.auths[t.next] = a
	t.next = (t.next + 1) % maxAuths
}

// authBy returns the last authentication by a process.
func (t *Table) authBy(pid uint32, now int64) *auth {
	var last *auth
	for i := range t.auths {
		if a := &t.auths[i]; a.pid == pid && now-a.time <= authAge && now >= a.time && (last == nil || a.time >= last.time) {
			last = a
		}
	}
	return last
}

// start adds what the program that began a session says of it. What is known stays.
func (t *Table) start(r audit.Record) {
	m := read(r)
	s := t.sessions[m.ses]
	if s == nil || m.failed || m.pid != s.pid {
		return
	}
	l := *s.login
	fill(&l.User, word(m.user))
	fill(&l.Addr, address(&m))
	fill(&l.Method, method(&m))
	if tty := terminal(&m); tty != "" && !strings.Contains(tty, "/") && l.TTY == "" || strings.HasPrefix(tty, "pts/") ||
		strings.HasPrefix(tty, "tty") {
		l.TTY = tty // sshd says ssh first, and the terminal when it has one
	}
	if l != *s.login {
		s.login = &l
	}
}

func fill(s *string, with string) {
	if *s == "" {
		*s = with
	}
}

// end notes that a session is over. It is kept: what was left running is still of it.
func (t *Table) end(r audit.Record) {
	m := read(r)
	if s := t.sessions[m.ses]; s != nil && m.pid == s.pid {
		s.ended = true
	}
}

func address(m *message) string {
	if a := word(m.addr); a != "" {
		return a
	}
	return word(m.host)
}

// terminal is the terminal's name; programs that have none give their own name (ssh, cron) or a display.
func terminal(m *message) string {
	tty := strings.TrimPrefix(word(m.tty), "/dev/")
	if tty == method(m) || tty == "ssh" || tty == "cron" || tty == "sshd" {
		return ""
	}
	return tty
}

// method is how the login was made, by the program that let the user in.
func method(m *message) string {
	name := m.exe[bytes.LastIndexByte(m.exe, '/')+1:]
	switch string(name) {
	case "sshd", "sshd-session", "sshd-auth", "dropbear":
		return "ssh"
	case "crond", "cron", "atd":
		return "cron"
	case "gdm-session-worker", "gdm-session-wor", "lightdm", "sddm-helper", "xdm":
		return "display"
	case "systemd", "systemd-executor":
		return "systemd"
	}
	return word(name)
}
