// Package search reads audit logs at the speed of the disk: those of Vigil and of
// auditd, rotated, gzip- or zstd-compressed, of one host or of several, from files
// or from a stream.
//
// There are two levels. [Blocks] hands out pieces of whole lines to as many workers
// as there are processors, for reports that count. [Scan] hands out events that a
// [Query] and a [Range] of time choose, in the order of the log or backwards;
// [Each] the same in no order and to several workers at once.
//
// Records of one node and stamp are one event if they lie within 1 MiB of log (less if
// more than four logs are merged), wherever the log is cut into blocks and files, and
// however much of its own time passes between them: at rest nothing need be waited
// for. What is no record is passed over and counted in
// [Stats]. Memory is bounded whatever a log holds.
package search
