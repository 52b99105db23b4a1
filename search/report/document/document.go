package document

import "time"

// Document is a finished report.
type Document struct {
	Name  string // of the report, "keys"
	Title string // for people, "Events by key"

	From, To time.Time // stamps of the first and last event; zero if there is none
	Events   uint64
	Records  uint64
	Files    int

	// Tables are the report. Only the page has more than one.
	Tables   []Table
	Timeline Timeline
	// Notes say what a reader must know to take the numbers for what they are.
	Notes []string
}

// Timeline is how events lie in time.
type Timeline struct {
	Start        time.Time
	Width        time.Duration // of a bucket
	Events       []uint64
	Failures     []uint64 // events that tell of a failure
	FailedLogins []uint64
}

// Table is one table.
type Table struct {
	Name    string
	Title   string
	Columns []Column
	Rows    [][]Value
	// Total is how many rows there are, of which Rows may be the first.
	Total Amount
	// Plain tables have one row for each thing that is counted, a name and a value,
	// and are printed without headings.
	Plain bool
	// Empty is what stands in the place of a table without rows.
	Empty string
	// Chart is the index of the column whose bars the page draws, 0 for none: the
	// first column is what the bars are of.
	Chart int
}

// Kind says what the values of a column are.
type Kind uint8

// The kinds of columns.
const (
	Text   Kind = iota
	Number      // an amount
	Time        // a point in time
	Result      // success, failure or neither
	Wide        // a text that may be cut first where room is scarce
)

// Column is a column of a table.
type Column struct {
	Name string // key in JSON, heading in CSV: "failed"
	Kind Kind
	// Aside columns are left out of the table for people where room is scarce.
	Aside bool
}

// Amount is a number that may be known in part only.
type Amount struct {
	N uint64
	// Missing is how much more it may be at most; N is then a lower bound.
	Missing uint64
	// About says that N is an estimate.
	About bool
}

// Exact reports whether the number is what it says.
func (a Amount) Exact() bool { return a.Missing == 0 && !a.About }

// Value is a cell. Which member counts, the column says; a zero Time and an empty
// Text are printed as nothing.
type Value struct {
	Text   string
	Amount Amount
	Time   time.Time
}

// TextValue is the value of a Text, Wide or Result column.
func TextValue(s string) Value { return Value{Text: s} }

// NumberValue is an exact number.
func NumberValue(n uint64) Value { return Value{Amount: Amount{N: n}} }

// TimeValue is a point in time.
func TimeValue(t time.Time) Value { return Value{Time: t} }
