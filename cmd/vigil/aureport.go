package main

import (
	"os"
	"time"

	"vigil/enrich"
	"vigil/search/aulog"
	"vigil/search/aureport"
)

// runAureport is aureport.
func runAureport(stdio terminal, args []string) int {
	stdin, _ := stdio.in.(*os.File) // a test's input is not one: there is none
	log := auditdLog()
	return aureport.Run(args, aureport.Deps{
		Stdin: stdin, Out: stdio.out, Err: stdio.err,
		Names:    enrich.NewNames(enrich.Config{}),
		Now:      time.Now,
		Boot:     bootTime,
		Location: time.Local,
		Locale:   aulog.LocaleFromEnv(os.Getenv, "/usr/lib/locale"),
		LogFile:  log.file,
		Timeout:  log.timeout,
		Version:  auditVersion(),
	})
}
