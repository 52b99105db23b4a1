package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"vigil/audit"
	"vigil/enrich/attribution"
)

// Config is what a Runner needs. Name, Sink, Encoder, Open, Cursor and Dead must be
// set.
type Config struct {
	Name    string
	Sink    Sink // owned by the Runner, which closes it
	Encoder Encoder
	Open    OpenLog
	Host    string // for the UIDs, machine-id(5)
	// Start is where a sink begins that has no cursor yet: empty for the oldest line
	// there is, or Newest.
	Start  string
	Cursor string // the cursor's file, see CursorPath
	Dead   string // the dead-letter file
	// DeadMax bounds the dead-letter file: when it is full it is renamed to FILE.1 and
	// begun anew. 0: 64 MiB.
	DeadMax int64
	// Want says whether the sink is to have an event, called with one that is valid
	// during the call; nil: it is to have all.
	Want func(*audit.Event) bool
	// Sample says whether an event that the sink wants is in its sample, called as Want
	// is; nil: all are. See [UID.Draw].
	Sample func(Event) bool
	// Aggregator makes one event of several of these; nil: each is sent by itself.
	Aggregator Aggregator
	Backoff    Backoff
	// Rate bounds the bytes a second; 0: no bound.
	Rate int
	// OnLost is told of what was deleted before it could be read; nil: nobody is. It
	// must not wait.
	OnLost func(Lost)
	Log    *slog.Logger
}

// Times of a Runner.
const (
	saveEvery   = 100 * time.Millisecond // at least, while something is settled
	saveBatches = 8                      // are settled at most between two saves
	tick        = 10 * time.Millisecond  // to end events while nothing is appended
	rest        = time.Second            // to look again when the log does not say that it changed
	atOnce      = 512                    // lines are read before results are looked at
)

// Runner brings a trail's events to one sink.
type Runner struct {
	c       Config
	feed    *feed
	known   *attribution.Completer
	log     Log
	limits  Limits
	builder builder
	places  places
	flights []*flight
	circuit circuit
	limiter *rate.Limiter
	results chan result
	ops     chan op
	dead    deadLetters
	status  statusBox

	cursor   Cursor
	unsaved  int // batches settled since the cursor was saved
	changed  bool
	saved    time.Time
	paused   bool
	broken   bool // what is held must be sent again
	inFlight int  // calls of Send that have not returned
	sends    context.Context
	stop     context.CancelFunc
}

type result struct {
	flight *flight
	err    error
	took   time.Duration
}

// New returns a Runner that goes on where the sink's cursor says.
func New(c Config) (*Runner, error) {
	cursor, ok, err := LoadCursor(c.Cursor)
	if err != nil {
		return nil, fmt.Errorf("open sink %s: %w: `vigil forward rewind` or `skip` makes a new one", c.Name, err)
	}
	if !ok {
		cursor.Place = c.Start
	}
	limits := c.Sink.Limits().complete()
	r := &Runner{
		c: c, limits: limits, cursor: cursor,
		known:   attribution.NewCompleter(0),
		builder: builder{limits: limits},
		circuit: circuit{backoff: c.Backoff.complete()},
		results: make(chan result, limits.Window),
		ops:     make(chan op),
		dead:    deadLetters{path: c.Dead, sink: c.Name, max: c.DeadMax},
	}
	if c.Rate > 0 {
		r.limiter = rate.NewLimiter(rate.Limit(c.Rate), max(c.Rate, limits.MaxBytes))
	}
	r.publish(time.Now())
	return r, nil
}

// Run serves the sink until ctx ends. Then it gives what is on its way until drain
// to arrive, and saves the cursor. An error is the trail's or the cursor file's: the
// far end's are retried.
func (r *Runner) Run(ctx context.Context, drain time.Duration) (err error) {
	if err := r.begin(ctx); err != nil {
		return errors.Join(r.named(err), r.c.Sink.Close())
	}
	defer func() {
		err = r.named(errors.Join(err, r.leave(drain), r.log.Close(), r.c.Sink.Close(), r.dead.close()))
	}()
	for ctx.Err() == nil {
		now := time.Now()
		changed := r.log.Changed()
		more := r.read(now)
		r.together(now, false)
		if err := r.log.Err(); err != nil {
			return err
		}
		r.dispatch(now)
		if err := r.commit(now, false); err != nil {
			return err
		}
		r.publish(now)
		if r.broken {
			if err := r.again(ctx); err != nil {
				return err
			}
			continue
		}
		r.wait(ctx, changed, more, now)
	}
	return nil
}

func (r *Runner) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sink %s: %w", r.c.Name, err)
}

