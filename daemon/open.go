package daemon

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"vigil/audit/kernel"
	"vigil/audit/tables"
	"vigil/daemon/config"
	"vigil/daemon/control"
	"vigil/daemon/metrics"
	"vigil/daemon/output"
	"vigil/daemon/sinks"
	"vigil/enrich"
	"vigil/forward"
	"vigil/ledger"
	"vigil/trail"
)

// open brings everything up. What it has opened when it fails, close takes down.
func (d *daemon) open(ctx context.Context) error {
	steps := []func(context.Context) error{
		d.openEngine, d.openNames, d.openRunDir, d.openMetrics, d.openTrail, d.takeEngine, d.openAttribution, d.openSource, d.begin, d.openConsole, d.openSinks, d.openRules,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// openEngine asks the audit engine how it is before anything is touched, so that
// who may not run the daemon learns just that.
func (d *daemon) openEngine(ctx context.Context) error {
	engine, err := kernel.DialControl(ctx, kernel.ControlConfig{Dial: d.o.Dial})
	if err != nil {
		return err
	}
	d.engine = engine
	d.later(engine.Close)
	if err := d.ask(ctx); err != nil && d.settings.Source.Mode != config.Observer {
		return err
	}
	return nil
}

// ask reads the engine's status.
func (d *daemon) ask(ctx context.Context) error {
	status, err := d.engine.Status(ctx)
	if err != nil {
		return err
	}
	d.status.Store(&status)
	return nil
}

func (d *daemon) openNames(context.Context) error {
	c := enrich.Config{Logger: d.log}
	if root := d.settings.Node.Root; root != "/" {
		c.Etc, c.Runtime = filepath.Join(root, "etc"), filepath.Join(root, "run", "systemd")
	}
	d.names = enrich.NewNames(c)
	return nil
}

func (d *daemon) openRunDir(context.Context) error {
	server, err := control.Listen(d.o.RunDir)
	if err != nil {
		return err
	}
	d.control = server
	d.later(func() error { server.Close(); return nil })
	server.Answer("GET /status", func(context.Context, *http.Request) (any, error) { return d.report(), nil })
	return nil
}

// openMetrics opens where counts may be read.
func (d *daemon) openMetrics(context.Context) (err error) {
	if d.settings.Metrics.Listen == "" {
		return nil
	}
	d.metrics, err = metrics.Listen(d.settings.Metrics.Listen,
		func() []metrics.Metric { return d.report().metrics() }, func() error { return d.report().unwell() })
	if err == nil {
		d.later(d.metrics.Close)
	}
	return err
}

// openTrail opens the log and takes up its books where they were left.
func (d *daemon) openTrail(context.Context) error {
	node, err := nodeName(d.settings.Node.Name)
	if err != nil {
		return err
	}
	boot := bootID()
	d.ledger = ledger.New(ledger.Config{Node: node, Boot: boot})
	d.scribe = &scribe{stamps: newStamps(), ledger: d.ledger}
	if node != "" {
		d.scribe.node = []byte(node)
	}
	if d.settings.Trail.Format == config.Enriched {
		d.scribe.names = d.names
	}
	if !d.settings.Trail.Write {
		return nil
	}
	c, err := trailConfig(d.settings.Trail)
	if err != nil {
		return err
	}
	if c.Path, err = d.trailPath(); err != nil {
		return err
	}
	d.needs = sinks.ReadNeeds(d.o.StateDir, d.settings.Sinks)
	c.Needed = d.needs.Segments
	c.Head = d.head
	c.Notify = d.notice
	writer, recovery, err := trail.Open(c)
	if err != nil {
		return trailError(err)
	}
	d.trail = writer
	d.later(writer.Close)
	return d.resume(recovery)
}

// resume says what the last run left behind, and goes on counting from there.
func (d *daemon) resume(r *trail.Recovery) error {
	if len(r.Excess) > 0 {
		d.log.Info("removed trail files beyond the configured number", "files", r.Excess)
	}
	d.ledger.Resume(r.Tail, r.Ledger)
	if r.Torn == 0 {
		return nil
	}
	d.log.Warn("repaired the trail: its last line was torn", "bytes", r.Torn, "set_aside", r.Broken)
	if r.Problem != nil {
		d.log.Error("the torn bytes could not be set aside", "err", r.Problem, "bytes", string(r.Lost))
	}
	return d.trail.Seal(d.scribe.seal(ledger.Repair, ledger.Loss{}, time.Now()))
}

// openSource opens the stream. From here on records wait in the socket.
func (d *daemon) openSource(ctx context.Context) error {
	c := sourceConfig(d.settings.Source, d.log)
	c.Dial = d.o.Dial
	source, err := kernel.Open(ctx, c)
	if err != nil {
		return err
	}
	d.source = source
	d.ledger.SetMode(source.Mode().String())
	d.later(source.Close)
	if s := d.status.Load(); s != nil {
		d.ledger.KernelLost(s.Lost, time.Now())
	}
	return nil
}

// begin writes the first records of this run.
func (d *daemon) begin(context.Context) error {
	if d.trail == nil {
		return nil
	}
	// The console is to show these records too, so it must know the end of the
	// trail before.
	if err := d.attachConsole(); err != nil {
		return err
	}
	now := time.Now()
	text := startText(d.o.Version, string(d.settings.Trail.Format), self())
	return d.writeOwn(tables.TypeDaemonStart, text, ledger.Start, now)
}

// writeOwn appends a record about the daemon itself and a LEDGER record.
func (d *daemon) writeOwn(t tables.Type, text string, op ledger.Op, now time.Time) error {
	if err := d.trail.Append(d.scribe.appendOwn(nil, t, text, now), 1); err != nil {
		return err
	}
	if err := d.trail.Seal(d.scribe.seal(op, ledger.Loss{}, now)); err != nil {
		return err
	}
	d.ledger.Written(2)
	return nil
}

func (d *daemon) attachConsole() error {
	if d.o.Output.Kind == output.None {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		d.log.Warn("the host's name is not known: host.name is left out", "err", err)
	}
	options := d.o.Output
	options.Host, options.Names = host, d.names
	if d.o.Output.Kind == output.Text {
		options.Hide = housekeeping(os.Getpid())
	}
	c, err := newConsole(d.trail, d.o.Stdout, options, d.log)
	d.console = c
	return err
}

func (d *daemon) openConsole(context.Context) error {
	if d.console == nil && d.o.Output.Kind != output.None {
		d.log.Warn("nothing will be printed: the output reads the trail, and trail.write is false")
	}
	return nil
}

// openSinks starts what forwards the trail's events.
func (d *daemon) openSinks(ctx context.Context) error {
	if d.trail == nil {
		return nil
	}
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find the host's name: %w", err)
	}
	d.sinks = sinks.New(sinks.Config{
		Trail:    sinks.Trail{Path: d.trail.Path(), Changed: d.trail.Changed, Needs: d.needs},
		StateDir: d.o.StateDir, Machine: machineID(), Host: host, Names: d.names, Version: d.o.Version,
		OnLost: d.unsent, Log: d.log,
	})
	if err := d.sinks.Check(ctx, d.settings.Sinks); err != nil {
		return err
	}
	d.sinks.Apply(ctx, d.settings.Sinks)
	d.later(func() error { d.sinks.Close(0); return nil }) // after what run gives them
	d.control.Answer("POST /sinks/{name}/{op}", func(ctx context.Context, r *http.Request) (any, error) {
		return nil, d.sinks.Do(ctx, r.PathValue("name"), sinks.Op(r.PathValue("op")))
	})
	return nil
}

// unsent books what a sink did not get: of the trail, so of the stream nothing is
// missing.
func (d *daemon) unsent(l forward.Lost) {
	loss := ledger.Loss{
		Reason: ledger.Unsent, Sink: l.Sink, Count: uint64(max(l.Bytes, 0)),
		Since: l.Time, Until: l.Time,
	}
	if l.After.Sec != 0 {
		loss.First, loss.Since = l.After.Serial+1, l.After.Time()
	}
	if l.Before.Sec != 0 {
		loss.Last, loss.Until = l.Before.Serial-1, l.Before.Time()
	}
	d.ledger.Lose(loss)
}

// takeEngine remembers how the engine is before it is changed.
func (d *daemon) takeEngine(ctx context.Context) error {
	holder := d.status.Load()
	if d.settings.Source.Mode == config.Observer || holder == nil {
		d.rules = leaveEngine(d.o.RunDir, d.log)
		return nil
	}
	rules, err := takeEngine(ctx, d.engine, d.settings.Rules, d.o.RunDir, d.tellRules, d.log)
	if err != nil {
		return err
	}
	d.rules = rules
	d.later(func() error { return d.rules.restoreSettings(context.WithoutCancel(ctx)) })
	return nil
}

// openRules loads the rules, last of all: from here on there is something to
// read.
func (d *daemon) openRules(ctx context.Context) error {
	if d.source.Mode() != kernel.Daemon {
		d.log.Info("the rules are left to the audit daemon that is registered")
		d.rules = leaveEngine(d.o.RunDir, d.log)
		return forgetBefore(d.o.RunDir)
	}
	// Put back by leave, before the stream is drained; here only if that was not
	// reached.
	d.later(func() error { return d.rules.restoreRules(context.WithoutCancel(ctx)) })
	if err := d.rules.load(ctx); err != nil {
		return err
	}
	return d.ask(ctx) // so that status tells what has become of the engine
}
