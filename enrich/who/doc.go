// Package who joins what is known of an audit event's process into its attribution: identity, control group, container
// and pod, exec session, login, forebears.
//
// A Who stands where records become lines. For each record that bears a pid it asks Processes, which bpf/identity satisfies,
// for the process that had it at the record's stamp, looks the rest up in the tables of the rooms beside, and appends the
// keys of docs/format/attribution.md. The tables learn from the events as they are put together: an execution's own
// SYSCALL record is written before its command line is known, and what it runs is said from the next record on.
//
// Nothing on this way waits: container names and command lines that are not known are looked for by Run.
package who
