// Package daemon is the composition root of `vigil run`: it puts the rooms
// together into one pipeline, keeps it running and takes it down in order.
package daemon

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"vigil/audit/kernel"
	"vigil/daemon/config"
	"vigil/daemon/control"
	"vigil/daemon/metrics"
	"vigil/daemon/output"
	"vigil/daemon/sinks"
	"vigil/enrich"
	"vigil/ledger"
	"vigil/trail"
)

// Options say what [Run] runs.
type Options struct {
	// Settings reads the configuration: at start, and again on SIGHUP.
	Settings func() (config.Config, error)
	StateDir string         // what outlives a reboot; made if it is missing
	RunDir   string         // control socket, pid file; made if it is missing
	Output   output.Options // what to print; Host, Names and Hide are the daemon's to set
	Stdout   io.Writer
	Version  string // of the program
	Log      *slog.Logger
	// Dial opens a socket to the audit engine, for records and for control; nil
	// opens the kernel's.
	Dial func(context.Context) (kernel.Socket, error)
}

// Run reads the kernel's audit stream until ctx ends, and then puts everything
// back. It returns nil when it ended because ctx did, else why it could not
// start or go on.
func Run(ctx context.Context, o Options) error {
	unix.Umask(0o077)
	d, err := newDaemon(o)
	if err != nil {
		return err
	}
	return d.live(ctx)
}

func newDaemon(o Options) (*daemon, error) {
	settings, err := o.Settings()
	if err != nil {
		return nil, err
	}
	return &daemon{o: o, settings: settings, log: o.Log, since: time.Now(), asked: self(), signals: make(chan os.Signal, 4)}, nil
}

// live is the daemon's life from beginning to end.
func (d *daemon) live(ctx context.Context) error {
	defer d.listen()()
	err := d.open(ctx)
	if err == nil {
		err = d.run(ctx)
	}
	return errors.Join(err, d.close())
}

// daemon is what runs, in the order in which it is opened.
type daemon struct {
	o        Options
	settings config.Config
	log      *slog.Logger
	since    time.Time

	engine     *kernel.Control
	status     atomic.Pointer[kernel.Status] // as last asked
	names      *enrich.Names
	ledger     *ledger.Ledger
	scribe     *scribe
	trail      *trail.Writer // nil: nothing is written
	source     *kernel.Source
	control    *control.Server
	metrics    *metrics.Server // nil: nobody may read them
	console    *console        // nil: nothing is printed
	attributor *attributor     // nil: records do not say whose they are
	needs      *sinks.Needs
	sinks      *sinks.Set // nil: nothing is written, so nothing can be forwarded
	rules      *rules

	signals chan os.Signal

	mu    sync.Mutex
	asked actor // who asked for the rotation under way

	reporting sync.RWMutex // held while the status is made, and for writing to end that
	closed    bool         // what the status is made of is going away; guarded by reporting

	undo []func() error // of open, to be called in reverse order
}

// close takes down what open brought up, the last first.
func (d *daemon) close() error {
	d.reporting.Lock()
	d.closed = true
	d.reporting.Unlock()
	var errs []error
	for i := len(d.undo) - 1; i >= 0; i-- {
		errs = append(errs, d.undo[i]())
	}
	d.undo = nil
	return errors.Join(errs...)
}

func (d *daemon) later(undo func() error) { d.undo = append(d.undo, undo) }

// report is the daemon's status; when it is being taken down, no more than who it
// is.
func (d *daemon) report() Status {
	d.reporting.RLock()
	defer d.reporting.RUnlock()
	s := Status{Version: d.o.Version, PID: os.Getpid(), Since: d.since}
	if d.closed {
		return s
	}
	s.Ledger, s.Trail, s.Rules = d.ledger.Snapshot(), trailStatus(d.trail), d.rules.status()
	s.Attribution = d.attributor.status()
	if d.sinks != nil {
		s.Sinks = d.sinks.Status()
	}
	if d.source != nil {
		s.Mode, s.Why = d.source.Mode().String(), d.source.Why()
		s.Socket = socketStatus(d.source.Stats())
	}
	if k := d.status.Load(); k != nil {
		s.Kernel = kernelStatus(*k)
	}
	return s
}
