// Command vigil takes over a Linux host's audit stream: it reads the kernel's
// records, keeps them in a trail that auditd's tools read, and accounts for
// every one of them. It answers to the names in [programs], so that links to it
// take the places of auditd's programs.
package main

import (
	"os"
	"path/filepath"
)

func main() {
	stdio := terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	name, args := filepath.Base(os.Args[0]), os.Args[1:]
	program, ok := programs()[name]
	if !ok {
		program = runVigil
	}
	os.Exit(program(stdio, args))
}