// begin opens the log at the cursor.
func (r *Runner) begin(ctx context.Context) error {
	log, err := r.c.Open(r.cursor.Place)
	if err != nil {
		return err
	}
	r.log = log
	r.feed = newFeed(log, &r.cursor, r.c.Host, r.known, r.take, r.lose)
	r.places, r.flights, r.builder.open = places{waits: r.c.Aggregator != nil}, nil, nil
	if r.c.Aggregator != nil {
		r.c.Aggregator.Reset()
	}
	r.sends, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	return nil
}

// again begins anew from the cursor, because what was sent since may not have
// arrived, or because the cursor was moved.
func (r *Runner) again(ctx context.Context) error {
	r.abandon()
	if err := errors.Join(r.commit(time.Now(), true), r.log.Close()); err != nil {
		return err
	}
	r.broken = false
	return r.begin(ctx)
}

// abandon ends all sends and waits for them.
func (r *Runner) abandon() {
	r.stop()
	for ; r.inFlight > 0; r.inFlight-- {
		if res := <-r.results; res.err == nil && r.limits.Hold == 0 {
			r.settle(res.flight) // it has arrived
		}
	}
	r.advance()
}

// room reports whether more may be read.
func (r *Runner) room() bool {
	n := 0
	for _, f := range r.flights {
		if f.state == waiting || f.state == sending {
			n++
		}
	}
	return n <= r.limits.Window && !r.places.full() && !r.broken && !r.paused
}

// read reads lines while there is room, and reports whether there are more.
func (r *Runner) read(now time.Time) (more bool) {
	for range atOnce {
		if !r.room() {
			return false
		}
		if !r.feed.next(now) {
			r.feed.expire(now)
			return false
		}
	}
	return true
}

// take takes an event from the feed.
func (r *Runner) take(e Event, at ref) {
	n := r.places.add(at)
	r.cursor.Counts.Events++
	if r.c.Want != nil && !r.c.Want(e.Event) {
		r.cursor.Counts.Filtered++
		r.places.pass(n)
		return
	}
	if r.c.Sample != nil && !r.c.Sample(e) {
		r.cursor.Counts.Sampled++
		r.places.pass(n)
		return
	}
	if r.c.Aggregator != nil {
		now := time.Now()
		joined := r.c.Aggregator.Add(e, n, now)
		r.together(now, false)
		if joined {
			return
		}
	}
	r.pack(e, at, n)
}

// pack puts an event into a batch.
func (r *Runner) pack(e Event, at ref, n uint64) {
	full, tooLarge, empty := r.builder.add(r.c.Encoder, e, at, n, time.Now())
	if full != nil {
		r.flights = append(r.flights, full)
	}
	switch {
	case empty:
		r.cursor.Counts.Filtered++
		r.places.pass(n)
	case tooLarge != nil:
		r.bury(&Item{UID: e.UID, ID: e.ID, Data: tooLarge},
			fmt.Sprintf("larger than the far end takes: %d bytes, and %d are allowed", len(tooLarge), r.limits.MaxEvent))
		r.places.settle(n)
	}
}

// lose takes a loss from the feed.
func (r *Runner) lose(l Lost) {
	l.Sink = r.c.Name
	r.cursor.Counts.Lost += uint64(max(l.Bytes, 0))
	r.cursor.Counts.Losses++
	if r.c.OnLost != nil {
		r.c.OnLost(l)
	}
	r.c.Log.Error("a part of the trail was deleted before the sink had it", "sink", r.c.Name,
		"bytes", l.Bytes, "files", l.Files, "after", l.After.String(), "before", l.Before.String())
}

// bury writes an item to the dead letters.
func (r *Runner) bury(it *Item, reason string) {
	r.cursor.Counts.Rejected++
	if err := r.dead.write(it, reason, time.Now()); err != nil {
		r.cursor.Counts.Buried++
		r.c.Log.Error("a rejected event could not be put to the dead letters", "sink", r.c.Name,
			"uid", it.UID.String(), "event", it.ID.String(), "reason", reason, "err", err)
	}
}

// dispatch sends what may be sent.
func (r *Runner) dispatch(now time.Time) {
	if at, ok := r.builder.due(); ok && !now.Before(at) && r.inFlight < r.limits.Window {
		if f := r.builder.close(); f != nil {
			r.flights = append(r.flights, f)
		}
	}
	if r.paused || r.broken || now.Before(r.circuit.next) {
		return
	}
	window := r.limits.Window
	if !r.circuit.closed() {
		window = 1
	}
	for _, f := range r.flights {
		if r.inFlight >= window {
			return
		}
		if f.state == waiting {
			if wait := r.brake(f, now); wait > 0 {
				return
			}
			r.send(f)
		}
	}
}

