package forward

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Status says how a sink is doing.
type Status struct {
	Name   string `json:"name"`
	Type   string `json:"type,omitempty"`
	State  State  `json:"state"`
	Counts Counts `json:"counts"`
	// Behind is how many bytes of the trail have not been read for the sink.
	Behind int64 `json:"behind"`
	// Open is how many events have been read and are not settled, InFlight how many
	// batches are being sent.
	Open     int `json:"open"`
	InFlight int `json:"in_flight"`
	// Shortened is how many messages were cut or split since the sink was begun, because
	// they were too long.
	Shortened uint64 `json:"shortened,omitempty"`
	// Redacted is in how many events secrets were overwritten since the sink was begun,
	// and Redaction why whole command lines are replaced; empty: they are not.
	Redacted  uint64 `json:"redacted,omitempty"`
	Redaction string `json:"redaction,omitempty"`
	// Last is the event settled last.
	Last Stamp `json:"last,omitzero"`
	// Success is when the far end last took a batch.
	Success time.Time `json:"success,omitzero"`
	// Since, Failures and Error say for how long, how often in a row and why it has
	// not taken any; zero while it does. Next is when it is tried again.
	Since    time.Time `json:"since,omitzero"`
	Failures int       `json:"failures,omitempty"`
	Error    string    `json:"error,omitempty"`
	Next     time.Time `json:"next,omitzero"`
}

// State is a word for how a sink is doing.
type State string

// The states of a sink.
const (
	Sending  State = "sending"
	Idle     State = "idle"     // there is nothing to send
	Retrying State = "retrying" // the far end takes nothing for now
	Paused   State = "paused"   // by an operator
	Failed   State = "failed"   // on our side: the disk, the cursor
)

// statusBox holds the newest Status for other goroutines.
type statusBox struct {
	mu       sync.Mutex
	status   Status
	measured time.Time // when Behind was
}

func (b *statusBox) success(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status.Success = now
}

// Status returns how the sink is doing. It may be called at any time.
func (r *Runner) Status() Status {
	r.status.mu.Lock()
	defer r.status.mu.Unlock()
	return r.status.status
}

// measureEvery is how often it is looked how long the trail is.
const measureEvery = 200 * time.Millisecond

func (r *Runner) publish(now time.Time) {
	r.status.mu.Lock()
	defer r.status.mu.Unlock()
	s := &r.status.status
	s.Name, s.Counts, s.Last = r.c.Name, r.cursor.Counts, r.cursor.Last
	s.Open, s.InFlight = len(r.places.pending), r.inFlight
	s.Since, s.Failures, s.Next, s.Error = r.circuit.since, r.circuit.failures, r.circuit.next, ""
	if e, ok := r.c.Encoder.(Shortener); ok {
		s.Shortened = e.Shortened()
	}
	if r.log != nil && now.Sub(r.status.measured) >= measureEvery {
		s.Behind, r.status.measured = r.log.Behind(), now
	}
	switch {
	case r.paused:
		s.State = Paused
	case !r.circuit.closed():
		s.State, s.Error = Retrying, r.circuit.err.Error()
	case s.Behind == 0 && (s.Open == 0 || r.waitsForMore()):
		s.State = Idle
	default:
		s.State = Sending
	}
}

// waitsForMore reports whether all that is not settled waits in aggregates for more.
func (r *Runner) waitsForMore() bool {
	return r.c.Aggregator != nil && len(r.flights) == 0 && r.builder.open == nil
}

// op is something that an operator asks for, done by the Runner's goroutine.
type op struct {
	do   func(context.Context) error
	done chan error
}

var errEnded = errors.New("the sink is not running")

// ask has the Runner do something.
func (r *Runner) ask(ctx context.Context, do func(context.Context) error) error {
	o := op{do: do, done: make(chan error, 1)}
	select {
	case r.ops <- o:
		return <-o.done
	case <-ctx.Done():
		return r.named(errors.Join(errEnded, ctx.Err()))
	}
}

// Pause stops reading and sending until Resume is called. What is being sent goes on.
func (r *Runner) Pause(ctx context.Context) error {
	return r.ask(ctx, func(context.Context) error { r.paused = true; return nil })
}

// Resume ends a pause, and a wait for a retry.
func (r *Runner) Resume(ctx context.Context) error {
	return r.ask(ctx, func(context.Context) error {
		r.paused = false
		r.circuit.next = time.Time{}
		return nil
	})
}

// Move sets the cursor to a place: empty for the oldest line, Newest, or one that
// OpenLog takes. Going back sends again; going on passes over events, which is
// counted.
func (r *Runner) Move(ctx context.Context, place string) error {
	return r.ask(ctx, func(run context.Context) error {
		r.abandon()
		if err := r.log.Close(); err != nil {
			return err
		}
		r.c.Log.Warn("the sink's cursor is moved", "sink", r.c.Name, "from", r.cursor.Place, "to", place)
		r.cursor.Place, r.cursor.Skip, r.cursor.Last = place, nil, Stamp{}
		if place != "" {
			r.cursor.Counts.Skipped++
		} else {
			r.cursor.Boot = "" // as when it was read from there first, for the UIDs
		}
		r.circuit.next = time.Time{}
		if err := r.begin(run); err != nil {
			return fmt.Errorf("move cursor: %w", err)
		}
		r.changed = true
		return nil
	})
}
