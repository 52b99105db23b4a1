// Package ledger keeps the books of the audit stream: how many records came, how
// many were written, and what was lost.
//
// The kernel numbers its events but tells nobody which numbers it dropped, and
// its counter of lost records misses most of them (records dropped while no
// daemon is registered or while the socket is full are not counted). So [Gaps]
// watches the serials: one that has not come some seconds after higher ones did
// is missing. A [Ledger] joins that with the kernel's counter, the overflows of
// the socket and the failures to write, and yields each [Loss] to be put into the
// trail as a LEDGER record, whose text [Line] makes and reads.
//
// The records are specified in docs/format/ledger.md.
package ledger
