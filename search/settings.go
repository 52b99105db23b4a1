package search

import (
	"context"
	"hash/maphash"
	"runtime"
)

// settings are Options with everything decided.
type settings struct {
	Options
	workers int
	block   int64
	budget  int   // bytes that blocks may hold before no more are read
	cell    int64 // see window
	plan    plan
	seed    maphash.Seed
}

// How memory is divided. What a scan holds at a time is about budget, however large
// and bad the logs are.
const (
	budget    = 12 << 20
	blockSize = 1 << 20
	cellSize  = 1 << 20
	least     = 64 << 10 // of a block and of a cell
)

// settle decides what the options leave open, for one of so many logs that are read
// at once.
func (o Options) settle(logs int) *settings {
	s := &settings{Options: o, workers: o.Workers, block: int64(o.BlockSize), seed: maphash.MakeSeed()}
	if s.workers <= 0 {
		s.workers = runtime.GOMAXPROCS(0)
	}
	logs = max(logs, 1)
	s.budget = max(budget/logs, 4*least)
	s.cell = int64(max(min(cellSize, 4*cellSize/logs), least))
	if s.block <= 0 {
		s.block = int64(max(min(blockSize, s.budget/(2*s.workers+2)), least))
	}
	if logs > 1 {
		s.workers = max(s.workers/logs, 1)
	}
	return s
}

// Scan hands out the events that the options choose, one after another: in the
// order in which they begin in their log, or backwards, and those of several logs
// merged by time. It ends with ctx, with the first error of reading a file or of
// visit, or when there is no more.
func Scan(ctx context.Context, logs []Log, o Options, visit func(*Event) error) (Stats, error) {
	if len(logs) > 1 {
		return merge(ctx, logs, o, visit)
	}
	var total Stats
	for i, l := range logs {
		stats, err := scanOne(ctx, i, l, o.settle(1), visit)
		total.add(stats)
		if err != nil {
			return total, unlessStopped(err)
		}
	}
	return total, nil
}

// Each hands out the events that the options choose in no order, to as many workers
// as Options says, each with a number of its own from 0: calls with one worker
// number never overlap. The first error ends it.
func Each(ctx context.Context, logs []Log, o Options, visit func(worker int, e *Event) error) (Stats, error) {
	o.Newest = false
	var total Stats
	for i, l := range logs {
		set := o.settle(1)
		set.plan = o.Query.plan(o.Containers)
		src, err := newSource(i, l, set)
		if err != nil {
			return total, err
		}
		e := newEngine(src)
		e.visit = visit
		err = e.run(ctx, nil)
		total.add(e.stats)
		if err != nil {
			return total, unlessStopped(err)
		}
	}
	return total, nil
}

// Blocks hands out all lines of the logs, in pieces and in no order, to as many
// workers as Options says, each with a number of its own from 0: calls with one
// worker number never overlap. A Range only spares parts that cannot be in it; the
// lines must still be looked at. Whether they are records, scan must find out, and
// only Files, Bytes and of Skipped what concerns files and their ends is counted.
func Blocks(ctx context.Context, logs []Log, o Options, scan func(worker int, b Block) error) (Stats, error) {
	o.Newest = false
	var total Stats
	for i, l := range logs {
		set := o.settle(1)
		src, err := newSource(i, l, set)
		if err != nil {
			return total, err
		}
		e := newEngine(src)
		e.scan = scan
		err = e.run(ctx, nil)
		total.add(e.stats)
		if err != nil {
			return total, unlessStopped(err)
		}
	}
	return total, nil
}

// Block is a piece of a log.
type Block struct {
	Log     int    // index of the log
	File    string // the file, or the stream's name
	Ordinal int    // counted from 0 within the log, in its order
	Bytes   []byte // whole lines, each with its newline; valid during the call only
}

// scanOne is Scan of one log.
func scanOne(ctx context.Context, index int, l Log, set *settings, visit func(*Event) error) (Stats, error) {
	set.plan = set.Query.plan(set.Containers)
	src, err := newSource(index, l, set)
	if err != nil {
		return Stats{}, err
	}
	e := newEngine(src)
	err = e.run(ctx, visit)
	return e.stats, err
}

func unlessStopped(err error) error {
	if err == ErrStop { //nolint:errorlint // a visit returns it as it is
		return nil
	}
	return err
}
