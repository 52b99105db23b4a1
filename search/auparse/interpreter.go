package auparse

import (
	"strconv"
	"time"

	"vigil/audit"
	"vigil/search/auparse/date"
	"vigil/search/auparse/words"
)

// Version says whose words are printed where versions of libauparse differ.
type Version = words.Version

// The versions.
const (
	V3 = words.V3 // audit 3.0.9, that of Debian 12
	V4 = words.V4 // audit 4.2
)

// Escape says what becomes of bytes that may harm whoever reads the output, as the option --escape of ausearch does.
type Escape uint8

// The ways to escape, in the words of ausearch.
const (
	TTY        Escape = iota // control bytes are printed in octal; the default
	Raw                      // nothing is done
	Shell                    // as TTY, and a backslash before a space and each of !"$'()\`|
	ShellQuote               // as Shell, and before each of #&*;<>?[]{} too
)

// Names knows users and groups. Both methods return false for a number without a name. They may be called from several
// goroutines only if the Interpreter is.
type Names interface {
	User(uid uint32) (string, bool)
	Group(gid uint32) (string, bool)
}

// Links may be had by a Names too: it knows the names of network devices, which stand after link-local addresses. Without
// it they are numbers.
type Links interface {
	Link(index uint32) (string, bool)
}

// Config says how to print. Its zero value prints as audit 3.0.9 does on a terminal, knows no names, and the times are
// those of UTC.
type Config struct {
	Version  Version
	Escape   Escape
	Names    Names          // nil knows none: users and groups are "unknown(1000)"
	Location *time.Location // of the times; UTC if nil
	Dates    date.Format    // of the locale; empty is that of the C locale, 11/21/26
}

// Interpreter prints records. It holds no state between calls: several goroutines may use one at once, if they may use
// its Names.
type Interpreter struct {
	version  Version
	escape   Escape
	names    Names
	location *time.Location
	dates    date.Format
}

// New returns an Interpreter.
func New(cfg Config) *Interpreter {
	x := &Interpreter{version: cfg.Version, escape: cfg.Escape, names: cfg.Names, location: cfg.Location, dates: cfg.Dates}
	if x.location == nil {
		x.location = time.UTC
	}
	return x
}

// AppendStamp appends the date, time and serial of an event as ausearch -i prints it: "11/21/26 10:49:55.263:123".
func (x *Interpreter) AppendStamp(dst []byte, id audit.ID) []byte {
	t := time.Unix(id.Sec, 0).In(x.location)
	dst = x.dates.Append(dst, t)
	dst = t.AppendFormat(dst, " 15:04:05.")
	dst = append(dst, byte('0'+id.Milli/100%10), byte('0'+id.Milli/10%10), byte('0'+id.Milli%10), ':')
	return strconv.AppendUint(dst, uint64(id.Serial), 10)
}
