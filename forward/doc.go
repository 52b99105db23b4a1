// Package forward takes events from the trail to other places: sinks. What every
// sink needs is here once: reading the trail from a cursor, choosing and encoding
// events, batches in the far end's own measure, windows of batches on their way,
// retries, verdicts on single events, dead letters, and the cursor that moves only
// over what the far end has taken.
//
// The promise: an event that is in the trail and that the sink's filter wants is
// taken by the far end at least once, or stands in the dead-letter file with the
// reason, or lies in a [Lost] range. There is no queue but the trail: a slow or
// dead sink costs disk, never events, and nothing that reads the kernel waits for it.
//
// A [Runner] serves one sink in one goroutine of its own, and one more for each
// batch that is on its way. Its memory is bounded by [Limits]: Window batches of
// MaxBytes, as much again that is held back until it is certain, and one event.
package forward
