package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/ledger"
	"vigil/trail"
)

// run keeps everything going until ctx ends or something fails, and leaves.
func (d *daemon) run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer stop()
	d.beside(background, &beside)

	read := make(chan error, 1)
	pipeline := newPipeline(d.source, d.trail, d.scribe, d.rules.keeper, d.log)
	pipeline.attributor = d.attributor
	pipeline.modeChanged = func(mode kernel.Mode) { go d.rules.modeChanged(background, mode) }
	go func() { read <- pipeline.run() }()
	d.rules.keep(background)
	printed, closed := d.printing(background)

	sdNotify(sdnotify.SdNotifyReady)
	var err error
	var terminated bool // by a signal of which the kernel knows the sender
	select {
	case <-ctx.Done():
		terminated = strings.HasPrefix(context.Cause(ctx).Error(), syscall.SIGTERM.String())
	case err = <-read:
		err = errors.Join(err, errors.New("the audit stream ended"))
		read <- nil
	case err = <-printed:
		printed <- nil
	}
	sdNotify(sdnotify.SdNotifyStopping)
	err = errors.Join(err, d.leave(read, terminated))
	close(closed)
	if d.sinks != nil {
		d.sinks.Close(sinkTimeout)
	}
	return errors.Join(err, lastPrinted(printed))
}

// sinkTimeout is how long the sinks may take, at the end, for what the trail holds:
// the rest is sent at the next start.
const sinkTimeout = 5 * time.Second

// printTimeout is how long the output may take for its rest, at the end.
const printTimeout = 5 * time.Second

// lastPrinted waits for the output, but not for one that takes nothing any more:
// there are settings to be put back.
func lastPrinted(printed <-chan error) error {
	select {
	case err := <-printed:
		return err
	case <-time.After(printTimeout):
		return fmt.Errorf("print events: the output took nothing for %s: the rest is in the trail", printTimeout)
	}
}

// beside starts what runs beside the pipeline.
func (d *daemon) beside(ctx context.Context, wait *sync.WaitGroup) {
	start := func(run func(context.Context) error) {
		wait.Go(func() {
			if err := run(ctx); err != nil {
				d.log.Error(err.Error())
			}
		})
	}
	start(d.names.Run)
	if d.attributor != nil {
		start(d.attributor.run)
	}
	if d.metrics != nil {
		start(d.metrics.Run)
	}
	start(d.watchEngine)
	start(d.handleSignals)
	if d.trail != nil {
		start(d.trail.Run)
	}
	go func() {
		if err := d.control.Serve(); err != nil {
			d.log.Error(err.Error())
		}
	}()
}

// printing starts the console. The first channel gets what ended it; closing the
// second tells it that the trail is complete.
func (d *daemon) printing(ctx context.Context) (printed chan error, closed chan struct{}) {
	printed, closed = make(chan error, 1), make(chan struct{})
	if d.console == nil {
		go func() {
			<-closed
			printed <- nil
		}()
		return printed, closed
	}
	go func() { printed <- d.console.run(ctx, closed) }()
	return printed, closed
}

// leaveTimeout bounds what leaving asks of the kernel.
const leaveTimeout = 10 * time.Second

// leave puts the rules back, reads what is queued, unregisters and writes the
// last records.
func (d *daemon) leave(read <-chan error, terminated bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	sender := self()
	if terminated {
		sender = d.signalSender(ctx)
	}
	if d.source.Mode() != kernel.Daemon {
		d.rules.stopKeeping()
		d.rules.release()
	}
	err := d.rules.restoreRules(ctx)
	err = errors.Join(err, d.source.Drain(ctx), <-read)
	if d.trail == nil {
		return err
	}
	return errors.Join(err, d.writeOwn(tables.TypeDaemonEnd, endText(sender), ledger.End, time.Now()))
}

// lostEvery is how often the kernel's own count of lost records is read.
const lostEvery = 2 * time.Second

// watchEngine follows the kernel's counters.
func (d *daemon) watchEngine(ctx context.Context) error {
	tick := time.NewTicker(lostEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			asking, cancel := context.WithTimeout(ctx, lostEvery)
			if d.ask(asking) == nil {
				d.ledger.KernelLost(d.status.Load().Lost, now)
			}
			cancel()
		}
	}
}

// notice passes on what the trail has to say beside its errors.
func (d *daemon) notice(n trail.Notice) {
	d.ledger.Written(n.Records) // the head of a new segment
	switch n.What {
	case trail.Rotated:
		return
	case trail.Truncated, trail.Removed, trail.SaveFailed:
		now := time.Now()
		d.ledger.Lose(ledger.Loss{Reason: ledger.Trail, Count: uint64(max(n.Bytes, 0)), Since: now, Until: now})
	}
	d.log.Warn("trail: "+n.What.String(), "file", n.Path, "bytes", n.Bytes, "err", n.Err)
}

// sdNotify tells the service manager, if there is one (sd_notify(3)).
func sdNotify(state string) {
	// Without a manager this does nothing; one that does not listen is no reason
	// to stop.
	_, _ = sdnotify.SdNotify(false, state)
}
