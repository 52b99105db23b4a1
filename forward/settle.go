package forward

import (
	"context"
	"time"
)

// advance passes over the flights that have ended and what is settled.
func (r *Runner) advance() {
	n := 0
	for n < len(r.flights) && r.flights[n].state == ended {
		n++
	}
	r.flights = r.flights[:copy(r.flights, r.flights[n:])]
	if last, ok := r.places.advance(); ok {
		r.cursor.Last = Stamp{last.id}
		r.changed = true
	}
}

// look settles what is held and has become certain, if the connection stands.
func (r *Runner) look(now time.Time) {
	standing, ok := r.c.Sink.(Standing)
	if !ok || r.inFlight > 0 || r.broken || len(r.flights) == 0 {
		return
	}
	if f := r.flights[0]; f.state != held || now.Before(f.until) {
		return
	}
	if err := standing.Standing(); err != nil {
		r.circuit.fail(err, time.Millisecond, now)
		r.broken = true
		return
	}
	r.certain(now)
}

// certain settles what has been held for long enough.
func (r *Runner) certain(now time.Time) {
	for _, f := range r.flights {
		if f.state == held && !now.Before(f.until) {
			r.settle(f)
		}
	}
}

// commit moves the cursor over what is settled, and saves it if it is time to.
func (r *Runner) commit(now time.Time, must bool) error {
	r.look(now)
	r.advance()
	if !must && (!r.changed || r.unsaved < saveBatches && now.Sub(r.saved) < saveEvery) {
		return nil
	}
	begin := r.places.begin(r.feed.oldest())
	place, err := r.log.Place(begin)
	if err != nil {
		return err
	}
	r.cursor.Place, r.cursor.Boot = place, r.feed.bootAt(begin)
	r.cursor.Skip = r.places.skips(begin)
	r.log.Forget(begin)
	r.saved, r.unsaved, r.changed = now, 0, false
	return r.cursor.Save(r.c.Cursor)
}

// wait sleeps until there is something to do.
func (r *Runner) wait(ctx context.Context, changed <-chan struct{}, more bool, now time.Time) {
	if !r.room() || r.paused {
		changed = nil
	}
	pause := r.pause(more, now)
	if pause <= 0 {
		r.poll(ctx, now)
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-changed:
	case <-timer.C:
	case res := <-r.results:
		r.landed(res, time.Now())
		r.poll(ctx, now)
	case o := <-r.ops:
		o.done <- o.do(ctx)
	}
}

// poll takes what is there without waiting.
func (r *Runner) poll(ctx context.Context, now time.Time) {
	for {
		select {
		case res := <-r.results:
			r.landed(res, now)
		case o := <-r.ops:
			o.done <- o.do(ctx)
		default:
			return
		}
	}
}

// pause returns how long nothing is to be done of itself.
func (r *Runner) pause(more bool, now time.Time) time.Duration {
	if more && r.room() {
		return 0
	}
	pause := rest
	until := func(at time.Time) { pause = min(pause, max(at.Sub(now), time.Millisecond)) }
	if len(r.feed.open) > 0 && r.room() {
		pause = min(pause, tick)
	}
	if at, ok := r.builder.due(); ok && r.inFlight < r.limits.Window {
		until(at)
	}
	if r.changed {
		until(r.saved.Add(saveEvery))
	}
	if r.c.Aggregator != nil {
		if at, ok := r.c.Aggregator.Due(); ok {
			until(at)
		}
	}
	for _, f := range r.flights {
		switch {
		case f.state == held && r.inFlight == 0:
			until(f.until)
		case f.state == waiting && !r.paused && r.inFlight == 0:
			until(r.circuit.next)
			if r.limiter != nil {
				until(now.Add(tick))
			}
		}
	}
	return pause
}

// leave gives what is on its way the time to arrive, and what is held the time to be
// certain, and saves the cursor.
func (r *Runner) leave(drain time.Duration) error {
	deadline := time.NewTimer(drain)
	defer deadline.Stop()
	r.together(time.Now(), true)
	if f := r.builder.close(); f != nil {
		r.flights = append(r.flights, f)
	}
	for late := false; !late && r.circuit.closed() && !r.paused && !r.broken; {
		now := time.Now()
		r.dispatch(now)
		if err := r.commit(now, false); err != nil {
			return err
		}
		if len(r.flights) == 0 {
			break
		}
		pause := time.NewTimer(r.pause(false, now))
		select {
		case res := <-r.results:
			r.landed(res, time.Now())
		case <-pause.C:
		case <-deadline.C:
			late = true
		}
		pause.Stop()
	}
	r.abandon()
	return r.commit(time.Now(), true)
}
