// Package config reads what people wrote down for the daemon: Vigil's own
// strict vigil.yaml and the log's part of auditd.conf.
//
// Settings come from, weakest first: the defaults, auditd.conf, vigil.yaml,
// the command line. Whatever is wrong is one [Error] that names the file, the
// line, the key and the nearest right word; a configuration is taken whole or
// not at all.
package config
