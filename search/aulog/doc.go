// Package aulog reads audit logs the way ausearch and aureport read them: the
// same files in the same order, the same lines taken for records, the same
// records put together to events, the events in the same order. What those
// tools print for a log follows from it byte for byte.
//
// A Reader hands out Events with the lines they were made of. Facts are what
// ausearch's criteria and aureport's columns are about, found in an event where
// stock finds them; Range and ParseTime are the options -ts and -te.
//
// How stock does all that was learnt by asking it, with logs made for the
// purpose; what was found stands at the code that obeys it. Three rules matter
// most: the clock of assembly is that of the log, and it ticks only when a
// record begins an event; EOE and PROCTITLE do not end an event that has begun;
// and events come out in the order of their stamps, each as soon as no event
// before it is open.
//
// Logs are hostile: whatever they hold, lines are bounded, time is near linear
// and memory is that of the events within end_of_event_timeout.
package aulog
