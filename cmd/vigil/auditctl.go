package main

import (
	"context"
	"log/syslog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"vigil/rulesd/auditctl"
)

// runAuditctl is auditctl.
func runAuditctl(stdio terminal, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return auditctl.Run(ctx, args, stdio.out, stdio.err, auditctlDeps())
}

// runAugenrules is augenrules.
func runAugenrules(stdio terminal, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Messages begin with the name as it was called: the $0 of a shell script.
	name := os.Args[0]
	if filepath.Base(name) != "augenrules" {
		name = "augenrules"
	}
	return auditctl.Augenrules(ctx, name, args, stdio.out, stdio.err, auditctl.Paths{}, auditctlDeps())
}

func auditctlDeps() auditctl.Deps {
	return auditctl.Deps{
		Open: openEngine,
		Syslog: func(text string) {
			log, err := syslog.Dial("", "", syslog.LOG_DAEMON|syslog.LOG_ERR, "auditctl")
			if err != nil {
				return // as auditctl: nobody listens
			}
			_ = log.Err(text)
			_ = log.Close()
		},
	}
}
