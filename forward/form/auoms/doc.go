// Package auoms writes events as auoms (the Azure audit agent, OMS-Auditd-Plugin) does:
// all records of a system call folded into one, AUOMS_EXECVE, AUOMS_SYSCALL or, without
// a SYSCALL record, AUOMS_SYSCALL_FRAGMENT; each other record by itself. [NewLine] makes
// the line of its syslog output, [NewOMS] the JSON of its oms output.
//
// The order of fields and their names are those that come of the interpreted_field_names
// and filter_field_names of auoms' own example, because the hunting queries of Azure
// Sentinel look for them:
//
//	type=AUOMS_EXECVE audit(1700000000.123:456): SchemaVersion="1" arch=x86_64 syscall=execve syscall_r=59 success=yes exit=0
//	a0=1 a1=2 a2=3 a3=8 ppid=41 pid=42 audit_user=alice auid=1000 user=root uid=0 ... tty=pts0 ses=3 comm="cat" exe="/usr/bin/cat"
//	key=exec key_r="exec" cwd="/root" name="/usr/bin/cat" ... path_name=["/usr/bin/cat"] ... argc=2 cmdline="cat /etc/shadow"
//	redactors= containerid=
//
// It differs from auoms where auoms lets what a process chooses pass for something
// else:
//
//   - a quote inside a quoted value is \x22, but in cmdline, which is quoted as for bash;
//   - = in path_name is \u003d, and in arguments that hold redactors= or containerid=
//     it is $'\x3d', so that a query that cuts there cuts where it is meant to;
//   - blanks in interpreted keys and in paths of sockets have quotes or \x20;
//   - proctitle is quoted;
//   - containerid is the container's, not that of its sandbox.
//
// There is no auoms_version.
package auoms
