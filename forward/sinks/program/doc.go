// Package program writes events to the standard input of a program, which is started
// again when it ends.
package program
