// Package web has what sinks share whose far end speaks HTTP: requests that are packed,
// that say who we are, and what an answer means for a batch.
package web
