// Package file writes events to a file that is rotated, or to the standard output.
package file
