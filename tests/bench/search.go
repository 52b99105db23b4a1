package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"vigil/tests/rig"
)

// cost is what one run of a program took.
type cost struct {
	wall time.Duration
	cpu  time.Duration
	rss  float64 // MiB at the peak
	out  int     // what it counts: events
}

// searchRounds is how often each of ours runs; stock ausearch runs once a round of
// the first stockRounds, since with bursts it takes minutes.
const (
	searchRounds = 5
	stockRounds  = 1
)

// benchSearch compares vigil search with stock ausearch on one trail, interleaved: one
// with events in bursts, for which the promises are, and one with steady events.
func benchSearch(ctx context.Context, o options, out io.Writer) (ok bool, err error) {
	dir, remove, err := rig.TempDir()
	if err != nil {
		return false, err
	}
	defer remove()
	tools, err := rig.Build(ctx, dir, true)
	if err != nil {
		return false, err
	}
	trail := filepath.Join(dir, "audit.log")
	for _, come := range []arrival{steadily, inBursts} {
		start := time.Now()
		keyed, middle, err := makeTrail(trail, o.size<<20, come)
		if err != nil {
			return false, fmt.Errorf("make trail: %w", err)
		}
		how := map[arrival]string{steadily: "coming steadily", inBursts: "coming in bursts"}[come]
		fmt.Fprintf(out, "trail of %d MiB, events %s, %d with the key, made in %.0f s\n", o.size, how, keyed, time.Since(start).Seconds())
		costs, names, err := searchCosts(ctx, o, tools, trail, middle)
		if err != nil {
			return false, err
		}
		ok = searchReport(costs, names, keyed, come, out)
	}
	return ok, nil
}

// searchCosts runs ours and ausearch, interleaved.
func searchCosts(ctx context.Context, o options, tools rig.Tools, trail string, from time.Time) (costs map[string][]cost, names []string, err error) {
	until := from.Add(5 * time.Minute)
	ours := map[string][]string{
		"key":        {tools.Vigil, "search", "--key", benchKey, "--word", trail},
		"range":      {tools.Vigil, "search", "--since", from.Format(time.RFC3339), "--until", until.Format(time.RFC3339), trail},
		"newest 20":  {tools.Vigil, "search", "--newest", "--limit", "20", trail},
		"everything": {tools.Vigil, "search", "--count", trail},
	}
	names = []string{"key", "range", "newest 20", "everything", "ausearch"}
	costs = map[string][]cost{}
	for round := range searchRounds {
		for _, name := range names[:4] {
			c, err := measureCommand(ctx, ours[name])
			if err != nil {
				return nil, nil, err
			}
			costs[name] = append(costs[name], c)
		}
		if round < stockRounds && o.stock {
			c, err := measureCommand(ctx, []string{"ausearch", "-k", benchKey, "-w", "-if", trail})
			if err != nil {
				return nil, nil, err
			}
			costs["ausearch"] = append(costs["ausearch"], c)
		}
	}
	return costs, names, nil
}

// searchReport prints medians, and the promises with PASS or FAIL.
func searchReport(costs map[string][]cost, names []string, keyed int, come arrival, out io.Writer) bool {
	fmt.Fprintf(out, "%-12s %10s %10s %10s %8s\n", "", "wall s", "CPU s", "peak MiB", "events")
	median := map[string]cost{}
	peak := 0.0
	for _, name := range names {
		all := costs[name]
		if len(all) == 0 {
			continue
		}
		slices.SortFunc(all, func(a, b cost) int { return int(a.wall - b.wall) })
		m := all[(len(all)-1)/2]
		median[name] = m
		fmt.Fprintf(out, "%-12s %10.3f %10.3f %10.1f %8d\n", name, m.wall.Seconds(), m.cpu.Seconds(), m.rss, m.out)
		if name != "ausearch" {
			for _, c := range all {
				peak = max(peak, c.rss)
			}
		}
	}
	promises := []promise{
		{What: "vigil search: events found by key", Value: float64(median["key"].out), Limit: float64(keyed), Least: true, OK: median["key"].out == keyed},
		{What: "vigil search: a range of 5 minutes, seconds", Value: median["range"].wall.Seconds(), Limit: 0.1, OK: median["range"].wall < 100*time.Millisecond},
		{What: "vigil search: peak memory, MiB", Value: peak, Limit: 64, OK: peak < 64},
	}
	if stock, ok := median["ausearch"]; ok {
		ratio := stock.wall.Seconds() / median["key"].wall.Seconds()
		least := 25.0
		if come == steadily {
			least = 1
		}
		promises = append(promises, promise{What: "ausearch / vigil search: time by key", Value: ratio, Limit: least, Least: true, OK: ratio >= least})
		if stock.out != keyed { // it ends an event after two seconds, and shows its rest as another
			fmt.Fprintf(out, "ausearch shows %d events with the key\n", stock.out)
		}
	}
	return printPromises(promises, out)
}

// measureCommand runs a command, its output into nothing but a count of events.
func measureCommand(ctx context.Context, argv []string) (cost, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	counter := &eventCounter{stock: filepath.Base(argv[0]) == "ausearch"}
	cmd.Stdout, cmd.Stderr = counter, &stderr
	start := time.Now()
	err := cmd.Run()
	c := cost{wall: time.Since(start)}
	if err != nil {
		return c, fmt.Errorf("run %s: %w: %s", strings.Join(argv, " "), err, stderr.String())
	}
	c.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.rss = float64(usage.Maxrss) / 1024
	}
	c.out = counter.count()
	return c, nil
}

// eventCounter counts the events that are printed: the lines of ours, or the number if
// there is but one; the separators of ausearch.
type eventCounter struct {
	stock bool
	lines int
	last  []byte
}

func (c *eventCounter) Write(p []byte) (int, error) {
	if c.stock {
		const separator = "----\n"
		c.last = append(c.last, p...)
		c.lines += bytes.Count(c.last, []byte(separator))
		c.last = bytes.Clone(c.last[max(0, len(c.last)-len(separator)+1):]) // one may be cut here
		return len(p), nil
	}
	c.lines += bytes.Count(p, []byte{'\n'})
	if len(p) < 64 {
		c.last = bytes.Clone(p)
	}
	return len(p), nil
}

func (c *eventCounter) count() int {
	if n, err := strconv.Atoi(strings.TrimSpace(string(c.last))); err == nil && !c.stock && c.lines == 1 {
		return n
	}
	return c.lines
}
