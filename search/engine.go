package search

import (
	"context"
	"sync"
)

// engine reads one log with several workers. Blocks are claimed from the source in
// order, loaded and parsed by any worker, put in order again by the window, which
// joins what belongs together across them, matched by any worker, and handed out in
// order by the goroutine that has called run.
type engine struct {
	set   *settings
	src   *source
	scan  func(worker int, b Block) error  // Blocks
	visit func(worker int, e *Event) error // Each

	mu       sync.Mutex
	wake     sync.Cond
	claiming bool // a worker is asking the source
	used     int  // bytes that blocks hold
	free     []*block
	window   window
	match    []*block // to be matched
	out      []*block // in the order in which they are to be handed out
	busy     int      // workers that hold a block
	drained  bool     // the source has no more
	ended    bool     // nor has the window
	err      error
	stats    Stats
}

func newEngine(src *source) *engine {
	e := &engine{set: src.set, src: src}
	e.wake.L = &e.mu
	e.window = window{engine: e, parsed: map[int]*block{}}
	return e
}

// run reads the log and hands out its events to visit, unless that is nil. It
// returns when all is done; a worker that waits for a stream is left behind when
// ctx ends.
func (e *engine) run(ctx context.Context, visit func(*Event) error) error {
	stop := context.AfterFunc(ctx, func() { e.fail(ctx.Err()) })
	defer stop()
	var workers sync.WaitGroup
	for n := range e.set.workers {
		workers.Go(func() { e.work(n) })
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	hand := newMatcher(e.set, e.src.index)
	for e.err == nil && !e.done() {
		if visit == nil || len(e.out) == 0 || !e.out[0].matched {
			e.wake.Wait()
			continue
		}
		b := pop(&e.out)
		e.mu.Unlock()
		err := ctx.Err()
		if err == nil {
			err = hand.hand(b, visit)
		}
		e.mu.Lock()
		if err != nil {
			e.stop(err)
		}
		e.release(b)
	}
	e.wake.Broadcast()
	if err := e.err; err != nil && ctx.Err() != nil && e.claiming {
		return err
	}
	e.mu.Unlock()
	workers.Wait()
	e.mu.Lock()
	e.src.close()
	e.stats.add(e.src.stats)
	return e.err
}

// done reports whether there is nothing left to do.
func (e *engine) done() bool {
	return e.ended && e.busy == 0 && len(e.match) == 0 && len(e.out) == 0
}

// fail ends everything for a reason.
func (e *engine) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stop(err)
}

func (e *engine) stop(err error) {
	if e.err == nil {
		e.err = err
	}
	e.wake.Broadcast()
}

// work is one worker.
func (e *engine) work(n int) {
	m := newMatcher(e.set, e.src.index)
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.err == nil && !e.done() {
		switch {
		case len(e.match) > 0:
			b := pop(&e.match)
			e.busy++
			e.mu.Unlock()
			err := m.block(n, b, e.visit)
			e.mu.Lock()
			e.busy--
			e.stats.add(m.take())
			if b.matched = true; e.visit != nil {
				e.release(b)
			}
			e.settle(err)
		case e.mayClaim():
			e.claim(n)
		default:
			e.wake.Wait()
		}
	}
	e.wake.Broadcast()
}

// mayClaim reports whether there is more to be read, and room for it.
func (e *engine) mayClaim() bool {
	return !e.drained && !e.claiming && (e.used < e.set.budget || e.busy == 0 && len(e.match) == 0 && len(e.out) == 0)
}

// claim takes the next block through to the window.
func (e *engine) claim(n int) {
	b := e.take()
	e.claiming = true
	e.busy++
	e.mu.Unlock()
	ok, err := e.src.claim(b)
	e.mu.Lock()
	e.claiming = false
	if !ok || err != nil {
		e.busy--
		e.drained = true
		e.settle(err)
		return
	}
	e.used += b.cost
	before := b.cost
	e.wake.Broadcast()
	e.mu.Unlock()
	if err = b.load(e.set.Torn); err == nil {
		if e.scan == nil {
			b.parse(&e.set.plan, e.set.seed)
		} else if len(b.text) > 0 {
			b.stats.Bytes += int64(len(b.text))
			err = e.scan(n, Block{Log: e.src.index, File: b.input.name, Ordinal: b.ordinal, Bytes: b.text})
		}
	}
	e.mu.Lock()
	e.busy--
	e.used += b.cost - before
	if b.input.lines == nil {
		b.input.release()
		e.src.done.Add(b.size)
	}
	e.stats.add(b.stats)
	if e.set.Progress != nil {
		e.set.Progress(Progress{Done: e.src.done.Load(), Total: e.src.total})
	}
	if err == nil && e.scan == nil {
		e.window.add(b)
	} else {
		e.release(b)
	}
	e.settle(err)
}

// settle ends everything if there is an error, and looks whether the window is at
// its end.
func (e *engine) settle(err error) {
	if err != nil {
		e.stop(err)
	}
	if e.drained && !e.ended && !e.claiming && e.window.next == e.src.count && e.scan == nil {
		e.window.flush()
		e.ended = true
	}
	if e.drained && e.scan != nil {
		e.ended = true
	}
	e.wake.Broadcast()
}

// pop takes the first block of a queue, which then holds it no longer.
func pop(queue *[]*block) *block {
	b := (*queue)[0]
	(*queue)[0] = nil
	*queue = (*queue)[1:]
	return b
}

// take returns a block to be filled.
func (e *engine) take() *block {
	if n := len(e.free); n > 0 {
		b := e.free[n-1]
		e.free[n-1] = nil
		e.free = e.free[:n-1]
		b.refs = 1
		return b
	}
	return &block{refs: 1}
}

// release says that one of those who need a block does so no longer.
func (e *engine) release(b *block) {
	for {
		if b.refs--; b.refs > 0 {
			return
		}
		e.used -= b.cost
		b.matched, b.input, b.text = false, nil, nil
		links := b.links
		b.links = nil
		clear(b.groups) // they lead to other blocks
		if int64(len(e.free)) < int64(e.set.budget)/e.set.block {
			e.free = append(e.free, b)
		}
		e.wake.Broadcast()
		if len(links) == 0 {
			return
		}
		// Every link holds the block that it leads to.
		for _, l := range links[1:] {
			e.release(l)
		}
		b = links[0]
	}
}
