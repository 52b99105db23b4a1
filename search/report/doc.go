// Package report answers the questions that people ask of an audit log as a whole:
// what is in it, who did what, from where, in which container, what failed, what
// is new, and what was lost.
//
// A [Report] is chosen by name from [Kinds]. Each goroutine that reads adds its
// events to a [Collector] of its own; [Report.Document] merges them into a
// document, which packages document and html put into form. [Run] does all of it
// over logs.
//
// Memory is bounded whatever the logs hold: see package tally for what becomes of
// counts beyond the bounds. A report says when that has happened.
package report
