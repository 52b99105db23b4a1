// Package explain says in words what audit rules catch, and what they cost: on
// how many system calls the kernel evaluates each, and how often it matched
// according to a trail.
package explain
