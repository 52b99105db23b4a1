package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"vigil/audit"
	"vigil/filter"
	"vigil/filter/field"
	"vigil/internal/nearest"
	"vigil/search"
)

// grouping is a way to put events together: by the values of a key, under a title.
type grouping struct{ name, key, title string }

func groupingList() []grouping {
	return []grouping{
		{"process", "%audit.node %proc.pid %proc.pid.ts %proc.exepath", "process %proc.pid %proc.exepath"},
		{"session", "%audit.node %audit.session", "session %audit.session of %user.loginname"},
		{"container", "%container.full_id %container.id", "container %container.name %container.id %k8s.ns.name %k8s.pod.name"},
		{"key", "%audit.key", "key %audit.key"},
	}
}

func groupings() []string {
	var names []string
	for _, g := range groupingList() {
		names = append(names, g.name)
	}
	return names
}

func checkGrouping(name string) error {
	if name == "" || slices.Contains(groupings(), name) {
		return nil
	}
	if best, ok := nearest.Word(name, groupings()); ok {
		return fmt.Errorf("--group-by %s: did you mean %s?", name, best)
	}
	return fmt.Errorf("--group-by %s: right are %s", name, strings.Join(groupings(), ", "))
}

// Bounds of grouping: what is kept in memory, beside the text, which is in a file.
const (
	maxGroups  = 100_000
	maxGrouped = 1_000_000
)

func tooMany() error {
	return fmt.Errorf("more than %d groups or %d events: narrow the time or the conditions", maxGroups, maxGrouped)
}

// eventGroup is the events of one thing.
type eventGroup struct {
	title       string
	count       int
	first, last time.Time
	pieces      []piece
}

// piece is where in the file an event's text is.
type piece struct {
	at   int64
	size int32
}

// grouper puts events together.
type grouper struct {
	key, title *filter.Format
	byKey      bool // an event has a group for each of its keys
	keys       audit.Args
	env        *filter.Env
	groups     map[string]*eventGroup
	order      []*eventGroup
	file       *os.File
	size       int64
}

// groups searches and prints the events by group, in the order of the groups' first
// events.
func (f *finder) groups(ctx context.Context) (search.Stats, error) {
	g, err := newGrouper(f.groupBy)
	if err != nil {
		return search.Stats{}, err
	}
	defer g.file.Close()
	f.printer.w = io.Discard
	stats, err := search.Scan(ctx, f.logs, f.options, func(e *search.Event) error {
		if !f.wants(e) {
			return nil
		}
		f.found++
		if err := g.add(e, f); err != nil {
			return err
		}
		if f.found == f.limit {
			return search.ErrStop
		}
		return nil
	})
	if err != nil {
		return stats, err
	}
	f.bar.clear()
	if f.count {
		return stats, g.printCounts(f.stdio.out, f.form())
	}
	return stats, g.print(f.stdio.out)
}

func newGrouper(name string) (*grouper, error) {
	space := filter.NewSpace(field.Standard())
	g := &grouper{groups: map[string]*eventGroup{}, byKey: name == "key"}
	for _, one := range groupingList() {
		if one.name != name {
			continue
		}
		var err error
		if g.key, err = space.ParseFormat("*" + one.key); err == nil {
			g.title, err = space.ParseFormat("*" + one.title)
		}
		if err != nil {
			return nil, fmt.Errorf("group by %s: %w", name, err)
		}
	}
	g.env = space.NewEnv(field.Config{})
	file, err := os.CreateTemp("", "vigil-search-")
	if err != nil {
		return nil, fmt.Errorf("group events: %w", err)
	}
	os.Remove(file.Name())
	g.file = file
	return g, nil
}

// add takes an event and keeps its text in the file. It is in one group, or in that of
// each of its keys.
func (g *grouper) add(e *search.Event, f *finder) error {
	g.env.Load(&e.Event)
	at := piece{at: g.size}
	if !f.count {
		if f.found > maxGrouped {
			return tooMany()
		}
		text := f.printer.append(nil, e)
		if f.printer.tty && f.printer.asIs {
			text = harmless(text, 0)
		}
		if _, err := g.file.WriteAt(text, g.size); err != nil {
			return fmt.Errorf("group events: %w", err)
		}
		g.size += int64(len(text))
		at.size = int32(len(text))
	}
	e.Keys(&g.keys)
	if !g.byKey || g.keys.Len() == 0 {
		return g.put(string(g.key.AppendAll(nil, g.env)), g.entitled(), e.ID.Time(), at)
	}
	for _, key := range g.keys.Strings() {
		if err := g.put(key, "key "+string(harmless([]byte(key), 0)), e.ID.Time(), at); err != nil {
			return err
		}
	}
	return nil
}

// put adds an event to a group.
func (g *grouper) put(key, title string, at time.Time, text piece) error {
	group := g.groups[key]
	if group == nil {
		if len(g.groups) == maxGroups {
			return tooMany()
		}
		group = &eventGroup{title: title, first: at}
		g.groups[key] = group
		g.order = append(g.order, group)
	}
	group.count++
	if at.Before(group.first) {
		group.first = at
	}
	if at.After(group.last) {
		group.last = at
	}
	if text.size > 0 {
		group.pieces = append(group.pieces, text)
	}
	return nil
}

// entitled is what the group of the event in g.env is called.
func (g *grouper) entitled() string {
	title := strings.ReplaceAll(string(g.title.AppendAll(nil, g.env)), "<NA>", "")
	title = strings.Join(strings.Fields(title), " ")
	switch title {
	case "session -1 of", "session of":
		return "no session"
	case "container host host":
		return "host"
	case "container":
		return "container not known"
	case "key":
		return "no key"
	case "process":
		return "process not known"
	}
	return title
}

// print prints the groups with their events.
func (g *grouper) print(w io.Writer) error {
	var text []byte
	for i, group := range g.order {
		head := fmt.Sprintf("%s: %s, %s\n", group.title, events(group.count), spanText(group.first, group.last))
		if i > 0 {
			head = "\n" + head
		}
		if _, err := io.WriteString(w, head); err != nil {
			return err
		}
		for _, p := range group.pieces {
			text = slices.Grow(text[:0], int(p.size))[:p.size]
			if _, err := g.file.ReadAt(text, p.at); err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("group events: %w", err)
			}
			if _, err := w.Write(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// printCounts prints only how many events each group has, the largest first.
func (g *grouper) printCounts(w io.Writer, how form) error {
	slices.SortStableFunc(g.order, func(a, b *eventGroup) int { return cmp.Compare(b.count, a.count) })
	encoder := json.NewEncoder(w)
	for _, group := range g.order {
		var err error
		if how == formJSON {
			err = encoder.Encode(struct {
				Group string    `json:"group"`
				Count int       `json:"count"`
				First time.Time `json:"first"`
				Last  time.Time `json:"last"`
			}{group.title, group.count, group.first, group.last})
		} else {
			_, err = fmt.Fprintf(w, "%8d  %s, %s\n", group.count, group.title, spanText(group.first, group.last))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func events(n int) string {
	if n == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", n)
}

// spanText is from when to when, the day once if it is one.
func spanText(first, last time.Time) string {
	const whole, part = "2006-01-02 15:04:05", "15:04:05"
	first, last = first.Local(), last.Local()
	switch {
	case first.Equal(last):
		return first.Format(whole)
	case first.Format(time.DateOnly) == last.Format(time.DateOnly):
		return first.Format(whole) + " to " + last.Format(part)
	}
	return first.Format(whole) + " to " + last.Format(whole)
}
