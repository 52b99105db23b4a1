package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// row is the median of one daemon in one storm.
type row struct {
	Daemon string  `json:"daemon"`
	Storm  string  `json:"storm"`
	CPU    float64 `json:"cpu_us_per_event"`
	Rate   float64 `json:"events_per_second"`
	RSS    float64 `json:"peak_rss_mib"`
	Lost   float64 `json:"kernel_lost"`
}

// promise is one number that Vigil must keep.
type promise struct {
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	Least bool    `json:"at_least"` // Limit is the least allowed value, not the greatest
	OK    bool    `json:"ok"`
}

// report is all that a run found; it marshals as the JSON output.
type report struct {
	Rows     []row     `json:"medians"`
	Promises []promise `json:"promises"`
	OK       bool      `json:"ok"`
}

func (b *bench) report(daemons []subject) report {
	r := report{OK: true}
	medians := map[key]row{}
	for _, l := range b.storms {
		for _, s := range daemons {
			k := key{s, l.name}
			all := b.samples[k]
			m := row{Daemon: s.String(), Storm: l.name,
				CPU:  median(all, func(s sample) float64 { return s.cpu }),
				Rate: median(all, func(s sample) float64 { return s.rate }),
				RSS:  median(all, func(s sample) float64 { return s.rss }),
			}
			for _, one := range all {
				m.Lost = max(m.Lost, one.lost) // a loss is no matter of medians
			}
			medians[k] = m
			r.Rows = append(r.Rows, m)
		}
	}
	r.promise(medians)
	for _, p := range r.Promises {
		r.OK = r.OK && p.OK
	}
	return r
}

// promise compares vigil with auditd, where both were measured.
func (r *report) promise(medians map[key]row) {
	vigil, vigilRaw, bare := subject{"vigil", "ENRICHED", false}, subject{"vigil", "RAW", false}, subject{"vigil", "ENRICHED", true}
	raw, enriched := subject{"auditd", "RAW", false}, subject{"auditd", "ENRICHED", false}
	cpu := func(r row) float64 { return r.CPU }
	rate := func(r row) float64 { return r.Rate }
	ratios := []struct {
		what  string
		of    func(row) float64
		us    subject
		them  subject
		storm string
		limit float64
		least bool
	}{
		{"CPU per event", cpu, vigil, raw, "open", 0.8, false},
		{"CPU per event", cpu, vigil, enriched, "open", 0.4, false},
		{"CPU per event", cpu, vigil, raw, "exec", 1.0, false},
		{"CPU per event", cpu, vigil, enriched, "exec", 0.7, false},
		{"CPU per event", cpu, vigil, enriched, "open, unknown uid", 0.1, false},
		{"CPU per event", cpu, vigil, bare, "open", 1.25, false},
		{"CPU per event", cpu, vigil, bare, "exec", 1.25, false},
		{"storm throughput", rate, vigil, raw, "open", 1.0, true},
		{"storm throughput", rate, vigil, raw, "exec", 1.0, true},
		{"storm throughput", rate, vigilRaw, raw, "open", 1.0, true},
		{"storm throughput", rate, vigilRaw, raw, "exec", 1.0, true},
	}
	for _, q := range ratios {
		ours, measured := medians[key{q.us, q.storm}]
		theirs, both := medians[key{q.them, q.storm}]
		if !measured || !both || q.of(theirs) == 0 {
			continue
		}
		p := promise{What: fmt.Sprintf("%s / %s: %s, %s storm", q.us, q.them, q.what, q.storm),
			Value: q.of(ours) / q.of(theirs), Limit: q.limit, Least: q.least}
		p.OK = p.Value <= p.Limit
		if p.Least {
			p.OK = p.Value >= p.Limit
		}
		r.Promises = append(r.Promises, p)
	}
	for _, s := range []subject{vigil, vigilRaw} {
		var rss, lost float64
		measured := false
		for k, m := range medians {
			if k.subject == s {
				rss, lost, measured = max(rss, m.RSS), max(lost, m.Lost), true
			}
		}
		if measured {
			r.Promises = append(r.Promises,
				promise{What: s.String() + ": peak memory, MiB", Value: rss, Limit: 40, OK: rss < 40},
				promise{What: s.String() + ": lost by the kernel, events", Value: lost, OK: lost == 0})
		}
	}
}

func (r report) print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "storm\tdaemon\tCPU µs/event\tevents/s\tpeak MiB\tlost\t")
	for _, m := range r.Rows {
		fmt.Fprintf(table, "%s\t%s\t%.2f\t%.0f\t%.1f\t%.0f\t\n", m.Storm, m.Daemon, m.CPU, m.Rate, m.RSS, m.Lost)
	}
	_ = table.Flush()
	printPromises(r.Promises, out)
}

// printPromises prints each with its verdict, and says whether all are kept.
func printPromises(promises []promise, out io.Writer) bool {
	kept := true
	for _, p := range promises {
		verdict, bound := "PASS", "<="
		if !p.OK {
			verdict, kept = "FAIL", false
		}
		if p.Least {
			bound = ">="
		}
		fmt.Fprintf(out, "%s  %.2f %s %.2f  %s\n", verdict, p.Value, bound, p.Limit, p.What)
	}
	return kept
}

// median of one meter over the rounds; of an even number of rounds, the upper of the middle two.
func median(samples []sample, of func(sample) float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
