// Package setting has the types of settings that a configuration file is decoded
// into, by whatever room they are for: sizes, times, words out of a few, and secrets.
//
// A struct of settings has the tags yaml, its key, and help, the comment that is
// printed above it.
package setting
