package main

import (
	"os"
	"time"

	"vigil/enrich"
	"vigil/search/aulast"
)

// runAulast is aulast.
func runAulast(stdio terminal, args []string) int {
	return aulast.Run(args, aulastDeps(stdio))
}

// runAulastlog is aulastlog.
func runAulastlog(stdio terminal, args []string) int {
	return aulast.RunLastlog(args, aulastDeps(stdio))
}

func aulastDeps(stdio terminal) aulast.Deps {
	return aulast.Deps{
		Stdin: stdio.in, Out: stdio.out, Err: stdio.err,
		LogFile: auditdLog().file,
		Names:   enrich.NewNames(enrich.Config{}),
		Accounts: func() ([]aulast.Account, error) {
			f, err := os.Open("/etc/passwd")
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return aulast.ReadAccounts(f)
		},
		Now: time.Now(),
	}
}
