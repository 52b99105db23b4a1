// Package unix writes events to a unix socket that another program listens on.
//
// What is written is the sink's format, as it is in a file. With acknowledgements of
// kind oms the program answers for each event, in any order, a line of 43 bytes:
//
//	SECONDS:MILLIS:SERIAL\n
//
// the event's stamp in hexadecimal digits, 16, 8 and 16 of them, as Azure's audit agent
// has it (there one event waits for its answer at a time; here a window of them).
package unix