// brake returns how long the bandwidth asks to wait before a batch is sent.
func (r *Runner) brake(f *flight, now time.Time) time.Duration {
	if r.limiter == nil {
		return 0
	}
	n := f.batch.Bytes()
	if r.limiter.AllowN(now, n) {
		return 0
	}
	return tick
}

func (r *Runner) send(f *flight) {
	f.state = sending
	r.inFlight++
	ctx, batch := r.sends, f.batch
	go func() {
		start := time.Now()
		err := r.c.Sink.Send(ctx, batch)
		r.results <- result{f, err, time.Since(start)}
	}()
}

// landed takes the result of a Send.
func (r *Runner) landed(res result, now time.Time) {
	r.inFlight--
	f := res.flight
	f.batch.Try++
	var verdicts *Verdicts
	var refused *Refused
	var broken *Broken
	switch err := res.err; {
	case err == nil:
		r.arrived(f, now)
	case errors.As(err, &verdicts):
		r.judge(f, verdicts, now)
	case errors.Is(err, ErrTooLarge) || errors.As(err, &refused):
		r.circuit.succeed() // it answers
		r.split(f, err)
	case errors.As(err, &broken) && r.limits.Hold > 0:
		r.fail(f, err, now)
		r.broken = true
	default:
		r.fail(f, err, now)
	}
}

// arrived takes a batch that the far end has.
func (r *Runner) arrived(f *flight, now time.Time) {
	if !r.circuit.closed() {
		r.c.Log.Info("the sink takes events again", "sink", r.c.Name, "failures", r.circuit.failures,
			"after", now.Sub(r.circuit.since).Round(time.Second).String())
	}
	r.circuit.succeed()
	r.status.success(now)
	r.count(f)
	r.certain(now) // the connection on which this came through has stood till now
	if r.limits.Hold > 0 {
		f.state, f.until = held, now.Add(r.limits.Hold)
		r.builder.reuse(f)
		return
	}
	r.settle(f)
}

func (r *Runner) count(f *flight) {
	r.cursor.Counts.Accepted += uint64(len(f.batch.Items))
	r.cursor.Counts.Bytes += uint64(f.batch.Bytes())
}

// settle ends a flight: nothing more becomes of its items.
func (r *Runner) settle(f *flight) {
	for _, n := range f.numbers {
		r.places.settle(n)
	}
	f.state = ended
	r.builder.reuse(f)
	r.unsaved++
	r.changed = true
}

// fail puts a batch back.
func (r *Runner) fail(f *flight, err error, now time.Time) {
	f.state = waiting
	var later *Later
	after := time.Duration(0)
	if errors.As(err, &later) {
		after = later.After
	}
	first := r.circuit.closed()
	r.circuit.fail(err, after, now)
	if first {
		r.c.Log.Warn("the sink takes nothing: it is tried again until it does", "sink", r.c.Name, "err", err)
	}
}

// judge takes a batch of which the far end has not taken all.
func (r *Runner) judge(f *flight, v *Verdicts, now time.Time) {
	r.status.success(now)
	r.circuit.succeed()
	if v.Err != nil && len(v.Again) > 0 {
		r.fail(f, v.Err, now)
	}
	fate := make([]byte, len(f.batch.Items))
	for _, rejection := range v.Rejected {
		if i := rejection.Index; i >= 0 && i < len(fate) && fate[i] == 0 {
			fate[i] = 'r'
			r.bury(&f.batch.Items[i], rejection.Reason)
		}
	}
	for _, i := range v.Again {
		if i >= 0 && i < len(fate) && fate[i] == 0 {
			fate[i] = 'a'
		}
	}
	items, numbers := f.batch.Items, f.numbers
	left := &Batch{Try: f.batch.Try}
	f.numbers = nil
	for i, n := range numbers {
		switch fate[i] {
		case 'a':
			left.Items, f.numbers = append(left.Items, items[i]), append(f.numbers, n)
			continue
		case 0:
			r.cursor.Counts.Accepted++
			r.cursor.Counts.Bytes += uint64(len(items[i].Data))
		}
		r.places.settle(n)
	}
	r.changed = true
	if f.batch = left; len(left.Items) == 0 {
		r.settle(f)
		return
	}
	f.state = waiting
}

// split halves a batch that the far end does not take as it is; a single item that it
// does not take is a dead letter.
func (r *Runner) split(f *flight, err error) {
	if len(f.batch.Items) == 1 {
		r.bury(&f.batch.Items[0], err.Error())
		r.settle(f)
		return
	}
	a, b := f.halves()
	for i := range r.flights {
		if r.flights[i] == f {
			r.flights = append(r.flights[:i], append([]*flight{a, b}, r.flights[i+1:]...)...)
			return
		}
	}
}
