// Package form knows the forms of events that sinks can be told to send, by the name
// that stands behind `format:` in the configuration.
package form
