// Package house holds the tests that keep the house in order: which room may import which, how big a file may
// grow, what every package and exported name must say about itself, and what no package may do.
//
// They read the sources of every package of this repository; nothing imports this package.
package house
