// Package when reads the times that people type to say what part of a log they
// mean: those of ausearch (today, this-week, boot, 11/21/26 10:00:00 in the order of
// the locale), RFC 3339, and how long ago (-15m).
package when
