package daemon

import (
	"context"
	"os/signal"
	"syscall"
	"time"

	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/daemon/config"
	"vigil/trail"
)

// signalSender asks the kernel who sent the last TERM, HUP, USR1 or USR2 to the
// audit daemon (kernel/auditsc.c, audit_signal_info; it notes no other signal);
// the daemon itself if nobody is known.
func (d *daemon) signalSender(ctx context.Context) actor {
	info, err := d.engine.SignalInfo(ctx)
	if err != nil || info.PID == 0 {
		return self()
	}
	a := processActor(int(info.PID))
	a.auid = info.UID
	return a
}

// listen takes the signals until stop is called: from the first moment to the last,
// since by default they end a process, and that with everything half put back.
func (d *daemon) listen() (stop func()) {
	signal.Notify(d.signals, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	return func() { signal.Stop(d.signals) }
}

// handleSignals rotates on SIGUSR1 and reads the rules again on SIGHUP, as
// auditd does.
func (d *daemon) handleSignals(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-d.signals:
			sender := d.signalSender(ctx)
			switch s {
			case syscall.SIGUSR1:
				d.rotate(sender)
			case syscall.SIGHUP:
				d.reload(ctx, sender)
			case syscall.SIGUSR2: // has auditd write again; we do that by ourselves
			}
		}
	}
}

func (d *daemon) rotate(sender actor) {
	d.mu.Lock()
	d.asked = sender
	d.mu.Unlock()
	if d.trail == nil {
		return
	}
	if err := d.trail.Rotate(); err != nil {
		d.log.Error(err.Error())
	}
}

// head is how a new segment begins: with auditd's record if somebody asked for the
// rotation, what is known of the containers that live, and the seal of the segment
// before.
func (d *daemon) head(s trail.NewSegment) trail.Head {
	head := d.scribe.head(s, d.whoAsked())
	if d.attributor == nil {
		return head
	}
	for _, c := range d.attributor.who.Containers() {
		head.Lines = d.scribe.appendContainer(head.Lines, c, s.Time)
		head.Records++
	}
	return head
}

func (d *daemon) whoAsked() actor {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked
}

// reload reads the configuration again, and applies the rules; what needs a
// restart is named. Nothing changes if anything in it is wrong.
func (d *daemon) reload(ctx context.Context, sender actor) {
	settings, err := d.o.Settings()
	state, result := "changed", "success"
	if err == nil && d.source.Mode() == kernel.Daemon {
		err = d.rules.reload(ctx, settings.Rules)
	}
	if err != nil {
		d.log.Error("nothing was reloaded: " + err.Error())
		state, result = "no-change", "failed"
	} else if err = d.reloadSinks(ctx, settings); err != nil {
		d.log.Error("the sinks were not reloaded: " + err.Error())
		result = "failed"
	} else if changed := needRestart(d.settings, settings); len(changed) > 0 {
		d.log.Warn("these settings have changed and are taken at the next start", "settings", changed)
	}
	d.tellConfig(reconfigureText(sender, state, result))
}

// reloadSinks has the sinks of new settings run; those that did not change go on.
func (d *daemon) reloadSinks(ctx context.Context, settings config.Config) error {
	if d.sinks == nil {
		return nil
	}
	if err := d.sinks.Check(ctx, settings.Sinks); err != nil {
		return err
	}
	d.sinks.Apply(ctx, settings.Sinks)
	return nil
}

// tellRules puts what happened to the rules into the trail.
func (d *daemon) tellRules(text string, succeeded bool) {
	d.tellConfig(rulesText(self(), text, succeeded))
}

// tellConfig puts a DAEMON_CONFIG record into the trail.
func (d *daemon) tellConfig(text string) {
	if d.trail == nil {
		return
	}
	line := d.scribe.appendOwn(nil, tables.TypeDaemonConfig, text, time.Now())
	if err := d.trail.Append(line, 1); err == nil {
		d.ledger.Written(1)
	}
}
