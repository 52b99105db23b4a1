// Package enrich says who and where: it knows the names behind the numbers in
// audit records, and writes them the way auditd does with
// log_format = ENRICHED.
//
// AppendSuffix adds to a record's line what auditd adds: the byte 0x1D, then,
// in the order of the record's fields, a key in upper case for each field that
// names a user, a group, an architecture, a system call or a socket address:
//
//	ARCH=x86_64 SYSCALL=openat AUID="unset" UID="root" EUID="unknown(1234)"
//
// The text is that of auditd 3.0.9, byte for byte, quirks included, because
// ausearch and every parser of such logs read it. The exceptions are these:
//
//   - no text of a record's sender can make a newline or a second 0x1D (auditd
//     writes both when the path of a unix socket holds them): they become spaces;
//   - a value that would take the line past auditd's 8969 bytes is left out
//     whole, where auditd cuts it;
//   - system calls and architectures newer than auditd 3.0.9 have their names,
//     where it writes unknown-syscall(463) and unknown-elf-type(c00000f3);
//   - URINGOP records have URING_OP=openat, as with auditd 4;
//   - EXECVE, PROCTITLE and CWD records, in which the kernel writes no such
//     field, are not searched for any.
//
// Names holds the names of users and groups and forgets them when they change.
package enrich
