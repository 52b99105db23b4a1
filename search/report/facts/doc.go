// Package facts takes out of an event what reports ask for: who, with what, on
// what, from where, in which container, and what became of it.
//
// It reads each record once, and decodes a value only when it is asked for. That
// is several times faster than asking for fields by their names, of which reports
// need two dozen of every event.
package facts
