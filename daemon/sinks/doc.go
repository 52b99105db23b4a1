// Package sinks runs the sinks of the configuration on the trail: it makes each from
// its settings, gives it its cursor, its filter and its format, and takes what an
// operator asks of it.
package sinks
