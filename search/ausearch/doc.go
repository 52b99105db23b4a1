// Package ausearch is ausearch: its options, what they mean, its outputs and its
// exit statuses, as of audit 3.0.9 and 4.2.
//
// parse makes a query of the arguments, the query decides about each event that
// an aulog.Reader hands out, and a printer prints it. Where Vigil differs from
// stock on purpose, docs/ausearch-differences.md says so.
package ausearch
