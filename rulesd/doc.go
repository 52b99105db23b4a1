// Package rulesd keeps the kernel's audit rules as the rule files say: it reads
// and checks sets of rules, brings the kernel's list to them with the fewest
// changes and without a moment in which a kept rule is absent, keeps it there,
// and explains what rules catch and cost.
//
// [Load] makes a [Set] of directories of rule files, single files and lines from
// elsewhere, in the order and with the meaning that augenrules gives them. A Set
// is whole or not at all: [Set.Err] is the first error in it, and [Set.Apply]
// refuses a set with one. Everything worth saying about a set is a [Finding],
// with file, line and the mend.
//
// The language of the rules is the business of rulesd/rule. The kernel is reached
// through [Kernel], which audit/kernel's Control satisfies.
package rulesd
