// Command bench compares vigil run with stock auditd on this machine: CPU per event, storm throughput, memory and
// losses, in storms of opens and execs, under a uid with and a uid without a passwd entry.
//
// All daemons run interleaved, several rounds, with the same auditd.conf (flush INCREMENTAL_ASYNC, freq 50), the same
// rules and the same kernel backlog limit; medians are printed, and the ratios that Vigil promises with
// PASS or FAIL. It needs root, gcc and the Debian package auditd.
//
// With -only search it compares vigil search with ausearch on one large trail instead, with -only report vigil report with
// aureport, which needs neither root nor gcc's storms, but ausearch and aureport.
//
// Exit status: 0 all promises kept, 1 one is broken or the run failed, 2 wrong usage.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"vigil/tests/rig"
)

type options struct {
	rounds        int
	opens, execs  int // calls of each of the two processes, known uid
	strangerOpens int // the same, uid without a passwd entry
	strangerExecs int
	vigil         bool
	jsonPath      string
	only          string
	size          int64 // of the trail that is searched, MiB
	stock         bool
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "rounds; medians are taken over them")
	flag.IntVar(&o.opens, "opens", 40000, "opens of each of two processes")
	flag.IntVar(&o.execs, "execs", 6000, "execs of each of two processes")
	flag.IntVar(&o.strangerOpens, "stranger-opens", 5000, "opens of each process under a uid without passwd entry")
	flag.IntVar(&o.strangerExecs, "stranger-execs", 1500, "execs of each process under a uid without passwd entry")
	flag.BoolVar(&o.vigil, "vigil", true, "measure vigil too; false measures auditd alone")
	flag.StringVar(&o.jsonPath, "json", "", "also write all numbers as JSON to this file")
	flag.StringVar(&o.only, "only", "", "measure only daemons whose name contains this, as in 'auditd', or 'vigil ENRICHED' for what attribution costs")
	flag.Int64Var(&o.size, "size", 1024, "MiB of the trail that is searched, with -only search")
	flag.BoolVar(&o.stock, "stock", true, "measure stock ausearch too, with -only search: it takes minutes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ok, err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// run measures and reports; ok says whether every promise was kept.
func run(ctx context.Context, o options, out io.Writer) (ok bool, err error) {
	if o.only == "search" {
		return benchSearch(ctx, o, out)
	}
	if o.only == "report" {
		return benchReport(ctx, o, out)
	}
	dir, remove, err := rig.TempDir()
	if err != nil {
		return false, err
	}
	defer remove()
	tools, err := rig.Build(ctx, dir, o.vigil)
	if err != nil {
		return false, err
	}
	engine, err := rig.LockEngine(ctx)
	if err != nil {
		return false, err
	}
	defer func() {
		if restored := engine.Restore(); err == nil {
			err = restored
		}
	}()

	b := &bench{tools: tools, engine: engine, dir: dir, storms: storms(o), samples: map[key][]sample{}}
	daemons := subjects(o)
	fmt.Fprintf(out, "flush INCREMENTAL_ASYNC freq 50, backlog_limit %d, no rotation, two storm processes; %d rounds\n",
		rig.Backlog, o.rounds)
	for round := range o.rounds {
		start := time.Now()
		for i := range daemons {
			// Another daemon goes first in each round, so that none profits from its place.
			if err := b.measure(ctx, daemons[(i+round)%len(daemons)]); err != nil {
				return false, fmt.Errorf("round %d: %w", round+1, err)
			}
		}
		fmt.Fprintf(out, "round %d of %d: %.1f s\n", round+1, o.rounds, time.Since(start).Seconds())
	}
	report := b.report(daemons)
	report.print(out)
	if o.jsonPath != "" {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return false, err
		}
		if err := os.WriteFile(o.jsonPath, append(text, '\n'), 0o644); err != nil {
			return false, err
		}
	}
	return report.OK, nil
}

// subjects are the daemons to measure, in the order of the first round.
func subjects(o options) []subject {
	all := []subject{{"vigil", "RAW", false}, {"auditd", "RAW", false}, {"vigil", "ENRICHED", false},
		{"auditd", "ENRICHED", false}, {"vigil", "ENRICHED", true}}
	var chosen []subject
	for _, s := range all {
		if (s.program == "auditd" || o.vigil) && strings.Contains(s.String(), o.only) {
			chosen = append(chosen, s)
		}
	}
	return chosen
}
