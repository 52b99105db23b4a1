package search

import (
	"context"
	"sync"
)

// stream is one of several logs that are merged: its next event, and where those
// after it come from.
type stream struct {
	events chan *Event
	head   *Event
	stats  Stats
	err    error
}

// ahead is how many events of each log wait to be merged.
const ahead = 8

// merge is Scan of several logs: always the earliest of their next events is handed
// out, or the latest if the scan goes backwards.
func merge(ctx context.Context, logs []Log, o Options, visit func(*Event) error) (Stats, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	progress := newSharedProgress(len(logs), o.Progress)
	streams := make([]*stream, len(logs))
	for i, l := range logs {
		s := &stream{events: make(chan *Event, ahead)}
		streams[i] = s
		o.Progress = progress.of(i)
		set := o.settle(len(logs))
		running.Go(func() {
			defer close(s.events)
			s.stats, s.err = scanOne(ctx, i, l, set, func(e *Event) error {
				select {
				case s.events <- e.Clone():
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
		})
	}
	err := mergeStreams(ctx, streams, o.Newest, visit)
	cancel()
	running.Wait()
	var total Stats
	for _, s := range streams {
		total.add(s.stats)
	}
	return total, unlessStopped(err)
}

func mergeStreams(ctx context.Context, streams []*stream, newest bool, visit func(*Event) error) error {
	for {
		var best *stream
		for _, s := range streams {
			if s.head == nil {
				select {
				case s.head = <-s.events: // nil at its end
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if s.head == nil {
				if s.err != nil {
					return s.err
				}
				continue
			}
			if best == nil || !newest && before(s.head.ID, best.head.ID) || newest && before(best.head.ID, s.head.ID) {
				best = s
			}
		}
		if best == nil {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := visit(best.head); err != nil {
			return err
		}
		best.head = nil
	}
}

// sharedProgress adds up the progress of several logs.
type sharedProgress struct {
	mu    sync.Mutex
	parts []Progress
	tell  func(Progress)
}

func newSharedProgress(n int, tell func(Progress)) *sharedProgress {
	return &sharedProgress{parts: make([]Progress, n), tell: tell}
}

// of is what log i tells its progress to.
func (p *sharedProgress) of(i int) func(Progress) {
	if p.tell == nil {
		return nil
	}
	return func(now Progress) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.parts[i] = now
		var sum Progress
		for _, part := range p.parts {
			sum.Done += part.Done
			sum.Total += part.Total
		}
		p.tell(sum)
	}
}
