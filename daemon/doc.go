// Package daemon is the composition root of `vigil run`: it puts the rooms
// together into one pipeline, keeps it running and takes it down in order.
package daemon
