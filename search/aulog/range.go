package aulog

// Range is a span of time in seconds since the epoch, both ends inclusive; 0 is
// an open end, as in stock.
type Range struct{ Start, End int64 }

// Holds reports whether a second lies in the range.
func (r Range) Holds(sec int64) bool {
	return (r.Start == 0 || sec >= r.Start) && (r.End == 0 || sec <= r.End)
}
