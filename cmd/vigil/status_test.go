package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigil/daemon"
	"vigil/ledger"
)

// wellSince is the status of a daemon that is well.
func wellSince(began time.Time) daemon.Status {
	return daemon.Status{
		Version: "0.1.0", PID: 7, Since: began, Mode: "daemon", Why: "nobody holds the registration",
		Kernel: &daemon.KernelStatus{Backlog: 3, BacklogLimit: 65536, Lost: 12},
		Socket: daemon.SocketStatus{Bytes: 20 << 10},
		Ledger: ledger.Snapshot{Counts: ledger.Counts{Received: 100, Assembled: 30, Written: 90}},
		Trail:  &daemon.TrailStatus{Path: "/var/log/audit/audit.log", Bytes: 50 << 20, Writes: 40, Size: 900, Rotations: 6},
		Rules:  daemon.RulesStatus{Source: "built-in", Loaded: 92},
	}
}

func TestPrintStatus(t *testing.T) {
	began := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	f := func(name string, change func(*daemon.Status), lost bool, want string) {
		t.Helper()
		s := wellSince(began)
		change(&s)
		var out strings.Builder
		if err := printStatus(&out, s, began.Add(90*time.Second), false); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(out.String(), strings.ReplaceAll(strings.TrimPrefix(want, "\n"), "´", "`")); diff != "" {
			t.Errorf("%s (-got +want):\n%s", name, diff)
		}
		if got := lossy(s); got != lost {
			t.Errorf("%s: lossy is %v", name, got)
		}
	}
	f("all is well", func(*daemon.Status) {}, false, `
vigil      0.1.0, pid 7, for 1m30s
mode       daemon: nobody holds the registration
kernel     3 of 65536 records waiting, 12 lost since boot
rules      92 loaded (built-in)
received   100 records, 20 KiB
assembled  30 events
written    90 records, 50 MiB, in 40 writes
trail      /var/log/audit/audit.log, 900 bytes now, 6 rotations
lost       nothing
`)
	f("much is wrong", func(s *daemon.Status) {
		s.Kernel.BacklogLimit = 0
		s.Rules = daemon.RulesStatus{Source: "none", Problem: "a.rules:2: \"q\" is none\n    -p wq\n       ^"}
		s.Attribution = &daemon.AttributionStatus{Mode: "connector", Why: "the kernel has no BTF", Living: 40, Containers: 2,
			Runtimes: daemon.RuntimesStatus{Silent: 3}}
		s.Trail = nil
		s.Ledger.Gaps, s.Ledger.Lost, s.Ledger.Dropped = 4, 5, 6
		s.Ledger.Recent = []ledger.Loss{
			{Reason: ledger.Gap, Count: 4, First: 17, Last: 20, Since: began, Until: began.Add(time.Minute)},
			{Reason: ledger.KernelLost, Count: 5, Since: began, Until: began},
			{Reason: ledger.Trail, Count: 300},
		}
		s.Ledger.Pending = []ledger.Loss{{Reason: ledger.WriteError, Count: 6, First: 30, Last: 35, Since: began, Until: began}}
	}, true, `
vigil      0.1.0, pid 7, for 1m30s
mode       daemon: nobody holds the registration
kernel     3 records waiting, 12 lost since boot
rules      0 loaded (none)
           not loaded: a.rules:2: "q" is none: see ´vigil rules check´
processes  40 living, 2 containers, watched by connector
           the kernel has no BTF
           container runtimes did not answer 3 times: names that are not on disk may be missing
received   100 records, 20 KiB
assembled  30 events
trail      not written
lost       4 serials missing, 5 records lost by the kernel, 6 not written
           gap: 4 serials, 17 to 20, 2026-03-01T10:00:00Z to 2026-03-01T10:01:00Z
           kernel-lost: 5 records, 2026-03-01T10:00:00Z
           trail: 300 bytes
           write-error: 6 records, serials 30 to 35, 2026-03-01T10:00:00Z, not in the trail yet
`)
	f("the engine does not answer", func(s *daemon.Status) { s.Kernel = nil }, false, `
vigil      0.1.0, pid 7, for 1m30s
mode       daemon: nobody holds the registration
kernel     does not answer
rules      92 loaded (built-in)
received   100 records, 20 KiB
assembled  30 events
written    90 records, 50 MiB, in 40 writes
trail      /var/log/audit/audit.log, 900 bytes now, 6 rotations
lost       nothing
`)
}
