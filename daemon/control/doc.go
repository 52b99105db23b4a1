// Package control is how commands ask the running daemon: HTTP over a Unix socket that
// only root may open, so that curl --unix-socket can ask too.
package control
