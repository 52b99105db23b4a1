// Package aggregate makes one event of several that repeat each other, by rules.
//
// A rule says which events it is about and which fields must be the same for two of
// them to be repetitions. The first event of an aggregate stands for all; its first
// record says behind its separator for how many and which:
//
//	AGGREGATE_COUNT=3 AGGREGATE_FIRST=SEC.mmm:SERIAL AGGREGATE_LAST=SEC.mmm:SERIAL AGGREGATE_SERIALS=SERIAL,SERIAL,SERIAL
//
// The rules' bounds are those of Azure's audit agent. Its operators look for a part of
// the text whatever they are called; here conditions and fields are those of the filter
// language, which mean what they say.
package aggregate
