// Package cli is what the commands of `vigil rules` do: what they read, print and
// return. The command lines are cmd's business.
package cli
