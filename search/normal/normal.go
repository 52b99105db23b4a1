package normal

import (
	"time"

	"vigil/audit"
	"vigil/audit/tables"
	"vigil/search/auparse"
	"vigil/search/auparse/date"
	"vigil/search/normal/sentence"
)

// Config says how to print. Interpreter must be set; the other fields may be zero.
type Config struct {
	// Interpreter prints the values. Its escaping must be that of the output.
	Interpreter *auparse.Interpreter
	// Version says whose words and whose choice of parts, where versions differ.
	// It should be that of the Interpreter.
	Version auparse.Version
	// Location of the dates and times; UTC if nil.
	Location *time.Location
	// Dates is how the csv and text formats write a date, as the reader's locale
	// does; empty is 11/21/26, that of the C locale.
	Dates date.Format

	// UserID returns the number of the user of that name, which says what kind of
	// account somebody logs in to; false if there is none. nil knows none. name is
	// valid during the call.
	UserID func(name []byte) (uint32, bool)

	// Further columns of the csv format: ausearch's --extra-keys,
	// --extra-labels, --extra-obj2 and --extra-time.
	ExtraKeys, ExtraLabels, ExtraObj2, ExtraTime bool

	// Quote makes the csv format quote values with a comma or a quote in them, as
	// RFC 4180 asks for. ausearch does not, so that a file name or a command with
	// a comma shifts the columns behind it.
	Quote bool
}

// Normalizer finds the parts of events and prints them. It keeps memory between
// calls, which must not overlap.
type Normalizer struct {
	cfg        Config
	recs       []auparse.Record
	fields     Fields
	at         cursor
	victims    []int // the records of processes that were killed
	attributes bool
	first      tables.Type // of the event, 0 if stock does not know its name
	parts      parts
	buf        []byte
	teller     *sentence.Teller
}

// New returns a Normalizer.
func New(cfg Config) *Normalizer {
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	return &Normalizer{cfg: cfg, teller: sentence.New(cfg.Interpreter, cfg.Location)}
}

// Fields are the parts of an event, as the csv format prints them. A part that an
// event does not have is nil; one that it has may be empty. They are valid until
// the Normalizer's next call.
type Fields struct {
	EventKind []byte // what the event belongs to, such as "user-login"
	Session   []byte // the login session, "unset" if there is none

	SubjPrime []byte // whoever logged in: what auid names
	SubjSec   []byte // as whom it was done: what uid names
	SubjKind  []byte // what kind of account that is, such as "privileged-acct"
	SubjLabel []byte // the security label of the process

	Action []byte // such as "opened-file"
	Result []byte // "success" or "failed", nil if the event does not say

	ObjPrime []byte // what it was done to
	ObjSec   []byte // more of it: an inode, a port
	Obj2     []byte // a second object: the new owner or mode of a file, the source of a mount
	ObjLabel []byte // the object's security label
	ObjKind  []byte // such as "file", "unknown" if it is of none

	How []byte // the program by which it was done, nil if that is not known
	Key []byte // the key of the audit rule that the event matched
}

// Normalize finds the parts of e.
func (n *Normalizer) Normalize(dst *Fields, e *audit.Event) {
	n.find(e, true)
	*dst = n.fields
}

// Failed returns the type of the event that the last call was about, if stock has
// nothing to say of it: it has several records and no system call. ausearch says
// "error normalizing TYPE" on standard error then, and prints a row without parts or
// a sentence without words. nil means that there was something to say.
func (n *Normalizer) Failed() []byte {
	if !n.parts.failed {
		return nil
	}
	if name := n.typeName(); name != nil {
		return name
	}
	return []byte("(null)")
}
