// Package tree knows what processes run: the executable, the command line, and the script behind an interpreter, for
// the process itself and for its forebears.
//
// It learns from the records of execve, which tell a command line as it was given, and not what the process has made of
// it since. Programs that were started before, or without a rule that records execve, are read from /proc in the
// background: what is found there is what the process says of itself.
//
// Which processes are forebears of which is not known here: callers give them, as bpf/identity finds them. A command line
// is only told of a process that still runs the program: that its count of executed programs is the same says so, and
// when the count is not known its name does.
package tree
