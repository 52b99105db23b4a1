package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"vigil/tests/rig"
)

// reportRounds is how often each of our reports runs; stock aureport runs once, since it takes many minutes.
const reportRounds = 5

// benchReport compares vigil report with stock aureport on one trail, ours before and after theirs.
func benchReport(ctx context.Context, o options, out io.Writer) (ok bool, err error) {
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
	start := time.Now()
	events, err := makeBusyTrail(trail, o.size<<20)
	if err != nil {
		return false, fmt.Errorf("make trail: %w", err)
	}
	fmt.Fprintf(out, "trail of %d MiB with %d events of %d processes on %d files, made in %.0f s\n", o.size, events, busyProcesses,
		busyFiles, time.Since(start).Seconds())
	counted, err := exec.CommandContext(ctx, tools.Vigil, "report", "summary", "--csv", trail).Output()
	if err != nil {
		return false, fmt.Errorf("report: %w", err)
	}

	ours := map[string][]string{
		"summary":     {tools.Vigil, "report", "summary", trail},
		"page":        {tools.Vigil, "report", "summary", "--html", filepath.Join(dir, "page.html"), trail},
		"files":       {tools.Vigil, "report", "files", trail},
		"privileges":  {tools.Vigil, "report", "privileges", trail},
		"session":     {tools.Vigil, "report", "session", "6", trail},
		"failed exec": {tools.Vigil, "report", "executables", "--filter", "evt.failed = true", trail},
	}
	names := []string{"summary", "page", "files", "privileges", "session", "failed exec"}
	costs := map[string][]cost{}
	for round := range reportRounds {
		for _, name := range names {
			c, err := measureCommand(ctx, ours[name])
			if err != nil {
				return false, err
			}
			costs[name] = append(costs[name], c)
		}
		if round == reportRounds/2 && o.stock {
			c, err := measureCommand(ctx, []string{"aureport", "--summary", "-if", trail})
			if err != nil {
				return false, err
			}
			costs["aureport"] = append(costs["aureport"], c)
		}
	}
	ok = strings.Contains(string(counted), fmt.Sprintf("\nevents,%d\n", events))
	return reportReport(costs, append(names, "aureport"), ok, out), nil
}

// reportReport prints medians, and the promises with PASS or FAIL.
func reportReport(costs map[string][]cost, names []string, counted bool, out io.Writer) bool {
	fmt.Fprintf(out, "%-12s %10s %10s %10s\n", "", "wall s", "CPU s", "peak MiB")
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
		fmt.Fprintf(out, "%-12s %10.3f %10.3f %10.1f\n", name, m.wall.Seconds(), m.cpu.Seconds(), m.rss)
		if name != "aureport" {
			for _, c := range all {
				peak = max(peak, c.rss)
			}
		}
	}
	promises := []promise{
		{What: "vigil report: every event is counted once", Value: 1, Limit: 1, OK: counted},
		{What: "vigil report: peak memory, MiB", Value: peak, Limit: 64, OK: peak < 64},
	}
	if stock, ok := median["aureport"]; ok {
		ratio := stock.wall.Seconds() / median["summary"].wall.Seconds()
		promises = append(promises, promise{What: "aureport / vigil report: time of a summary", Value: ratio, Limit: 80, Least: true, OK: ratio >= 80})
	}
	return printPromises(promises, out)
}

// busyProcesses is how many processes a busy trail tells of: as many as a kernel numbers by default (pid_max). How long
// stock aureport takes depends on that more than on anything else: it looks each pid up in a list.
const busyProcesses = 32768

// busyFiles is how many files they work on: it looks each name up in a list, too.
const busyFiles = 4096

// makeBusyTrail is makeTrail with a process for each three events and a file for each, and returns how many events there are.
func makeBusyTrail(path string, size int64) (total int, err error) {
	events, err := templates()
	if err != nil {
		return 0, err
	}
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // Flush has told
	w := bufio.NewWriterSize(f, 1<<20)
	pid, name := regexp.MustCompile(` pid=\d+ `), regexp.MustCompile(` name=[^ ]+ `)
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	var text []byte
	for written := int64(0); written < size; total++ {
		at = at.Add(50 * time.Millisecond)
		process := []byte(" pid=" + strconv.Itoa(1+total/3%busyProcesses) + " ")
		text = text[:0]
		for _, line := range events[total%len(events)] {
			text = append(text, line[0]...)
			text = fmt.Appendf(text, "%d.%03d:%d", at.Unix(), at.Nanosecond()/1e6, 1000+total)
			field, value := pid, process
			if bytes.HasPrefix(line[0], []byte("type=PATH ")) {
				field, value = name, fmt.Appendf(nil, ` name="/srv/data/orders/%06d.csv" `, total*7%busyFiles)
			}
			if i := field.FindIndex(line[1]); i != nil {
				text = append(append(append(text, line[1][:i[0]]...), value...), line[1][i[1]:]...)
				continue
			}
			text = append(text, line[1]...)
		}
		n, err := w.Write(text)
		if err != nil {
			return total, err
		}
		written += int64(n)
	}
	return total, w.Flush()
}
