// Package redact takes secrets out of events before a sink encodes them.
//
// Rules are regular expressions (RE2): what their groups match, or all that they match
// if they have none, is overwritten byte by byte, so that lengths and offsets stay. They
// see a command line in each of its representations: the arguments of EXECVE in one
// text, separated by spaces, as they are and quoted as for bash; PROCTITLE; cmd= of
// sudo's records; data= of typed keys; the command lines of parents in Vigil's own
// attribution; the text of an alert. Values in hexadecimal are redacted in hexadecimal.
// Fields can be named, too, whose values are overwritten whole.
//
// A [Redactor] fails closed: if the rules that it was told to use are missing, broken or
// not safe from others' hands, whole command lines are replaced and the record says so.
//
// Each record that was changed says by which rules, behind its separator:
// REDACTED="passwords,tokens". The cost is linear in the length of the event for each
// rule, and an event's command line is looked at up to [MaxText] bytes: one that is
// longer is overwritten whole.
package redact
