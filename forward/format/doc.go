// Package format writes audit events for others to read: as JSON in the names of
// the Elastic Common Schema, as a readable line for a terminal, and as the lines
// of the trail.
//
// An encoder appends whole lines to a buffer of the caller's. Whatever the records
// hold, an event never makes a line too many, JSON is valid and in UTF-8, and
// nothing reaches the terminal that it would obey. Encoders keep scratch memory:
// in the steady state they allocate nothing, and each serves one goroutine.
package format
