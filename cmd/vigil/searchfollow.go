package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"vigil/audit"
	"vigil/filter"
	"vigil/internal/atomicfile"
	"vigil/search"
	"vigil/trail"
)

// since searches from a checkpoint on and writes the next one.
func (f *finder) since(ctx context.Context) (search.Stats, error) {
	if len(f.logs) != 1 {
		return search.Stats{}, errors.New("--checkpoint is for one log")
	}
	var mark search.Mark
	text, err := os.ReadFile(f.checkpoint)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return search.Stats{}, fmt.Errorf("read checkpoint: %w", err)
	default:
		if err := json.Unmarshal(text, &mark); err != nil {
			return search.Stats{}, fmt.Errorf("read checkpoint %s: %w: remove it to begin anew", f.checkpoint, err)
		}
	}
	next, stats, err := search.ScanSince(ctx, f.logs[0], f.options, mark, f.take)
	if err != nil {
		return stats, err
	}
	if err := f.printer.finish(); err != nil {
		return stats, err // what was not printed is not done with
	}
	if text, err = json.Marshal(next); err != nil {
		return stats, fmt.Errorf("write checkpoint: %w", err)
	}
	if err := atomicfile.Write(f.checkpoint, append(text, '\n'), 0o600); err != nil {
		return stats, fmt.Errorf("write checkpoint: %w", err)
	}
	return stats, nil
}

// lines is what tail reads: a trail that is being written.
type lineSource interface {
	Next() bool
	Bytes() []byte
	Err() error
	Close() error
}

// tailWait is how often tail looks without being told of a change, and whether an
// event has waited long enough for more records.
const tailWait = 250 * time.Millisecond

// tail prints what is appended, over rotations, until ctx is done.
func (f *finder) tail(ctx context.Context) error {
	if len(f.logs) != 1 {
		return errors.New("--follow is for one log")
	}
	path := f.logs[0].Name
	if f.logs[0].Stream != nil {
		return f.tailStream(ctx)
	}
	lines := trail.OpenLiveAtEnd(path)
	if !f.options.Range.From.IsZero() {
		lines = trail.OpenLive(path, trail.Position{})
	}
	defer lines.Close() //nolint:errcheck // only read
	changed, err := trail.Watch(ctx, path)
	if err != nil {
		return fmt.Errorf("watch %s: %w", path, err)
	}
	t := f.newTailer()
	tick := time.NewTicker(tailWait)
	defer tick.Stop()
	for {
		if err := t.read(ctx, lines); err != nil {
			return stopped(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-changed:
			if !ok {
				changed = nil // then the ticks must do
			}
		case <-tick.C:
		}
	}
}

// tailStream prints what comes on standard input, when it comes.
func (f *finder) tailStream(ctx context.Context) error {
	lines := make(chan []byte, 1024)
	failed := make(chan error, 1)
	go func() {
		defer close(lines)
		r := trail.NewReader(f.logs[0].Stream)
		for r.Next() {
			select {
			case lines <- bytes.Clone(r.Bytes()):
			case <-ctx.Done():
				return
			}
		}
		failed <- r.Err()
	}()
	t := f.newTailer()
	tick := time.NewTicker(tailWait)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				t.events.Flush()
				return errors.Join(<-failed, t.flush())
			}
			t.line(line)
			if len(lines) > 0 {
				continue
			}
		case <-tick.C:
		}
		t.events.Expire(time.Now())
		if err := t.flush(); err != nil {
			return stopped(err)
		}
	}
}

// tailer makes events of lines as they come.
type tailer struct {
	f       *finder
	match   *filter.Matcher
	events  *audit.Assembler
	skipped search.Skipped
	err     error
}

func (f *finder) newTailer() *tailer {
	t := &tailer{f: f, match: f.options.Query.Matcher()}
	t.events = audit.NewAssembler(audit.AssemblerConfig{}, t.take)
	return t
}

// read takes the lines that there are.
func (t *tailer) read(ctx context.Context, lines lineSource) error {
	for n := 0; lines.Next(); n++ {
		t.line(lines.Bytes())
		if n%1024 == 0 && (ctx.Err() != nil || t.err != nil) {
			break
		}
	}
	t.events.Expire(time.Now())
	return errors.Join(lines.Err(), t.flush())
}

// line takes a line.
func (t *tailer) line(text []byte) {
	if r, err := audit.ParseLine(text); err == nil {
		if t.f.known != nil {
			t.f.known.Observe(r)
		}
		t.events.Push(r, time.Now())
	} else {
		t.skipped.Malformed++
	}
}

// take is given each event.
func (t *tailer) take(e *audit.Event) {
	if t.err != nil || !t.f.options.Range.Contains(e.ID.Time()) {
		return
	}
	t.f.complete(e)
	matches := t.match == nil || t.match.Match(e)
	if t.f.known != nil {
		t.f.known.Restore(e) // its lines are those of the log
	}
	if !matches {
		return
	}
	found := &search.Event{Event: *e}
	for _, r := range e.Records {
		line := r.AppendLine(nil, r.Node)
		if len(r.Enrichment) > 0 {
			line = append(append(line, audit.Separator), r.Enrichment...)
		}
		found.Lines = append(found.Lines, line)
	}
	t.err = t.f.take(found)
}

func (t *tailer) flush() error {
	if t.err != nil {
		return t.err
	}
	return t.f.printer.flush()
}

// stopped is err, or nil if there was enough.
func stopped(err error) error {
	if errors.Is(err, search.ErrStop) {
		return nil
	}
	return err
}
