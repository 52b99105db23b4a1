// Package index finds the part of an audit log that can have records of a span of
// time, so that the rest need not be read.
//
// A Writer keeps a file beside a trail, as the trail is written: what stamps there
// are in each 256 KiB of each segment. Spans reads it and believes nothing that the
// log itself does not bear out. Where there is no index, as of a log that auditd
// wrote, it searches the log by halves: stamps are roughly in the order of time.
//
// The file is specified in docs/format/index.md.
package index
