// Package http posts batches of events to an address, as lines or as a JSON array,
// with whatever headers the far end wants.
package http
