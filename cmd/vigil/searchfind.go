package main

import (
	"context"
	"fmt"
	"path/filepath"

	"vigil/filter"
	"vigil/search"
)

// finder is a search at work.
type finder struct {
	*searching
	stdio   terminal
	logs    []search.Log
	options search.Options
	match   *filter.Matcher // a condition that is evaluated here; nil: none
	printer *resultPrinter
	bar     *progressBar
	hosts   []string // what the logs are called where the records do not say
	found   int
	containers
}

// find searches, prints, and says how it went.
func (f *finder) find(ctx context.Context) error {
	f.hosts, f.ctx = hostNames(f.logs), ctx
	if asksContainers(f.filter) {
		f.learn(ctx)
		f.options.Containers = f.known
	}
	var stats search.Stats
	var err error
	switch {
	case f.follow:
		err = f.tail(ctx)
	case f.groupBy != "":
		stats, err = f.groups(ctx)
	case f.checkpoint != "":
		stats, err = f.since(ctx)
	default:
		stats, err = search.Scan(ctx, f.logs, f.options, f.take)
	}
	if err == nil || canceled(err) {
		if done := f.printer.finish(); done != nil {
			err = done
		}
	}
	f.bar.clear()
	if err != nil && !canceled(err) {
		return fmt.Errorf("search: %w", unreadable(err, "another argument"))
	}
	f.say(stats)
	switch {
	case f.found == 0 && !f.follow:
		if f.count {
			f.print("0\n")
		}
		fmt.Fprintln(f.stdio.err, "vigil: no matches")
		return exitError(exitFailed)
	case f.count && f.groupBy == "":
		f.print(fmt.Sprintln(f.found))
	}
	if err != nil && !f.follow {
		return exitError(exitFailed)
	}
	return nil
}

func (f *finder) print(text string) { fmt.Fprint(f.stdio.out, text) }

// say tells what was passed over.
func (f *finder) say(stats search.Stats) {
	if text := stats.Skipped.String(); text != "" {
		fmt.Fprintf(f.stdio.err, "vigil: passed over %s\n", text)
	}
	if n := f.printer.lacked; n > 0 {
		fmt.Fprintf(f.stdio.err, "vigil: %d of %d events lack a field of the format and were not printed: a * in front of it prints them\n", n, f.found)
	}
}

// take is given each event that the scan finds.
func (f *finder) take(e *search.Event) error {
	if !f.wants(e) {
		return nil
	}
	f.found++
	if !f.count {
		if err := f.printer.print(e); err != nil {
			return err
		}
	}
	if f.found == f.limit {
		return search.ErrStop
	}
	return nil
}

// wants makes the last choice, and gives the event its host.
func (f *finder) wants(e *search.Event) bool {
	f.complete(&e.Event)
	if f.match != nil && !f.match.Match(&e.Event) {
		return false
	}
	if e.Node == nil && f.hosts != nil {
		e.Node = []byte(f.hosts[e.Log])
	}
	return true
}

// hostNames is what logs are called whose records bear no node: the directory, if
// those are different. One log needs no name.
func hostNames(logs []search.Log) []string {
	if len(logs) < 2 {
		return nil
	}
	names := make([]string, len(logs))
	seen := map[string]bool{}
	for i, l := range logs {
		names[i] = filepath.Base(filepath.Dir(l.Name))
		seen[names[i]] = true
	}
	if len(seen) < len(logs) {
		for i, l := range logs {
			names[i] = l.Name
		}
	}
	return names
}
