// Package trail is the log on disk: lines appended to numbered segments, read
// back from any position, and sealed by a hash chain. It moves bytes and knows
// no record but the LEDGER lines that close the links of the chain.
//
// A [Writer] appends. It puts each batch of lines out with one write(2), rotates
// as auditd does, and never leaves half a line behind: not when the disk is full,
// and not after a crash, since [Open] sets a torn end aside. A [Reader] walks the
// segments that exist from the oldest to the newest; a [LiveReader] then goes on
// with what is appended and follows the rotation; both say where they are as a
// [Position] that survives restarts, renames and restored backups. [Verify]
// computes the hash chain anew and names the first damaged place.
//
// The files and the text forms are specified in docs/format/trail.md, the chain
// in docs/format/ledger.md.
package trail
