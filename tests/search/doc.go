// Package search compares ausearch, aureport, aulast, aulastlog and ausyscall with stock's on the same logs: what each
// prints and returns.
//
// It is black box: it knows Vigil by its command line.
package search
