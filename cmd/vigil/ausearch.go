package main

import (
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"vigil/enrich"
	"vigil/search/aulog"
	"vigil/search/auparse"
	"vigil/search/ausearch"
)

// auditVersionEnv names the variable that chooses, for ausearch and aureport,
// between the versions of audit whose options and outputs differ: 3 (3.0.9, the
// default) or 4 (4.2).
const auditVersionEnv = "VIGIL_AUDIT_VERSION"

// runAusearch is ausearch.
func runAusearch(stdio terminal, args []string) int {
	stdin, _ := stdio.in.(*os.File) // a test's input is not one: there is none
	log := auditdLog()
	return ausearch.Run(args, ausearch.Deps{
		Stdin: stdin, Out: stdio.out, Err: stdio.err,
		Names:       enrich.NewNames(enrich.Config{}),
		UserByName:  userByName,
		GroupByName: groupByName,
		Now:         time.Now,
		Boot:        bootTime,
		Location:    time.Local,
		Locale:      aulog.LocaleFromEnv(os.Getenv, "/usr/lib/locale"),
		LogFile:     log.file,
		Timeout:     log.timeout,
		Version:     auditVersion(),
	})
}

// auditVersion is the version of audit that the environment asks for.
func auditVersion() auparse.Version {
	if strings.HasPrefix(os.Getenv(auditVersionEnv), "4") {
		return auparse.V4
	}
	return auparse.V3
}

func userByName(name string) (uint32, bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, false
	}
	return parseID(u.Uid)
}

func groupByName(name string) (uint32, bool) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, false
	}
	return parseID(g.Gid)
}

func parseID(s string) (uint32, bool) {
	id, err := strconv.ParseUint(s, 10, 32)
	return uint32(id), err == nil
}
