// Package tally counts what a stream of events holds, in memory that does not
// depend on the stream: how often each key came, how many different ones there
// were, what the first and last of a list are, and how events lie in time.
//
// Everything here can be merged, so that each of several goroutines counts its own
// part. As long as no limit is reached the result does not depend on how a stream
// was parted. Beyond a limit every value says so: a count that is too low is marked
// as a lower bound, and by how much; a number of different keys becomes an
// estimate.
package tally
