// Package rig drives real programs for tests/e2e and tests/bench: it takes the machine's audit engine and puts it
// back, starts vigil and stock auditd in folders of their own, makes storms, and reads the trails they leave.
//
// It is black box: it knows Vigil by its command line and its files alone. What it needs to know of the kernel it asks
// stock auditctl for, so that a fault in Vigil's own control code cannot hide itself.
package rig
