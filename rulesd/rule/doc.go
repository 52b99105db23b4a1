// Package rule is the language of audit rules: what auditctl takes on its command
// line and what stands in /etc/audit/rules.d, to and from the kernel's form.
//
// [Parse] reads one line, or one command line, as auditctl does: getopt's order,
// the same checks, the same values. What it yields is a [Command]: the settings
// in the order given, and at most one [Rule] to add or delete. A Rule has
// three forms with nothing lost between them: the text of a line, the struct, and
// the bytes of the kernel's struct audit_rule_data ([Rule.AppendBinary],
// [Rule.UnmarshalBinary]).
//
// Nothing here touches the kernel or changes anything. Names of users and groups,
// and whether a watched path is a directory, are asked of the [Env].
package rule
