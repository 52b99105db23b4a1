// Package rules compares Vigil's rules with stock auditctl on the real kernel: what each loads of the same files, what
// each prints and returns for the same command lines, and what it costs to change a rule while events come in.
//
// It is black box: it knows Vigil by its command line, the kernel by stock auditctl and by the records that it sends.
package rules
