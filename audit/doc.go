// Package audit is the vocabulary of the Linux audit stream and its pure part:
// records and their fields, and the assembly of records into events.
//
// A [Record] is a view of one message of the kernel or of one line of an audit
// log; nothing is copied until somebody asks for a decoded value. [Fields] walks
// the name=value pairs of a record, [Field.Text] undoes the kernel's encoding,
// and an [Assembler] puts the records that bear the same stamp together again.
//
// Everything a record says may have been chosen by an attacker: file names,
// arguments, user names. No function here takes more than linear time in the
// length of what it reads, none keeps more memory than it was told, and a line
// made by [Record.AppendLine] is always one line.
//
// The package does no I/O, reads no clock and runs on any operating system.
package audit
