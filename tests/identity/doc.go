// Package identity tests, on the real kernel and as black boxes, that the right process is found for every event:
// storms of processes from many cgroups, pids reused at once, losses, and what it all costs.
package identity
