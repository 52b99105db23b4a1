// Package aureport makes aureport's reports: tables of the events of an audit log, sorted totals of what stands in
// them, and the main summary.
//
// What is in a table, where its columns come from, what is printed where there is nothing and how totals are ordered
// was learnt by asking aureport 3.0.9 and 4.2; package aulog reads the log as they do. docs/ausearch-differences.md says
// where Vigil differs on purpose.
//
// A total is a map and not a list, so that a log of a million different names costs no more than one of ten.
package aureport
