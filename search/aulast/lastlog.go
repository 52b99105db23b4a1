package aulast

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"vigil/audit/tables"
	"vigil/search/aulog"
	"vigil/search/auparse"
)

// Account is a user of the host.
type Account struct {
	Name string
	UID  uint32
}

// ReadAccounts reads a file like /etc/passwd. Lines that are none of it are passed
// over.
func ReadAccounts(r io.Reader) ([]Account, error) {
	var accounts []Account
	scan := bufio.NewScanner(r)
	for scan.Scan() {
		field := strings.SplitN(scan.Text(), ":", 4)
		if len(field) < 4 || field[0] == "" || strings.HasPrefix(field[0], "#") {
			continue
		}
		uid, err := strconv.ParseUint(field[2], 10, 32)
		if err != nil {
			continue
		}
		accounts = append(accounts, Account{field[0], uint32(uid)})
	}
	if err := scan.Err(); err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return accounts, nil
}

// login is the last login of an account.
type login struct {
	known          bool
	terminal, host string
	at             int64
}

// Lastlog is each account's last login in a log.
type Lastlog struct {
	accounts []Account
	logins   []login
	byUID    map[uint32]int // the first account with that number
	x        *auparse.Interpreter
	rec      auparse.Record
}

// NewLastlog returns a Lastlog in which nobody has logged in yet.
func NewLastlog(accounts []Account) *Lastlog {
	l := &Lastlog{
		accounts: accounts, logins: make([]login, len(accounts)),
		byUID: make(map[uint32]int, len(accounts)), x: auparse.New(auparse.Config{}),
	}
	for i, a := range accounts {
		if _, taken := l.byUID[a.UID]; !taken {
			l.byUID[a.UID] = i
		}
	}
	return l
}

// Add takes in an event.
func (l *Lastlog) Add(e *aulog.Event) {
	for i := range e.Records {
		if e.Records[i].Type != tables.TypeUserLogin {
			continue
		}
		r, ok := e.Records[i].Audit()
		if !ok {
			continue
		}
		c := load(l.x, &l.rec, r)
		if !c.find("res") || c.text() != "success" {
			continue
		}
		c.reset()
		place, ok := l.byUID[c.uint("auid")]
		if !ok {
			continue
		}
		now := login{known: true, at: r.ID.Sec}
		if c.find("hostname") {
			now.host = c.text()
		}
		if c.find("terminal") {
			now.terminal = c.text()
		}
		l.logins[place] = now
	}
}

// Print prints the table, of one user if it is not "". The times are those of loc.
func (l *Lastlog) Print(w io.Writer, user string, loc *time.Location) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, "Username         Port         From                       Latest")
	for i, a := range l.accounts {
		if user != "" && a.Name != user {
			continue
		}
		at := "**Never logged in**"
		if l.logins[i].known {
			at = time.Unix(l.logins[i].at, 0).In(loc).Format("01/02/06 15:04:05")
		}
		fmt.Fprintf(out, "%-16.16s %-12.12s %-26.26s %s\n",
			printable(a.Name), printable(l.logins[i].terminal), printable(l.logins[i].host), at)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("print last logins: %w", err)
	}
	return nil
}

// Knows reports whether there is an account of that name.
func (l *Lastlog) Knows(user string) bool {
	for _, a := range l.accounts {
		if a.Name == user {
			return true
		}
	}
	return false
}
