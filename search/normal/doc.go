// Package normal says what an event is about: who did what to which object, how,
// and with which result.
//
// A [Normalizer] finds those parts as libauparse's normaliser does, and prints them
// as `ausearch --format csv` and `ausearch --format text` do, byte for byte, for
// audit 3.0.9 and 4.2. AppendPlain prints Vigil's own sentence, which says more: it
// names containers, pods and the login that is behind a process, where the trail
// has them.
//
// What the tables here hold, which record types and system calls mean what, was
// learnt by asking the libraries of both versions; testdata holds their answers.
// Where Vigil differs on purpose, docs/ausearch-differences.md says so.
//
// Whatever the records hold, an event becomes one line without control bytes, in
// time linear in the size of the event.
package normal
