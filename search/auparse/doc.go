// Package auparse makes of an audit record what libauparse makes of it, byte for byte: the words in which a record's
// numbers, flags, hexadecimal strings and addresses are printed by ausearch -i, its csv and text formats, aureport -i
// and aulast.
//
// An Interpreter holds how to print; a Record is one line split as libauparse splits it, in memory that is used again.
// A line that the daemon has enriched (what stands after audit.Separator) has names that the log's host knew; they go
// before the names that this host knows.
//
// Versions of libauparse differ: V3 prints as audit 3.0.9 (Debian 12), V4 as audit 4.2. What is said to be "as stock"
// here was learnt by asking the libraries of both, see testdata. Where Vigil differs on purpose,
// docs/ausearch-differences.md says so.
//
// With Escape TTY, the default, no control byte of a record reaches the output.
package auparse
